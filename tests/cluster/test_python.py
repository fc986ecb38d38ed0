"""Python beside Go on a real cluster: a server in both languages, called by a client of Python through its sidecar."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.harness.cluster import Cluster
from tests.cluster.images import pythonbase
from tests.cluster.images.conftest import Machine, machine_in
from tests.cluster.typed import place

pytestmark = pytest.mark.slow

APP, CALLER = "greeter", "greeter-client"
BASE = "docker.io/library/python:3.13-slim"


class Desk:
    """A folder of projects, and a namespace of a cluster into which they are deployed."""

    def __init__(self, machine: Machine, cluster: Cluster, namespace: str, folder: Path) -> None:
        self.machine, self.cluster, self.namespace, self.folder = machine, cluster, namespace, folder
        folder.mkdir()
        self.images = f"{cluster.registry}/{namespace}"

    def base(self) -> str:
        """Push the image that Python's images are made on, and return its name."""
        name = f"{self.images}/python:slim"
        self.machine.ran("buildah", "build", "-t", name, str(pythonbase.context(self.folder / "base")))
        self.machine.ran("buildah", "push", "--tls-verify=false", name)
        return name

    def typed(self, *words: str, at: str = ".") -> str:
        """Run dubbopy-cli in a project's folder and return what it writes."""
        own = {"KUBECONFIG": str(self.cluster.kubeconfig), "DUBBOPY_BUILDER": "buildah"}
        env = place(self.cluster, self.namespace) | own
        done = self.machine.cli(*words, cwd=self.folder / at, **env)
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def done(self, *words: str, at: str = ".") -> Any:
        """Run dubbopy-cli in a project's folder and return its data."""
        return json.loads(self.typed(*words, "-o", "json", at=at))["data"]

    def new(self, folder: str, name: str, *words: str) -> Path:
        self.done("newApp", folder, "--name", name, "--image", f"{self.images}/{name}", *words)
        return self.folder / folder

    def calls(self, count: int, *words: str) -> Any:
        """Return how many of the calls each version answered; none may fail."""
        report = self.done("call", "--app", APP, "-n", str(count), "-c", "4", *words)
        assert (report["calls"], report["failed"]) == (count, 0), report
        return report["versions"]


@pytest.fixture
def desk(cluster: Cluster, namespace: str, tmp_path: Path) -> Desk:
    return Desk(machine_in(tmp_path / "builders"), cluster, namespace, tmp_path / "work")


def test_versions_in_two_languages_are_called_by_a_client_of_python(desk: Desk) -> None:
    base = desk.base()
    desk.new("v1", APP, "--lang", "python")
    desk.new("v2", APP, "--lang", "go", "--app-version", "v2", "--tag", "2.0.0")
    desk.new("client", CALLER, "--lang", "python", "--role", "client", "--server", APP)
    for folder in ("v1", "client"):
        path = desk.folder / folder / "build/Dockerfile"
        path.write_text(path.read_text().replace(BASE, base))
    for folder in ("v1", "v2", "client"):
        desk.done("deploy", at=folder)

    assert set(desk.calls(100)) == {"v1", "v2"}
    desk.done("traffic", "set", "v1", "--app", APP)
    desk.done("traffic", "match", "user=admin", "--to", "v2", "--app", APP)
    assert desk.calls(100) == {"v1": 100}
    assert desk.calls(100, "--header", "user=admin") == {"v2": 100}
    desk.done("traffic", "unmatch", "user-admin", "--app", APP)
    desk.done("traffic", "set", "v1=50", "v2=50", "--app", APP)
    assert desk.done("traffic", "verify", "--app", APP)["result"] == "pass"
    lines = desk.typed("logs", "--app", CALLER, "--tail", "20").splitlines()
    assert any("call server response = " in line for line in lines), lines
    for name in (CALLER, APP):
        desk.done("remove", "--all", "--yes", "--app", name)
