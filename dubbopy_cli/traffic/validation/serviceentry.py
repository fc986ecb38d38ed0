"""A ServiceEntry (`ValidateServiceEntry`)."""

from __future__ import annotations

from collections.abc import Sequence

from dubbopy_cli.traffic import protocols
from dubbopy_cli.traffic.hosts import is_address
from dubbopy_cli.traffic.model import mapping, sequence, text
from dubbopy_cli.traffic.validation import exports, matches, names, workloadentry
from dubbopy_cli.traffic.validation.faults import Faults, Node, amount, error, has, info, items, refused, warning
from dubbopy_cli.traffic.validation.metadata import Metadata

_AUTO_ADDRESS = "networking.istio.io/enable-autoallocate-ip"
_WAYPOINT = "istio.io/use-waypoint"
# What the dynamic forward proxy of a ServiceEntry with DYNAMIC_DNS carries.
_FORWARDED = frozenset({"HTTP", "TLS", "GRPC", "HTTP2"})


def judge(spec: Node, meta: Metadata) -> Faults:
    """Judge the spec of a ServiceEntry; a bad selector is all that Istio then says."""
    selected = has(spec, "workloadSelector")
    if selected:
        found = list(matches.selector(mapping(spec["workloadSelector"]), "labels", "spec.workloadSelector"))
        yield from found
        if any(one.severity == "error" for one in found):
            return
        if sequence(spec.get("endpoints")):
            yield error("endpoint", "spec.endpoints", "only one of endpoints and workloadSelector can be given")
    resolution = text(spec.get("resolution")) or "NONE"
    if spec.get("endpoints") == [] and (selected or resolution == "NONE"):
        yield info("empty", "spec.endpoints", "the API server refuses an empty list here")
    hosts = [text(one) for one in sequence(spec.get("hosts"))]
    yield from _hosts(hosts, resolution)
    yield from _addresses(spec, resolution)
    yield from _ports(spec, meta, resolution)
    if resolution == "NONE":
        if sequence(spec.get("endpoints")):
            yield error("endpoint", "spec.endpoints", "resolution NONE takes the address of the call, not endpoints")
        if selected:
            yield warning("selector", "spec.workloadSelector", "has no effect with resolution NONE")
    elif resolution == "STATIC":
        for path, node in items(spec, "endpoints", "spec"):
            yield from workloadentry.entry(mapping(node), path, _port_names(spec))
    elif resolution == "DYNAMIC_DNS":
        yield from _dynamic(spec, hosts, meta)
    else:
        yield from _dns(spec, hosts, resolution)
    yield from _one_host(spec, hosts, resolution)
    yield from exports.judge(spec, meta.namespace, nowhere=True)


def _hosts(hosts: Sequence[str], resolution: str) -> Faults:
    if not hosts:
        yield error("host", "spec.hosts", "at least one host is needed")
    for index, host in enumerate(hosts):
        path = f"spec.hosts[{index}]"
        yield from refused("host", path, "a service is not every host" if host == "*" else names.domain(host))
        if resolution != "DYNAMIC_DNS" and names.partial_wildcard(host):
            yield warning("host", path, names.partial_wildcard(host))


def _addresses(spec: Node, resolution: str) -> Faults:
    for path, node in items(spec, "addresses", "spec"):
        yield from refused("address", path, names.subnet(text(node)))
        if "/" in text(node) and resolution not in {"NONE", "STATIC"}:
            yield error("address", path, "blocks of addresses need resolution NONE or STATIC")


def _port_names(spec: Node) -> set[str]:
    return {text(mapping(one).get("name")) for one in sequence(spec.get("ports")) if one is not None}


