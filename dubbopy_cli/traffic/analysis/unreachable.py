"""Routes and matches that no call ever comes to, because an earlier one takes it (IST0130, IST0131)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from dubbopy_cli.traffic.analysis.world import Resource, World
from dubbopy_cli.traffic.findings import Finding
from dubbopy_cli.traffic.model import mapping, plain, sequence, text

# Messages of their own: present without a value they still say something.
_OPTIONAL = frozenset({"uri", "scheme", "method", "authority"})


class _Prefix(NamedTuple):
    """A match by a prefix of the path, as far as Istio compares them."""

    route: str
    match: str
    prefix: str
    port: object
    method: str
    authority: str
    maps: tuple[Mapping[str, str], ...]
    path: str


def unreachable(world: World) -> Iterator[Finding]:
    """Report what has no effect in each VirtualService (`validation.analyzeUnreachableHTTPRules`)."""
    for rule in world.of("VirtualService"):
        for kind in ("http", "tcp", "tls"):
            yield from _routes(rule, kind)


def _routes(rule: Resource, kind: str) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    prefixes: list[_Prefix] = []
    catch_all = False
    for index, route in enumerate(sequence(rule.spec.get(kind))):
        if route is None:
            continue
        name, path = _name(route, index, kind), f"spec.{kind}[{index}]"
        matches = sequence(mapping(route).get("match"))
        if not matches:
            if catch_all:
                yield rule.report("IST0130", name, "only the last rule can have no matches", path=path)
            catch_all = True
            continue
        repeated = 0
        for place, match in enumerate(matches):
            if catch_all:
                yield rule.report("IST0130", name, "route without matches defined before", path=path)
                continue
            own, key = f"{path}.match[{place}]", _key(match, kind)
            if key in seen:
                yield rule.report("IST0131", name, _name(match, place, kind), seen[key], path=own)
                repeated += 1
                continue
            seen[key] = name
            prefixes += _prefix(name, match, place, own) if kind == "http" else ()
        if repeated == len(matches):
            yield rule.report("IST0130", name, "all matches used by prior rules", path=path)
    yield from _overlaps(rule, prefixes)


def _overlaps(rule: Resource, prefixes: list[_Prefix]) -> Iterator[Finding]:
    for index, first in enumerate(prefixes):
        for later in prefixes[index + 1 :]:
            if later.prefix != first.prefix and _covers(first, later):
                match = f"{later.match} of prefix {later.prefix}"
                by = f"{first.match} of prefix {first.prefix} on {first.route}"
                yield rule.report("IST0131", later.route, match, by, path=later.path)


def _covers(first: _Prefix, later: _Prefix) -> bool:
    """Tell whether ``first`` takes every call of ``later`` (`validation.coveredValidation`)."""
    return (
        later.prefix.startswith(first.prefix)
        and later.port == first.port
        and first.method.startswith(later.method)
        and first.authority.startswith(later.authority)
        and all(
            len(one) == len(two) and all(key in two and value.startswith(two[key]) for key, value in one.items())
            for one, two in zip(first.maps, later.maps, strict=True)
        )
    )


def _prefix(route: str, match: object, place: int, path: str) -> list[_Prefix]:
    node = mapping(match)
    prefix = text(mapping(node.get("uri")).get("prefix"))
    if not prefix:
        return []
    maps = tuple(
        {str(key): _value(value) for key, value in mapping(node.get(part)).items()}
        for part in ("headers", "queryParams", "withoutHeaders")
    )
    # Istio takes a match without a method for one of GET alone here.
    method = _value(node.get("method")) or "exact:GET"
    name = _name(node, place, "http")
    return [_Prefix(route, name, prefix, node.get("port") or 0, method, _value(node.get("authority")), maps, path)]


def _value(node: object) -> str:
    for kind in ("exact", "prefix"):
        if text(mapping(node).get(kind)):
            return f"{kind}:{mapping(node)[kind]}"
    return ""


def _name(node: object, index: int, kind: str) -> str:
    name = text(mapping(node).get("name")) if kind == "http" else ""
    return f'"{name}"' if name else f"#{index}"


def _key(match: object, kind: str) -> str:
    """Return a match in a form that is the same for the same conditions: names and empty fields say nothing."""
    node: Any = mapping(match)
    kept = {
        key: value
        for key, value in node.items()
        if value is not None and (value or key in _OPTIONAL) and not (kind == "http" and key == "name")
    }
    return json.dumps(plain(kept), sort_keys=True)
