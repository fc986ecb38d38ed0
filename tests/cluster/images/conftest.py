"""Real builders with a store of their own, a real registry, and projects to make images of."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.registry import Registry, running

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Machine:
    """A machine whose builders keep nothing outside of one folder."""

    folder: Path

    @property
    def env(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DUBBO", "REGISTRY_", "XDG_", "BUILDAH_"))}
        own = {
            "CONTAINERS_CONF": f"{self.folder}/containers.conf",
            "CONTAINERS_STORAGE_CONF": f"{self.folder}/storage.conf",
            "REGISTRY_AUTH_FILE": f"{self.folder}/auth.json",
            "DOCKER_CONFIG": f"{self.folder}/docker",
            "BUILDAH_ISOLATION": "chroot",
            "TMPDIR": f"{self.folder}/tmp",
        }
        return kept | own

    def run(self, *argv: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            argv, cwd=cwd, env=self.env | env, capture_output=True, text=True, timeout=900, check=False
        )

    def ran(self, *argv: str, cwd: Path | None = None, **env: str) -> str:
        done = self.run(*argv, cwd=cwd, **env)
        assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
        return done.stdout

    def cli(self, *words: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "dubbopy_cli", *words, cwd=cwd, PYTHONPATH=str(ROOT), **env)

    def built(self, *words: str, cwd: Path, **env: str) -> dict[str, object]:
        """Run `build` and return what it says of the image."""
        done = self.cli("build", *words, "-o", "json", cwd=cwd, **env)
        assert done.returncode == 0, done.stdout + done.stderr
        image = json.loads(done.stdout)["data"]["image"]
        assert isinstance(image, dict)
        return image


def machine_in(folder: Path) -> Machine:
    (folder / "tmp").mkdir(parents=True)
    (folder / "storage.conf").write_text(
        f'[storage]\ndriver = "vfs"\nrunroot = "{folder}/run"\ngraphroot = "{folder}/graph"\n'
    )
    # Limits that a machine in a container may give.
    (folder / "containers.conf").write_text(
        '[containers]\ndefault_ulimits = ["nofile=20000:20000", "nproc=1000:1000"]\n'
        '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\n'
    )
    (folder / "auth.json").write_text("{}")
    return Machine(folder)


@pytest.fixture(scope="session")
def machine(tmp_path_factory) -> Iterator[Machine]:
    made = machine_in(tmp_path_factory.mktemp("builders"))
    yield made
    shutil.rmtree(made.folder / "graph", ignore_errors=True)


@pytest.fixture(scope="module")
def registry(tmp_path_factory) -> Iterator[Registry]:
    with running(tmp_path_factory.mktemp("registry")) as one:
        yield one


@pytest.fixture
def project(machine, registry, tmp_path, request) -> Callable[..., Path]:
    """A project whose image has a name that no other test has."""

    def make(lang: str = "go", host: str = "") -> Path:
        name = request.node.name.translate(str.maketrans("[]_", "---")).strip("-")
        folder = tmp_path / "shop"
        image = f"{host or registry.host}/{name}"
        done = machine.cli("newApp", str(folder), "--lang", lang, "--image", image, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return folder

    return make
