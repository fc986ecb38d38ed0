"""`traffic show -w`: who really gets the calls, beside what the rules want."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from dubbopy_cli.cli import views
from dubbopy_cli.cli.traffic.shiftviews import duration
from dubbopy_cli.traffic.counters import NOBODY, Counters, Interval, between, total
from dubbopy_cli.traffic.shift.story import counts_data

if TYPE_CHECKING:
    from dubbopy_cli.targets.base import Application, Target

WINDOW_SECONDS = 10.0
_TICK_SECONDS = 1.0
# What is deployed changes seldom, and a cluster takes seconds to say it.
_APPLICATION_SECONDS = 5.0


@dataclass(frozen=True)
class Look:
    """An application and the calls that it got within the last seconds."""

    application: Application
    counted: Interval
    time: float


def looks(target: Target, application: Application) -> Iterator[Look]:
    """Yield what is seen once a second; UnreachableError ``counters-missing`` when nobody counts."""
    from dubbopy_cli.cli.options import find_server

    pieces: list[Interval] = []
    before: Counters | None = None
    looked = time.monotonic()
    while True:
        after = target.counters(application.name)
        if before is not None:
            piece = between(before, after)
            # What was counted before a proxy was started again is no part of what is seen now.
            pieces = [piece] if piece.lost else _recent([*pieces, piece])
        if time.monotonic() - looked >= _APPLICATION_SECONDS:
            application = find_server(target, application.name)
            looked = time.monotonic()
        yield Look(application, total(pieces), after.time)
        before = after
        time.sleep(_TICK_SECONDS)


def text(look: Look) -> str:
    """Return what a person sees."""
    application, counted = look.application, look.counted
    shares, wanted = counted.shares(), views.default_shares(application)
    lines = [f"{application.name}  {application.address}  {counted.calls} calls in the last {counted.seconds:.0f} s"]
    for release in application.releases:
        counts, share = counted.of(release.version), shares.get(release.version, 0.0)
        line = (
            f"  {release.version}  {release.ready}/{release.replicas} ready  {views.bar(share)} {share:>6.2f} % seen,"
            f" {wanted.get(release.version, 0):g} % wanted  {counts.calls} calls, {counts.errors} failed"
        )
        lines.append(line + (f", p50 {duration(counts, 50)}, p99 {duration(counts, 99)}" if counts.latency else ""))
    if lost := counted.of(NOBODY).calls:
        lines.append(f"  {lost} calls reached no version")
    others = [one for one in views.routes(application) if not one.is_default]
    if others:
        lines += ["", "the calls of these routes are among those seen:"]
    return "\n".join([*lines, *(f"  {views.route_line(one)}" for one in others)])


def data(look: Look) -> dict[str, object]:
    """Return what a program sees; shares in percent, times in seconds, latency in milliseconds."""
    wanted = views.default_shares(look.application)
    return {
        "time": round(look.time, 3),
        "application": look.application.name,
        "seconds": round(look.counted.seconds, 1),
        "calls": look.counted.calls,
        "wanted": {one.version: wanted.get(one.version, 0) for one in look.application.releases},
        "ready": {one.version: one.ready for one in look.application.releases},
        "seen": counts_data(look.counted.versions, look.counted.shares()),
    }


def _recent(pieces: list[Interval]) -> list[Interval]:
    """Return the last pieces that make up the window, the newest in any case."""
    seconds = 0.0

    def fits(piece: Interval) -> bool:
        nonlocal seconds
        seconds += piece.seconds
        return seconds <= WINDOW_SECONDS + _TICK_SECONDS / 2

    newest = list(takewhile(fits, reversed(pieces)))
    return newest[::-1] or pieces[-1:]
