"""Routes and matches that no call comes to, because an earlier one takes it (`validation.analyzeUnreachable*`)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from dubbopy_cli.traffic.model import mapping, plain, sequence, text

# `second`: another route without matches stands before it; `behind`: such a route takes the calls of one of its
# matches; `repeated`: earlier routes have all its matches.
Reason = Literal["second", "behind", "repeated"]
# Messages of their own: present without a value they still say something.
_OPTIONAL = frozenset({"uri", "scheme", "method", "authority"})


@dataclass(frozen=True)
class Unused:
    """A route that no call reaches, by its place."""

    route: int
    reason: Reason


@dataclass(frozen=True)
class Repeated:
    """A match that the route at the place ``by`` has already."""

    route: int
    match: int
    by: int


class Prefix(NamedTuple):
    """A match by a prefix of the path, as far as Istio compares them."""

    route: int
    match: int
    prefix: str
    port: object
    method: str
    authority: str
    maps: tuple[Mapping[str, str], ...]

    def covers(self, other: Prefix) -> bool:
        """Tell whether every call of ``other`` comes here, as Istio works it out (`coveredValidation`)."""
        return (
            other.prefix.startswith(self.prefix)
            and other.port == self.port
            and self.method.startswith(other.method)
            and self.authority.startswith(other.authority)
            and all(
                mine.keys() == its.keys() and all(value.startswith(its[key]) for key, value in mine.items())
                for mine, its in zip(self.maps, other.maps, strict=True)
            )
        )


def unused(routes: Sequence[Any]) -> Iterator[Unused | Repeated]:
    """Yield what has no effect among http, tcp or tls routes, in their order."""
    seen: dict[str, int] = {}
    catch_all = False
    for index, route in enumerate(routes):
        if route is None:
            continue
        matches = sequence(mapping(route).get("match"))
        if not matches:
            if catch_all:
                yield Unused(index, "second")
            catch_all = True
            continue
        repeated = 0
        for place, match in enumerate(matches):
            if catch_all:
                yield Unused(index, "behind")
                continue
            key = _key(match)
            if key in seen:
                repeated += 1
                yield Repeated(index, place, seen[key])
            seen.setdefault(key, index)
        if repeated == len(matches):
            yield Unused(index, "repeated")


def covered(routes: Sequence[Any]) -> Iterator[tuple[Prefix, Prefix]]:
    """Yield the prefixes of http routes whose calls an earlier, shorter one takes: that one and the late one."""
    found: dict[str, Prefix] = {}
    for index, route in enumerate(routes):
        matches = sequence(mapping(route).get("match"))
        if route is not None and not matches:
            break
        for place, match in enumerate(matches):
            if text(mapping(mapping(match).get("uri")).get("prefix")):
                found.setdefault(_key(match), _prefix(index, place, match))
    prefixes = list(found.values())
    for number, one in enumerate(prefixes):
        for late in prefixes[number + 1 :]:
            if late.prefix != one.prefix and one.covers(late):
                yield one, late


def _prefix(route: int, place: int, match: Mapping[str, Any]) -> Prefix:
    maps = tuple(
        {str(key): _value(value) for key, value in mapping(match.get(part)).items()}
        for part in ("headers", "queryParams", "withoutHeaders")
    )
    # Istio takes a match without a method for one of GET alone here.
    method = _value(match.get("method")) or "exact:GET"
    port = match.get("port") or 0
    return Prefix(route, place, match["uri"]["prefix"], port, method, _value(match.get("authority")), maps)


def _value(node: object) -> str:
    found = mapping(node)
    return next((f"{kind}:{found[kind]}" for kind in ("exact", "prefix") if text(found.get(kind))), "")


def _key(match: object) -> str:
    """Return a match in a form that is the same for the same conditions: names and empty fields say nothing."""
    if match is None:
        return "null"
    kept = {
        key: value
        for key, value in mapping(match).items()
        if key != "name" and (value or (value is not None and key in _OPTIONAL))
    }
    return json.dumps(plain(kept), sort_keys=True)
