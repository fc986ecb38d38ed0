"""Pieces of http routes: where calls go and which calls they are, written into a route that may be somebody else's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from dubbopy_cli.errors import UsageError
from dubbopy_cli.traffic.hosts import Service, resolve
from dubbopy_cli.traffic.model import Rule, mapping, plain, sequence, text
from dubbopy_cli.traffic.objects import refuse, route_name

HeaderKind = Literal["exact", "prefix", "regex"]

# A method, a method with its service, or a service with a closing slash.
_METHOD = re.compile(r"[A-Za-z_][\w.]*(/[A-Za-z_]\w*)?|[A-Za-z_][\w.]*/", re.ASCII)


def forwarding(
    service: Service, split: Mapping[str, int], name: str, match: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return a new http route to subsets by their percentages; ``match`` is None for the default route."""
    route: dict[str, Any] = {"name": name, **({"match": [dict(match)]} if match else {}), "route": []}
    _spread(route["route"], service, split)
    return route


def point(rule: Rule, http: list[Any], index: int, service: Service, split: Mapping[str, int]) -> None:
    """Give the route at ``index``, in a draft of ``rule``, another split; every other field of it stays.

    ConflictError where the route does not lead to subsets of the Service alone.
    """
    node = http[index]
    title = f"route {route_name(node, index)} of {rule.title}"
    for key in ("redirect", "directResponse", "delegate"):
        if mapping(node).get(key):
            raise refuse(f"{title} answers by {key} and forwards no call to a version")
    inner = [mapping(mapping(one).get("destination")) for one in sequence(node.get("route"))]
    for one in inner:
        if resolve(text(one.get("host")), rule.namespace) != service.fqdn:
            raise refuse(f"{title} leads to another host, {one.get('host')}")
    names = [text(one.get("subset")) for one in inner]
    if len(set(names)) != len(names):
        raise refuse(f"{title} names a subset twice")
    if not isinstance(node.get("route"), list):
        node["route"] = []
    _spread(node["route"], service, split)


def condition(headers: Mapping[str, str], method: str, kind: HeaderKind) -> dict[str, Any]:
    """Return the match for these headers and this method, both of which have to hold; UsageError for neither."""
    if not headers and not method:
        raise UsageError(
            "usage", "nothing to match: no header and no method", hint="dubbopy-cli traffic match user=admin --to v2"
        )
    found: dict[str, Any] = {}
    if headers:
        if kind != "exact" and not all(headers.values()):
            raise UsageError("usage", f"an empty {kind} would match every value", hint="write NAME=VALUE")
        found["headers"] = {name.lower(): {kind: value} for name, value in headers.items()}
    if method:
        found["uri"] = _path(method)
    return found


def default_name(headers: Mapping[str, str], method: str) -> str:
    """Return a route's name made from its conditions."""
    parts = [f"{key}-{value}" for key, value in headers.items()] + ([method] if method else [])
    cleaned = re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")
    return cleaned[:50].strip("-") or "match"


def same_condition(rule: Rule, http: list[Any], wanted: Mapping[str, Any], name: str, service: Service) -> int | None:
    """Return the place of the route with exactly this condition, None if there is none.

    ConflictError if ``name`` is that of another route, or the condition has a route of another name.
    """
    for index, node in enumerate(http):
        same = [plain(one) for one in sequence(mapping(node).get("match"))] == [wanted]
        own = route_name(node, index)
        if same and name in {"", own}:
            return index
        if same or name == own:
            what = "already sends these calls by" if same else "has other conditions in"
            raise refuse(
                f"{rule.title} {what} its route {own}", f"dubbopy-cli traffic unmatch '{own}' {service.options}"
            )
    return None


def _spread(route: list[Any], service: Service, split: Mapping[str, int]) -> None:
    """Change a list of destinations to this split; entries that carry more than a weight stay, with weight 0."""
    # New ones are written as their neighbours are: the same spelling of the host, the same port.
    pattern = dict(mapping(mapping(route[0]).get("destination"))) if route else {"host": service.fqdn}
    pattern.pop("subset", None)
    route[:] = [one for one in route if _subset(one) in split or set(one) - {"destination", "weight"}]
    there = {_subset(one) for one in route}
    route.extend({"destination": {**plain(pattern), "subset": name}} for name in split if name not in there)
    for one in route:
        if len(route) > 1 or "weight" in one:
            one["weight"] = split.get(_subset(one), 0)


def _subset(node: object) -> str:
    return text(mapping(mapping(node).get("destination")).get("subset"))


def _path(method: str) -> dict[str, str]:
    """Return the condition on the path of a gRPC or Triple call, ``/package.Service/Method``."""
    name = method.removeprefix("/")
    if not _METHOD.fullmatch(name):
        raise UsageError("usage", f"'{method}' names no method", hint="write Method or package.Service/Method")
    if name.endswith("/"):
        return {"prefix": f"/{name}"}
    return {"exact": f"/{name}"} if "/" in name else {"regex": f"/[^/]+/{name}"}
