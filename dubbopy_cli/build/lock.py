"""One command at a time in a build folder, until what it built has been copied away."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dubbopy_cli.errors import ConflictError
from dubbopy_cli.project import Project

# As long as a first build may take.
_SECONDS = 1800.0


@contextmanager
def held(project: Project, say: Callable[[str], None], *, seconds: float = _SECONDS) -> Iterator[None]:
    """Hold the project's build folder; ConflictError ``busy`` if another command has it for more than ``seconds``.

    The folder itself is locked: no file is left in it, and a killed command leaves no lock.
    """
    project.build_dir.mkdir(exist_ok=True)
    folder = os.open(project.build_dir, os.O_RDONLY)
    try:
        if not _taken(folder):
            say(f"waiting for another command that builds in {project.build_dir}")
            deadline = time.monotonic() + seconds
            while not _taken(folder):
                if time.monotonic() > deadline:
                    raise ConflictError(
                        "busy",
                        f"another command has been building in {project.build_dir} for more than {seconds:g} s",
                        hint="look for it with: ps -ef | grep dubbopy",
                    )
                time.sleep(0.05)
        yield
    finally:
        os.close(folder)


def _taken(folder: int) -> bool:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
