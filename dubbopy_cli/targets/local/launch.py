"""Start one program as its JSON file says; run by supervisord, never imported.

supervisord's own configuration mangles ``%``, ``;`` and ``#`` in arguments and environment; a JSON file does not.
"""

import json
import os
import sys
import time
from contextlib import suppress

# What a program may know of the shell in which the mesh happened to be started first.
INHERITED = (
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LOGNAME",
    "PATH",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "TZ",
    "USER",
)


def main() -> None:
    """Count the start, then become the program."""
    with open(sys.argv[1], encoding="utf-8") as file:  # noqa: PTH123 - pathlib would double the time of a start
        spec = json.load(file)
    # A full disk must not keep the program from starting.
    with suppress(OSError), open(spec["starts"], "a", encoding="utf-8") as counter:  # noqa: PTH123
        counter.write(f"{time.time():.3f} {os.getpid()}\n")
    kept = {key: os.environ[key] for key in INHERITED if key in os.environ}
    os.chdir(spec["cwd"])
    argv = spec["argv"]
    try:
        os.execvpe(argv[0], argv, {**kept, **spec["env"]})  # noqa: S606 - an argv, no shell
    except OSError as error:
        sys.exit(f"{argv[0]} cannot be started: {error.strerror}")


if __name__ == "__main__":
    main()
