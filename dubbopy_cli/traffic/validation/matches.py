"""Conditions: texts, header names, labels, gateways, which HTTP, TLS and TCP routes share."""

from __future__ import annotations

import re

from dubbopy_cli.traffic import regex
from dubbopy_cli.traffic.model import mapping, sequence, text
from dubbopy_cli.traffic.validation import names
from dubbopy_cli.traffic.validation.faults import Faults, Node, amount, entries, error, items, refused, unheard, warning

_REGEX_MAX = 1024
# The tokens of RFC 7230, and the comma: Istio's `+-.` between its brackets is a range (validation.go:77).
_HEADER = re.compile(r"[!#$%&'*+,\-.^_`|~A-Za-z0-9]+")
_PSEUDO = {":method", ":scheme", ":authority", ":path", ":status"}
_CLAIM = "@request.auth.claims"


def string_match(node: object, path: str, *, empty_prefix: bool = False) -> Faults:
    """Judge a StringMatch (`validateStringMatch`); a URI's prefix may be empty."""
    match = mapping(node)
    if match.get("regex") is not None:
        yield from refused("regex", f"{path}.regex", regex_fault(text(match["regex"])))
    elif match.get("prefix") == "" and not empty_prefix:
        yield error("match", f"{path}.prefix", "an empty prefix is not allowed")


def regex_fault(pattern: str) -> str:
    """Return why a pattern is refused, an empty text for a good one (`validateStringRegexp`)."""
    if not pattern:
        return "an empty pattern is not allowed"
    if names.size(pattern) > _REGEX_MAX:
        return f"longer than {_REGEX_MAX} bytes"
    reason = regex.fault(pattern)
    return f"no regular expression of RE2: {reason}" if reason else ""


def header_name(name: str) -> str:
    """Judge a header's name (`validHeaderNameRegex`)."""
    if not name:
        return "the name of a header is needed"
    return "" if _HEADER.fullmatch(name) else f"'{name}' is no name of a header"


def matched_name(name: str) -> str:
    """Judge what stands for a header in a condition: a name, a pseudo header or a claim of a token."""
    return "" if is_claim(name) or name in _PSEUDO else header_name(name)


def is_claim(name: str) -> bool:
    """Tell whether a condition's name stands for a claim of a JSON web token (`jwt.ToRoutingClaim`)."""
    if not name.lower().startswith(_CLAIM):
        return False
    rest = name[len(_CLAIM) :]
    return (rest.startswith(".") and len(rest) > 1) or (rest[:1] == "[" and rest[-1:] == "]" and len(rest) > 2)


def http_matches(route: Node, path: str) -> Faults:
    """Judge the conditions of an HTTP route (`validateHTTPRouteMatchRequest`); a null takes every call."""
    for place, node in items(route, "match", path):
        match = mapping(node)
        for spot, name, value in entries(match, "headers", place):
            if value is None:
                yield error("match", spot, "a condition is needed, such as {} for a header that is there")
            yield from refused("header", spot, matched_name(name))
            yield from string_match(value, spot)
        for spot, name, value in entries(match, "withoutHeaders", place):
            yield from refused("header", spot, matched_name(name))
            if mapping(value).get("regex") != "*":
                yield from string_match(value, spot)
        yield from string_match(match.get("uri"), f"{place}.uri", empty_prefix=True)
        for key in ("scheme", "method", "authority"):
            yield from string_match(match.get(key), f"{place}.{key}")
        for spot, _, value in entries(match, "queryParams", place):
            yield from string_match(value, spot)
        yield from callers(match, place)
        namespace = text(match.get("sourceNamespace"))
        if namespace and not names.is_label(namespace):
            yield error("match", f"{place}.sourceNamespace", f"'{namespace}' is no name of a namespace")


def callers(match: Node, path: str) -> Faults:
    """Judge for whom a condition is meant: port, labels and gateways."""
    if amount(match.get("port")):
        yield from refused("port", f"{path}.port", names.port(amount(match["port"])))
    yield from labels(match, "sourceLabels", path)
    yield from unheard(gateways(match, path))


def labels(node: Node, key: str, path: str) -> Faults:
    """Judge a map of labels (`labels.Instance.Validate`)."""
    for spot, name, value in entries(node, key, path):
        yield from refused("label", spot, names.label_key(name) or names.label_value(text(value)))


def gateways(node: Node, path: str, *, converted: bool = False) -> Faults:
    """Judge names of gateways (`validateGatewayNames`), which stops behind the first without a namespace."""
    for place, name in items(node, "gateways", path):
        namespace, slash, own = text(name).partition("/")
        if not slash:
            if "." in namespace:
                first, second, *_ = namespace.split(".")
                message = f"write {second}/{first}; the form '{namespace}' is an old one"
                yield warning("deprecated", place, message)
            yield from refused("gateway-name", place, names.fqdn(namespace))
            return
        if not names.is_label(namespace) or not (own and (names.is_label(own) or converted)):
            yield error("gateway-name", place, f"'{name}' is not of the form NAMESPACE/NAME")


def selector(node: Node, key: str, path: str) -> Faults:
    """Judge labels by which workloads are chosen, with the warning for none at all."""
    found = sequence(list(mapping(node.get(key)).items()))
    for name, value in found:
        if not name:
            yield error("selector", f"{path}.{key}", "the key of a label is needed")
        if "*" in str(name) or "*" in text(value):
            yield error("selector", f"{path}.{key}.{name}", "a wildcard has no meaning here")
    if not found:
        yield warning("selector", path, "without labels it chooses every workload of the namespace")
