"""One HTTP route of a VirtualService (`pkg/config/validation/virtualservice.go`)."""

from __future__ import annotations

from dubbopy_cli.traffic.model import mapping, sequence, text
from dubbopy_cli.traffic.validation import destinations, headers, httpactions, matches, names
from dubbopy_cli.traffic.validation.faults import Faults, Node, amount, error, has, items, refused, warning


def judge(route: object, path: str, *, delegate: bool, converted: bool) -> Faults:
    """Judge an HTTP route; ``delegate`` says that its VirtualService has no hosts."""
    if route is None:
        yield error("route", path, "a route is needed")
        return
    node = mapping(route)
    yield from _conflicts(node, path, delegate=delegate)
    yield from matches.http_matches(node, path)
    yield from headers.operations(node, path)
    yield from httpactions.cors(node, path)
    yield from httpactions.fault(node, path)
    yield from _mirror(node, path)
    yield from httpactions.redirect(node, path)
    yield from httpactions.direct_response(node, path)
    yield from httpactions.retries(node, path)
    yield from httpactions.rewrite(node, path)
    yield from headers.authority_once(node, path)
    yield from destinations.weighted(node, path, converted=converted, changes=True)
    if node.get("timeout") is not None:
        yield from refused("duration", f"{path}.timeout", names.duration(node["timeout"]))


def _conflicts(node: Node, path: str, *, delegate: bool) -> Faults:
    if has(node, "delegate") and not delegate:
        for key in ("redirect", "route"):
            if has(node, key):
                yield error("route-conflict", f"{path}.{key}", f"a route with a delegate cannot have a {key}")
        return
    if has(node, "delegate"):
        yield error("route-conflict", f"{path}.delegate", "a delegate cannot have a delegate")
    answer = next((key for key in ("redirect", "directResponse") if has(node, key)), "")
    if answer:
        for key in ("route", "fault", "rewrite", *(("directResponse",) if answer == "redirect" else ())):
            if has(node, key):
                yield error("route-conflict", f"{path}.{key}", f"a route cannot have both {key} and {answer}")
    elif not sequence(node.get("route")):
        yield error("route", path, "a route, redirect or directResponse is needed")
    if has(node, "mirror") and sequence(node.get("mirrors")):
        yield error("route-conflict", f"{path}.mirrors", "a route cannot have both mirror and mirrors")


def _mirror(node: Node, path: str) -> Faults:
    old = next((key for key in ("mirrorPercent", "mirror_percent") if node.get(key) is not None), "")
    if old:
        if amount(node[old]) > 100:
            yield error("mirror", f"{path}.{old}", f"{node[old]} is above 100")
        yield warning("deprecated", f"{path}.{old}", f"write mirrorPercentage; {old} is an old form")
    yield from _percentage(node, "mirrorPercentage", path)
    yield from destinations.destination(node.get("mirror"), f"{path}.mirror")
    for place, one in items(node, "mirrors", path):
        if not has(mapping(one), "destination"):
            yield error("mirror", f"{place}.destination", "a destination is needed")
            continue
        yield from destinations.destination(one["destination"], f"{place}.destination")
        yield from _percentage(mapping(one), "percentage", place)


def _percentage(node: Node, key: str, path: str) -> Faults:
    value = amount(mapping(node.get(key)).get("value"))
    if not 0 <= value <= 100:
        yield error("mirror", f"{path}.{key}.value", f"{value} is no percentage from 0 to 100")


def name_of(route: object, index: int) -> str:
    """Return what a route is called in messages: its name, else its place."""
    return text(mapping(route).get("name")) or f"#{index}"
