"""Is a rule formed as the translation takes it? A field of a wrong type would silently mean nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dubbopy_cli.traffic import regex
from dubbopy_cli.traffic.findings import Finding, finding
from dubbopy_cli.traffic.model import VIRTUAL_SERVICE, Rule, mapping, sequence
from dubbopy_cli.traffic.units import duration

# `pkg/config/validation`: longer ones are refused.
_REGEX_MAX = 1024


def malformed(rule: Rule) -> list[Finding]:
    """Return what cannot be read in a VirtualService or DestinationRule, as errors ``malformed``."""
    faults = _virtual_service(rule.spec) if rule.kind == VIRTUAL_SERVICE else _destination_rule(rule.spec)
    return [finding(rule, "error", "malformed", message, path) for path, message in faults]


Faults = Iterator[tuple[str, str]]


def _destination_rule(spec: Mapping[str, Any]) -> Faults:
    if not isinstance(spec.get("host"), str) or not spec["host"]:
        yield "spec.host", "a text is needed"
    names: set[str] = set()
    for index, node in _items(spec, "subsets"):
        path = f"spec.subsets[{index}]"
        name = mapping(node).get("name")
        if not isinstance(name, str) or not name:
            yield f"{path}.name", "a text is needed"
        elif name in names:
            yield f"{path}.name", f"the subset {name} is defined twice"
        else:
            names.add(name)
        for key, value in mapping(mapping(node).get("labels")).items():
            if not isinstance(value, str):
                yield f"{path}.labels.{key}", f"{value!r} is no text; write it in quotes"
    yield from _list(spec, "subsets", "spec")


def _virtual_service(spec: Mapping[str, Any]) -> Faults:
    yield from _list(spec, "hosts", "spec")
    yield from _list(spec, "http", "spec")
    for index, host in _items(spec, "hosts"):
        if not isinstance(host, str) or not host:
            yield f"spec.hosts[{index}]", "a text is needed"
    for index, node in _items(spec, "http"):
        path = f"spec.http[{index}]"
        if not isinstance(node, Mapping):
            yield path, "a mapping is needed"
            continue
        yield from _list(node, "match", path)
        yield from _list(node, "route", path)
        if not any(node.get(key) for key in ("route", "redirect", "directResponse", "delegate")):
            yield path, "a route, redirect or directResponse is needed"
        for place, match in _items(node, "match"):
            yield from _match(mapping(match), f"{path}.match[{place}]")
        for place, one in _items(node, "route"):
            yield from _route(one, f"{path}.route[{place}]")
        yield from _durations(node, path)


def _route(node: object, path: str) -> Faults:
    destination = mapping(mapping(node).get("destination"))
    if not isinstance(destination.get("host"), str) or not destination["host"]:
        yield f"{path}.destination.host", "a text is needed"
    if not isinstance(destination.get("subset", ""), str):
        yield f"{path}.destination.subset", "a text is needed; write it in quotes"
    weight = mapping(node).get("weight", 0)
    if not isinstance(weight, int) or isinstance(weight, bool) or weight < 0:
        yield f"{path}.weight", f"{weight!r} is no whole number from 0"


def _match(match: Mapping[str, Any], path: str) -> Faults:
    for key in ("headers", "withoutHeaders", "queryParams"):
        for name, node in mapping(match.get(key)).items():
            yield from _string_match(node, f"{path}.{key}.{name}")
    for key in ("uri", "method", "authority", "scheme"):
        if match.get(key) is not None:
            yield from _string_match(match[key], f"{path}.{key}")


def _string_match(node: object, path: str) -> Faults:
    if node is not None and not isinstance(node, Mapping):
        yield path, f"write a kind of match, such as exact: {node!r}"
        return
    known = [key for key in ("exact", "prefix", "regex") if key in mapping(node)]
    if len(known) > 1:
        yield path, f"only one of {', '.join(known)} can hold"
    for key in known:
        value = mapping(node)[key]
        if not isinstance(value, str):
            yield f"{path}.{key}", f"{value!r} is no text; write it in quotes"
        elif not value and (key == "regex" or (key == "prefix" and not path.endswith(".uri"))):
            yield f"{path}.{key}", "an empty one is not allowed"
        elif key == "regex":
            yield from _regex(value, f"{path}.regex")


def _regex(value: str, path: str) -> Faults:
    if value == "*" and not path.endswith("uri.regex"):
        return
    if len(value.encode()) > _REGEX_MAX:
        yield path, f"longer than {_REGEX_MAX} bytes"
        return
    reason = regex.fault(value)
    if reason:
        yield path, f"no regular expression of RE2: {reason}"


def _durations(node: Mapping[str, Any], path: str) -> Faults:
    retries = mapping(node.get("retries"))
    delay = mapping(mapping(node.get("fault")).get("delay"))
    for key, holder, prefix in (
        ("timeout", node, ""),
        ("perTryTimeout", retries, "retries."),
        ("backoff", retries, "retries."),
        ("fixedDelay", delay, "fault.delay."),
    ):
        value = holder.get(key)
        if value is not None and not duration(value, ""):
            yield f"{path}.{prefix}{key}", f"{value!r} is no duration, such as 1.5s or 200ms"


def _items(node: Mapping[str, Any], key: str) -> Iterator[tuple[int, object]]:
    return enumerate(sequence(node.get(key)))


def _list(node: Mapping[str, Any], key: str, path: str) -> Faults:
    if node.get(key) is not None and not isinstance(node[key], list):
        yield f"{path}.{key}", "a list is needed"
