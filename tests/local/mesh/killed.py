"""Run one command on a namespace and die by SIGKILL at its n-th change of the machine; prints how many it made.

Run as `python killed.py ROOT N deploy|redeploy|remove PORT`; a change is a file put in place or a request to supervisord.
"""

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from dubbopy_cli.targets.local import files, rpc
from mesh import lab as labs

COMMANDS = {
    "deploy": lambda target: target.deploy(labs.server("v2", "2.0.0", port=int(sys.argv[4]))),
    "redeploy": lambda target: target.deploy(labs.server("v1", f"1.0.{sys.argv[2]}", port=int(sys.argv[4]))),
    "remove": lambda target: target.remove(labs.APP, "v2"),
}


def main():
    root, last, command = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    changes = 0

    def count():
        nonlocal changes
        changes += 1
        if changes == last:
            os.kill(os.getpid(), signal.SIGKILL)

    sync, call = files._sync_folder, rpc.Client.call

    def counting_sync(folder):
        sync(folder)
        count()

    def counting_call(self, method, *arguments):
        answer = call(self, method, *arguments)
        if not method.startswith("get"):
            count()
        return answer

    target = labs.Lab(root).target
    notes = target.recover()
    assert notes == (), notes
    files._sync_folder, rpc.Client.call = counting_sync, counting_call
    COMMANDS[command](target).apply()
    print(changes)


main()
