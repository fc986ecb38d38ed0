"""What a shift shows: its steps as a table, the one it is at as a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubbopy_cli.cli import views

if TYPE_CHECKING:
    from dubbopy_cli.traffic.counters import Counts
    from dubbopy_cli.traffic.shift.record import Shift
    from dubbopy_cli.traffic.shift.story import Stage, Story

_STATES = {"ok": "ok", "breach": "breach", "too-few": "too few calls"}


def table(story: Story) -> str:
    """Return the steps so far, one a line."""
    to = story.shift.to
    lines = [
        f"{'step':>6} {'time':>7} {'calls':>8} {'of ' + to:>8} {'share':>8} {'errors':>7} {'p50':>8} {'p99':>8}  state"
    ]
    for one in story.stages:
        counts, share = one.counted.of(to), one.counted.shares().get(to, 0.0)
        lines.append(
            f"{one.move.percent:>4} % {one.counted.seconds:>5.0f} s {one.counted.calls:>8} {counts.calls:>8}"
            f" {share:>7.2f}% {counts.errors:>7} {duration(counts, 50):>8} {duration(counts, 99):>8}  {state(one)}"
        )
    return "\n".join(lines)


def frame(story: Story) -> str:
    """Return what a terminal shows while the shift goes on."""
    if not story.stages:
        return ""
    now, to = story.stages[-1], story.shift.to
    share = now.counted.shares().get(to, 0.0)
    left = max(story.shift.interval - now.counted.seconds, 0)
    return "\n".join(
        [
            table(story),
            "",
            f"{to} {views.bar(share)} {share:.2f} % of the calls seen, {now.move.percent} % wanted",
            f"at least {left:.0f} s more at {now.move.percent} %; Ctrl-C goes back to the former rules",
        ]
    )


def line(stage: Stage, to: str) -> str:
    """Return how a step stands."""
    counts, share = stage.counted.of(to), stage.counted.shares().get(to, 0.0)
    text = f"{stage.counted.seconds:.0f} s: {to} got {counts.calls} calls ({share:.2f} %), {counts.errors} failed"
    if counts.latency:
        text += f", p50 {duration(counts, 50)}, p99 {duration(counts, 99)}"
    return f"{text}: {state(stage)}"


def state(stage: Stage) -> str:
    """Return what the calls of a step say."""
    found = stage.judgement
    text = _STATES[found.state]
    if found.state == "too-few":
        return f"{text}, {found.needed} are needed"
    return f"{text} ({found.condition.text})" if found.state == "breach" and found.condition else text


def planned(shift: Shift) -> str:
    """Return the steps that a shift would take."""
    lines = [f"{one.percent:>4} %: {one.text}, for {shift.interval:g} s" for one in shift.moves]
    judged = ", ".join(one.text for one in shift.conditions)
    return "\n".join([*lines, f"back to the former rules if {judged}" if judged else "no condition would stop it"])


def duration(counts: Counts, percent: float) -> str:
    """Return the time within which so many in a hundred calls ended; empty where nothing is known."""
    found = counts.percentile(percent)
    return "" if found is None else "<1 ms" if found < 1 else f"{found:.0f} ms"
