"""Routes and conditions that no call reaches: warnings of the webhook, IST0130 and IST0131 of `istioctl analyze`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dubbopy_cli.traffic.model import mapping, sequence, text
from dubbopy_cli.traffic.validation.faults import Faults, Node, amount, warning
from dubbopy_cli.traffic.validation.httproute import name_of

UNREACHABLE = "rule-unreachable"
INEFFECTIVE = "match-ineffective"


def judge(spec: Node, key: str) -> Faults:
    """Warn of routes behind one without conditions, and of conditions that stood before (`analyzeUnreachable*`)."""
    routes = sequence(spec.get(key))
    first: dict[str, int] = {}
    catch_all = False
    for index, route in enumerate(routes):
        path, name = f"spec.{key}[{index}]", name_of(route, index)
        found = sequence(mapping(route).get("match"))
        if route is None:
            continue
        if not found:
            if catch_all:
                yield _unused(path, name, "only the last route can be without conditions")
            catch_all = True
            continue
        doubles = 0
        for place, match in enumerate(found):
            if catch_all:
                yield _unused(path, name, "a route without conditions stands before it")
                continue
            before = first.setdefault(_canonical(match), index)
            if _seen(first, match, index, found[:place]):
                doubles += 1
                message = f"it is in {name_of(routes[before], before)} already, so condition {name_of(match, place)}"
                yield warning(INEFFECTIVE, f"{path}.match[{place}]", f"{message} of route {name} has no effect")
        if doubles == len(found):
            yield _unused(path, name, "earlier routes have all its conditions")


def overlaps(spec: Node) -> Faults:
    """Warn of prefixes of URIs that an earlier, shorter one takes the calls of."""
    found = [
        _Prefix(index, place, route, mapping(match))
        for index, route in _reached(sequence(spec.get("http")))
        for place, match in enumerate(sequence(mapping(route).get("match")))
        if text(mapping(mapping(match).get("uri")).get("prefix"))
    ]
    seen: set[str] = set()
    unique = []
    for one in found:
        key = _canonical(one.match)
        if key not in seen:
            seen.add(key)
            unique.append(one)
    for number, one in enumerate(unique):
        for other in unique[number + 1 :]:
            if other.prefix != one.prefix and one.covers(other):
                message = f"condition {one.name} of route {one.route_name} takes the calls to {other.prefix} before"
                path = f"spec.http[{other.index}].match[{other.place}]"
                yield warning(INEFFECTIVE, path, f"{message} condition {other.name} of route {other.route_name}")


def _seen(first: dict[str, int], match: object, index: int, before: Sequence[Any]) -> bool:
    key = _canonical(match)
    return first[key] != index or any(_canonical(one) == key for one in before)


def _reached(routes: Sequence[Any]) -> Sequence[tuple[int, Any]]:
    reached = []
    for index, route in enumerate(routes):
        if route is not None and not sequence(mapping(route).get("match")):
            break
        reached.append((index, route))
    return reached


@dataclass(frozen=True)
class _Prefix:
    """A condition with a prefix of the URI (`genMatchHTTPRoutes`)."""

    index: int
    place: int
    route: Any
    match: Node

    @property
    def prefix(self) -> str:
        return text(mapping(self.match["uri"])["prefix"])

    @property
    def name(self) -> str:
        return name_of(self.match, self.place)

    @property
    def route_name(self) -> str:
        return name_of(self.route, self.index)

    def covers(self, other: _Prefix) -> bool:
        """Tell whether every call of ``other`` comes here, as Istio works it out (`coveredValidation`)."""
        own, its = self.match, other.match
        return (
            other.prefix.startswith(self.prefix)
            and amount(own.get("port")) == amount(its.get("port"))
            # Istio takes GET where no method is named.
            and _value(own.get("method"), "exact:GET").startswith(_value(its.get("method"), "exact:GET"))
            and _value(own.get("authority")).startswith(_value(its.get("authority")))
            and all(_values_cover(own, its, key) for key in ("headers", "queryParams", "withoutHeaders"))
        )


def _values_cover(own: Node, its: Node, key: str) -> bool:
    mine, theirs = mapping(own.get(key)), mapping(its.get(key))
    return mine.keys() == theirs.keys() and all(
        _value(value).startswith(_value(theirs[name])) for name, value in mine.items()
    )


def _value(node: object, default: str = "") -> str:
    found = mapping(node)
    return next((f"{key}:{found[key]}" for key in ("exact", "prefix") if text(found.get(key))), default)


def _unused(path: str, name: str, reason: str) -> Any:  # noqa: ANN401 - a finding
    return warning(UNREACHABLE, path, f"no call reaches route {name}: {reason}")


def _canonical(match: object) -> str:
    """Return a condition without its name and without fields that say nothing, to compare it with others."""
    if match is None:
        return "null"
    keep = {
        key: value
        for key, value in mapping(match).items()
        if key != "name" and (value or (isinstance(value, dict) and key in {"uri", "scheme", "method", "authority"}))
    }
    return json.dumps(keep, sort_keys=True, default=str)
