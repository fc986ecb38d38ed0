"""Text to values, by the same rules for the file, the environment and the command line.

Everything here raises ValueError with a text for people.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

_UNITS: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h)", re.ASCII)
_DURATION: Final = re.compile(rf"(?:{_PART.pattern})+", re.ASCII)
_KEY: Final = re.compile(r"[0-9a-z_.-]+", re.ASCII)
_PRINTABLE: Final = re.compile(r"[ -~]*", re.ASCII)


def integer(text: str, low: int, high: int) -> int:
    """Return a whole number from low to high."""
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or not low <= int(text) <= high:
        raise ValueError(f"{text!r} is not a whole number from {low} to {high}")
    return int(text)


def seconds(text: str) -> float:
    """Return a duration in Go's notation, such as 3s, 300ms or 1m30s, in seconds."""
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration such as 3s or 300ms")
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def timeout(text: str) -> float:
    """Return a duration in seconds that leaves time for something to happen."""
    found = seconds(text)
    if not found:
        raise ValueError(f"{text!r} leaves no time at all")
    return found


def choice(text: str, known: Collection[str]) -> str:
    """Return the one of the known words that the text is, in any case."""
    if text.lower() not in known:
        raise ValueError(f"{text!r} is not one of {', '.join(known)}")
    return text.lower()


def attachment(text: str) -> tuple[str, str]:
    """Return the key, in lower case as HTTP/2 wants it, and the value of key=value."""
    key, separator, value = (part.strip() for part in text.partition("="))
    key = key.lower()
    if not separator or not _KEY.fullmatch(key):
        raise ValueError(f"{text!r} is not an attachment such as user=admin")
    if key.startswith("grpc-") or key.endswith("-bin") or not _PRINTABLE.fullmatch(value):
        raise ValueError(f"{text!r} cannot travel as a header")
    return key, value
