"""ServiceEntries: addresses for TCP ports (IST0134), and one protocol for a port (IST0177)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from dubbopy_cli.traffic.analysis.registry import EVERYWHERE, scopes
from dubbopy_cli.traffic.analysis.world import Resource, World
from dubbopy_cli.traffic.findings import Finding
from dubbopy_cli.traffic.model import mapping, number, sequence, text


def addresses(world: World) -> Iterator[Finding]:
    """Report TCP ports of ServiceEntries that have no addresses and are given none."""
    if _allocated(world):
        return
    for entry in world.of("ServiceEntry"):
        if entry.spec.get("addresses") or mapping(entry.document.get("status")).get("addresses"):
            continue
        for index, port in enumerate(sequence(entry.spec.get("ports"))):
            if text(mapping(port).get("protocol")).upper() in {"", "TCP"}:
                yield entry.report("IST0134", path=f"spec.ports[{index}]")


def _allocated(world: World) -> bool:
    """Tell whether sidecars answer DNS and give addresses themselves."""
    settings = mapping(mapping(world.mesh.get("defaultConfig")).get("proxyMetadata"))
    return settings.get("ISTIO_META_DNS_CAPTURE") == "true" and "true" in (
        settings.get("ISTIO_META_DNS_AUTO_ALLOCATE"),
        settings.get("PILOT_ENABLE_IP_AUTOALLOCATE"),
    )


def protocols(world: World) -> Iterator[Finding]:
    """Report ServiceEntries that give one port of a host different protocols."""
    claims: defaultdict[tuple[str, str, int], list[tuple[str, Resource]]] = defaultdict(list)
    for entry in world.of("ServiceEntry"):
        for scope in scopes(sequence(entry.spec.get("exportTo")), entry.namespace):
            for host in sequence(entry.spec.get("hosts")):
                for node in sequence(entry.spec.get("ports")):
                    port = mapping(node)
                    key = (scope, text(host), number(port.get("number")))
                    claims[key].append((text(port.get("protocol")).upper(), entry))
    reported: set[str] = set()
    for (scope, host, port_number), own in list(claims.items()):
        everywhere = claims.get((EVERYWHERE, host, port_number), []) if scope != EVERYWHERE else []
        entries = [*own, *everywhere]
        found = sorted({protocol for protocol, _ in entries})
        if len(found) < 2:
            continue
        names = ", ".join(sorted({entry.full_name for _, entry in entries}))
        for _, entry in entries:
            if entry.full_name not in reported:
                reported.add(entry.full_name)
                yield entry.report("IST0177", names, host, port_number, ", ".join(found))
