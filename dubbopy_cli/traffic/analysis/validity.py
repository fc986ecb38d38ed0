"""From when to when certificates are valid, read from their DER encoding (RFC 5280, 4.1); nothing is trusted."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from datetime import UTC, datetime

_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\s*(.*?)-----END \1-----", re.DOTALL)
_SEQUENCE, _INTEGER, _VERSION, _UTC_TIME, _GENERALIZED = 0x30, 0x02, 0xA0, 0x17, 0x18


class _BrokenError(Exception):
    pass


def validity(pem: bytes) -> list[tuple[datetime, datetime]]:
    """Return the period of each certificate in the first block of ``pem``; none where it cannot be read."""
    block = _PEM.search(pem)
    if block is None:
        return []
    try:
        der = base64.b64decode(re.sub(rb"\s+", b"", block[2]), validate=True)
        return [_period(body) for tag, body in _elements(der) if _expect(tag, _SEQUENCE)]
    except (_BrokenError, binascii.Error, ValueError, StopIteration):
        return []


def _period(certificate: bytes) -> tuple[datetime, datetime]:
    tag, body = next(_elements(certificate))
    _expect(tag, _SEQUENCE)
    fields = _elements(body)
    tag, _ = next(fields)
    if tag == _VERSION:
        tag, _ = next(fields)
    _expect(tag, _INTEGER)
    for _ in ("signature", "issuer"):
        _expect(next(fields)[0], _SEQUENCE)
    tag, dates = next(fields)
    _expect(tag, _SEQUENCE)
    start, end = (_time(*one) for one in _elements(dates))
    return start, end


def _time(tag: int, value: bytes) -> datetime:
    written = value.decode("ascii", "strict")
    if tag == _UTC_TIME:
        # RFC 5280: years from 50 are of the last century.
        written = ("19" if written[:2] >= "50" else "20") + written
    elif tag != _GENERALIZED:
        raise _BrokenError
    return datetime.strptime(written, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _elements(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and content of each element that follows the other."""
    place = 0
    while place < len(der):
        if place + 2 > len(der):
            raise _BrokenError
        tag, size = der[place], der[place + 1]
        place += 2
        if size & 0x80:
            count = size & 0x7F
            if not 0 < count <= 4 or place + count > len(der):
                raise _BrokenError
            size = int.from_bytes(der[place : place + count])
            place += count
        if place + size > len(der):
            raise _BrokenError
        yield tag, der[place : place + size]
        place += size


def _expect(tag: int, wanted: int) -> bool:
    if tag != wanted:
        raise _BrokenError
    return True
