"""Rules of an application that a version is about to leave, as pure edits."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Any, TypeAlias

from dubbopy_cli.errors import ConflictError
from dubbopy_cli.traffic import edit, lookup
from dubbopy_cli.traffic.hosts import Service, resolve
from dubbopy_cli.traffic.model import Rule, RuleSet, mapping, number, sequence, text
from dubbopy_cli.traffic.objects import default_index, draft, replaced, route_name, subset_name
from dubbopy_cli.traffic.routes import routes_of

Node: TypeAlias = Any


def routes_to(rules: RuleSet, service: Service, version: str) -> tuple[str, ...]:
    """Return the names of the routes that give ``version`` calls or copies of calls."""
    rule = lookup.virtual_service(rules, service.fqdn, service.namespace)
    names = _subsets(rules, service, version)
    if rule is None or not names:
        return ()
    found = []
    for route in routes_of(rule, service):
        hit = any(one.host == service.fqdn and one.subset in names for one, _ in route.split)
        mirrors = [
            route.http.get("mirror"),
            *(mapping(one).get("destination") for one in sequence(route.http.get("mirrors"))),
        ]
        if hit or any(_leads(one, rule, service, names) for one in mirrors):
            found.append(route_name(route.http, route.index))
    return tuple(dict.fromkeys(found))


def check(rules: RuleSet, service: Service, version: str, other: str) -> None:
    """Raise ConflictError ``traffic-remains`` while the rules give ``version`` calls that ``other`` could take."""
    routes = routes_to(rules, service, version)
    if not routes:
        return
    default = default_route(rules, service)
    commands = [
        f"dubbopy-cli traffic set {other} {service.options}"
        if one == default
        else f"dubbopy-cli traffic unmatch {shlex.quote(one)} {service.options}"
        for one in routes
    ]
    raise ConflictError(
        "traffic-remains",
        f"{service.name} {version} still gets calls by the rules: route"
        f"{'s' if len(routes) > 1 else ''} {', '.join(routes)}",
        hint=" && ".join(commands),
    )


def default_route(rules: RuleSet, service: Service) -> str:
    """Return the name of the route that takes every other call, an empty text if there is none."""
    rule = lookup.virtual_service(rules, service.fqdn, service.namespace)
    http = list(sequence(rule.spec.get("http"))) if rule else []
    index = default_index(http)
    return "" if index is None else route_name(http[index], index)


def without_routes(rules: RuleSet, service: Service, version: str) -> RuleSet:
    """Return rules in which no route names the subset of ``version``; its share falls to the others of the route.

    A header route that led to it alone goes; where no route that takes every call is left, all versions share again.
    """
    rule = lookup.virtual_service(rules, service.fqdn, service.namespace)
    names = _subsets(rules, service, version)
    if rule is None or not names:
        return rules
    document, spec = draft(rule)
    kept = []
    for node in sequence(spec.get("http")):
        _thin(node, rule, service, names)
        if node.get("route") or any(mapping(node).get(key) for key in ("redirect", "directResponse", "delegate")):
            kept.append(node)
    if not kept:
        return edit.reset(rules, service)
    spec["http"] = kept
    return rules.put(replaced(rule, document))


def without_application(rules: RuleSet, services: Iterable[Service]) -> RuleSet:
    """Return rules without any that act on these applications alone."""
    for service in services:
        rules = edit.reset(rules, service)
        own = [one.key for one in rules if lookup.hosts_of(one) == (service.fqdn,)]
        rules = rules.drop(*own)
    return rules


def _subsets(rules: RuleSet, service: Service, version: str) -> frozenset[str]:
    name = subset_name(rules, service, version)
    return frozenset({name}) if name else frozenset()


def _thin(node: Node, rule: Rule, service: Service, names: frozenset[str]) -> None:
    route = node.get("route") or []
    left = [one for one in route if not _leads(mapping(one).get("destination"), rule, service, names)]
    if len(left) == len(route):
        return
    # Whole percentages, as our own commands insist on them: what was taken away falls to the largest share.
    total = sum(number(one.get("weight")) for one in route)
    if len(left) > 1 and left != route:
        largest = max(left, key=lambda one: number(one.get("weight")))
        largest["weight"] = number(largest.get("weight")) + total - sum(number(one.get("weight")) for one in left)
    elif left and "weight" in left[0]:
        left[0]["weight"] = total or 100
    node["route"] = left


def _leads(destination: object, rule: Rule, service: Service, names: frozenset[str]) -> bool:
    inner = mapping(destination)
    return resolve(text(inner.get("host")), rule.namespace) == service.fqdn and text(inner.get("subset")) in names
