"""Which share of the calls each version gets, exactly: for one request, and route by route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.lookup import destination, virtual_service
from dubbopy_cli.traffic.model import RuleSet, mapping, text
from dubbopy_cli.traffic.request import Request, describe, mismatch
from dubbopy_cli.traffic.routes import Route, RouteDestination, everybody, routes_of

LossCode = Literal["no-cluster", "no-instance", "other-host", "abort", "answered-by-rule", "no-route"]


@dataclass(frozen=True)
class Loss:
    """A share of the calls that reaches no version of the application, and why."""

    code: LossCode
    share: Fraction
    text: str


@dataclass(frozen=True)
class RouteShare:
    """One route: its name, the calls it takes in words, and where they go."""

    name: str
    condition: str
    versions: Mapping[str, Fraction] = field(default_factory=dict)
    losses: tuple[Loss, ...] = ()

    @property
    def is_default(self) -> bool:
        """Tell whether the route takes every call that came so far."""
        return self.condition == "every call"

    @property
    def answered(self) -> dict[str, Fraction]:
        """Return the shares among the calls that reach a version, which sum to 1; empty if none does."""
        total = sum(self.versions.values(), Fraction(0))
        return {version: share / total for version, share in self.versions.items() if share} if total else {}


def shares(rules: RuleSet, service: Service, ready: Mapping[str, int]) -> tuple[RouteShare, ...]:
    """Return what each route does with its calls, in the order they are tried, for a caller in the same namespace.

    ``ready`` counts ready instances by version. Without rules one route says that all instances share.
    """
    return tuple(_share(route, rules, service, ready) for route in _routes(rules, service))


def share_for(rules: RuleSet, service: Service, ready: Mapping[str, int], request: Request) -> RouteShare:
    """Return what the first route that takes ``request`` does with it."""
    for route in _routes(rules, service):
        if not mismatch(route.match, request):
            return _share(route, rules, service, ready)
    loss = Loss("no-route", Fraction(1), "no route takes this call: 404")
    return RouteShare("", "no route", {one: Fraction(0) for one in ready}, (loss,))


def used_by(rules: RuleSet, service: Service, version: str) -> tuple[str, ...]:
    """Return the names of the routes that send a share of their calls to ``version``."""
    return tuple(one.name for one in shares(rules, service, {version: 1}) if one.versions.get(version))


def _routes(rules: RuleSet, service: Service) -> tuple[Route, ...]:
    rule = virtual_service(rules, service.fqdn, service.namespace)
    found = routes_of(rule, service) if rule else ()
    return found or (everybody(service),)


def _share(route: Route, rules: RuleSet, service: Service, ready: Mapping[str, int]) -> RouteShare:
    name = route.name or f"http[{route.index}]"
    versions = {one: Fraction(0) for one in ready}
    halt = next((key for key in ("redirect", "directResponse", "delegate") if route.http.get(key)), "")
    if halt or not route.split:
        loss = Loss("answered-by-rule", Fraction(1), f"the rule answers by {halt}" if halt else "it leads nowhere")
        return RouteShare(name, describe(route.match), versions, (loss,))
    aborted = _aborted(route)
    losses = [Loss("abort", aborted, "the rule's fault aborts them")] if aborted else []
    for target, part in route.split:
        share = part * (1 - aborted)
        lost = _lost(target, rules, service, ready, share) if share else None
        if lost:
            losses.append(lost)
            continue
        members = _members(target, rules, service, ready)
        total = sum(members.values())
        for version, count in members.items():
            versions[version] += share * count / max(total, 1)
    return RouteShare(name, describe(route.match), versions, tuple(losses))


def _members(target: RouteDestination, rules: RuleSet, service: Service, ready: Mapping[str, int]) -> dict[str, int]:
    """Return the ready instances a destination has, by version."""
    subset = destination(rules, target.host, service.namespace).subset(target.subset)
    chosen = subset.versions(service.name, ready) if subset else ready
    return {one: ready[one] for one in chosen}


def _lost(
    target: RouteDestination, rules: RuleSet, service: Service, ready: Mapping[str, int], share: Fraction
) -> Loss | None:
    """Return why calls to a destination reach no version, None if they do."""
    if target.host != service.fqdn:
        return Loss("other-host", share, f"they go to {target.host}")
    if target.port not in {None, service.port}:
        return Loss("no-cluster", share, f"they go to port {target.port}, which {service.name} has not: 503 NC")
    if target.subset and destination(rules, target.host, service.namespace).subset(target.subset) is None:
        return Loss("no-cluster", share, f"no DestinationRule defines the subset {target.subset}: 503 NC")
    if not sum(_members(target, rules, service, ready).values()):
        what = f"subset {target.subset}" if target.subset else service.name
        return Loss("no-instance", share, f"{what} has no ready instance: 503 UH")
    return None


def _aborted(route: Route) -> Fraction:
    abort = mapping(mapping(route.http.get("fault")).get("abort"))
    percent = mapping(abort.get("percentage")).get("value", 0)
    if not isinstance(percent, int | float) or not (abort.get("httpStatus") or text(abort.get("grpcStatus"))):
        return Fraction(0)
    # Envoy counts in millionths, rounded down.
    return Fraction(min(int(percent * 10000), 1_000_000), 1_000_000)
