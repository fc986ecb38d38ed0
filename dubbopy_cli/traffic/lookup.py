"""Which DestinationRule and VirtualService act on a host, as a sidecar in a namespace sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dubbopy_cli.traffic.hosts import Service, closest, namespace_of, resolve
from dubbopy_cli.traffic.model import (
    DESTINATION_RULE,
    VIRTUAL_SERVICE,
    Rule,
    RuleSet,
    mapping,
    sequence,
    text,
    version_labels,
)

ROOT_NAMESPACE = "istio-system"
MESH = "mesh"


@dataclass(frozen=True)
class Subset:
    """One subset as it is in force, and the object that defines it."""

    name: str
    labels: Mapping[str, Any]
    policy: Mapping[str, Any]
    rule: Rule

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Tell whether an instance with these labels is in the subset; no labels select every instance."""
        return all(labels.get(key) == value for key, value in self.labels.items())

    def versions(self, application: str, versions: Iterable[str]) -> tuple[str, ...]:
        """Return those of ``versions`` whose instances the subset selects."""
        return tuple(one for one in versions if self.selects(version_labels(application, one)))


@dataclass(frozen=True)
class Destination:
    """What the DestinationRules say about one host; without any of them it is empty."""

    rules: tuple[Rule, ...] = ()
    pattern: str = ""
    subsets: tuple[Subset, ...] = ()
    policy: Mapping[str, Any] = field(default_factory=dict)

    def subset(self, name: str) -> Subset | None:
        """Return the subset of that name, or None."""
        return next((one for one in self.subsets if one.name == name), None)


def destination(rules: RuleSet, host: str, namespace: str) -> Destination:
    """Return what acts on ``host`` for a caller in ``namespace`` (`PushContext.destinationRule`).

    The caller's namespace is looked at first, then the Service's, then the root namespace; the first that has a
    match decides. Several objects for one host are merged: the first subset of a name and the first policy stand.
    """
    for place in dict.fromkeys((namespace, namespace_of(host), ROOT_NAMESPACE)):
        visible = [
            rule
            for rule in _by_age(rules.of_kind(DESTINATION_RULE))
            if rule.namespace == place and _exported(rule, namespace) and not rule.spec.get("workloadSelector")
        ]
        pattern = closest(host, (_host(rule) for rule in visible))
        if pattern:
            return _merge(pattern, tuple(rule for rule in visible if _host(rule) == pattern))
    return Destination()


def virtual_service(rules: RuleSet, host: str, namespace: str, gateway: str = MESH) -> Rule | None:
    """Return the VirtualService that routes calls to ``host`` from ``namespace``, or None.

    The nearest host wins; of several objects with the same host the oldest, then the first by name and namespace
    (`model.sortConfigByCreationTime`): sidecars do not merge them.
    """
    candidates = rivals(rules, host, namespace, gateway)
    return candidates[0] if candidates else None


def rivals(rules: RuleSet, host: str, namespace: str, gateway: str = MESH) -> tuple[Rule, ...]:
    """Return every VirtualService that claims ``host`` by the nearest pattern, the one that wins first."""
    visible = [
        rule
        for rule in _by_age(rules.of_kind(VIRTUAL_SERVICE))
        if _exported(rule, namespace) and gateway in (sequence(rule.spec.get("gateways")) or (MESH,))
    ]
    pattern = closest(host, (one for rule in visible for one in hosts_of(rule)))
    return tuple(rule for rule in visible if pattern and pattern in hosts_of(rule))


def hosts_of(rule: Rule) -> tuple[str, ...]:
    """Return the full host names of a rule of either kind."""
    if rule.kind == DESTINATION_RULE:
        return (_host(rule),)
    return tuple(resolve(text(one), rule.namespace) for one in sequence(rule.spec.get("hosts")))


def acting(rules: RuleSet, service: Service) -> RuleSet:
    """Return the objects that act on a Service for callers in its own namespace."""
    routes = virtual_service(rules, service.fqdn, service.namespace)
    found = destination(rules, service.fqdn, service.namespace).rules
    return RuleSet.of((*found, *((routes,) if routes else ())))


def _host(rule: Rule) -> str:
    return resolve(text(rule.spec.get("host")), rule.namespace)


def _merge(pattern: str, rules: tuple[Rule, ...]) -> Destination:
    subsets: dict[str, Subset] = {}
    for rule in rules:
        for node in sequence(rule.spec.get("subsets")):
            name = text(mapping(node).get("name"))
            one = Subset(name, mapping(mapping(node).get("labels")), mapping(mapping(node).get("trafficPolicy")), rule)
            subsets.setdefault(name, one)
    policies = (mapping(rule.spec.get("trafficPolicy")) for rule in rules)
    return Destination(rules, pattern, tuple(subsets.values()), next((one for one in policies if one), {}))


def _by_age(rules: Iterable[Rule]) -> list[Rule]:
    return sorted(rules, key=lambda one: (str(one.metadata.get("creationTimestamp", "")), one.name, one.namespace))


def _exported(rule: Rule, namespace: str) -> bool:
    """Tell whether ``namespace`` sees the rule; no exportTo means everybody."""
    targets = sequence(rule.spec.get("exportTo"))
    return not targets or "*" in targets or namespace in targets or ("." in targets and rule.namespace == namespace)
