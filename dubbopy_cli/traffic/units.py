"""Istio's scalars in the form Envoy reads: durations and percentages."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from dubbopy_cli.traffic.model import mapping

_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_WHOLE = re.compile(rf"([+-]?)(0|(?:{_PART.pattern})+)")


def duration(node: object, default: str) -> str:
    """Return a Go duration such as ``1m30s`` as Envoy takes it, in seconds; ``default`` where there is none."""
    total = nanoseconds(node)
    if total is None or total < 0:
        return default
    seconds, nanos = divmod(total, 10**9)
    return f"{seconds}.{nanos:09d}".rstrip("0").rstrip(".") + "s"


def nanoseconds(node: object) -> int | None:
    """Return a Go duration such as ``1m30s`` in nanoseconds, None where there is none (`time.ParseDuration`)."""
    if not isinstance(node, str) or not (whole := _WHOLE.fullmatch(node)):
        return None
    total = int(sum(Decimal(amount) * _UNITS[unit] for amount, unit in _PART.findall(whole[2])))
    return None if total >= 1 << 63 else -total if whole[1] == "-" else total


def fraction(node: object) -> dict[str, Any]:
    """Return an Istio ``Percent`` (``{value: 12.5}``) as Envoy's fraction of a million."""
    value = mapping(node).get("value", 0)
    amount = value if isinstance(value, int | float) and not isinstance(value, bool) else 0
    return {"numerator": int(amount * 10000), "denominator": "MILLION"}
