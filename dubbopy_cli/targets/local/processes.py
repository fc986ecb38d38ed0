"""Finding and ending the processes of one namespace, and no others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dubbopy_cli.targets.local.paths import MARKER_VARIABLE
from dubbopy_cli.targets.local.waiting import wait_until

if TYPE_CHECKING:
    from psutil import Process

GRACE_SECONDS = 30.0
_KILL_SECONDS = 5.0


def ours(root: Path) -> tuple[Process, ...]:
    """Return every process that carries the marker of the namespace whose state is in ``root``.

    A shell that was opened by such a process, and this command in it, carry it too and are left out.
    """
    import psutil

    me = psutil.Process()
    spared = {me.pid, *(one.pid for one in me.parents())}
    return tuple(one for one in psutil.process_iter() if one.pid not in spared and carries_marker(one, root))


def carries_marker(process: Process, root: Path) -> bool:
    """Tell whether ``process`` was started for the namespace whose state is in ``root``."""
    import psutil

    try:
        return process.environ().get(MARKER_VARIABLE) == str(root) and not gone(process)
    except (psutil.Error, OSError):
        # Somebody else's process, or one that has just ended.
        return False


def by_pid(pid: int, root: Path) -> Process | None:
    """Return the process ``pid`` if it is one of the namespace's, else None: the system gives numbers out again."""
    import psutil

    try:
        process = psutil.Process(pid)
    except (psutil.Error, ValueError):
        return None
    return process if carries_marker(process, root) else None


def end(processes: Iterable[Process], grace: float = GRACE_SECONDS) -> None:
    """Ask the processes to end, and kill those that have not after ``grace`` seconds."""
    left = list(processes)
    for process in left:
        _signal(process.terminate)
    if not wait_until(lambda: all(gone(one) for one in left), grace):
        for process in left:
            _signal(process.kill)
        wait_until(lambda: all(gone(one) for one in left), _KILL_SECONDS)


def end_all(root: Path, grace: float = GRACE_SECONDS) -> None:
    """End every process of the namespace; a supervisor may have started one more while it was being ended."""
    for _ in range(3):
        found = ours(root)
        if not found:
            return
        end(found, grace)


def gone(process: Process) -> bool:
    """Tell whether the process has ended; one that nobody has reaped yet has."""
    import psutil

    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def connections(pid: int, ports: Iterable[int]) -> int:
    """Return how many open TCP connections the process ``pid`` has to ``ports`` of this machine."""
    import psutil

    wanted = set(ports)
    try:
        found = psutil.Process(pid).net_connections(kind="tcp")
    except psutil.Error:
        return 0
    return sum(bool(one.raddr) and one.raddr.port in wanted and one.status == psutil.CONN_ESTABLISHED for one in found)


def _signal(send: Callable[[], None]) -> None:
    import psutil

    with suppress(psutil.NoSuchProcess):
        send()
