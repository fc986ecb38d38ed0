"""A registry that a test fills by hand, with the two kinds of login; what is not in it answers 404."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass
class FakeRegistry:
    """What is held: paths below /v2/ with their content; ``login`` is ``""``, ``basic`` or ``bearer``."""

    login: str = ""
    user: str = "dev"
    secret: str = "s3cret-of-a-test"
    status: int = 0
    host: str = ""
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def put(self, path: str, tag: str, content: str, *platforms: str) -> str:
        """Hold an image, or an index of several platforms' images, and return its digest."""
        found = []
        for platform in platforms or ("linux/amd64",):
            system, _, architecture = platform.partition("/")
            labels = {"dubbopy.content": content} if content else None
            config = {"os": system, "architecture": architecture, "config": {"Labels": labels}}
            blob = json.dumps(config).encode()
            digest = _digest(blob)
            self.files[f"{path}/blobs/{digest}"] = ("application/json", blob)
            manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": {"digest": digest}, "layers": []}
            body = json.dumps(manifest).encode()
            self.files[f"{path}/manifests/{_digest(body)}"] = (MANIFEST, body)
            found.append((platform, body))
        kind, body = MANIFEST, found[0][1]
        if len(platforms) > 1:
            entries: list[dict[str, Any]] = [
                {"digest": _digest(one), "platform": dict(zip(("os", "architecture"), name.split("/"), strict=True))}
                for name, one in found
            ]
            # As buildx adds one for each image.
            entries.append({"digest": "sha256:0", "platform": {"os": "unknown", "architecture": "unknown"}})
            kind, body = INDEX, json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()
        self.files[f"{path}/manifests/{tag}"] = (kind, body)
        return _digest(body)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        url = urlsplit(request.path)
        given = request.headers.get("Authorization", "")
        self.asked.append(f"{request.command} {url.path} {given}".rstrip())
        if url.path == "/token":
            self._token(request, url.query, given)
        elif self.status:
            _send(request, self.status, b"{}")
        elif self.login and given != {"basic": self._basic(), "bearer": "Bearer granted"}[self.login]:
            challenge = f'Bearer realm="http://{self.host}/token",service="fake",scope="repository:x:pull"'
            _send(request, 401, b"{}", {"WWW-Authenticate": challenge if self.login == "bearer" else 'Basic realm="x"'})
        elif found := self.files.get(url.path.removeprefix("/v2/")):
            kind, body = found
            accepted = request.headers.get("Accept", "")
            _send(request, 200 if kind in accepted or "*/*" in accepted else 406, body, {"Content-Type": kind})
        else:
            _send(request, 404, b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}')

    def _token(self, request: BaseHTTPRequestHandler, query: str, given: str) -> None:
        form = parse_qs(request.rfile.read(int(request.headers.get("Content-Length", 0))).decode() or query)
        right = given == self._basic() or form.get("refresh_token") == [self.secret]
        if right and form["service"] == ["fake"] and form["scope"][0].endswith(":pull,push"):
            _send(request, 200, b'{"token": "granted"}')
        else:
            _send(request, 401, b"{}")

    def _basic(self) -> str:
        return "Basic " + base64.b64encode(f"{self.user}:{self.secret}".encode()).decode()


@contextmanager
def serving(registry: FakeRegistry) -> Iterator[FakeRegistry]:
    """Serve the registry on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            registry.answer(self)

        do_POST = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    registry.host = f"127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def _digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _send(request: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
    request.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body)
