"""Where a VirtualService sends calls: do host, port and subset exist, and do rules at the gateway see subsets?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from dubbopy_cli.traffic.analysis.registry import EVERYWHERE, Overlaps, Registry, full, scopes, service_name
from dubbopy_cli.traffic.analysis.world import Resource, World
from dubbopy_cli.traffic.findings import Finding
from dubbopy_cli.traffic.lookup import MESH
from dubbopy_cli.traffic.model import mapping, number, sequence, text


class Target(NamedTuple):
    """One destination, and its place; ``mirror`` tells whether it only gets copies of calls."""

    host: str
    subset: str
    port: int | None
    path: str
    mirror: bool


def destination_hosts(world: World) -> Iterator[Finding]:
    """Report destinations that do not exist, or are not said exactly enough (IST0101, IST0112, IST0140)."""
    registry = Registry(world)
    split = _split_elsewhere(world)
    for rule in world.of("VirtualService"):
        export = sequence(rule.spec.get("exportTo"))
        for target in targets(rule):
            yield from _reachable(rule, target, registry, export)
        if sequence(rule.spec.get("gateways")):
            for target in targets(rule):
                if target.path.startswith("spec.http") and not target.mirror and not target.subset:
                    for other in split.get(target.host, ()):
                        yield rule.report("IST0140", other, rule.full_name, path=target.path)


def _reachable(rule: Resource, target: Target, registry: Registry, export: object) -> Iterator[Finding]:
    found = registry.find(target.host, rule.namespace, sequence(export))
    if found is None:
        yield rule.report("IST0101", "mirror host" if target.mirror else "host", target.host, path=target.path)
    elif target.port is None:
        if len(found.ports) > 1:
            yield rule.report("IST0112", target.host, found.ports, path=target.path)
    elif target.port not in found.ports:
        yield rule.report("IST0101", "host:port", f"{target.host}:{target.port}", path=target.path)


def _split_elsewhere(world: World) -> Mapping[str, tuple[str, ...]]:
    """Return by host the VirtualServices that send its own calls to subsets."""
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for rule in world.of("VirtualService"):
        hosts = {text(one) for one in sequence(rule.spec.get("hosts"))}
        for target in targets(rule):
            if target.path.startswith("spec.http") and not target.mirror and target.subset and target.host in hosts:
                found[target.host][rule.full_name] = None
    return {host: tuple(names) for host, names in found.items()}


def destination_subsets(world: World) -> Iterator[Finding]:
    """Report subsets that no DestinationRule of the host defines (IST0101)."""
    defined = {
        (service_name(text(rule.spec.get("host")), rule.namespace), text(mapping(one).get("name")))
        for rule in world.of("DestinationRule")
        for one in sequence(rule.spec.get("subsets"))
    }
    for rule in world.of("VirtualService"):
        for target in targets(rule):
            wanted = (service_name(target.host, rule.namespace), target.subset)
            if target.subset and wanted not in defined:
                what = "mirror+subset in destinationrule" if target.mirror else "host+subset in destinationrule"
                yield rule.report("IST0101", what, f"{target.host}+{target.subset}", path=target.path)


def mesh_hosts(world: World) -> Iterator[Finding]:
    """Report VirtualServices of which one hides another inside the mesh (IST0109)."""
    claims: defaultdict[tuple[str, str], list[Resource]] = defaultdict(list)
    for rule in world.of("VirtualService"):
        gateways = sequence(rule.spec.get("gateways"))
        if gateways and MESH not in gateways:
            continue
        for scope in scopes(sequence(rule.spec.get("exportTo")), rule.namespace):
            for host in sequence(rule.spec.get("hosts")):
                claims[scope, full(text(host), rule.namespace)].append(rule)
    everywhere = Overlaps({host: rules for (scope, host), rules in claims.items() if scope == EVERYWHERE})
    reported: set[tuple[str, str]] = set()
    for (scope, host), claiming in claims.items():
        rules = claiming if scope == EVERYWHERE else [*claiming, *everywhere.of(host)]
        if len(rules) < 2:
            continue
        names = ",".join(sorted(rule.full_name for rule in rules))
        for rule in rules:
            if (rule.namespace, rule.name) not in reported:
                reported.add((rule.namespace, rule.name))
                yield rule.report("IST0109", names, f"{scope}/{host}", path="spec.hosts")


def targets(rule: Resource) -> Iterator[Target]:
    """Yield every destination of a VirtualService: tcp, tls and http routes, then mirrors."""
    for kind in ("tcp", "tls", "http"):
        for index, route in enumerate(sequence(rule.spec.get(kind))):
            for place, node in enumerate(sequence(mapping(route).get("route"))):
                path = f"spec.{kind}[{index}].route[{place}].destination"
                yield _target(mapping(node).get("destination"), path, mirror=False)
    for index, route in enumerate(sequence(rule.spec.get("http"))):
        if mapping(route).get("mirror") is not None:
            yield _target(mapping(route)["mirror"], f"spec.http[{index}].mirror", mirror=True)
        for place, node in enumerate(sequence(mapping(route).get("mirrors"))):
            path = f"spec.http[{index}].mirrors[{place}].destination"
            yield _target(mapping(node).get("destination"), path, mirror=True)


def _target(node: object, path: str, *, mirror: bool) -> Target:
    found: Mapping[str, Any] = mapping(node)
    port = found.get("port")
    return Target(
        text(found.get("host")),
        text(found.get("subset")),
        None if port is None else number(mapping(port).get("number")),
        path,
        mirror,
    )
