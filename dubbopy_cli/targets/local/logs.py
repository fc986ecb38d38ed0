"""Log lines of instances in the order of time, through rotation and replacement."""

from __future__ import annotations

import heapq
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BufferedReader
from pathlib import Path

from dubbopy_cli.targets.base import LogLine

_STAMP = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)")
_FOLLOW_SECONDS = 0.1


@dataclass(frozen=True)
class Source:
    """An instance whose log is read."""

    instance: str
    version: str
    path: Path


def read(
    sources: Callable[[], Sequence[Source]], *, follow: bool, since: float | None, tail: int | None
) -> Iterator[LogLine]:
    """Yield the lines of ``sources``; with ``follow`` for ever, and of sources that come up later too.

    ``since`` is in seconds back from now and ``tail`` a count of lines an instance.
    """
    earliest = time.time() - since if since is not None else None
    readers = {one.instance: _Reader(one) for one in sources()}
    histories = [one.history(earliest, tail) for one in readers.values()]
    yield from heapq.merge(*histories, key=lambda line: line.time)
    while follow:
        fresh = {one.instance: one for one in sources()}
        for name in fresh.keys() - readers.keys():
            readers[name] = _Reader(fresh[name])
        # An instance that has been taken away is read to its end once more, from the handle that is still open.
        lines = [line for reader in readers.values() for line in reader.more()]
        yield from sorted(lines, key=lambda line: line.time)
        for name in readers.keys() - fresh.keys():
            readers.pop(name).close()
        if not lines:
            time.sleep(_FOLLOW_SECONDS)
    for reader in readers.values():
        yield from reader.rest()
        reader.close()


def last_lines(path: Path, count: int) -> str:
    """Return the last ``count`` lines of a log, or an empty text if there is none."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return "".join(deque(file, count)).rstrip("\n")
    except FileNotFoundError:
        return ""


def stamp(text: str) -> float | None:
    """Return the time at the start of a line in seconds since the epoch, or None if it has none (RFC 3339)."""
    found = _STAMP.match(text)
    if not found:
        return None
    try:
        return datetime.fromisoformat(found[0]).timestamp()
    except ValueError:
        return None


class _Reader:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._file: BufferedReader | None = None
        self._half = b""
        self._time = 0.0
        self._open()

    def history(self, earliest: float | None, tail: int | None) -> Iterator[LogLine]:
        raw: Iterator[bytes] = self._whole_lines()
        if tail is not None:
            raw = iter(deque(raw, tail))
        for line in map(self._line, raw):
            if earliest is None or line.time >= earliest:
                yield line

    def more(self) -> list[LogLine]:
        lines = [self._line(one) for one in self._complete()]
        if self._replaced():
            self.close()
            self._open()
            lines += [self._line(one) for one in self._complete()]
        return lines

    def rest(self) -> list[LogLine]:
        left, self._half = self._half, b""
        return [self._line(left)] if left else []

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None

    def _whole_lines(self) -> Iterator[bytes]:
        for older in sorted(self._source.path.parent.glob(f"{self._source.path.name}.[0-9]*"), reverse=True):
            try:
                with older.open("rb") as file:
                    # Rotated since we opened it: these lines come from the open handle.
                    if self._inode() == older.stat().st_ino:
                        continue
                    yield from file
            except FileNotFoundError:
                continue
        yield from self._complete()

    def _complete(self) -> Iterator[bytes]:
        if not self._file:
            self._open()
        for line in self._file or ():
            if line.endswith(b"\n"):
                yield self._half + line
                self._half = b""
            else:
                self._half += line

    def _line(self, raw: bytes) -> LogLine:
        text = raw.decode("utf-8", "replace").rstrip("\r\n")
        self._time = stamp(text) or self._time
        return LogLine(self._source.instance, self._source.version, self._time, text)

    def _open(self) -> None:
        try:
            self._file = self._source.path.open("rb")
        except FileNotFoundError:
            self._file = None

    def _inode(self) -> int:
        import os

        return os.fstat(self._file.fileno()).st_ino if self._file else 0

    def _replaced(self) -> bool:
        try:
            return self._source.path.stat().st_ino != self._inode()
        except FileNotFoundError:
            return False
