"""What a well-formed name, label, port, address or duration is (Istio's `pkg/config/labels`, `validation/agent`).

Every function returns why a value is refused, an empty text for a good one. Lengths are counted in bytes.
"""

from __future__ import annotations

import re
from ipaddress import ip_network

from dubbopy_cli.traffic import protocols, units
from dubbopy_cli.traffic.hosts import is_address

_DNS = r"[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?"
_LABEL = re.compile(_DNS)
_WILDCARD = re.compile(rf"\*|(?:\*-?)?{_DNS}")
_QUALIFIED = r"(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_KEY = re.compile(rf"(?:({_DNS}(?:\.{_DNS})*)/)?({_QUALIFIED})")
_LABEL_VALUE = re.compile(rf"(?:{_QUALIFIED})?")
_WHOLE = re.compile(r"[+-]?[0-9]+")
_PREFIX_LENGTH = re.compile(r"0|[1-9][0-9]{0,2}")
_SNI = "outbound_"
_MILLISECOND = 10**6


def size(value: str) -> int:
    """Return the length as Go counts it."""
    return len(value.encode("utf-8", "surrogatepass"))


def is_label(value: str) -> bool:
    """Tell whether ``value`` is one label of a domain name, capitals allowed (`labels.IsDNS1123Label`)."""
    return size(value) <= 63 and _LABEL.fullmatch(value) is not None


def number(value: str) -> int | None:
    """Return ``value`` as Go's `strconv.Atoi` reads it, None where it does not."""
    if not _WHOLE.fullmatch(value):
        return None
    found = int(value)
    return found if -(2**63) <= found < 2**63 else None


def subnet(value: str) -> str:
    """Judge an IP address or a block of them, such as 10.0.0.0/8 (`ValidateIPSubnet`)."""
    if value.count("/") != 1:
        return address(value)
    base, _, bits = value.partition("/")
    try:
        ip_network(value, strict=False)
        good = "%" not in base and _PREFIX_LENGTH.fullmatch(bits)
    except ValueError:
        good = None
    return "" if good else f"'{value}' is no block of addresses, such as 10.0.0.0/8"


def address(value: str) -> str:
    """Judge an IP address (`ValidateIPAddress`)."""
    return "" if is_address(value) else f"'{value}' is no IP address"


def fqdn(value: str) -> str:
    """Judge a domain name without wildcards (`ValidateFQDN`)."""
    return _length(value) or _labels(value, value)


def domain(value: str) -> str:
    """Judge a domain name whose first label may be or begin with a wildcard (`ValidateWildcardDomain`)."""
    reason = _length(value)
    if reason:
        return reason
    first, dot, rest = value.partition(".")
    if size(first) > 63 or not _WILDCARD.fullmatch(first):
        return f"'{value}' is no host name: '{first}' is no label of one"
    return _labels(rest, value) if dot else ""


def gateway_domain(value: str, *, sni: bool) -> str:
    """Judge a host of a VirtualService bound to gateways; ``sni`` allows those Istio makes by itself.

    `ValidateWildcardDomainForVirtualServiceBoundToGateway`: `outbound_.PORT_._.HOST`.
    """
    reason = _length(value)
    if reason or not (sni and value.startswith(_SNI)):
        return reason or domain(value)
    parts = value.split("_")
    if len(parts) < 4 or not re.search("[0-9]", parts[1].strip(".")) or not re.search("[a-zA-Z]", parts[3].strip(".")):
        return f"'{value}' is not of the form outbound_.PORT_._.HOST"
    return ""


def partial_wildcard(value: str) -> str:
    """Judge a wildcard that stands for a part of a label only (`ValidatePartialWildCard`)."""
    if "*" in value and value != "*" and not value.startswith("*."):
        return f"'{value}' has a wildcard for a part of a label; write *. in front of a domain"
    return ""


def label_key(value: str) -> str:
    """Judge the key of a label (`labels.validateTagKey`)."""
    found = _LABEL_KEY.fullmatch(value)
    if not found or size(found[1] or "") > 253 or size(found[2]) > 63:
        return f"'{value}' is no key of a label"
    return ""


def label_value(value: str) -> str:
    """Judge the value of a label (`labels.Instance.Validate`)."""
    return "" if _LABEL_VALUE.fullmatch(value) else f"'{value}' is no value of a label"


def port(value: float) -> str:
    """Judge the number of a port (`ValidatePort`)."""
    return "" if 1 <= value <= 65535 else f"{value} is no port from 1 to 65535"


def port_name(value: str) -> str:
    """Judge the name of a port (`ValidatePortName`)."""
    return "" if is_label(value) else f"'{value}' is no name of a port"


def unix_socket(value: str) -> str:
    """Judge the path behind unix:// (`ValidateUnixAddress`)."""
    if value.startswith("@") or (value.startswith("/") and not value.endswith("/")):
        return ""
    return f"'{value}' is no absolute path of a socket"


def duration(value: object) -> str:
    """Judge a duration: at least a millisecond, in whole ones (`ValidateDuration`)."""
    nanos = units.nanoseconds(value)
    if nanos is None:
        return f"{value!r} is no duration, such as 1.5s or 200ms"
    if nanos < _MILLISECOND:
        return f"{value} is shorter than 1ms"
    return f"{value} is more precise than milliseconds" if nanos % _MILLISECOND else ""


def _length(value: str) -> str:
    if size(value) > 255:
        return f"a host name of {size(value)} characters is too long, at most 255"
    return "" if value else "a host name is needed"


def _labels(value: str, whole: str) -> str:
    parts = value.split(".")
    if number(parts[-1]) is not None:
        return f"'{whole}' is no host name: it ends in a number"
    # `istio.io.` says that the name is complete.
    for part in parts[:-1] if parts[-1] == "" else parts:
        if not is_label(part):
            return f"'{whole}' is no host name: '{part}' is no label of one"
    return ""


def protocol(value: str) -> str:
    """Judge the name of a port's protocol; capitals do not matter."""
    if protocols.parse(value) != protocols.UNSUPPORTED:
        return ""
    return f"'{value}' is none of HTTP, HTTP2, GRPC, GRPC-WEB, HTTPS, TLS, TCP, MONGO, REDIS, MYSQL, UDP"
