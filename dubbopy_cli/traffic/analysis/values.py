"""Values of Istio's annotations: the rules of its injection (`inject.AnnotationValidation`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_network

from dubbopy_cli.traffic.analysis import proxyconfig

_INTERFACE = re.compile(r"[a-zA-Z][a-zA-Z0-9_.\-]*", re.ASCII)
_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_QUANTITY = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?", re.ASCII)
_BOOLEANS = frozenset({"1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"})
_LONGEST_INTERFACE = 15


def fault(name: str, value: str) -> str:
    """Return what is wrong with the value of an annotation, or an empty text."""
    check = _CHECKS.get(name)
    return check(value) if check else ""


def _mode(value: str) -> str:
    return "" if value in {"REDIRECT", "TPROXY", "NONE"} else f"'{value}' is none of REDIRECT, TPROXY and NONE"


def _port(value: str) -> str:
    digits = value.strip()
    good = _DIGITS.fullmatch(digits) and int(digits) < 1 << 16
    return "" if good else f"'{value}' is no port"


def _ports(value: str) -> str:
    parts = value.strip().split(",") if value.strip() else []
    return next(filter(None, map(_port, parts)), "")


def _some_ports(value: str) -> str:
    return "" if value == "*" else _ports(value)


def _ranges(value: str) -> str:
    return next(filter(None, map(_range, value.split(","))), "") if value else ""


def _range(value: str) -> str:
    address, slash, bits = value.partition("/")
    good = slash and _DIGITS.fullmatch(bits) and (bits == "0" or not bits.startswith("0")) and "%" not in address
    if good:
        try:
            ip_network(value, strict=False)
        except ValueError:
            good = None
    return "" if good else f"'{value}' is no range such as 10.0.0.0/8"


def _some_ranges(value: str) -> str:
    return "" if value == "*" else _ranges(value)


def _number(value: str) -> str:
    return "" if _DIGITS.fullmatch(value) and int(value) < 1 << 32 else f"'{value}' is no whole number from 0"


def _boolean(value: str) -> str:
    return "" if value in _BOOLEANS else f"'{value}' is neither true nor false"


def _interfaces(value: str) -> str:
    for one in value.split(",") if value else ():
        name = one.strip()
        if len(name) > _LONGEST_INTERFACE or not _INTERFACE.fullmatch(name):
            return f"'{name}' is no name of a network interface"
    return ""


def _quantity(value: str) -> str:
    return "" if _QUANTITY.fullmatch(value) else f"'{value}' is no amount such as 100m or 128Mi"


_STATUS = "readiness.status.sidecar.istio.io"
_TRAFFIC = "traffic.sidecar.istio.io"
_CHECKS: dict[str, Callable[[str], str]] = {
    "sidecar.istio.io/interceptionMode": _mode,
    "status.sidecar.istio.io/port": _port,
    f"{_STATUS}/initialDelaySeconds": _number,
    f"{_STATUS}/periodSeconds": _number,
    f"{_STATUS}/failureThreshold": _number,
    f"{_TRAFFIC}/includeOutboundIPRanges": _some_ranges,
    f"{_TRAFFIC}/excludeOutboundIPRanges": _ranges,
    f"{_TRAFFIC}/includeInboundPorts": _some_ports,
    f"{_TRAFFIC}/excludeInboundPorts": _ports,
    f"{_TRAFFIC}/excludeOutboundPorts": _ports,
    f"{_TRAFFIC}/excludeInterfaces": _interfaces,
    f"{_TRAFFIC}/kubevirtInterfaces": _interfaces,
    "istio.io/reroute-virtual-interfaces": _interfaces,
    "prometheus.istio.io/merge-metrics": _boolean,
    "proxy.istio.io/config": proxyconfig.fault,
    **dict.fromkeys(
        (f"sidecar.istio.io/proxy{what}" for what in ("CPU", "Memory", "CPULimit", "MemoryLimit")), _quantity
    ),
}
