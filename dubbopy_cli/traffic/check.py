"""What must hold before rules are applied: every call they steer finds a ready instance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dubbopy_cli.names import did_you_mean
from dubbopy_cli.traffic import lookup
from dubbopy_cli.traffic.findings import Finding, finding
from dubbopy_cli.traffic.hosts import Service, covers
from dubbopy_cli.traffic.model import DESTINATION_RULE, VIRTUAL_SERVICE, Rule, RuleSet, mapping, sequence
from dubbopy_cli.traffic.objects import default_index, route_name
from dubbopy_cli.traffic.proxyless import unfollowed
from dubbopy_cli.traffic.routes import RouteDestination, destination_of
from dubbopy_cli.traffic.unmodelled import unmodelled
from dubbopy_cli.traffic.validation import validate

Ready = Mapping[Service, Mapping[str, int]]


def check(rules: RuleSet, ready: Ready, proxyless: Sequence[str] = ()) -> tuple[Finding, ...]:
    """Return what speaks against applying ``rules``, errors first.

    ``ready`` counts the ready instances of every application by version; a version without any is listed with 0.
    ``proxyless`` names the applications that call others without a sidecar.
    """
    found: list[Finding] = []
    for rule in rules:
        if rule.kind not in {DESTINATION_RULE, VIRTUAL_SERVICE}:
            found.append(finding(rule, "error", "unsupported-kind", f"rules of kind {rule.kind} are not supported"))
            continue
        # What Istio only warns of is told by `lint`; here it would repeat what is said of unreachable routes.
        broken = [replace(one, object=rule.title) for one in validate(rule.document) if one.severity == "error"]
        found += broken
        found += _hosts(rule, ready)
        if rule.kind == VIRTUAL_SERVICE and not broken:
            found += _routes(rule, rules, ready)
            found += unfollowed(rule, ready, proxyless)
        found += unmodelled(rule)
    found += _rivals(rules, ready)
    return tuple(sorted(found, key=lambda one: ("error", "warning", "info").index(one.severity)))


def _hosts(rule: Rule, ready: Ready) -> Iterator[Finding]:
    hosts = lookup.hosts_of(rule)
    for index, host in enumerate(hosts):
        if not any(covers(host, one.fqdn) for one in ready):
            path = f"spec.hosts[{index}]" if rule.kind == VIRTUAL_SERVICE else "spec.host"
            yield finding(rule, "error", "host-unknown", _unknown_host(host, ready), path)


def _unknown_host(host: str, ready: Ready) -> str:
    by_name = {one.name: one.fqdn for one in ready}
    near = did_you_mean(host.partition(".")[0], list(by_name)) or did_you_mean(host, list(by_name.values()))
    there = ", ".join(by_name.values())
    return f"{host or 'an empty host'} is no application here" + (f", only {there}." if there else ".") + near


def _routes(rule: Rule, rules: RuleSet, ready: Ready) -> Iterator[Finding]:
    routes = list(sequence(rule.spec.get("http")))
    last = default_index(routes)
    for index, node in enumerate(routes):
        http = mapping(node)
        if last is not None and index > last:
            message = f"no call comes here: {route_name(routes[last], last)} takes every one"
            yield finding(rule, "warning", "route-unreachable", message, f"spec.http[{index}]")
            continue
        targets = [destination_of(rule, one) for one in sequence(http.get("route"))]
        path = f"spec.http[{index}]"
        for place, target in enumerate(targets):
            used = len(targets) == 1 or target.weight > 0
            yield from _target(rule, target, f"{path}.route[{place}]", rules, ready, used=used)
        for spot, other in _mirrors(rule, http):
            yield from _target(rule, other, f"{path}.{spot}", rules, ready, used=True)


def _mirrors(rule: Rule, http: Mapping[str, Any]) -> Iterator[tuple[str, RouteDestination]]:
    if http.get("mirror"):
        yield "mirror", destination_of(rule, {"destination": http["mirror"]})
    for index, node in enumerate(sequence(http.get("mirrors"))):
        yield f"mirrors[{index}]", destination_of(rule, node)


def _target(
    rule: Rule, target: RouteDestination, path: str, rules: RuleSet, ready: Ready, *, used: bool
) -> Iterator[Finding]:
    service = next((one for one in ready if one.fqdn == target.host), None)
    if service is None:
        yield finding(rule, "error", "host-unknown", _unknown_host(target.host, ready), f"{path}.destination.host")
        return
    if target.port not in {None, service.port}:
        message = f"{service.name} has port {service.port}, not {target.port}"
        yield finding(rule, "error", "port-unknown", message, f"{path}.destination.port")
    versions = ready[service]
    known = lookup.destination(rules, target.host, rule.namespace)
    subset = known.subset(target.subset)
    if target.subset and subset is None:
        names = [one.name for one in known.subsets]
        message = f"no DestinationRule defines the subset {target.subset} of {service.name}" + (
            f", only {', '.join(names)}." if names else "."
        )
        message += did_you_mean(target.subset, names)
        yield finding(rule, "error", "subset-unknown", message, f"{path}.destination.subset")
        return
    chosen = subset.versions(service.name, versions) if subset else tuple(versions)
    if used and not sum(versions[one] for one in chosen):
        what = f"subset {target.subset} of {service.name}" if target.subset else service.name
        what += f" (version {', '.join(chosen)})" if subset and chosen else ""
        yield finding(rule, "error", "subset-empty", f"{what} has no ready instance to take these calls", path)


def _rivals(rules: RuleSet, ready: Ready) -> Iterator[Finding]:
    for service in ready:
        winner, *others = (*lookup.rivals(rules, service.fqdn, service.namespace), None)
        for other in others:
            if winner and other:
                message = f"it has no effect on {service.name}: {winner.title} claims the same host and is older"
                yield finding(other, "warning", "host-claimed-twice", message, "spec.hosts")
