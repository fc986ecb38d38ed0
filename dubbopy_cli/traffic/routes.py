"""The routes of a VirtualService in the order in which a sidecar tries them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from dubbopy_cli.traffic.hosts import Service, cluster_name, resolve
from dubbopy_cli.traffic.lookup import MESH, resolve_gateway
from dubbopy_cli.traffic.model import Rule, mapping, number, sequence, text


@dataclass(frozen=True)
class RouteDestination:
    """One destination of a route; ``port`` is None where the rule names none, ``node`` is its place in the rule."""

    host: str
    subset: str
    port: int | None
    weight: int
    node: Mapping[str, Any]

    def cluster(self, service: Service, ports: Mapping[str, int]) -> str:
        """Return the cluster's name: the port named, else the only one of the host, else the caller's."""
        return cluster_name(self.host, self.port or ports.get(self.host, service.port), self.subset)


@dataclass(frozen=True)
class Route:
    """One (http route, match) pair, which is one route of Envoy; ``match`` is empty for a default route.

    ``namespace`` is the rule's: short names in ``http`` belong to it.
    """

    index: int
    match_index: int | None
    name: str
    namespace: str
    http: Mapping[str, Any]
    match: Mapping[str, Any]
    destinations: tuple[RouteDestination, ...]

    @property
    def catches_all(self) -> bool:
        """Tell whether every call takes this route."""
        return is_catch_all(self.match)

    @property
    def split(self) -> tuple[tuple[RouteDestination, Fraction], ...]:
        """Return the destinations that get calls with their share: weight by sum, a single one all of them."""
        if len(self.destinations) == 1:
            return ((self.destinations[0], Fraction(1)),)
        total = sum(one.weight for one in self.destinations)
        return tuple((one, Fraction(one.weight, total)) for one in self.destinations if one.weight > 0)


def routes_of(
    rule: Rule,
    service: Service,
    *,
    labels: Mapping[str, str] | None = None,
    namespace: str | None = None,
    gateway: str = MESH,
) -> tuple[Route, ...]:
    """Return the routes a caller's sidecar has for ``service``, ended by the first that catches all.

    Source of the order and of what is skipped: `route.BuildHTTPRoutesForVirtualService`, `sourceMatchHTTP`.
    None left means that the Service keeps its default route.
    """
    found: list[Route] = []
    origin = service.namespace if namespace is None else namespace
    for index, node in enumerate(sequence(rule.spec.get("http"))):
        http = mapping(node)
        matches = sequence(http.get("match"))
        for place, match in enumerate(matches or ({},)):
            condition = mapping(match)
            if not _applies(rule, condition, port=service.port, labels=labels or {}, namespace=origin, gateway=gateway):
                continue
            route = _route(rule, http, condition, index, place if matches else None)
            found.append(route)
            if route.catches_all:
                return tuple(found)
    return tuple(found)


def everybody(service: Service) -> Route:
    """Return the route of a Service on which no rule acts: all its instances share."""
    whole = RouteDestination(service.fqdn, "", None, 0, {})
    return Route(0, None, "default", service.namespace, {}, {}, (whole,))


def is_catch_all(match: Mapping[str, Any]) -> bool:
    """Tell whether a match takes every call (`route.IsCatchAllRoute`): prefix / or regex .*, and nothing else."""
    if any(match.get(one) for one in ("headers", "withoutHeaders", "queryParams")):
        return False
    # An empty one of these still asks for presence, and is a condition to istiod.
    if any(isinstance(match.get(one), Mapping) for one in ("method", "authority", "scheme")):
        return False
    uri = mapping(match.get("uri"))
    return not uri or uri.get("prefix") == "/" or uri.get("regex") == ".*"


def destination_of(rule: Rule, node: object) -> RouteDestination:
    """Return a destination as the rule names it; ``node`` holds ``destination`` and ``weight``."""
    outer = mapping(node)
    inner = mapping(outer.get("destination"))
    return RouteDestination(
        resolve(text(inner.get("host")), rule.namespace),
        text(inner.get("subset")),
        number(mapping(inner.get("port")).get("number")) or None,
        number(outer.get("weight")),
        outer,
    )


def _route(rule: Rule, http: Mapping[str, Any], match: Mapping[str, Any], index: int, place: int | None) -> Route:
    name = text(http.get("name"))
    if text(match.get("name")):
        name = f"{name}.{match['name']}"
    destinations = tuple(destination_of(rule, one) for one in sequence(http.get("route")))
    return Route(index, place, name, rule.namespace, http, match, destinations)


def _applies(
    rule: Rule, match: Mapping[str, Any], *, port: int, labels: Mapping[str, str], namespace: str, gateway: str
) -> bool:
    if number(match.get("port")) not in {0, port}:
        return False
    gateways = sequence(match.get("gateways"))
    if gateways:
        return gateway in {resolve_gateway(text(one), rule.namespace) for one in gateways}
    wanted = mapping(match.get("sourceLabels"))
    return all(labels.get(key) == value for key, value in wanted.items()) and text(match.get("sourceNamespace")) in {
        "",
        namespace,
    }
