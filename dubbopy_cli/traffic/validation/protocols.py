"""Protocols of ports as Istio names them (`pkg/config/protocol`)."""

from __future__ import annotations

HTTP = frozenset({"http", "http2", "http_proxy", "grpc", "grpc-web"})
TLS = frozenset({"https", "tls"})
TCP = TLS | {"tcp", "mongo", "redis", "mysql"}
KNOWN = HTTP | TCP | {"udp"}
# What the dynamic forward proxy of a ServiceEntry with DYNAMIC_DNS carries.
FORWARDED = frozenset({"http", "tls", "grpc", "http2"})


def fault(protocol: str) -> str:
    """Judge a protocol's name; capitals do not matter."""
    if protocol.lower() in KNOWN:
        return ""
    return f"'{protocol}' is none of HTTP, HTTP2, GRPC, GRPC-WEB, HTTPS, TLS, TCP, MONGO, REDIS, MYSQL, UDP"
