"""What objects say of themselves: their status, fields that Istio gives up, versions it no longer reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dubbopy_cli.traffic.analysis.world import Resource, World
from dubbopy_cli.traffic.findings import Finding
from dubbopy_cli.traffic.model import mapping, number, sequence, text

_WAYPOINT = ("istio.io/WaypointBound",)
_ROUTE = ("Accepted", "Programmed", "ResolvedRefs")
# Conditions that should not be False.
_CONDITIONS: dict[str, tuple[str, ...]] = {
    "Service": _WAYPOINT,
    "ServiceEntry": _WAYPOINT,
    "WorkloadEntry": _WAYPOINT,
    "AuthorizationPolicy": ("ZtunnelAccepted", "WaypointAccepted"),
    "KubernetesGateway": _ROUTE,
    "HTTPRoute": _ROUTE,
    "GRPCRoute": _ROUTE,
}
_REMOVED = frozenset({"ClusterRbacConfig", "RbacConfig", "ServiceRole", "ServiceRoleBinding"})
_BUNDLE = "gateway.networking.k8s.io/bundle-version"
# `gatewayapi.MinimumCRDVersions`
_MINIMUM = {
    "grpcroutes.gateway.networking.k8s.io": (1, 1, 0),
    "backendtlspolicies.gateway.networking.k8s.io": (1, 4, 0),
    "tlsroutes.gateway.networking.k8s.io": (1, 5, 0),
    "tcproutes.gateway.networking.k8s.io": (1, 6, 0),
}
_VERSION = re.compile(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?", re.ASCII)


def conditions(world: World) -> Iterator[Finding]:
    """Report conditions of a status that say that something does not work (IST0171)."""
    for kind, watched in _CONDITIONS.items():
        for one in world.of(kind):
            for condition in _conditions(one, kind):
                name, reason = text(condition.get("type")), text(condition.get("reason"))
                partly = (kind, name, reason) == ("AuthorizationPolicy", "WaypointAccepted", "PartiallyInvalid")
                # Istio looks for what a type must not be, and for one that it does not watch finds an empty text.
                if partly or text(condition.get("status")) == ("False" if name in watched else ""):
                    yield one.report("IST0171", name, reason, text(condition.get("message")), path="status")


def _conditions(one: Resource, kind: str) -> Iterator[Mapping[str, Any]]:
    status = mapping(one.document.get("status"))
    holders = sequence(status.get("parents")) if kind in {"HTTPRoute", "GRPCRoute"} else (status,)
    for holder in holders:
        yield from (mapping(node) for node in sequence(mapping(holder).get("conditions")))


def deprecated(world: World) -> Iterator[Finding]:
    """Report fields and kinds that Istio gives up (IST0002)."""
    for rule in world.of("VirtualService"):
        for index, route in enumerate(sequence(rule.spec.get("http"))):
            delay = mapping(mapping(mapping(route).get("fault")).get("delay"))
            if number(delay.get("percent")) > 0:
                path = f"spec.http[{index}].fault.delay.percent"
                yield rule.report("IST0002", "fault.delay.percent; use fault.delay.percentage", path=path)
    for one in world.of("Sidecar"):
        if mapping(one.spec.get("outboundTrafficPolicy")).get("egressProxy") is not None:
            path = "spec.outboundTrafficPolicy.egressProxy"
            yield one.report("IST0002", "outboundTrafficPolicy.egressProxy, which has no effect", path=path)
    for one in world.of("CustomResourceDefinition"):
        kind = text(mapping(one.spec.get("names")).get("kind"))
        if one.spec.get("group") == "rbac.istio.io" and kind in _REMOVED:
            yield one.report("IST0002", f"{kind} of rbac.istio.io, which Istio has removed")


def versions(world: World) -> Iterator[Finding]:
    """Report definitions of the Gateway API that are too old for Istio to read (IST0176)."""
    for one in world.of("CustomResourceDefinition"):
        least = _MINIMUM.get(one.name)
        found = _VERSION.fullmatch(text(one.annotations.get(_BUNDLE)))
        if least is None or found is None:
            continue
        installed = tuple(int(part or 0) for part in found.groups())
        if installed < least:
            shown = text(one.annotations[_BUNDLE]).removeprefix("v")
            yield one.report("IST0176", one.name, shown, ".".join(map(str, least)))
