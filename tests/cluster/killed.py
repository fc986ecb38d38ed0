"""Run a command line of dubbopy-cli and die by SIGKILL at its n-th change of the cluster.

Run as `python killed.py N after|during WORDS...`: when the n-th program that changes something has ended, or with the
n-th Helm that does at work, which it leaves to itself.
"""

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from dubbopy_cli import process
from dubbopy_cli.cli.main import main

KUBECTL = {"apply", "create", "delete", "patch", "replace"}
HELM = {"install", "rollback", "uninstall", "upgrade"}


def changes(argv, stdin, programs):
    """Tell whether a program changes the cluster; a Lease is renewed by the clock, which cannot be counted."""
    if "can-i" in argv or "--dry-run" in argv or ("replace" in argv and '"kind": "Lease"' in (stdin or "")):
        return False
    return not programs.isdisjoint(argv)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def watched(last, when):
    run, made = process.SubprocessRunner.run, 0
    counted = KUBECTL | HELM if when == "after" else HELM

    def watching(self, argv, *, stdin=None, **options):
        nonlocal made
        change = changes(argv, stdin, counted)
        made += change
        if change and made == last and when == "during":
            process._start(argv, None, None, piped=False)
            die()
        done = run(self, argv, stdin=stdin, **options)
        if change and made == last:
            die()
        return done

    return watching


process.SubprocessRunner.run = watched(int(sys.argv[1]), sys.argv[2])
sys.argv[1:] = sys.argv[3:]
main()
