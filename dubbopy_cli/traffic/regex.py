"""Regular expressions of RE2, which Envoy and Istio use; Python's own know more and mean other things."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from dubbopy_cli.errors import PreflightError

# Values repeat from call to call, and a look-up is a tenth of a match through the library.
_REMEMBERED = 4096
# What makes up a pattern where RE2 takes more than Go's `regexp`, which the webhook reads it by: quotes, escapes, sets
# of characters, and named groups.
_PIECE = re.compile(
    r"\\Q.*?(?:\\E|\Z)|(?P<byte>\\C)|\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]])*\]|\(\?P?<(?P<name>[^>]*[^\x00-\x7f>][^>]*)>",
    re.DOTALL,
)


def matcher(pattern: str) -> Callable[[str], bool]:
    """Return the test whether ``pattern``, compiled once and not before it is asked, takes the whole of a text.

    A pattern that is none takes nothing: Envoy would not take the rule.
    """
    compiled: list[Any] = []
    known: dict[str, bool] = {}

    def test(value: str) -> bool:
        found = known.get(value)
        if found is None:
            if not compiled:
                compiled.append(_compile(pattern))
            if len(known) >= _REMEMBERED:
                known.clear()
            found = known[value] = compiled[0] is not None and compiled[0].fullmatch(value.encode()) is not None
        return found

    return test


def fault(pattern: str) -> str:
    """Return why ``pattern`` is no regular expression to Envoy and to Istio's webhook, or an empty text."""
    re2 = _re2()
    try:
        re2.compile(pattern, _quiet(re2))
    except re2.error as error:
        reason = error.args[0]
        return reason.decode() if isinstance(reason, bytes) else str(reason)
    return next(filter(None, map(_unknown_to_go, _PIECE.finditer(pattern))), "")


def _unknown_to_go(piece: re.Match[str]) -> str:
    """Return what is wrong with a piece that RE2 takes (`regexp/syntax`: `parse`, `isValidCaptureName`)."""
    if piece["byte"]:
        return "invalid escape sequence: \\C"
    return f"invalid named capture group: {piece['name']}" if piece["name"] else ""


def _compile(pattern: str) -> Any:  # noqa: ANN401 - the library has no types
    re2 = _re2()
    try:
        options = _quiet(re2)
        # Envoy reads bytes, so a letter outside ASCII is as many characters as it has bytes.
        options.encoding = re2.Options.Encoding.LATIN1
        return re2.compile(pattern.encode(), options)
    except re2.error:
        return None


def _quiet(re2: Any) -> Any:  # noqa: ANN401 - the same
    options = re2.Options()
    options.log_errors = False
    return options


def _re2() -> Any:  # noqa: ANN401 - the library has no types
    try:
        import re2  # type: ignore[import-untyped]
    except ImportError as error:
        raise PreflightError(
            "extra-missing",
            "a rule with a regular expression needs RE2, which is not installed",
            hint="pip install google-re2",
        ) from error
    return re2
