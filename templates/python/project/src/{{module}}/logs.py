"""Log lines that begin with the time in UTC, then the level, then the text."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import TextIO

LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "fatal": logging.CRITICAL,
}
_WORDS: Final = {number: word.upper() for word, number in LEVELS.items()}


class LineFormatter(logging.Formatter):
    """Begin every line with time and level, those of a traceback too."""

    def __init__(self) -> None:
        super().__init__("%(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one or more whole log lines."""
        clock = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        level = _WORDS.get(record.levelno, record.levelname)
        start = f"{clock}.{int(record.msecs):03d}Z {level} "
        return "\n".join(start + line for line in super().format(record).splitlines() or [""])


def configure(stream: TextIO) -> None:
    """Send every logger's lines to the stream, from INFO on."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def set_level(level: str) -> None:
    """Leave out what is below debug, info, warn, error or fatal."""
    logging.getLogger().setLevel(LEVELS[level])
