"""Binomial tails by plain summation: as exact as floating point is, for a million calls in milliseconds."""

from __future__ import annotations

from math import exp, fsum, lgamma, log, log1p

# Terms below this share of the largest one change no sum that a double could show.
_NEGLIGIBLE = 1e-40


def plausible(calls: int, share: float, alpha: float) -> tuple[int, int]:
    """Return the fewest and most calls that do not speak against ``share``.

    Either tail beyond them has at most ``alpha / 2``: the acceptance region of the exact two-sided test.
    """
    if share <= 0 or share >= 1 or calls == 0:
        certain = calls if share >= 1 else 0
        return certain, certain
    first, weights = _weights(calls, share)
    limit = fsum(weights) * alpha / 2
    return first + _cut(weights, limit), first + len(weights) - 1 - _cut(weights[::-1], limit)


def power(calls: int, share: float, truth: float, alpha: float) -> float:
    """Return the chance that ``calls`` speak against ``share`` when ``truth`` is the share."""
    lowest, highest = plausible(calls, share, alpha)
    return 1 - between(lowest, highest, calls, truth)


def between(lowest: int, highest: int, calls: int, share: float) -> float:
    """Return the chance of ``lowest`` to ``highest`` calls, both included."""
    if share <= 0 or share >= 1 or calls == 0:
        certain = calls if share >= 1 else 0
        return 1.0 if lowest <= certain <= highest else 0.0
    first, weights = _weights(calls, share)
    inside = weights[max(lowest - first, 0) : max(highest - first + 1, 0)]
    return fsum(inside) / fsum(weights)


def interval(seen: int, calls: int, alpha: float) -> tuple[float, float]:
    """Return the shares that ``seen`` of ``calls`` do not speak against (Clopper and Pearson)."""
    if calls == 0:
        return 0.0, 1.0
    low = 0.0 if seen == 0 else _quantile(seen, calls - seen + 1, alpha / 2)
    high = 1.0 if seen == calls else _quantile(seen + 1, calls - seen, 1 - alpha / 2)
    return low, high


def _weights(calls: int, share: float) -> tuple[int, list[float]]:
    """Return the binomial terms around the mode, in units of the largest one, and the count the first stands for.

    Neighbours are multiplied out from the mode, so no factorial is needed and nothing cancels.
    """
    mode = min(int((calls + 1) * share), calls)
    odds = share / (1 - share)
    above, below = [1.0], []
    count, weight = mode, 1.0
    while count < calls and weight > _NEGLIGIBLE:
        weight *= (calls - count) / (count + 1) * odds
        count += 1
        above.append(weight)
    count, weight = mode, 1.0
    while count > 0 and weight > _NEGLIGIBLE:
        weight *= count / (calls - count + 1) / odds
        count -= 1
        below.append(weight)
    return mode - len(below), [*reversed(below), *above]


def _cut(weights: list[float], limit: float) -> int:
    """Return how many terms from the start stay within ``limit`` together."""
    total = 0.0
    for index, weight in enumerate(weights):
        total += weight
        if total > limit:
            return index
    return len(weights) - 1


def _quantile(a: int, b: int, chance: float) -> float:
    """Return where the beta distribution reaches ``chance``, by halving."""
    low, high = 0.0, 1.0
    while high - low > 1e-12:
        middle = (low + high) / 2
        if _beta(middle, a, b) < chance:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _beta(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function, by its continued fraction (DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta(1 - x, b, a)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    value, c, d = 1.0, 1.0, 0.0
    for step in range(100_000):
        m = step // 2
        if step == 0:
            factor = 1.0
        elif step % 2 == 0:
            factor = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        else:
            factor = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1 / ((1 + factor * d) or 1e-300)
        c = (1 + factor / c) or 1e-300
        value *= c * d
        if step and abs(1 - c * d) < 1e-14:
            break
    return front * (value - 1)
