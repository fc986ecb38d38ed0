"""Ports of Services: do their names say a protocol (IST0118, IST0150)?"""

from __future__ import annotations

from collections.abc import Iterator

from dubbopy_cli.traffic import protocols
from dubbopy_cli.traffic.analysis.world import Resource, World
from dubbopy_cli.traffic.findings import Finding
from dubbopy_cli.traffic.model import mapping, number, sequence, text

MANAGED = "gateway.istio.io/managed"
WAYPOINT = "istio.io-mesh-controller"
_MANAGERS = frozenset({"istio.io-gateway-controller", WAYPOINT, "istio.io-eastwest-controller"})


def control_plane(one: Resource) -> bool:
    """Tell whether an object belongs to Istio itself (`util.IsIstioControlPlane`)."""
    return "istio" in one.labels or one.labels.get("release") == "istio"


def names(world: World) -> Iterator[Finding]:
    """Report ports from whose names Istio learns no protocol."""
    for service in world.of("Service"):
        if control_plane(service) or service.labels.get(MANAGED) in _MANAGERS:
            continue
        external = service.spec.get("type") == "ExternalName"
        for index, node in enumerate(sequence(service.spec.get("ports"))):
            port = mapping(node)
            name, protocol = text(port.get("name")), port.get("appProtocol")
            found = protocols.port_protocol(
                number(port.get("port")),
                name,
                text(port.get("protocol")),
                protocol if isinstance(protocol, str) else None,
            )
            path = f"spec.ports[{index}]"
            if external and (found == protocols.UNSUPPORTED or name == "tcp"):
                yield service.report("IST0150", path=path)
            elif found == protocols.UNSUPPORTED:
                target = port.get("targetPort") or 0
                yield service.report("IST0118", name, number(port.get("port")), target, path=path)
