"""Plots over time as SVG geometry: lines, marks and axes in the units of a drawing, for a template to write out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 760, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 20, 26
_TICKS = 5

Point = tuple[float, float | None]


@dataclass(frozen=True)
class Line:
    """Values over time; one that is None is a gap. ``kind`` is a class of the template's style."""

    name: str
    kind: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Tick:
    """A place on an axis, and what stands there."""

    at: float
    text: str


@dataclass(frozen=True)
class Plot:
    """One plot; ``marks`` are moments with a name, ``limits`` values with one."""

    title: str
    unit: str
    lines: tuple[Line, ...]
    seconds: float
    marks: tuple[tuple[float, str], ...] = ()
    limits: tuple[tuple[float, str], ...] = ()
    ceiling: float | None = None

    @property
    def top(self) -> float:
        """Return the highest value of the axis: a round one above every value."""
        values = [value for line in self.lines for _, value in line.points if value is not None]
        return self.ceiling or _round_up(max([*values, *(1.2 * value for value, _ in self.limits)], default=1))

    def x(self, seconds: float) -> float:
        """Return where a moment lies."""
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * seconds / (self.seconds or 1), 1)

    def y(self, value: float) -> float:
        """Return where a value lies."""
        return round(HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * min(value, self.top) / self.top, 1)

    def path(self, line: Line) -> str:
        """Return a line as the data of an SVG path, with a gap wherever nothing is known."""
        words = []
        drawn = False
        for seconds, value in line.points:
            if value is not None:
                # A point alone is a line to itself, which round ends make a dot.
                at = f"{self.x(seconds)} {self.y(value)}"
                words.append(f"L{at}" if drawn else f"M{at}L{at}")
            drawn = value is not None
        return "".join(words)

    @property
    def rows(self) -> tuple[Tick, ...]:
        """Return the ticks of the axis of values."""
        values = [self.top * one / _TICKS for one in range(_TICKS + 1)]
        return tuple(Tick(self.y(one), f"{one:.4g} {self.unit}") for one in values)

    @property
    def columns(self) -> tuple[Tick, ...]:
        """Return the ticks of the axis of time."""
        step = _round_up(self.seconds / 8) if self.seconds else 1
        count = math.floor(self.seconds / step)
        return tuple(Tick(self.x(one * step), f"{one * step:g} s") for one in range(count + 1))

    @property
    def frame(self) -> tuple[int, int, int, int]:
        """Return the edges of the field: left, top, right, bottom."""
        return (_LEFT, _TOP, WIDTH - _RIGHT, HEIGHT - _BOTTOM)


def stairs(points: Iterable[tuple[float, float]], end: float) -> tuple[Point, ...]:
    """Return values that hold until the next one, as the points of a line."""
    known = sorted(points)
    found: list[Point] = []
    for number, (seconds, value) in enumerate(known):
        found += [(seconds, value), (known[number + 1][0] if number + 1 < len(known) else end, value)]
    return tuple(found)


def kinds(names: Sequence[str], first: str) -> dict[str, str]:
    """Return a class for each name, the first of them for ``first``."""
    ordered = [first, *(one for one in names if one != first)]
    return {name: f"c{number % 6}" for number, name in enumerate(ordered)}


def _round_up(value: float) -> float:
    """Return the next of 1, 2, 2.5 and 5 times a power of ten."""
    if value <= 0:
        return 1
    power = 10.0 ** math.floor(math.log10(value))
    return next(one * power for one in (1, 2, 2.5, 5, 10) if one * power >= value * (1 - 1e-9))