def _ports(spec: Node, meta: Metadata, resolution: str) -> Faults:
    off = text(meta.labels.get(_AUTO_ADDRESS)).casefold() == "false"
    bare = not sequence(spec.get("addresses")) and (resolution == "NONE" or off)
    seen: set[str | float] = set()
    for path, node in items(spec, "ports", "spec"):
        if node is None:
            yield error("port", path, "a port is needed")
            continue
        port = mapping(node)
        name, number, protocol = text(port.get("name")), amount(port.get("number")), text(port.get("protocol"))
        for key, value in (("name", name), ("number", number)):
            if value in seen:
                yield error("port", f"{path}.{key}", f"{value} is given twice")
        seen |= {name, number}
        # Istio takes 0 for none, but the CRD refuses it.
        if port.get("targetPort") is not None:
            yield from refused("port", f"{path}.targetPort", names.port(amount(port["targetPort"])))
        if bare and protocol in {"", "TCP"}:
            yield warning("address", path, "a TCP port without addresses takes every call to that port")
        yield from refused("port", f"{path}.name", names.port_name(name))
        yield from refused("protocol", f"{path}.protocol", protocol and names.protocol(protocol))
        yield from refused("port", f"{path}.number", names.port(number))


def _protocols(spec: Node) -> list[tuple[str, str]]:
    found = items(spec, "ports", "spec")
    return [(path, protocols.parse(text(mapping(one).get("protocol")))) for path, one in found if one is not None]


def _dns(spec: Node, hosts: Sequence[str], resolution: str) -> Faults:
    endpoints = sequence(spec.get("endpoints"))
    if not endpoints:
        for index, host in enumerate(hosts):
            if names.fqdn(host):
                message = f"resolution {resolution} without endpoints looks the host up, so it has to be a whole name"
                yield error("host", f"spec.hosts[{index}]", message)
                break
    if resolution == "DNS_ROUND_ROBIN" and len(endpoints) > 1:
        yield error("endpoint", "spec.endpoints", "resolution DNS_ROUND_ROBIN has at most one")
    for path, node in items(spec, "endpoints", "spec"):
        if node is None:
            yield error("endpoint", path, "an endpoint is needed")
            continue
        address = text(mapping(node).get("address"))
        if not is_address(address):
            yield from refused("address", f"{path}.address", names.fqdn(address))
        yield from matches.labels(mapping(node), "labels", path)
        yield from workloadentry.numbered(mapping(node), path, _port_names(spec))
    if sequence(spec.get("addresses")) and len(hosts) > 1:
        for path, protocol in _protocols(spec):
            if protocol in protocols.TCP:
                yield warning("host", path, "a TCP port cannot tell the hosts apart by the addresses")
                break


def _dynamic(spec: Node, hosts: Sequence[str], meta: Metadata) -> Faults:
    for index, host in enumerate(hosts):
        if not host.startswith("*"):
            yield error("host", f"spec.hosts[{index}]", "resolution DYNAMIC_DNS is for wildcards")
    for key in ("addresses", "endpoints"):
        if sequence(spec.get(key)):
            yield error("resolution", f"spec.{key}", "cannot be given with resolution DYNAMIC_DNS")
    for path, protocol in _protocols(spec):
        if protocol not in _FORWARDED:
            message = "resolution DYNAMIC_DNS is for HTTP, HTTP2, GRPC and TLS"
            yield error("protocol", f"{path}.protocol", message)
    waypoint = text(meta.labels.get(_WAYPOINT))
    if spec.get("location") == "MESH_INTERNAL" and waypoint and waypoint.casefold() != "none":
        yield error("resolution", "spec.location", "DYNAMIC_DNS behind a waypoint is for MESH_EXTERNAL only")


def _one_host(spec: Node, hosts: Sequence[str], resolution: str) -> Faults:
    """Judge that hosts of one port can be told apart: by a header of HTTP, or by the name of a TLS handshake."""
    if resolution == "NONE" or len(hosts) < 2:
        return
    for path, protocol in _protocols(spec):
        if protocol not in protocols.HTTP | protocols.TLS:
            yield error("host", f"{path}.protocol", "several hosts need ports of HTTP, HTTPS or TLS to be told apart")
            return
