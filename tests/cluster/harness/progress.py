"""Say what happens, and wait for what shall happen."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

_STARTED = time.monotonic()


class HarnessError(Exception):
    """The cluster cannot be had; the message says why and where to look."""


def say(text: str) -> None:
    """Write a line with the seconds since the start to stderr; stdout is for results."""
    print(f"[{time.monotonic() - _STARTED:6.1f} s] {text}", file=sys.stderr, flush=True)


def until(
    condition: Callable[[], object], what: str, limit: float = 120, alive: Callable[[], None] = lambda: None
) -> None:
    """Wait until the condition is true; OSError counts as not yet.

    ``alive`` raises when there is nothing left to wait for. HarnessError after ``limit`` seconds.
    """
    end = time.monotonic() + limit
    last: OSError | None = None
    while True:
        alive()
        try:
            if condition():
                return
        except OSError as error:
            last = error
        if time.monotonic() > end:
            raise HarnessError(f"not within {limit:g} s: {what}" + (f" ({last})" if last else ""))
        time.sleep(0.1)
