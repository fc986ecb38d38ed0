"""Gateways: do their pods and ports exist, and does another one claim the same hosts?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from dubbopy_cli.traffic.analysis.selectors import SelectorIndex, written
from dubbopy_cli.traffic.analysis.world import Resource, World
from dubbopy_cli.traffic.findings import Finding
from dubbopy_cli.traffic.model import mapping, number, sequence, text

# The hosts a Gateway claims at one port, each with the address it binds to.
Claims = dict[str, str]


def selector(gateway: Resource) -> Mapping[str, Any]:
    """Return the labels of the pods a Gateway acts on."""
    return mapping(gateway.spec.get("selector"))


def ports(world: World) -> Iterator[Finding]:
    """Report Gateways without pods, and ports no Service of their pods leads to (IST0101, IST0162)."""
    open_ports: dict[str, set[int] | None] = {}
    for gateway in world.of("Gateway"):
        pods = written(selector(gateway))
        if pods not in open_ports:
            open_ports[pods] = _open_ports(world, selector(gateway))
        found = open_ports[pods]
        if found is None:
            yield gateway.report("IST0101", "selector", pods, path="spec.selector")
            continue
        for index, server in enumerate(sequence(gateway.spec.get("servers"))):
            port = mapping(server).get("port")
            if port is not None and number(mapping(port).get("number")) not in found:
                path = f"spec.servers[{index}].port"
                yield gateway.report("IST0162", number(mapping(port).get("number")), pods, path=path)


def _open_ports(world: World, pods: Mapping[str, Any]) -> set[int] | None:
    """Return the ports at which these pods can be reached; None if there is no such pod."""
    found: set[int] | None = None
    for pod in world.pods.select(pods):
        found = set() if found is None else found
        for service in world.services.selecting(pod.labels, pod.namespace):
            for port in sequence(service.spec.get("ports")):
                # Istio counts a port here only if it says TCP itself.
                if mapping(port).get("protocol") == "TCP":
                    found |= {_integer(mapping(port).get("targetPort")), number(mapping(port).get("port"))} - {0}
    return found


def _integer(port: object) -> int:
    if isinstance(port, str):
        return int(port) if port.isascii() and port.isdigit() else 0
    return number(port)


def conflicts(world: World) -> Iterator[Finding]:
    """Report Gateways with the same pods, port and hosts (IST0145), and selectors of no Gateway (IST0101)."""
    claimed: dict[str, dict[int, dict[str, Claims]]] = {}
    selectors: dict[str, Mapping[str, Any]] = {}
    for gateway in world.of("Gateway"):
        for server in sequence(gateway.spec.get("servers")):
            pods = written(selector(gateway))
            selectors[pods] = selector(gateway)
            by_name = claimed.setdefault(pods, {}).setdefault(_port(server), {})
            # As in Istio, of two servers of one Gateway at one port the later one stands.
            by_name[gateway.full_name] = dict.fromkeys(_hosts(server), _bind(server))
    index = SelectorIndex(("", one, pods) for pods, one in selectors.items())
    rivals: dict[str, dict[int, dict[str, Claims]]] = {}
    for gateway in world.of("Gateway"):
        pods = written(selector(gateway))
        if pods not in rivals:
            rivals[pods] = _same_pods(world, gateway, index, claimed)
        if pods and not rivals[pods]:
            yield gateway.report("IST0101", "selector", pods, path="spec.selector")
        else:
            yield from _conflicts(gateway, pods, rivals[pods])


def _same_pods(
    world: World,
    gateway: Resource,
    index: SelectorIndex[str],
    claimed: Mapping[str, Mapping[int, Mapping[str, Claims]]],
) -> dict[int, dict[str, Claims]]:
    """Return by port what Gateways that act on the same pods claim."""
    own = written(selector(gateway))
    alike = {own: None} if own in claimed else {}
    for pod in world.pods.select(selector(gateway)):
        for other in index.selecting(pod.labels):
            # One selector has to be a part of the other as text; that is how Istio compares them.
            if other in own or own in other:
                alike[other] = None
    found: defaultdict[int, dict[str, Claims]] = defaultdict(dict)
    for pods in alike:
        for port, by_name in claimed[pods].items():
            found[port].update(by_name)
    return dict(found)


def _conflicts(gateway: Resource, pods: str, rivals: Mapping[int, Mapping[str, Claims]]) -> Iterator[Finding]:
    earlier: defaultdict[int, Claims] = defaultdict(dict)
    for index, server in enumerate(sequence(gateway.spec.get("servers"))):
        port, bind, hosts = _port(server), _bind(server), _hosts(server)
        others = {name: known for name, known in rivals.get(port, {}).items() if name != gateway.full_name}
        names = sorted(
            name
            for name, known in others.items()
            if any(known.get(host) == bind or earlier[port].get(host) == bind for host in hosts)
        )
        earlier[port].update(dict.fromkeys(hosts, bind))
        if names:
            path = f"spec.servers[{index}]"
            yield gateway.report("IST0145", ",".join(names), pods, port, ",".join(hosts), path=path)


def _port(server: object) -> int:
    return number(mapping(mapping(server).get("port")).get("number"))


def _hosts(server: object) -> list[str]:
    return [text(one) for one in sequence(mapping(server).get("hosts"))]


def _bind(server: object) -> str:
    return text(mapping(server).get("bind"))
