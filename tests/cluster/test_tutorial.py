"""The tutorial row by row on a real Kubernetes with Istio, typed as `dubbopy-cli`: images built, pushed and pulled."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.harness.cluster import Cluster
from tests.cluster.images.conftest import Machine, machine_in

pytestmark = pytest.mark.slow

SERVER, CLIENT = "dubbo-go-server", "dubbo-go-client"
GREETING = re.compile(r'call server response = name:"Hello laurence" {1,2}id:"(v[12]\.0\.0)"')


@dataclass(frozen=True)
class Tutorial:
    """A folder with the projects, and the cluster in which they run."""

    machine: Machine
    cluster: Cluster
    namespace: str
    folder: Path

    def typed(self, *words: str, at: str = ".") -> subprocess.CompletedProcess[str]:
        """Run dubbopy-cli in a project's folder."""
        env = {
            "KUBECONFIG": str(self.cluster.kubeconfig),
            "DUBBOPY_TARGET": "kubernetes",
            "DUBBOPY_CONTEXT": self.cluster.context,
            "DUBBOPY_NAMESPACE": self.namespace,
            "DUBBOPY_BUILDER": "buildah",
            "DUBBOPY_HELM": str(self.cluster.helm4),
            "DUBBOPY_KUBECTL": str(self.cluster.kubectl),
        }
        return self.machine.cli(*words, cwd=self.folder / at, **env)

    def done(self, *words: str, at: str = ".") -> Any:
        """Run dubbopy-cli and return its data."""
        done = self.typed(*words, "-o", "json", at=at)
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout)["data"]

    def calls(self, count: int, *words: str) -> dict[str, int]:
        """Return how many of the calls each version answered; none may fail."""
        report = self.done("call", "--app", SERVER, "-n", str(count), "-c", "4", *words)
        assert (report["calls"], report["failed"]) == (count, 0)
        versions: dict[str, int] = report["versions"]
        return versions

    def names(self, kind: str) -> list[str]:
        """Return the names of what kubectl finds of a kind."""
        found = self.cluster.get(kind, "-n", self.namespace)["items"]
        return sorted(one["metadata"]["name"] for one in found)

    def releases(self) -> list[str]:
        listed = self.cluster.run(self.cluster.helm4, "list", "--namespace", self.namespace, "--output", "json")
        return sorted(one["name"] for one in json.loads(listed))

    def service(self) -> tuple[str, str]:
        """Return what would be another one if the Service had been made anew."""
        found = self.cluster.get("service", SERVER, "-n", self.namespace)
        return found["metadata"]["uid"], found["spec"]["clusterIP"]


@pytest.fixture
def tutorial(cluster: Cluster, namespace: str, tmp_path: Path) -> Tutorial:
    machine = machine_in(tmp_path / "builders")
    (tmp_path / "work").mkdir()
    return Tutorial(machine, cluster, namespace, tmp_path / "work")


def new(tutorial: Tutorial, folder: str, name: str, *words: str) -> None:
    """S1, S13: a project; the second of the server joins the first by its name."""
    image = f"{tutorial.cluster.registry}/{tutorial.namespace}/{name}"
    tutorial.done("newApp", folder, "--name", name, "--image", image, *words)


def test_the_tutorial(tutorial: Tutorial) -> None:
    new(tutorial, "v1", SERVER)
    new(tutorial, "v2", SERVER, "--app-version", "v2", "--tag", "2.0.0")
    new(tutorial, "client", CLIENT, "--role", "client", "--server", SERVER)

    # S3 to S6: the releases and objects of the source.
    for folder in ("v1", "v2", "client"):
        tutorial.done("deploy", at=folder)
    assert tutorial.names("deployments") == [f"{CLIENT}-v1", f"{SERVER}-v1", f"{SERVER}-v2"]
    assert tutorial.releases() == [CLIENT, f"{CLIENT}-v1", SERVER, f"{SERVER}-v1", f"{SERVER}-v2"]
    ports = tutorial.cluster.get("service", SERVER, "-n", tutorial.namespace)["spec"]["ports"]
    assert [(one["port"], one["protocol"]) for one in ports] == [(20000, "TCP")]
    address = tutorial.service()

    # S7: without rules both answer, in calls of ours and in the client's own log.
    assert set(tutorial.calls(100)) == {"v1", "v2"}
    logged = tutorial.typed("logs", "--app", CLIENT, "--tail", "60").stdout
    assert set(GREETING.findall(logged)) == {"v1.0.0", "v2.0.0"}

    # S8, S9: all to v1.
    tutorial.done("traffic", "set", "v1", "--app", SERVER)
    assert tutorial.names("destinationrules.networking.istio.io") == [SERVER]
    assert tutorial.names("virtualservices.networking.istio.io") == [SERVER]
    assert tutorial.calls(200) == {"v1": 200}

    # S10: the admin to v2.
    tutorial.done("traffic", "match", "user=admin", "--to", "v2", "--app", SERVER)
    assert tutorial.calls(200, "--header", "user=admin") == {"v2": 200}
    assert tutorial.calls(200) == {"v1": 200}
    tutorial.done("traffic", "unmatch", "user-admin", "--app", SERVER)

    # S11, S12: by weight, and counted against what the rules say.
    tutorial.done("traffic", "set", "v1=90", "v2=10", "--app", SERVER)
    verdict = tutorial.done("traffic", "verify", "-n", "1500", "--app", SERVER)
    assert verdict["result"] == "pass", verdict
    shown = tutorial.done("status", "--app", SERVER)["applications"][0]
    assert [(one["version"], one["ready"], one["share"]) for one in shown["releases"]] == [
        ("v1", 1, 90.0),
        ("v2", 1, 10.0),
    ]

    # Back, away, and nothing left; the Service is the same to the end.
    refused = tutorial.typed("remove", "v1", "--app", SERVER)
    assert (refused.returncode, refused.stderr.splitlines()[-1]) == (6, "[traffic-remains]")
    tutorial.done("traffic", "set", "v2", "--app", SERVER)
    tutorial.done("remove", "v1", "--app", SERVER)
    assert tutorial.calls(100) == {"v2": 100}
    tutorial.done("deploy", "--no-traffic", at="v1")
    assert tutorial.calls(100) == {"v2": 100}
    assert tutorial.service() == address
    assert tutorial.typed("doctor").returncode == 0
    analyzed = tutorial.cluster.run(
        tutorial.cluster.istioctl, "analyze", "--output", "json", "--namespace", tutorial.namespace
    )
    assert analyzed.strip() in {"", "[]"}
    for app in (CLIENT, SERVER):
        tutorial.done("remove", "--all", "--yes", "--app", app)
    assert tutorial.releases() == []
    assert [tutorial.names(kind) for kind in ("deployments", "services", "virtualservices", "destinationrules")] == [
        []
    ] * 4
