"""Log lines of pods in the order of time: of containers that crashed too, and of pods that come up later."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from dubbopy_cli import process
from dubbopy_cli.process import Stream
from dubbopy_cli.targets.base import LogLine
from dubbopy_cli.targets.kubernetes.cluster import Cluster
from dubbopy_cli.targets.kubernetes.faults import fault
from dubbopy_cli.targets.kubernetes.kubectl import Object
from dubbopy_cli.targets.kubernetes.view import CONTAINER, selector
from dubbopy_cli.traffic.model import VERSION_LABEL

# How long a new pod may go unnoticed.
_LOOK_SECONDS = 2.0
# Lines of several pods that come within this time are put in order.
_GATHER_SECONDS = 0.2
# As the kubelet writes it: always nine digits.
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{9})(Z|[+-]\d\d:\d\d) ?")
# The pod has gone, or its container has not begun; there is nothing to read.
_NOTHING = re.compile(
    r"not found|is waiting to start|ContainerCreating|is not valid for pod|unable to retrieve container logs"
)


@dataclass(frozen=True)
class _Line:
    """A line and when it was written, in nanoseconds since the epoch and as the kubelet wrote it."""

    at: int
    stamp: str
    text: str


def read(
    cluster: Cluster, application: str, version: str | None, *, follow: bool, since: float | None, tail: int | None
) -> Iterator[LogLine]:
    """Yield the lines of an application's pods; with ``follow`` for ever, and of pods that come up later too.

    ``since`` is in seconds back from now and ``tail`` a count of lines a pod. Times are those at which the container
    runtime got the lines.
    """
    readers: dict[str, _Reader] = {}
    try:
        lines = []
        for pod in _pods(cluster, application, version):
            reader = readers[pod["metadata"]["name"]] = _Reader(cluster, pod, since)
            lines += reader.history(pod, tail)
        yield from sorted(lines, key=_time)
        looked = -math.inf
        while follow:
            lines = []
            if time.monotonic() - looked >= _LOOK_SECONDS:
                lines += _look(cluster, application, version, readers)
                looked = time.monotonic()
            lines += _gather(readers)
            yield from sorted(lines, key=_time)
    finally:
        for reader in readers.values():
            reader.close()


def _look(cluster: Cluster, application: str, version: str | None, readers: dict[str, _Reader]) -> Iterator[LogLine]:
    """Begin to follow what runs and is not followed yet, and yield what it has written so far."""
    pods = {one["metadata"]["name"]: one for one in _pods(cluster, application, version)}
    for name, pod in pods.items():
        reader = readers.setdefault(name, _Reader(cluster, pod, None))
        yield from reader.attach(pod)
    for name in readers.keys() - pods.keys():
        if not readers[name].streams():
            readers.pop(name)


def _gather(readers: dict[str, _Reader]) -> Iterator[LogLine]:
    by_stream = {id(stream): reader for reader in readers.values() for stream in reader.streams()}
    streams = [stream for reader in readers.values() for stream in reader.streams()]
    if process.ready(streams, _LOOK_SECONDS):
        # Others may have lines of the same moment.
        time.sleep(_GATHER_SECONDS)
    for stream in process.ready(streams, 0):
        yield from by_stream[id(stream)].more()


class _Reader:
    """What has been read of one pod."""

    def __init__(self, cluster: Cluster, pod: Object, since: float | None) -> None:
        self._cluster = cluster
        self._name = pod["metadata"]["name"]
        self._version = pod["metadata"]["labels"].get(VERSION_LABEL, "")
        # The kubelet knows whole seconds only, and takes none for no bound.
        self._since = [f"--since={max(1, math.ceil(since))}s"] if since is not None else []
        self._last = _Line(0, "", "")
        self._seen: object = None
        self._stream: Stream | None = None

    def history(self, pod: Object, tail: int | None = None) -> list[LogLine]:
        """Return the lines behind the last one that was read, those of the container's former run too."""
        # One line is read where none is wanted, so that what follows it can be told apart.
        words = [*self._since, *([f"--tail={max(tail, 1)}"] if tail is not None else [])]
        status = _status(pod)
        self._seen = _mark(status)
        lines = self._fetch(words)
        if status.get("lastState", {}).get("terminated") and (tail is None or len(lines) < tail):
            first = lines[0].at if lines else math.inf
            # While a container waits for its next start, its present log is the former one.
            lines = [*(one for one in self._fetch([*words, "--previous"]) if one.at < first), *lines]
        fresh = self._fresh(lines)
        return [self._shown(one) for one in (fresh if tail is None else fresh[len(fresh) - min(tail, len(fresh)) :])]

    def attach(self, pod: Object) -> list[LogLine]:
        """Follow the container if it runs; return what was written before."""
        status = _status(pod)
        running = "running" in status.get("state", {})
        if self._stream or not (running or _mark(status) != self._seen):
            return []
        missed = self.history(pod) if _mark(status) != self._seen else []
        if running:
            after = [f"--since-time={self._last.stamp}"] if self._last.stamp else self._since
            self._stream = self._cluster.kubectl.stream(*self._words(), "--follow", *after)
        return missed

    def streams(self) -> list[Stream]:
        """Return the stream that is read, if there is one."""
        return [self._stream] if self._stream else []

    def more(self) -> list[LogLine]:
        """Return the lines that have come."""
        if not self._stream:
            return []
        found = self._fresh(_parsed(self._stream.lines(), self._last))
        if self._stream.ended:
            self.close()
        return [self._shown(one) for one in found]

    def close(self) -> None:
        """End what follows the log."""
        for one in self.streams():
            one.close()
        self._stream = None

    def _fetch(self, words: list[str]) -> list[_Line]:
        done = self._cluster.kubectl.attempt(*self._words(), *words)
        if not done.ok and not _NOTHING.search(done.stderr):
            raise fault(done)
        return _parsed(done.stdout.splitlines(), None) if done.ok else []

    def _words(self) -> tuple[str, ...]:
        return ("logs", self._name, "--container", CONTAINER, "--timestamps")

    def _fresh(self, lines: list[_Line]) -> list[_Line]:
        """Return the lines behind the last one: kubectl is asked from a whole second on."""
        fresh = [one for one in lines if one.at > self._last.at]
        self._last = fresh[-1] if fresh else self._last
        return fresh

    def _shown(self, line: _Line) -> LogLine:
        return LogLine(self._name, self._version, line.at / 1e9, line.text)


def _pods(cluster: Cluster, application: str, version: str | None) -> list[Object]:
    found = cluster.kubectl.list("pods", selector(application, version))
    return sorted(found, key=lambda one: str(one["metadata"]["name"]))


def _status(pod: Object) -> Object:
    statuses = pod.get("status", {}).get("containerStatuses", ())
    return next((one for one in statuses if one["name"] == CONTAINER), {})


def _mark(status: Object) -> object:
    """Return what changes when the container starts or ends."""
    return (status.get("containerID"), status.get("restartCount"), "running" in status.get("state", {}))


def _parsed(lines: list[str], former: _Line | None) -> list[_Line]:
    """Return the lines with their times; one without a time has that of the line before."""
    found: list[_Line] = []
    for line in lines:
        if match := _STAMP.match(line):
            seconds = int(datetime.fromisoformat(match[1] + match[3]).timestamp())
            former = _Line(seconds * 10**9 + int(match[2]), match[0].strip(), line[match.end() :])
            found.append(former)
        elif former:
            # Only the kubelet itself writes without a time, and then before anything else.
            found.append(_Line(former.at, former.stamp, line))
    return found


def _time(line: LogLine) -> float:
    return line.time
