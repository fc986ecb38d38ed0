"""Time two things in turn, A B A B ..., so that a machine whose speed drifts slows both."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence


def command(argv: Sequence[str], **options) -> Callable[[], float]:
    """Return a function that runs ``argv`` and gives its wall time in seconds."""
    env = compiled(options.pop("env", os.environ))

    def run() -> float:
        start = time.perf_counter()
        subprocess.run(argv, check=True, capture_output=True, env=env, **options)
        return time.perf_counter() - start

    return run


def compiled(env: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which Python keeps what it compiles, as every user's does."""
    return {key: value for key, value in env.items() if key != "PYTHONDONTWRITEBYTECODE"}


def ratio(name: str, ours: Callable[[], float], peer: Callable[[], float], *, runs: int = 15) -> float:
    """Print and return the median of ours/peer over pairs, after one warm-up of each."""
    ours()
    peer()
    pairs = [(ours(), peer()) for _ in range(runs)]
    value = statistics.median(mine / theirs for mine, theirs in pairs)
    mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"{name}: {value:.2f}x (medians {mine * 1000:.1f} ms against {theirs * 1000:.1f} ms, {runs} pairs)")
    return value
