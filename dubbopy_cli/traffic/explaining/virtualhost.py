"""Which virtual host of a sidecar or a gateway takes a name, and so which objects' routes are tried."""

from __future__ import annotations

from collections.abc import Iterator

from dubbopy_cli.traffic.explaining.landing import Caller
from dubbopy_cli.traffic.explaining.registry import Document, Known, Registry
from dubbopy_cli.traffic.hosts import Service, closest, covers, is_address, matches
from dubbopy_cli.traffic.lookup import hosts_of, rivals, seen_from
from dubbopy_cli.traffic.model import Rule, RuleSet, mapping, number, sequence, text
from dubbopy_cli.traffic.protocols import is_routed
from dubbopy_cli.traffic.request import Request
from dubbopy_cli.traffic.routes import Route, RouteDestination, destination_of, routes_of

Sources = list[tuple[Rule | None, Route]]


def bare(authority: str) -> str:
    """Return the name in an authority: without its port, in small letters."""
    if authority.startswith("["):
        return authority[1:].partition("]")[0].lower()
    name, _, port = authority.rpartition(":")
    return (name if port.isdecimal() and name and ":" not in name else authority).lower()


def service_of(registry: Registry, rules: RuleSet, request: Request) -> Known | None:
    """Return the Service a name means, None if there is none; without any Service given the name decides alone."""
    name = bare(request.host)
    forms = _forms(name, request.namespace)
    if not registry.is_empty:
        # A bare name belongs to the namespace that is asked about, which need not be the caller's.
        found = (registry.find(one, request.origin) for one in (*forms[1:], name))
        return next((one for one in found if one is not None and not is_bare_stranger(one, name, request)), None)
    claimed = {host for rule in rules for host in hosts_of(rule)}
    host = next((one for one in forms if one in claimed), forms[1] if "." not in name and len(forms) > 1 else name)
    return registry.get(host.rstrip("."), request.origin, request.port)


def is_bare_stranger(known: Known, name: str, request: Request) -> bool:
    """Tell whether a bare name was found in another namespace than the one asked about."""
    return "." not in name and not is_address(name) and known.namespace != request.namespace


def _forms(name: str, namespace: str) -> tuple[str, ...]:
    """Return the full names that a name may stand for, itself first."""
    if is_address(name) or not name:
        return (name,)
    labels = name.rstrip(".").split(".")
    tails = {1: f".{namespace}.svc.cluster.local", 2: ".svc.cluster.local", 3: ".cluster.local"}
    tail = tails.get(len(labels), "")
    if not tail or (len(labels) == 3 and labels[2] != "svc"):
        return (name,)
    return (name, ".".join(labels) + tail)


def everyone(host: str, namespace: str) -> Route:
    """Return the route of a Service on which no rule acts."""
    return Route(0, None, "default", namespace, {}, {}, (RouteDestination(host, "", None, 0, {}),))


def sidecar_routes(rules: RuleSet, host: str, caller: Caller) -> Sources:
    """Return the routes a sidecar has for a Service of this full name; none if no rule acts.

    Of several objects with the very host of the Service the first that has a route for this caller stands; a wider
    host belongs to one object alone (`computeWildcardHostVirtualServiceIndex`).
    """
    candidates = rivals(rules, host, caller.namespace)
    if candidates and host not in hosts_of(candidates[0]):
        candidates = candidates[:1]
    for rule in candidates:
        found = _routes(rule, caller)
        if found:
            return [(rule, one) for one in found]
    return []


def foreign_routes(rules: RuleSet, registry: Registry, name: str, caller: Caller) -> Sources:
    """Return the routes for a name that is no Service.

    It has them on port 80, and on a port of a Service that the same object is for
    (`buildSidecarVirtualHostsForVirtualService`).
    """
    services = [one for one in registry.seen_from(caller.namespace) if _is_http(one, caller.port)]
    claims: dict[str, Rule] = {}
    for rule in seen_from(rules, caller.namespace):
        hosts = [one.lower() for one in hosts_of(rule)]
        if caller.port != 80 and not any(matches(host, one.host) for host in hosts for one in services):
            continue
        for host in hosts:
            taken = any(covers(host, one.host) for one in services)
            if not taken and _routes(rule, caller):
                claims.setdefault(host, rule)
    pattern = closest(name, claims)
    return [(claims[pattern], one) for one in _routes(claims[pattern], caller)] if pattern else []


def tcp_routes(rules: RuleSet, known: Known, caller: Caller) -> Sources:
    """Return the first tcp route for this caller; http routes mean nothing to a TCP port."""
    for rule in rivals(rules, known.host, caller.namespace)[:1]:
        for index, node in enumerate(map(mapping, sequence(rule.spec.get("tcp")))):
            targets = tuple(destination_of(rule, one) for one in sequence(node.get("route")))
            only = Rule(rule.kind, rule.namespace, rule.name, {"spec": {"http": [node]}})
            if targets and _routes(only, caller):
                return [(rule, Route(index, None, "", rule.namespace, {}, {}, targets))]
    return []


def gateway_routes(rules: RuleSet, gateways: list[Document], name: str, caller: Caller) -> Sources:
    """Return the routes a gateway has for a name: of all objects with one host, what catches all comes last.

    Source: `buildGatewayHTTPRouteConfig`, `SortVHostRoutes`.
    """
    servers = [list(_server_hosts(one, caller)) for one in gateways] or [["*/*"]]
    hosts: dict[str, Sources] = {}
    for offered in servers:
        for rule in seen_from(rules, caller.namespace, caller.gateway):
            routes = _routes(rule, caller)
            for host in _shared(offered, rule) if routes else ():
                hosts.setdefault(host.lower(), []).extend((rule, one) for one in routes)
    found = hosts.get(closest(name, hosts), [])
    return sorted(found, key=lambda one: one[1].catches_all)


def _shared(offered: list[str], rule: Rule) -> Iterator[str]:
    seen = set()
    for entry in offered:
        namespace, slash, host = entry.rpartition("/")
        if slash and namespace not in {"*", rule.namespace}:
            continue
        for one in hosts_of(rule):
            both = host if covers(one, host) else one if covers(host, one) else ""
            if both and both not in seen:
                seen.add(both)
                yield both


def _server_hosts(gateway: Document, caller: Caller) -> Iterator[str]:
    place = caller.gateway.partition("/")[0]
    for server in map(mapping, sequence(mapping(gateway.get("spec")).get("servers"))):
        if number(mapping(server.get("port")).get("number")) != caller.port:
            continue
        for host in map(text, sequence(server.get("hosts"))):
            yield f"{place}/{host[2:]}" if host.startswith("./") else host


def _routes(rule: Rule, caller: Caller) -> tuple[Route, ...]:
    here = Service("", caller.namespace, caller.port)
    return routes_of(rule, here, labels=caller.labels, namespace=caller.namespace, gateway=caller.gateway)


def _is_http(known: Known, port: int) -> bool:
    found = known.port(port)
    return found is not None and is_routed(found.protocol)
