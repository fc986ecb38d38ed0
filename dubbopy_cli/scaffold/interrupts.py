"""Ctrl-C and SIGTERM: held back where stopping half-way would leave something behind."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Held:
    """What arrived while signals were held back."""

    def __init__(self) -> None:
        self.pending = False

    def check(self) -> None:
        """Raise KeyboardInterrupt if a signal has arrived."""
        if self.pending:
            raise KeyboardInterrupt

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.pending = True


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as Ctrl-C does, so that its cleaning up is done."""
    with _handlers(signal.default_int_handler):
        yield


@contextmanager
def held() -> Iterator[Held]:
    """Hold signals back; the block calls ``check`` where stopping is safe, and what it leaves unseen is dropped."""
    hold = Held()
    with _handlers(hold._note):
        yield hold


@contextmanager
def _handlers(handler: signal._HANDLER) -> Iterator[None]:
    # Python lets only the main thread set handlers, and only it is interrupted.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # What was started with a signal ignored, as by nohup, goes on ignoring it.
    former = {one: signal.getsignal(one) for one in _SIGNALS if signal.getsignal(one) is not signal.SIG_IGN}
    try:
        for number in former:
            signal.signal(number, handler)
        yield
    finally:
        for number, before in former.items():
            signal.signal(number, before if before is not None else signal.SIG_DFL)
