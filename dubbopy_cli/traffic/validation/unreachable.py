"""Warnings of the webhook about routes and conditions that no call reaches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dubbopy_cli.traffic.model import mapping, sequence
from dubbopy_cli.traffic.unreachable import Prefix, Reason, Repeated, covered, unused
from dubbopy_cli.traffic.validation.faults import Faults, Node, warning
from dubbopy_cli.traffic.validation.httproute import name_of

UNREACHABLE = "rule-unreachable"
INEFFECTIVE = "match-ineffective"
_REASONS: dict[Reason, str] = {
    "second": "only the last route can be without conditions",
    "behind": "a route without conditions stands before it",
    "repeated": "earlier routes have all its conditions",
}


def judge(spec: Node, key: str) -> Faults:
    """Warn of routes behind one without conditions, and of conditions that stood before."""
    routes = sequence(spec.get(key))
    for one in unused(routes):
        path = f"spec.{key}[{one.route}]"
        if isinstance(one, Repeated):
            message = f"it is in {name_of(routes[one.by], one.by)} already, so {_condition(routes, one)} has no effect"
            yield warning(INEFFECTIVE, f"{path}.match[{one.match}]", message)
        else:
            message = f"no call reaches route {name_of(routes[one.route], one.route)}: {_REASONS[one.reason]}"
            yield warning(UNREACHABLE, path, message)


def overlaps(spec: Node) -> Faults:
    """Warn of prefixes of URIs that an earlier, shorter one takes the calls of."""
    routes = sequence(spec.get("http"))
    for one, late in covered(routes):
        message = f"{_condition(routes, one)} takes the calls to {late.prefix} before {_condition(routes, late)}"
        yield warning(INEFFECTIVE, f"spec.http[{late.route}].match[{late.match}]", message)


def _condition(routes: Sequence[Any], one: Repeated | Prefix) -> str:
    route = mapping(routes[one.route])
    return f"condition {name_of(route['match'][one.match], one.match)} of route {name_of(route, one.route)}"
