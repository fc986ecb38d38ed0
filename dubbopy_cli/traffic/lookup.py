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


def destination(
    rules: RuleSet,
    host: str,
    namespace: str,
    *,
    labels: Mapping[str, str] | None = None,
    home: str | None = None,
) -> Destination:
    """Return what acts on ``host`` for a caller in ``namespace`` (`PushContext.destinationRule`).

    The caller's namespace is looked at first, then the Service's (``home``, else what its name says), then the root
    namespace; the first that has a match decides. ``labels`` are the caller's: of several objects the one that
    selects them stands before one for everybody (`SidecarScope.DestinationRule`).
    """
    found = _by_age(rules.of_kind(DESTINATION_RULE))
    found.sort(key=lambda rule: not _is_selective(rule))
    own = [
        rule
        for rule in found
        if rule.namespace == namespace
        and (_is_private(rule) if namespace == ROOT_NAMESPACE else exported(rule, namespace))
    ]
    pattern = closest(host, (_host(rule) for rule in own))
    if pattern:
        return _choose(pattern, consolidate([one for one in own if _host(one) == pattern]), namespace, labels or {})
    for place in (namespace_of(host) if home is None else home, ROOT_NAMESPACE):
        given = [rule for rule in found if rule.namespace == place and not _is_private(rule)]
        pattern = closest(host, (_host(rule) for rule in given))
        groups = consolidate([one for one in given if pattern and _host(one) == pattern])
        # A rule that is not exported to the caller still hides a wider one of the same namespace.
        visible = [one for one in groups if not one.scope or one.scope & {"*", namespace}]
        if visible:
            return _choose(pattern, visible, namespace, labels or {})
    return Destination()


@dataclass(frozen=True)
class Consolidated:
    """DestinationRules for one host that istiod makes one of, and to whom they are exported."""

    rules: tuple[Rule, ...]
    scope: frozenset[str]


def consolidate(rules: Iterable[Rule]) -> list[Consolidated]:
    """Return the objects for one host in groups that are merged (`PushContext.mergeDestinationRule`).

    Only those exported to the same namespaces are one; the first of a wider one is added to what is there as well.
    """
    groups: list[Consolidated] = []
    for rule in rules:
        apart = True
        for place, one in enumerate(groups):
            first = one.rules[0]
            reach = _reach(rule)
            if reach != one.scope and not (one.scope and reach >= one.scope):
                apart = True
                continue
            apart = reach != one.scope
            both = _is_selective(first) and _is_selective(rule)
            same = mapping(first.spec.get("workloadSelector")) == mapping(rule.spec.get("workloadSelector"))
            if both and not same:
                apart = True
                continue
            if both or not (_is_selective(first) or _is_selective(rule)):
                apart = False
            groups[place] = Consolidated((*one.rules, rule), one.scope)
        if apart:
            groups.append(Consolidated((rule,), _reach(rule)))
    return groups


def virtual_service(rules: RuleSet, host: str, namespace: str, gateway: str = MESH) -> Rule | None:
    """Return the VirtualService that routes calls to ``host`` from ``namespace``, or None.

    The nearest host wins; of several objects with the same host see `seen_from`: sidecars do not merge them.
    """
    candidates = rivals(rules, host, namespace, gateway)
    return candidates[0] if candidates else None


def rivals(rules: RuleSet, host: str, namespace: str, gateway: str = MESH) -> tuple[Rule, ...]:
    """Return every VirtualService that claims ``host`` by the nearest pattern, the one that wins first."""
    visible = seen_from(rules, namespace, gateway)
    pattern = closest(host, (one for rule in visible for one in hosts_of(rule)))
    return tuple(rule for rule in visible if pattern and pattern in hosts_of(rule))


def seen_from(rules: RuleSet, namespace: str, gateway: str = MESH) -> list[Rule]:
    """Return the VirtualServices that a proxy in ``namespace`` sees, those that win first.

    First what is exported to its own namespace alone, then what another one exports to it, then what everybody sees
    (`PushContext.initVirtualServices`); among each the oldest, then by name and namespace.
    """
    found = [
        rule
        for rule in _by_age(rules.of_kind(VIRTUAL_SERVICE))
        if exported(rule, namespace) and gateway in gateways_of(rule)
    ]
    return sorted(found, key=lambda rule: 2 if not scope(rule) or "*" in scope(rule) else rule.namespace != namespace)


def gateways_of(rule: Rule) -> tuple[str, ...]:
    """Return what a VirtualService is bound to: ``mesh``, and Gateways as ``NAMESPACE/NAME``."""
    named = tuple(resolve_gateway(text(one), rule.namespace) for one in sequence(rule.spec.get("gateways")))
    return named or (MESH,)


def resolve_gateway(name: str, namespace: str) -> str:
    """Return a Gateway as ``NAMESPACE/NAME`` (`model.resolveGatewayName`); ``mesh`` stays what it is."""
    if name == MESH:
        return name
    place, slash, rest = name.partition("/")
    if slash:
        return f"{namespace if place == '.' else place}/{rest}"
    short, dot, rest = name.partition(".")
    return f"{rest.partition('.')[0]}/{short}" if dot else f"{namespace}/{name}"


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


def scope(rule: Rule) -> frozenset[str]:
    """Return the namespaces that see the rule, its own for ``.``; none named means everybody."""
    return frozenset(rule.namespace if one == "." else text(one) for one in sequence(rule.spec.get("exportTo")))


def exported(rule: Rule, namespace: str) -> bool:
    """Tell whether ``namespace`` sees the rule."""
    named = scope(rule)
    return not named or "*" in named or ("~" not in named and namespace in named)


def _reach(rule: Rule) -> frozenset[str]:
    """Return exportTo as it is written; a rule for some workloads stays in its namespace."""
    return frozenset({"."} if _is_selective(rule) else map(text, sequence(rule.spec.get("exportTo"))))


def _is_private(rule: Rule) -> bool:
    return _is_selective(rule) or scope(rule) == {rule.namespace}


def _is_selective(rule: Rule) -> bool:
    return isinstance(rule.spec.get("workloadSelector"), Mapping)


def _host(rule: Rule) -> str:
    return resolve(text(rule.spec.get("host")), rule.namespace)


def _choose(pattern: str, groups: list[Consolidated], namespace: str, labels: Mapping[str, str]) -> Destination:
    """Return what the caller gets of several objects for one host: its own selection, else the last for everybody."""
    everybody: Consolidated | None = None
    for one in groups:
        selector = mapping(one.rules[0].spec.get("workloadSelector")).get("matchLabels")
        if not _is_selective(one.rules[0]):
            everybody = one
        elif one.rules[0].namespace == namespace and all(labels.get(k) == v for k, v in mapping(selector).items()):
            return _merge(pattern, one.rules)
    return _merge(pattern, everybody.rules) if everybody else Destination()


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
