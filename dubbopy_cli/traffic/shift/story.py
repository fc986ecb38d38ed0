"""What happened in a shift: its steps and what was counted in them, as data for views and reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dubbopy_cli.traffic.counters import Counts, Interval
from dubbopy_cli.traffic.shift.conditions import Judgement
from dubbopy_cli.traffic.shift.record import Shift
from dubbopy_cli.traffic.shift.steps import Move

Result = Literal["under way", "done", "aborted", "interrupted", "failed"]


@dataclass(frozen=True)
class Stage:
    """One step as it went: when it began, in seconds since the shift did, what was counted, what that says.

    It is ``over`` once the next one may begin.
    """

    move: Move
    began: float
    counted: Interval
    judgement: Judgement
    over: bool = False


@dataclass(frozen=True)
class Sample:
    """What was counted up to a moment since the one before; times in seconds since the shift began."""

    at: float
    percent: int
    counted: Interval


@dataclass(frozen=True)
class Story:
    """A shift from its beginning, or from where it was resumed; ``started`` is in seconds since the epoch."""

    shift: Shift
    started: float
    result: Result = "under way"
    reason: str = ""
    stages: tuple[Stage, ...] = ()
    samples: tuple[Sample, ...] = ()


def data(story: Story) -> dict[str, object]:
    """Return the story without its samples as JSON values; shares in percent, times in seconds, latency in ms."""
    shift = story.shift
    return {
        "application": shift.application,
        "to": shift.to,
        "result": story.result,
        "reason": story.reason,
        "conditions": [one.text for one in shift.conditions],
        "steps": [_stage(one) for one in story.stages],
    }


def _stage(stage: Stage) -> dict[str, object]:
    shares = stage.counted.shares()
    return {
        "percent": stage.move.percent,
        "weights": dict(stage.move.weights),
        "seconds": round(stage.counted.seconds, 1),
        "state": stage.judgement.state,
        "calls_needed": stage.judgement.needed,
        "versions": counts_data(stage.counted.versions, shares),
    }


def counts_data(versions: Mapping[str, Counts], shares: Mapping[str, float]) -> list[dict[str, object]]:
    """Return counts by version as JSON values; the version is empty for calls that none took."""
    return [
        {
            "version": version,
            "calls": one.calls,
            "share": round(shares.get(version, 0.0), 2),
            "errors": one.errors,
            "latency_ms": {f"p{rank}": one.percentile(rank) for rank in (50, 90, 95, 99)} if one.latency else {},
        }
        for version, one in versions.items()
        if one.calls
    ]
