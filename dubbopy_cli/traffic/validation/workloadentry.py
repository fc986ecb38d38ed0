"""A WorkloadEntry, by itself or as an endpoint of a ServiceEntry (`validateWorkloadEntry`)."""

from __future__ import annotations

from collections.abc import Collection

from dubbopy_cli.traffic.hosts import is_address
from dubbopy_cli.traffic.model import mapping, text
from dubbopy_cli.traffic.validation import matches, names
from dubbopy_cli.traffic.validation.faults import Faults, Node, amount, entries, error, info, refused, warning
from dubbopy_cli.traffic.validation.metadata import Metadata

UNIX = "unix://"


def judge(spec: Node, _: Metadata) -> Faults:
    """Judge the spec of a WorkloadEntry."""
    yield from entry(spec, "spec")


def entry(node: Node, path: str, ports: Collection[str] | None = None) -> Faults:
    """Judge where a workload is; ``ports`` are those of its ServiceEntry, whose addresses then are IPs or sockets."""
    address, network = text(node.get("address")), text(node.get("network"))
    socket = address.startswith(UNIX)
    if not address:
        if not network:
            yield error("address", f"{path}.address", "an address is needed")
            return
        yield warning("address", f"{path}.address", f"there is none, so the gateway of network {network} is taken")
    if socket:
        yield from _socket(node, address, path)
        if ports is not None and len(ports) != 1:
            yield error("port", path, "a socket needs exactly one port of the service")
    elif address and not is_address(address):
        judge_address = names.fqdn if ports is None else names.address
        yield from refused("address", f"{path}.address", judge_address(address))
    yield from numbered(node, path, ports)
    yield from matches.labels(node, "labels", path)


def numbered(node: Node, path: str, ports: Collection[str] | None) -> Faults:
    """Judge the ports of a workload; ``ports`` are those its ServiceEntry has, None for a WorkloadEntry by itself."""
    for spot, name, number in entries(node, "ports", path):
        if ports is not None and name not in ports:
            yield error("port", spot, f"the service has no port of the name '{name}'")
        # The CRD is stricter than the webhook: less than 63 signs.
        long = "a port's name has less than 63 signs" if names.size(name) == 63 else ""
        yield from refused("port", spot, names.port_name(name) or long)
        yield from refused("port", spot, names.port(amount(number)))


def _socket(node: Node, address: str, path: str) -> Faults:
    # The CRD takes no slash at the end of an abstract socket's name either.
    place = address.removeprefix(UNIX)
    reason = names.unix_socket(place) or ("a folder is no socket" if place.endswith("/") else "")
    yield from refused("address", f"{path}.address", reason)
    if mapping(node.get("ports")):
        yield error("port", f"{path}.ports", "a socket has none")
    elif node.get("ports") is not None:
        yield info("empty", f"{path}.ports", "the API server refuses an empty one here")
