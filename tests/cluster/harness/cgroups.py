"""The control groups of a cluster: where its pods are limited, and the kernel's own list of its processes.

A process and all that it ever starts are in the group until they end, so that what must be ended is known without
process ids in a file, which a killed program may not have written and which the kernel gives to others later.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil

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


def end(name: str) -> None:
    """End every process of the group, wait until there is none, and remove the group everywhere."""
    ending: set[psutil.Process] = set()

    def gone() -> bool:
        for pid in processes(name):
            try:
                ending.add(psutil.Process(pid))
                os.kill(pid, signal.SIGKILL)
            except (psutil.NoSuchProcess, ProcessLookupError):
                continue
        # A killed program may just have started another: it is ended next time, or finds no group to join.
        return all(_removed(root / name) for root in hierarchies())

    until(gone, f"the end of the processes in {name}", 60)
    # The kernel takes a process from its group before it has let go of all that it holds.
    until(lambda: not any(_lives(process) for process in ending), f"the end of {len(ending)} processes", 60)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _removed(group: Path) -> bool:
    """Remove the group with those in it, the deepest first; tell whether it is gone."""
    for folder in [*sorted((entry for entry in group.rglob("*") if entry.is_dir()), reverse=True), group]:
        try:
            folder.rmdir()
        except FileNotFoundError:
            continue
        except OSError:  # a process is in there, or was and is still counted
            return False
    return True
