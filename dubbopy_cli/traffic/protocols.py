"""Protocols of ports as Istio names them, what it takes a Service's port for, and so whether http rules apply to it."""

from __future__ import annotations

UNSUPPORTED = "UnsupportedProtocol"
_GRPC_WEB = "GRPC-Web"
_KNOWN = {
    "tcp": "TCP",
    "udp": "UDP",
    "grpc": "GRPC",
    "grpc-web": _GRPC_WEB,
    "http": "HTTP",
    "http_proxy": "HTTP_PROXY",
    "http2": "HTTP2",
    "https": "HTTPS",
    "tls": "TLS",
    "mongo": "Mongo",
    "redis": "Redis",
    "mysql": "MySQL",
}
_KUBERNETES = {"kubernetes.io/h2c": "HTTP2", "kubernetes.io/ws": "HTTP", "kubernetes.io/wss": "HTTPS"}
HTTP = frozenset({"HTTP", "HTTP2", "HTTP_PROXY", "GRPC", _GRPC_WEB})
TLS = frozenset({"HTTPS", "TLS"})
TCP = TLS | {"TCP", "Mongo", "Redis", "MySQL"}
# Servers that speak first (or not at all) would be broken by sniffing, so these ports are TCP unless they say more.
_NEVER_SNIFFED = frozenset({25, 53, 3306, 27017})


def parse(name: str) -> str:
    """Return the protocol of that name, without regard to case; UNSUPPORTED for any other (`protocol.Parse`)."""
    return _KNOWN.get(name.lower(), UNSUPPORTED)


def port_protocol(number: int, name: str, transport: str = "TCP", app_protocol: str | None = None) -> str:
    """Return a Service port's protocol (`kube.ConvertProtocol`): appProtocol first, else the name up to a hyphen."""
    if transport == "UDP":
        return "UDP"
    if app_protocol in _KUBERNETES:
        return _KUBERNETES[app_protocol]
    word = name if app_protocol is None else app_protocol
    if word.lower().startswith("grpc-web"):
        return _GRPC_WEB
    found = parse(word.partition("-")[0])
    return "TCP" if found == UNSUPPORTED and number in _NEVER_SNIFFED else found


def is_routed(protocol: str) -> bool:
    """Tell whether http rules apply: the port is HTTP by its name, or sniffed because its name says nothing."""
    return protocol in HTTP or protocol == UNSUPPORTED
