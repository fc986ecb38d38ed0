"""Debian's docker-registry on a free port of loopback, with a configuration and a folder of its own."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tarfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from gzip import decompress
from io import BytesIO
from pathlib import Path
from typing import Any

from tests.programs import eventually, free_port

MANIFESTS = (
    "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
)


@dataclass(frozen=True)
class Image:
    """An image as a registry holds it: the configuration, and every file with its layer, the upper ones last."""

    config: dict[str, Any]
    layers: tuple[bytes, ...]

    def files(self) -> dict[str, tarfile.TarInfo]:
        found = {}
        for layer in self.layers:
            with tarfile.open(fileobj=BytesIO(layer)) as archive:
                found.update({entry.name.strip("./"): entry for entry in archive})
        return found

    def read(self, name: str) -> bytes:
        for layer in reversed(self.layers):
            with tarfile.open(fileobj=BytesIO(layer)) as archive:
                for entry in archive:
                    if entry.name.strip("./") == name:
                        stream = archive.extractfile(entry)
                        assert stream is not None, name
                        return stream.read()
        raise AssertionError(f"{name} is in no layer")


@dataclass
class Registry:
    """A registry that runs; images are read over HTTP as a node would."""

    host: str
    process: subprocess.Popen[bytes]

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(20)

    def manifest(self, path: str, reference: str) -> tuple[str, dict[str, Any]] | None:
        """Return the digest and the manifest or index of a tag or digest, None if there is none."""
        try:
            body = self._get(f"{path}/manifests/{reference}")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise
        return f"sha256:{hashlib.sha256(body).hexdigest()}", json.loads(body)

    def image(self, path: str, reference: str) -> Image:
        held = self.manifest(path, reference)
        assert held, f"{self.host}/{path}:{reference} is not there"
        config = json.loads(self._get(f"{path}/blobs/{held[1]['config']['digest']}"))
        layers = [decompress(self._get(f"{path}/blobs/{layer['digest']}")) for layer in held[1]["layers"]]
        return Image(config, tuple(layers))

    def _get(self, path: str) -> bytes:
        request = urllib.request.Request(f"http://{self.host}/v2/{path}", headers={"Accept": MANIFESTS})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            return bytes(answer.read())


def configured(folder: Path, host: str, htpasswd: Path | None = None) -> Path:
    """Write the configuration of a registry that keeps its images in ``folder``, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    auth = f"auth: {{htpasswd: {{realm: test, path: {htpasswd}}}}}\n" if htpasswd else ""
    config = folder / "config.yml"
    config.write_text(
        f"version: 0.1\nlog: {{accesslog: {{disabled: true}}, level: error}}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/data}}, delete: {{enabled: true}}}}\n"
        f"http: {{addr: {host}}}\n{auth}"
    )
    return config


@contextmanager
def running(folder: Path, *, port: int = 0, htpasswd: Path | None = None) -> Iterator[Registry]:
    """Run a registry that keeps its images in ``folder``, and end it."""
    host = f"127.0.0.1:{port or free_port()}"
    config = configured(folder, host, htpasswd)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=log, stderr=log)
    registry = Registry(host, process)
    try:
        eventually(lambda: _answers(registry), f"docker-registry on {host}: {(folder / 'log').read_text()}")
        yield registry
    finally:
        if process.poll() is None:
            registry.end()


def _answers(registry: Registry) -> bool:
    assert registry.process.poll() is None, "docker-registry ended at once"
    try:
        registry._get("")
    except urllib.error.HTTPError as error:
        return error.code == 401
    except OSError:
        return False
    return True
