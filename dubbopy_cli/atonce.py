"""Programs that run at the same time, and end together when nobody waits for them any more."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

_AT_ONCE = 8
_of_thread = threading.local()


@contextmanager
def at_once() -> Iterator[Executor]:
    """Yield a pool of threads, so that programs which tasks run take the time of the slowest one together.

    Ctrl-C reaches the thread that waits for the tasks only: the programs of the others are ended then, and no task
    starts another one.
    """
    programs = _Programs()
    pool = ThreadPoolExecutor(_AT_ONCE, initializer=lambda: setattr(_of_thread, "programs", programs))
    try:
        yield pool
    except Exception:
        raise
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        programs.end()
        raise
    finally:
        pool.shutdown()


@contextmanager
def running(process: subprocess.Popen[str]) -> Iterator[None]:
    """Let a program, the leader of its group, end with the others of its pool; there may be no pool."""
    programs: _Programs | None = getattr(_of_thread, "programs", None)
    if programs is None:
        yield
        return
    programs.add(process)
    try:
        yield
    finally:
        programs.drop(process)


@dataclass
class _Programs:
    """The programs of one pool that run now."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _running: list[subprocess.Popen[str]] = field(default_factory=list)
    _ended: bool = False

    def add(self, process: subprocess.Popen[str]) -> None:
        with self._lock:
            self._running.append(process)
            if self._ended:
                _end(process)

    def drop(self, process: subprocess.Popen[str]) -> None:
        with self._lock:
            self._running.remove(process)

    def end(self) -> None:
        with self._lock:
            self._ended = True
            for one in self._running:
                _end(one)


def _end(process: subprocess.Popen[str]) -> None:
    # Whoever runs it reads on until it has ended.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
