"""What a run of many calls came to."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(slots=True)
class Report:
    """Counts of calls; every latency is in seconds and of a call that was answered."""

    ids: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0
    method: str = ""
    #: One of the answers, as text in JSON.
    answer: str = ""
    #: What the first failure says.
    message: str = ""

    @property
    def answered(self) -> int:
        """How many calls were answered."""
        return self.ids.total()

    @property
    def failed(self) -> int:
        """How many calls were not."""
        return self.errors.total()

    def as_json(self) -> str:
        """Return the report as one line for programs, with latencies in milliseconds."""
        data = {
            "method": self.method,
            "calls": self.answered + self.failed,
            "ok": self.answered,
            "failed": self.failed,
            "ids": dict(sorted(self.ids.items())),
            "errors": dict(sorted(self.errors.items())),
            "latency_ms": self._milliseconds(),
            "seconds": round(self.seconds, 3),
        }
        if self.answer:
            data["answer"] = json.loads(self.answer)
        if self.message:
            data["error_message"] = self.message
        return json.dumps(data)

    def as_text(self) -> str:
        """Return the report as lines for people."""
        calls = self.answered + self.failed
        counts = [*sorted(self.ids.items()), *sorted(self.errors.items())]
        lines = [
            f"{calls} calls in {self.seconds:.2f} s: {self.answered} answered, {self.failed} failed",
            *(f"  {name:<20} {count:6}  {100 * count / calls:5.1f} %" for name, count in counts),
        ]
        if self.answered:
            figures = (f"{name} {figure:.2f}" for name, figure in self._milliseconds().items())
            lines.append(f"latency in ms: {'  '.join(figures)}")
        return "\n".join(lines)

    def _milliseconds(self) -> dict[str, float]:
        ordered = sorted(self.latencies) or [0.0]
        figures = {
            "min": ordered[0],
            "mean": math.fsum(ordered) / len(ordered),
            "p50": percentile(ordered, 50),
            "p90": percentile(ordered, 90),
            "p99": percentile(ordered, 99),
            "max": ordered[-1],
        }
        return {name: round(seconds * 1000, 3) for name, seconds in figures.items()}


def percentile(ordered: Sequence[float], percent: int) -> float:
    """Return the smallest of the ordered values that so many percent of them do not exceed."""
    return ordered[math.ceil(len(ordered) * percent / 100) - 1]
