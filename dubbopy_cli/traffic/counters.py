"""What the mesh has counted of an application's calls, and what two readings say of the time between them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

# Calls that no version took: refused by a rule, or sent where nothing is.
NOBODY = ""
# The statuses of gRPC that Envoy maps to HTTP's 5xx (`Grpc::Utility::grpcToHttpStatus`): the server's fault, not the
# caller's as NOT_FOUND or INVALID_ARGUMENT are.
_FAULTS = frozenset({2, 4, 12, 13, 14, 15})


@dataclass(frozen=True)
class Counts:
    """Calls of one version; ``latency`` is how many took so many milliseconds, to two digits."""

    calls: int = 0
    errors: int = 0
    latency: Mapping[float, int] = field(default_factory=dict)

    def __add__(self, other: Counts) -> Counts:
        times = sorted({*self.latency, *other.latency})
        latency = {one: self.latency.get(one, 0) + other.latency.get(one, 0) for one in times}
        return Counts(self.calls + other.calls, self.errors + other.errors, latency)

    def since(self, before: Counts) -> Counts | None:
        """Return what came after ``before``; None where a counter has gone back, so that it began anew."""
        latency = {one: count - before.latency.get(one, 0) for one, count in sorted(self.latency.items())}
        calls, errors = self.calls - before.calls, self.errors - before.errors
        if min(calls, errors, *latency.values()) < 0 or not before.latency.keys() <= self.latency.keys():
            return None
        return Counts(calls, errors, {one: count for one, count in latency.items() if count})

    @property
    def error_share(self) -> float:
        """Return the part of the calls that failed, 0 where there were none."""
        return self.errors / self.calls if self.calls else 0.0

    def percentile(self, percent: float) -> float | None:
        """Return the time in milliseconds within which so many in a hundred ended; None where nothing is known."""
        total = sum(self.latency.values())
        rank = max(math.ceil(total * percent / 100), 1)
        seen = 0
        for milliseconds, count in sorted(self.latency.items()):
            seen += count
            if seen >= rank:
                return milliseconds
        return None

    def slower(self, milliseconds: float) -> int:
        """Return how many calls took longer."""
        return sum(count for one, count in self.latency.items() if one > milliseconds)


@dataclass(frozen=True)
class Counters:
    """One reading: when, in seconds since the epoch, and calls by version since each source began to count.

    A source is a proxy as long as it lives; one that is started again is another one. Calls that no version took
    stand under `NOBODY`.
    """

    time: float
    sources: Mapping[str, Mapping[str, Counts]] = field(default_factory=dict)


@dataclass(frozen=True)
class Interval:
    """What happened between two readings, by version; ``lost`` where every source of the first one is gone."""

    seconds: float
    versions: Mapping[str, Counts] = field(default_factory=dict)
    lost: bool = False

    @property
    def calls(self) -> int:
        """Return the calls of all versions and of none."""
        return sum(one.calls for one in self.versions.values())

    def of(self, version: str) -> Counts:
        """Return the calls of one version."""
        return self.versions.get(version, Counts())

    def shares(self) -> dict[str, float]:
        """Return each version's part, in percent, of the calls that some version took."""
        taken = {version: one.calls for version, one in self.versions.items() if version != NOBODY}
        total = sum(taken.values())
        return {version: 100 * calls / total for version, calls in taken.items()} if total else {}


def between(before: Counters, after: Counters) -> Interval:
    """Return what was counted from one reading to the next."""
    found: dict[str, Counts] = {}
    kept = False
    for source, versions in after.sources.items():
        former = before.sources.get(source, {})
        parts = {version: one.since(former.get(version, Counts())) for version, one in versions.items()}
        whole = former.keys() <= versions.keys() and None not in parts.values()
        kept = kept or (whole and source in before.sources)
        for version, one in versions.items():
            # One that began anew has counted nothing but what came after.
            found[version] = found.get(version, Counts()) + ((parts[version] if whole else one) or Counts())
    return Interval(after.time - before.time, dict(sorted(found.items())), bool(before.sources) and not kept)


def total(intervals: Iterable[Interval]) -> Interval:
    """Return intervals that follow each other as one."""
    seconds, lost = 0.0, False
    versions: dict[str, Counts] = {}
    for one in intervals:
        seconds, lost = seconds + one.seconds, lost or one.lost
        for version, counts in one.versions.items():
            versions[version] = versions.get(version, Counts()) + counts
    return Interval(seconds, dict(sorted(versions.items())), lost)


def failed(grpc_status: str, http_status: str) -> bool:
    """Tell whether a call counts as an error; an empty status means that none was there.

    No gRPC status and HTTP status 0 is a call that its caller gave up before an answer came.
    """
    if grpc_status:
        return not grpc_status.isdigit() or int(grpc_status) in _FAULTS
    return not http_status.isdigit() or int(http_status) == 0 or int(http_status) >= 500


def milliseconds(lower: float, width: float) -> float:
    """Return the middle of what a bin of Envoy's histogram holds, which are whole milliseconds.

    Bins narrower than 1 ms hold one number each.
    """
    return lower + max(width - 1, 0) / 2
