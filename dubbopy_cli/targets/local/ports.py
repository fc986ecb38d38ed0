"""Ports on the loopback interface."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Collection

from dubbopy_cli.errors import PreflightError

LOOPBACK = "127.0.0.1"
# Below the ports that Linux and macOS hand to outgoing connections, so that a restarted instance finds its own free.
FIRST, LAST = 21000, 29999
_LETTING_GO_SECONDS = 5.0


def is_free(port: int) -> bool:
    """Tell whether a program could listen on ``port`` of 127.0.0.1 now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do, so that connections that are still in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
        return True


def stays_taken(port: int) -> bool:
    """Tell whether ``port`` is held by somebody else.

    What was just killed lets go of its own within a moment: the first of its threads may be gone before the others.
    """
    end = time.monotonic() + _LETTING_GO_SECONDS
    while not is_free(port):
        if time.monotonic() >= end:
            return True
        time.sleep(0.02)
    return False


def choose(taken: Collection[int], wish: int = 0) -> int:
    """Return ``wish`` if it is free, else another free port that is not among ``taken``.

    Raises PreflightError ``port-none`` when there is none.
    """
    if wish and wish not in taken and is_free(wish):
        return wish
    start = secrets.randbelow(LAST - FIRST + 1)
    for offset in range(LAST - FIRST + 1):
        port = FIRST + (start + offset) % (LAST - FIRST + 1)
        if port not in taken and is_free(port):
            return port
    raise PreflightError(
        "port-none",
        f"no port from {FIRST} to {LAST} is free on {LOOPBACK}",
        hint="end some of the programs that hold them: ss -ltnp",
    )
