"""The control groups of a cluster: where its pods are limited, and the kernel's own list of its processes.

A process and all that it ever starts are in the group until they end, so that what must be ended is known without
process ids in a file, which a killed program may not have written and which the kernel gives to others later.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.cluster.harness.progress import HarnessError, until

DAEMONS = "daemons"


def hierarchies() -> list[Path]:
    """Return where control groups are mounted: in several places for version 1, in one for version 2."""
    found: dict[int, Path] = {}
    for line in Path("/proc/mounts").read_text().splitlines():
        _, target, kind, *_ = line.split()
        # Version 2 may be mounted beside version 1, without controllers; runc uses it then as well.
        if kind in {"cgroup", "cgroup2"}:
            found.setdefault(Path(target).stat().st_dev, Path(target))
    if not found:
        raise HarnessError("no control groups are mounted below /sys/fs/cgroup")
    return list(found.values())


def create(name: str) -> None:
    """Make the group everywhere, with a leaf for the daemons; pods get theirs beside it."""
    for root in hierarchies():
        for folder in (root / name, root / name / DAEMONS):
            folder.mkdir(exist_ok=True)
            # In version 1 a group without processors and memory nodes takes no process.
            for setting in ("cpuset.cpus", "cpuset.mems"):
                if (folder / setting).exists() and (folder.parent / setting).exists():
                    (folder / setting).write_text((folder.parent / setting).read_text())


def joining(name: str) -> Callable[[], None]:
    """Return what a child process calls, before its program, to be in the group."""
    entries = [str(root / name / DAEMONS / "cgroup.procs") for root in hierarchies()]

    def join() -> None:
        for entry in entries:
            descriptor = os.open(entry, os.O_WRONLY)
            os.write(descriptor, b"0")
            os.close(descriptor)

    return join


def processes(name: str) -> set[int]:
    """Return the process ids in the group and below it."""
    found: set[int] = set()
    for root in hierarchies():
        for entry in (root / name).rglob("cgroup.procs"):
            try:
                found |= {int(pid) for pid in entry.read_text().split()}
            except OSError:  # removed while it was read
                continue
    return found - {0}


def kill(name: str) -> None:
    """End every process of the group at once, and wait until there is none."""

    def none_left() -> bool:
        left = processes(name)
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        return not left

    until(none_left, f"the end of the processes in {name}", 60)


def remove(name: str) -> None:
    """Remove the empty group everywhere."""
    for root in hierarchies():
        # Deepest first; the files in a group go with it.
        folders = sorted((entry for entry in (root / name).rglob("*") if entry.is_dir()), reverse=True)
        for folder in [*folders, root / name]:
            until(partial(_removed, folder), f"{folder} can be removed", 30)


def _removed(folder: Path) -> bool:
    """Remove the folder; OSError while the kernel still counts an ended process in it."""
    if folder.exists():
        folder.rmdir()
    return True
