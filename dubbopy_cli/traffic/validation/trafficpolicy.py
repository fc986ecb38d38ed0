"""The traffic policy of a DestinationRule, its subsets and ports (`validateTrafficPolicy`)."""

from __future__ import annotations

from dubbopy_cli.traffic import units
from dubbopy_cli.traffic.hosts import is_address
from dubbopy_cli.traffic.model import mapping, number, text
from dubbopy_cli.traffic.validation import clienttls, loadbalancer, names
from dubbopy_cli.traffic.validation.faults import Faults, Node, amount, error, has, items, refused, unheard, warning

_PORT_FIELDS = ("outlierDetection", "connectionPool", "loadBalancer", "tls")
_FIELDS = (*_PORT_FIELDS, "portLevelSettings", "tunnel", "proxyProtocol", "retryBudget")


def judge(parent: Node, path: str, namespace: str) -> Faults:
    """Judge the `trafficPolicy` of a DestinationRule or subset."""
    if not has(parent, "trafficPolicy"):
        return
    node, place = mapping(parent["trafficPolicy"]), f"{path}.trafficPolicy"
    if not any(has(node, key) for key in _FIELDS):
        yield error("traffic-policy", place, "at least one field is needed")
        return
    if has(node, "tunnel") and has(node, "proxyProtocol"):
        yield error("traffic-policy", f"{place}.tunnel", "only one of tunnel and proxyProtocol can be given")
        return
    yield from _settings(node, place, namespace)
    for spot, one in items(node, "portLevelSettings", place):
        settings = mapping(one)
        if not has(settings, "port"):
            yield error("traffic-policy", f"{spot}.port", "a port is needed")
        if not any(has(settings, key) for key in _PORT_FIELDS):
            yield error("traffic-policy", spot, "at least one field besides the port is needed")
        yield from unheard(_settings(settings, spot, namespace))
    yield from _tunnel(node, place)


def _settings(node: Node, path: str, namespace: str) -> Faults:
    yield from _outliers(node, path)
    yield from _pool(node, path)
    yield from loadbalancer.judge(node, path)
    yield from clienttls.judge(node, path, namespace)


def _outliers(parent: Node, path: str) -> Faults:
    node, place = mapping(parent.get("outlierDetection")), f"{path}.outlierDetection"
    if amount(node.get("consecutiveErrors")):
        message = "write consecutive5xxErrors or consecutiveGatewayErrors; consecutiveErrors is an old form"
        yield warning("deprecated", f"{place}.consecutiveErrors", message)
    local = "consecutiveLocalOriginFailures"
    if amount(node.get(local)) > 0 and not node.get("splitExternalLocalOriginErrors"):
        yield error("outlier-detection", f"{place}.{local}", "splitExternalLocalOriginErrors has to be true for it")
    yield from _durations(node, place, "baseEjectionTime", "interval")
    for key in ("maxEjectionPercent", "minHealthPercent"):
        if not 0 <= amount(node.get(key)) <= 100:
            yield error("outlier-detection", f"{place}.{key}", f"{node[key]} is no percentage from 0 to 100")


def _pool(parent: Node, path: str) -> Faults:
    if not has(parent, "connectionPool"):
        return
    node, place = mapping(parent["connectionPool"]), f"{path}.connectionPool"
    if not has(node, "http") and not has(node, "tcp"):
        yield error("connection-pool", place, "tcp or http is needed")
    http, tcp = mapping(node.get("http")), mapping(node.get("tcp"))
    limits = ("http1MaxPendingRequests", "http2MaxRequests", "maxRequestsPerConnection", "maxRetries")
    yield from _not_negative(http, f"{place}.http", *limits, "maxConcurrentStreams")
    yield from _durations(http, f"{place}.http", "idleTimeout")
    if http.get("h2UpgradePolicy") == "UPGRADE" and http.get("useClientProtocol"):
        message = "cannot be true when h2UpgradePolicy is UPGRADE"
        yield error("connection-pool", f"{place}.http.useClientProtocol", message)
    if has(http, "http2KeepAlive"):
        alive, spot = mapping(http["http2KeepAlive"]), f"{place}.http.http2KeepAlive"
        for key in ("interval", "timeout"):
            if alive.get(key) is None:
                yield error("connection-pool", f"{spot}.{key}", "a duration is needed")
        yield from _durations(alive, spot, "interval", "timeout")
    yield from _not_negative(tcp, f"{place}.tcp", "maxConnections")
    yield from _durations(tcp, f"{place}.tcp", "connectTimeout", "maxConnectionDuration")
    idle = units.nanoseconds(tcp.get("idleTimeout"))
    # 0 switches this timeout off, and what is below a millisecond is 0 to Istio.
    if idle is None or abs(idle) >= 10**6:
        yield from _durations(tcp, f"{place}.tcp", "idleTimeout")
    yield from _durations(mapping(tcp.get("tcpKeepalive")), f"{place}.tcp.tcpKeepalive", "time", "interval")


def _not_negative(node: Node, path: str, *keys: str) -> Faults:
    for key in keys:
        if amount(node.get(key)) < 0:
            yield error("connection-pool", f"{path}.{key}", f"{node[key]} is below 0")


def _durations(node: Node, path: str, *keys: str) -> Faults:
    for key in keys:
        if node.get(key) is not None:
            yield from refused("duration", f"{path}.{key}", names.duration(node[key]))


def _tunnel(parent: Node, path: str) -> Faults:
    if not has(parent, "tunnel"):
        return
    node, place = mapping(parent["tunnel"]), f"{path}.tunnel"
    protocol, host = text(node.get("protocol")), text(node.get("targetHost"))
    if protocol not in {"", "CONNECT", "POST"}:
        yield error("tunnel", f"{place}.protocol", f"'{protocol}' is neither CONNECT nor POST")
    if not is_address(host):
        yield from refused("tunnel", f"{place}.targetHost", names.fqdn(host))
    yield from refused("tunnel", f"{place}.targetPort", names.port(number(node.get("targetPort"))))
