"""Regular expressions of RE2, which Envoy and Istio use; Python's own know more and mean other things."""

from __future__ import annotations

from typing import Any

from dubbopy_cli.errors import PreflightError


def matches(pattern: str, value: str) -> bool:
    """Tell whether ``pattern`` takes the whole of ``value``."""
    return _re2().fullmatch(pattern, value) is not None


def fault(pattern: str) -> str:
    """Return why ``pattern`` is no regular expression, or an empty text."""
    re2 = _re2()
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0]
        return reason.decode() if isinstance(reason, bytes) else str(reason)
    return ""


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
