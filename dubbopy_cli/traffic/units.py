"""Istio's scalars in the form Envoy reads: durations and percentages."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from dubbopy_cli.traffic.model import mapping

_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


def duration(node: object, default: str) -> str:
    """Return a Go duration such as ``1m30s`` as Envoy takes it, in seconds; ``default`` where there is none."""
    if not isinstance(node, str):
        return default
    parts = _PART.findall(node)
    if not parts or "".join(amount + unit for amount, unit in parts) != node.lstrip("+"):
        return default
    total = int(sum(Decimal(amount) * _UNITS[unit] for amount, unit in parts))
    seconds, nanos = divmod(total, 10**9)
    return f"{seconds}.{nanos:09d}".rstrip("0").rstrip(".") + "s"


def fraction(node: object) -> dict[str, Any]:
    """Return an Istio ``Percent`` (``{value: 12.5}``) as Envoy's fraction of a million."""
    value = mapping(node).get("value", 0)
    amount = value if isinstance(value, int | float) and not isinstance(value, bool) else 0
    return {"numerator": int(amount * 10000), "denominator": "MILLION"}
