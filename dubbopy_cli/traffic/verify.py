"""Do the counts that were seen fit the shares that the rules ask for? Exact, and never yes on too few calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from dubbopy_cli.errors import UsageError
from dubbopy_cli.traffic.binomial import interval, plausible, power

Result = Literal["pass", "fail", "undecided"]

# Calls suffice when a share that is off by this much would be found out nine times in ten.
RESOLUTION = 0.05
POWER = 0.9
_MOST_CALLS = 10**9


@dataclass(frozen=True)
class VersionVerdict:
    """One version: calls seen, the counts that the expected share makes plausible, and the shares the count does."""

    version: str
    seen: int
    expected: float
    lowest: int
    highest: int
    share_low: float
    share_high: float
    fits: bool


@dataclass(frozen=True)
class Verdict:
    """The answer, version by version; ``calls_needed`` is how many calls would have decided it."""

    result: Result
    calls: int
    calls_needed: int
    confidence: float
    versions: tuple[VersionVerdict, ...]
    reason: str

    def __bool__(self) -> bool:
        return self.result == "pass"


def verify(
    counts: Mapping[str, int], expected: Mapping[str, Fraction | float], *, confidence: float = 0.999
) -> Verdict:
    """Compare calls counted by version with the shares expected, by exact binomial tests.

    ``expected`` holds shares or weights; they are divided by their sum. The chance of a false alarm, 1 - confidence,
    is shared out over the versions. ``undecided``: nothing speaks against it, but with so few calls nothing would.
    """
    shares = _normalised(expected)
    if not 0 < confidence < 1 or any(count < 0 for count in counts.values()):
        raise UsageError(
            "usage", "confidence lies between 0 and 1, and no count is negative", hint="--confidence 0.999"
        )
    calls = sum(counts.values())
    alpha = (1 - confidence) / max(1, len(shares))
    names = sorted(set(shares) | {one for one, count in counts.items() if count})
    versions = tuple(_version(one, counts.get(one, 0), calls, shares.get(one, 0.0), alpha) for one in names)
    needed = calls_needed(expected, confidence=confidence)
    wrong = [one for one in versions if not one.fits]
    if wrong:
        result: Result = "fail"
        reason = "; ".join(_complaint(one) for one in wrong)
    elif calls < needed:
        result = "undecided"
        reason = f"{calls} calls are too few to tell: {needed} are needed"
    else:
        result = "pass"
        reason = f"{calls} calls fit the expected shares"
    return Verdict(result, calls, needed, confidence, versions, reason)


def calls_needed(
    expected: Mapping[str, Fraction | float],
    other: Mapping[str, Fraction | float] | None = None,
    *,
    confidence: float = 0.999,
    resolution: float = RESOLUTION,
) -> int:
    """Return how many calls tell ``expected`` from ``other``, as 90/10 from 85/15.

    Without ``other``: from every share that is off by ``resolution``, and from a version that gets no call at all.
    """
    shares = _normalised(expected)
    alpha = (1 - confidence) / max(1, len(shares))
    if other is not None:
        rivals = _normalised(other)
        pairs = [(shares.get(one, 0.0), rivals.get(one, 0.0)) for one in {*shares, *rivals}]
        # One version that is found out is enough.
        return min((_calls(share, rival, alpha) for share, rival in pairs if share != rival), default=0)
    needed = 1
    for share in shares.values():
        for rival in (share - resolution, share + resolution, 0.0):
            if 0 <= rival <= 1 and rival != share:
                needed = max(needed, _calls(share, rival, alpha))
    return needed


def _calls(share: float, rival: float, alpha: float) -> int:
    """Return about the fewest calls with which ``rival`` would be found out; by doubling, then halving."""
    high = 1
    while high < _MOST_CALLS and not _found_out(high, share, rival, alpha):
        high *= 2
    low = high // 2
    while low + 1 < high:
        middle = (low + high) // 2
        if _found_out(middle, share, rival, alpha):
            high = middle
        else:
            low = middle
    return high


def _found_out(calls: int, share: float, rival: float, alpha: float) -> bool:
    # Where no chance is involved on our side, being sure costs few calls.
    wanted = POWER if 0 < share < 1 else 1 - alpha
    return power(calls, share, rival, alpha) >= wanted


def _version(version: str, seen: int, calls: int, share: float, alpha: float) -> VersionVerdict:
    lowest, highest = plausible(calls, share, alpha)
    low, high = interval(seen, calls, alpha)
    return VersionVerdict(version, seen, share, lowest, highest, low, high, lowest <= seen <= highest)


def _complaint(one: VersionVerdict) -> str:
    span = str(one.lowest) if one.lowest == one.highest else f"{one.lowest} to {one.highest}"
    return f"{one.version} got {one.seen} calls where {span} would be plausible for {one.expected:.4g}"


def _normalised(expected: Mapping[str, Fraction | float]) -> dict[str, float]:
    total = sum((Fraction(share) for share in expected.values()), Fraction(0))
    if total <= 0 or any(share < 0 for share in expected.values()):
        raise UsageError(
            "usage", "no expected share is negative, and not all of them are zero", hint="--expect v1=90,v2=10"
        )
    return {version: float(Fraction(share) / total) for version, share in expected.items()}
