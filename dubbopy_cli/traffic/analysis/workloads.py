"""Deployments and pods: Services that contradict each other about them, and users they must not run as."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from dubbopy_cli.traffic.analysis.injection import PROXY, in_mesh
from dubbopy_cli.traffic.analysis.ports import MANAGED, WAYPOINT, control_plane
from dubbopy_cli.traffic.analysis.world import Resource, World, containers
from dubbopy_cli.traffic.findings import Finding
from dubbopy_cli.traffic.model import mapping, number, sequence, text

_SIDECAR_USER = 1337


def services(world: World) -> Iterator[Finding]:
    """Report Deployments behind Services that contradict each other (IST0116, IST0137)."""
    for one in world.of("Deployment"):
        template = mapping(one.spec.get("template"))
        if one.labels.get(MANAGED) == WAYPOINT or not in_mesh(world, template, one, init=False):
            continue
        labels = mapping(mapping(template.get("metadata")).get("labels"))
        found = world.services.selecting(labels, one.namespace, empty=False)
        yield from _protocols(one, found)
        yield from _targets(one, found)


def _protocols(one: Resource, services: list[Resource]) -> Iterator[Finding]:
    found: defaultdict[int, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for service, port in _ports(services):
        found[number(port.get("port"))][text(port.get("protocol")) or "TCP"].append(service.full_name)
    for number_, by_protocol in found.items():
        if len(by_protocol) > 1:
            names = sorted(name for some in by_protocol.values() for name in some)
            yield one.report("IST0116", one.name, number_, names)


def _targets(one: Resource, services: list[Resource]) -> Iterator[Finding]:
    found: defaultdict[str, dict[int, str]] = defaultdict(dict)
    for service, port in _ports(services):
        target = port.get("targetPort")
        key = str(port.get("port") if target in (None, 0, "", "0") else target)
        found[key][number(port.get("port"))] = service.full_name
    for target, by_port in found.items():
        if len(by_port) > 1:
            yield one.report("IST0137", one.name, sorted(by_port.values()), target, sorted(by_port))


def _ports(services: list[Resource]) -> Iterator[tuple[Resource, Mapping[str, Any]]]:
    for service in services:
        for port in sequence(service.spec.get("ports")):
            yield service, mapping(port)


def users(world: World) -> Iterator[Finding]:
    """Report pods that run as the sidecar's own user (IST0144)."""
    for one in (*world.of("Pod"), *world.of("Deployment")):
        spec = one.spec if one.kind == "Pod" else mapping(mapping(one.spec.get("template")).get("spec"))
        own = [spec, *(each for each in containers(spec) if text(each.get("name")) not in {PROXY, "istio-operator"})]
        if not control_plane(one) and any(_user(each) == _SIDECAR_USER for each in own):
            yield one.report("IST0144")


def _user(node: Mapping[str, Any]) -> int:
    return number(mapping(node.get("securityContext")).get("runAsUser"))
