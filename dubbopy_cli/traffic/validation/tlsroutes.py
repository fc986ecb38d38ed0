"""TLS and TCP routes of a VirtualService."""

from __future__ import annotations

from dubbopy_cli.traffic.hosts import covers, is_address
from dubbopy_cli.traffic.model import mapping, sequence, text
from dubbopy_cli.traffic.validation import destinations, matches, names
from dubbopy_cli.traffic.validation.faults import Faults, Node, amount, error, items, refused, warning

MESH = "mesh"


def for_gateways(spec: Node) -> bool:
    """Tell whether a VirtualService says nothing to sidecars (`isGateway`)."""
    return MESH not in sequence(spec.get("gateways"))


def tls(spec: Node, path: str, *, converted: bool) -> Faults:
    """Judge the routes chosen by the name of a TLS handshake (`validateTLSRoute`)."""
    for place, one in items(spec, "tls", path):
        node = mapping(one)
        if not sequence(node.get("match")):
            yield error("match", f"{place}.match", "at least one condition is needed")
        for spot, match in items(node, "match", place):
            if not sequence(mapping(match).get("sniHosts")):
                yield error("match", f"{spot}.sniHosts", "at least one host is needed")
            for where, host in items(mapping(match), "sniHosts", spot):
                yield from _sni(text(host), spec, where)
            yield from _subnets(mapping(match), spot)
            if amount(mapping(match).get("port")):
                yield from refused("port", f"{spot}.port", names.port(amount(match["port"])))
            yield from matches.labels(mapping(match), "sourceLabels", spot)
            yield from matches.gateways(mapping(match), spot)
        yield from _route(node, place, converted=converted)


def tcp(spec: Node, path: str, *, converted: bool) -> Faults:
    """Judge the routes of connections (`validateTCPRoute`)."""
    for place, one in items(spec, "tcp", path):
        node = mapping(one)
        for spot, match in items(node, "match", place):
            if match is None:
                yield error("match", spot, "a condition is needed")
            yield from _subnets(mapping(match), spot)
            yield from matches.callers(mapping(match), spot)
        yield from _route(node, place, converted=converted)


def _route(node: Node, path: str, *, converted: bool) -> Faults:
    if not sequence(node.get("route")):
        yield error("route", f"{path}.route", "a destination is needed")
    yield from destinations.weighted(node, path, converted=converted)


def _subnets(match: Node, path: str) -> Faults:
    for spot, subnet in items(match, "destinationSubnets", path):
        yield from refused("address", spot, names.subnet(text(subnet)))


def _sni(host: str, spec: Node, path: str) -> Faults:
    reason = names.gateway_domain(host, sni=True) if for_gateways(spec) else names.domain(host)
    if reason and is_address(host):
        yield warning("host", path, f"'{host}' is an address, which most callers do not send as a name")
    elif reason:
        yield error("host", path, reason)
    elif not any(covers(text(one), host) for one in sequence(spec.get("hosts"))):
        yield error("host", path, f"'{host}' is none of the hosts of the VirtualService")
