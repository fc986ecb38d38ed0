"""Which share of the calls each version gets, exactly: for one request, and route by route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal

from dubbopy_cli.traffic.explaining.decision import Decision, Target
from dubbopy_cli.traffic.explaining.explainer import Explainer
from dubbopy_cli.traffic.explaining.registry import Registry
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import VERSION_LABEL, RuleSet
from dubbopy_cli.traffic.request import Request

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
    table = _explainer(rules, service, ready).table(_anything(service))
    return tuple(_share(one, service, ready) for one in table.outcomes)


def share_for(rules: RuleSet, service: Service, ready: Mapping[str, int], request: Request) -> RouteShare:
    """Return what the first route that takes ``request`` does with it; its path, method and headers count."""
    here = replace(_anything(service), path=request.path, method=request.method, headers=request.headers)
    return _share(_explainer(rules, service, ready).decide(here), service, ready)


def used_by(rules: RuleSet, service: Service, version: str) -> tuple[str, ...]:
    """Return the names of the routes that send a share of their calls to ``version``."""
    return tuple(one.name for one in shares(rules, service, {version: 1}) if one.versions.get(version))


def _explainer(rules: RuleSet, service: Service, ready: Mapping[str, int]) -> Explainer:
    return Explainer(rules, Registry.of_application(service, ready))


def _anything(service: Service) -> Request:
    return Request(service.fqdn, service.port, namespace=service.namespace)


def _share(decision: Decision, service: Service, ready: Mapping[str, int]) -> RouteShare:
    """Return a decision by version, and what of it reaches none."""
    versions = {one: Fraction(0) for one in ready}
    if decision.kind == "no-route":
        loss = Loss("no-route", Fraction(1), "no route takes this call: 404")
        return RouteShare("", "no route", versions, (loss,))
    name = decision.name or f"http[{decision.route_index}]"
    if not decision.destinations:
        why = f"the rule answers them: {decision.answer}" if decision.answer else "it leads nowhere"
        return RouteShare(name, decision.condition, versions, (Loss("answered-by-rule", Fraction(1), why),))
    aborted = decision.fault.abort_share if decision.fault else Fraction(0)
    losses = [Loss("abort", aborted, "the rule's fault aborts them")] if aborted else []
    for target in decision.destinations:
        share = target.share * (1 - aborted)
        if not share:
            continue
        lost = _lost(target, service, share)
        if lost:
            losses.append(lost)
            continue
        members = [one[VERSION_LABEL] for one in target.members or ()]
        for version in members:
            versions[version] += share / len(members)
    return RouteShare(name, decision.condition, versions, tuple(losses))


def _lost(target: Target, service: Service, share: Fraction) -> Loss | None:
    """Return why calls to a destination reach no version, None if they do."""
    if target.host != service.fqdn:
        return Loss("other-host", share, f"they go to {target.host}")
    if target.status:
        code: LossCode = "no-cluster" if target.status == "503 NC" else "no-instance"
        return Loss(code, share, f"{target.reason}: {target.status}")
    return None
