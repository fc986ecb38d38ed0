"""Where calls go: hosts, subsets, ports and weights."""

from __future__ import annotations

from dubbopy_cli.traffic.model import mapping, sequence, text
from dubbopy_cli.traffic.validation import headers, names
from dubbopy_cli.traffic.validation.faults import Faults, Node, amount, error, has, items, refused


def weighted(node: Node, path: str, *, converted: bool, changes: bool = False) -> Faults:
    """Judge the destinations of a route, ``changes`` with their changes of headers (`validateHTTPRouteDestinations`).

    ``converted`` says that the object was made from one of the Gateway API, whose hosts Istio does not look at.
    """
    for place, one in items(node, "route", path):
        if one is None:
            yield error("destination", place, "a destination is needed")
            continue
        target = mapping(one)
        if not has(target, "destination"):
            yield error("destination", f"{place}.destination", "a destination is needed")
        if changes:
            yield from headers.operations(target, place)
        if not converted:
            yield from destination(target.get("destination"), f"{place}.destination")
        if amount(target.get("weight")) < 0:
            yield error("weight", f"{place}.weight", f"{target['weight']} is below 0")
    found = sequence(node.get("route"))
    if len(found) > 1 and sum(amount(mapping(one).get("weight")) for one in found) == 0:
        yield error("weight", f"{path}.route", "the weights sum to 0")


def destination(node: object, path: str) -> Faults:
    """Judge a destination; none at all is fine here (`validateDestination`)."""
    if node is None:
        return
    target = mapping(node)
    host = text(target.get("host"))
    reason = "a destination is one host, not every one" if host == "*" else names.domain(host)
    yield from refused("host", f"{path}.host", reason)
    if text(target.get("subset")):
        yield from refused("subset", f"{path}.subset", subset_name(target["subset"]))
    if has(target, "port"):
        number = amount(mapping(target["port"]).get("number"))
        yield from refused("port", f"{path}.port.number", names.port(number))


def subset_name(name: str) -> str:
    """Judge the name of a subset (`validateSubsetName`)."""
    if not name:
        return "a name is needed"
    return "" if names.is_label(name) else f"'{name}' is no name of a subset: letters, digits and - only"
