"""The steps of a shift: which percentages a version gets in turn, and what the others keep."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dubbopy_cli.errors import UsageError

DEFAULT = "5,25,50,100"


@dataclass(frozen=True)
class Move:
    """One step: the percentage of the version that is shifted to, and the weights of all of them, which sum to 100."""

    percent: int
    weights: Mapping[str, int]

    @property
    def text(self) -> str:
        """Return the weights in words."""
        return ", ".join(f"{version} {weight} %" for version, weight in self.weights.items() if weight)


def percentages(text: str) -> tuple[int, ...]:
    """Return the percentages of ``5,25,50,100``: whole, rising, at most 100; UsageError for anything else.

    They need not end at 100: a shift may leave a version at its part.
    """
    words = [one.strip() for one in text.split(",")]
    found = tuple(int(one) if re.fullmatch(r"[0-9]{1,3}", one) else 0 for one in words)
    rising = all(before < after for before, after in zip((0, *found), found, strict=False))
    if not rising or found[-1] > 100:
        raise UsageError(
            "usage", f"'{text}' are no steps: whole percentages from 1 to 100, each above the one before", hint=DEFAULT
        )
    return found


def moves(steps: Iterable[int], to: str, shares: Mapping[str, float], ready: Mapping[str, int]) -> tuple[Move, ...]:
    """Return the steps that are above what ``to`` has already.

    ``shares`` is what each version gets now. The others keep the rest in the proportion in which they have it; where
    none of them has any, ready instances decide.
    """
    total = sum(shares.values())
    has = 100 * shares.get(to, 0) / total if total else 0
    others = {version: share for version, share in shares.items() if version != to and share}
    if not others and not has:
        others = {version: float(count) for version, count in ready.items() if version != to and count}
    return tuple(Move(step, _weights(step, to, others)) for step in steps if step > has and (others or step == 100))


def _weights(step: int, to: str, others: Mapping[str, float]) -> dict[str, int]:
    """Return whole weights; what rounding leaves goes to those that lost most by it."""
    total = sum(others.values())
    exact = {version: (100 - step) * share / total for version, share in others.items()}
    found = {version: int(share) for version, share in exact.items()}
    by_loss = sorted(exact, key=lambda one: (found[one] - exact[one], one))
    for version in by_loss[: 100 - step - sum(found.values())]:
        found[version] += 1
    return dict(sorted({**found, to: step}.items()))
