"""Conditions that end a shift, such as ``errors>1%`` and ``p99>200ms``, held against the calls of a step."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from dubbopy_cli.errors import UsageError
from dubbopy_cli.traffic.counters import Counts

State = Literal["ok", "breach", "too-few"]
_PERCENTILES = ("50", "90", "95", "99")
_FORM = re.compile(
    r"\s*(?:errors\s*>\s*(?P<errors>[0-9]+(?:\.[0-9]+)?)\s*(?P<percent>%?)"
    rf"|p(?P<percentile>{'|'.join(_PERCENTILES)})\s*>\s*(?P<time>[0-9]+(?:\.[0-9]+)?)\s*(?P<unit>ms|s))\s*"
)


@dataclass(frozen=True)
class Condition:
    """More than ``share`` of the calls being bad, or more than ``count`` of them where that is not None.

    A call is bad that took longer than ``slow`` milliseconds, or that failed where that is None: the 99th percentile
    lies above 200 ms exactly if more than 1 % of the calls took longer.
    """

    text: str
    share: Fraction = Fraction(0)
    count: int | None = None
    slow: float | None = None

    @property
    def needed(self) -> int:
        """Return how many calls it takes until a single bad one is none too many."""
        return 1 if self.count is not None or not self.share else math.ceil(1 / self.share)

    def bad(self, counts: Counts) -> int:
        """Return how many calls are bad."""
        return counts.errors if self.slow is None else counts.slower(self.slow)

    def breached(self, counts: Counts, needed: int) -> bool:
        """Tell whether it holds; before ``needed`` calls only if no good ones that may follow could change that."""
        if self.count is not None:
            return self.bad(counts) > self.count
        return self.bad(counts) > self.share * max(counts.calls, needed)

    def told(self, counts: Counts, version: str) -> str:
        """Return what was seen, in words."""
        bad = f"{self.bad(counts)} of {counts.calls} calls of {version}"
        return f"{bad} failed" if self.slow is None else f"{bad} took longer than {self.slow:g} ms"


@dataclass(frozen=True)
class Judgement:
    """What the calls of a step say; ``condition`` is the one that is breached or that wants the most calls."""

    state: State
    needed: int = 0
    condition: Condition | None = None


def condition(text: str) -> Condition:
    """Return the condition that ``text`` states; UsageError for anything else."""
    found = _FORM.fullmatch(text)
    if not found:
        raise UsageError(
            "usage",
            f"'{text}' is no condition: errors>1%, errors>5 or p50, p90, p95, p99 above a time",
            hint="--abort-if 'errors>1%' --abort-if 'p99>200ms'",
        )
    plain = re.sub(r"\s", "", text)
    if found["percentile"]:
        slow = float(found["time"]) * (1000 if found["unit"] == "s" else 1)
        return Condition(plain, 1 - Fraction(found["percentile"]) / 100, slow=slow)
    if found["percent"]:
        share = Fraction(found["errors"]) / 100
        if share < 1:
            return Condition(plain, share)
    elif found["errors"].isdigit():
        return Condition(plain, count=int(found["errors"]))
    raise UsageError(
        "usage",
        f"'{text}' can never hold, or counts parts of a call",
        hint="a percentage below 100, such as errors>0.5%, or a whole number of calls, such as errors>5",
    )


def judge(conditions: Iterable[Condition], counts: Counts, minimum: int | None = None) -> Judgement:
    """Hold the conditions against the calls of a step.

    ``minimum`` is how many calls are enough, for those who have few; by default as many as the conditions need.
    """
    known = tuple(conditions)
    for one in known:
        if one.breached(counts, one.needed if minimum is None else minimum):
            return Judgement("breach", condition=one)
    if not known:
        return Judgement("ok")
    greediest = max(known, key=lambda one: one.needed)
    needed = greediest.needed if minimum is None else minimum
    return Judgement("too-few" if counts.calls < needed else "ok", needed, greediest)


def decide(judgement: Judgement, elapsed: float, interval: float, patience: float) -> Literal["wait", "next", "abort"]:
    """Return what follows after ``elapsed`` seconds of a step; too few calls are waited for, ``patience`` at most."""
    if judgement.state == "breach":
        return "abort"
    if elapsed < interval:
        return "wait"
    if judgement.state == "too-few":
        return "abort" if elapsed >= max(patience, interval) else "wait"
    return "next"
