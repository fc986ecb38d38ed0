"""The report of a shift: one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dubbopy_cli import __version__
from dubbopy_cli.cli.traffic import shiftviews
from dubbopy_cli.cli.traffic.plots import Line, Plot, Point, kinds, stairs
from dubbopy_cli.traffic.counters import NOBODY, Counts, Interval, total

if TYPE_CHECKING:
    from dubbopy_cli.console import Console
    from dubbopy_cli.traffic.shift.story import Sample, Story

_TEMPLATE = Path(__file__).with_name("shiftreport.html.jinja")
# More points than a plot has places for would only make the file large.
_POINTS = 240


def write(console: Console, story: Story, path: Path, command: str) -> None:
    """Write the report; a file that cannot be written is a warning, for the shift itself is over."""
    try:
        path.write_text(render(story, command), encoding="utf-8")
    except OSError as error:
        console.warn(f"the report {path} cannot be written: {error.strerror}")
        return
    console.say(f"report: {path}")


def render(story: Story, command: str) -> str:
    """Return the report as HTML."""
    from jinja2 import Environment, StrictUndefined

    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    versions = sorted({*(version for one in story.samples for version in one.counted.versions), story.shift.to})
    return template.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        story=story,
        shift=story.shift,
        command=command,
        version=__version__,
        began=datetime.fromtimestamp(story.started).astimezone().isoformat(sep=" ", timespec="seconds"),
        names={one: one or "no version" for one in versions},
        kinds=kinds(versions, story.shift.to),
        plots=_plots(story, versions),
        state=shiftviews.state,
        time=shiftviews.duration,
    )


def _plots(story: Story, versions: Sequence[str]) -> tuple[Plot, ...]:
    samples = _thinned(story.samples)
    end = samples[-1].at if samples else 0.0
    marks = tuple((one.began, f"{one.move.percent} %") for one in story.stages)
    style = kinds(versions, story.shift.to)

    def lines(value: Callable[[Interval, str], float | None], kind: str = "") -> tuple[Line, ...]:
        found = []
        for one in versions:
            points: tuple[Point, ...] = tuple((sample.at, value(sample.counted, one)) for sample in samples)
            found.append(Line(one or "no version", f"{style[one]}{kind}", points))
        return tuple(found)

    def plot(title: str, unit: str, drawn: tuple[Line, ...], **more: object) -> Plot:
        return Plot(title, unit, drawn, end, marks, **more)  # type: ignore[arg-type]

    wanted = Line("wanted", "wanted", stairs([(one.began, one.move.percent) for one in story.stages], end))
    errors = tuple((float(one.share) * 100, one.text) for one in story.shift.conditions if not one.slow and one.share)
    slow = tuple((one.slow, one.text) for one in story.shift.conditions if one.slow)
    return (
        plot("Share of the calls", "%", (wanted, *lines(_share)), ceiling=100.0),
        plot("Calls that failed", "%", lines(_errors), limits=errors),
        plot("Latency: p99, and p50 dotted", "ms", (*lines(_p99), *lines(_p50, " dotted")), limits=slow),
    )


def _share(interval: Interval, version: str) -> float | None:
    return interval.shares().get(version, 0.0) if version != NOBODY and interval.shares() else None


def _errors(interval: Interval, version: str) -> float | None:
    counts = interval.of(version)
    return 100 * counts.error_share if counts.calls else None


def _p99(interval: Interval, version: str) -> float | None:
    return _latency(interval.of(version), 99)


def _p50(interval: Interval, version: str) -> float | None:
    return _latency(interval.of(version), 50)


def _latency(counts: Counts, percent: float) -> float | None:
    return counts.percentile(percent) if counts.calls else None


def _thinned(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """Return at most so many samples as a plot can show, each the sum of neighbours of the same step."""
    from dubbopy_cli.traffic.shift.story import Sample

    size = -(-len(samples) // _POINTS)
    found: list[Sample] = []
    group: list[Sample] = []
    for number, one in enumerate(samples):
        group.append(one)
        last = number + 1 == len(samples) or samples[number + 1].percent != one.percent
        if len(group) == size or last:
            found.append(Sample(one.at, one.percent, total(each.counted for each in group)))
            group = []
    return tuple(found)
