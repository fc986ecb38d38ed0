"""The tutorial on a real Kubernetes with Istio, every command as its page says: images built, pushed and pulled."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.harness.cluster import Cluster
from tests.cluster.images.conftest import ROOT, Machine, machine_in

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs/tutorial/kubernetes.md"
SERVER, CLIENT = "greeter", "greeter-client"
GREETING = re.compile(r'call server response = name:"Hello laurence" {1,2}id:"(v[12]\.0\.0)"')
# Chance decides how many calls a version gets of those that are shared; times, digests and names of pods are new ones.
VARIES = re.compile(
    r"(?<=%) +\d+ +\d+\.\d\d%|(?<=^v[12]) +\d+ +(?!100)\d+\.\d\d%$|(?<=pass: )\d+|(?<=calls in ).*"
    r"|(?<=-v[12])-[0-9a-f]+-[a-z0-9]{5}|(?<= up )\w+|\d{4}-\d\d-\d\d \S+|(?<=sha256:)[0-9a-f.]+",
    re.MULTILINE,
)


@dataclass
class Tutorial:
    """A reader of the page: a folder, and a namespace of a cluster in place of those that the page names."""

    machine: Machine
    cluster: Cluster
    namespace: str
    folder: Path
    kept: dict[str, object] = field(default_factory=dict)

    @property
    def names(self) -> dict[str, str]:
        """Return what stands on the page, and what it is here."""
        return {
            "registry.example.com": self.cluster.registry,
            "my-cluster": self.cluster.context,
            "shops": self.namespace,
        }

    def typed(self, command: str) -> str:
        """Run a line in a shell and return what stands on stdout, with the page's names."""
        for shown, real in self.names.items():
            command = re.sub(rf"\b{re.escape(shown)}\b", real, command)
        env = self.machine.env | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "KUBECONFIG": str(self.cluster.kubeconfig),
            "DUBBOPY_BUILDER": "buildah",
            "DUBBOPY_HELM": str(self.cluster.helm4),
            "DUBBOPY_KUBECTL": str(self.cluster.kubectl),
            "COLUMNS": "160",
        }
        argv = ["bash", "-o", "pipefail", "-c", command]
        done = subprocess.run(argv, cwd=self.folder, env=env, capture_output=True, text=True, timeout=900, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        said = done.stdout
        for shown, real in self.names.items():
            said = said.replace(real, shown)
        return said

    def objects(self, kind: str) -> list[str]:
        """Return the names of what kubectl finds of a kind."""
        found = self.cluster.get(kind, "-n", self.namespace)["items"]
        return sorted(one["metadata"]["name"] for one in found)

    def releases(self) -> list[str]:
        listed = self.cluster.run(self.cluster.helm4, "list", "--namespace", self.namespace, "--output", "json")
        return sorted(one["name"] for one in json.loads(listed))

    def service(self) -> Any:
        return self.cluster.get("service", SERVER, "-n", self.namespace)

    def address(self) -> tuple[str, str]:
        """Return what would be another one if the Service had been made anew."""
        found = self.service()
        return found["metadata"]["uid"], found["spec"]["clusterIP"]


@pytest.fixture
def tutorial(cluster: Cluster, namespace: str, tmp_path: Path) -> Tutorial:
    machine = machine_in(tmp_path / "builders")
    (tmp_path / "work").mkdir()
    return Tutorial(machine, cluster, namespace, tmp_path / "work")


def after_deploy(tutorial: Tutorial) -> None:
    """S3 to S7: the releases and objects of the source, and both versions in the client's own log."""
    assert tutorial.objects("deployments") == [f"{CLIENT}-v1", f"{SERVER}-v1", f"{SERVER}-v2"]
    assert tutorial.releases() == [SERVER, CLIENT, f"{CLIENT}-v1", f"{SERVER}-v1", f"{SERVER}-v2"]
    assert [(one["port"], one["protocol"]) for one in tutorial.service()["spec"]["ports"]] == [(20000, "TCP")]
    logged = tutorial.typed(f"dubbopy-cli logs --app {CLIENT} --tail 60")
    assert set(GREETING.findall(logged)) == {"v1.0.0", "v2.0.0"}
    tutorial.kept["address"] = tutorial.address()


def after_steer(tutorial: Tutorial) -> None:
    """S8, S9: the objects that the rules are, of which istioctl has nothing to say."""
    assert tutorial.objects("destinationrules.networking.istio.io") == [SERVER]
    assert tutorial.objects("virtualservices.networking.istio.io") == [SERVER]
    analyzed = tutorial.cluster.run(
        tutorial.cluster.istioctl, "analyze", "--output", "json", "--namespace", tutorial.namespace
    )
    assert analyzed.strip() in {"", "[]"}


def after_change(tutorial: Tutorial) -> None:
    """The Service is the one of the first deploy."""
    assert tutorial.address() == tutorial.kept["address"]


def after_away(tutorial: Tutorial) -> None:
    """Nothing is left but what Kubernetes and Istio put into a namespace themselves."""
    assert tutorial.releases() == []
    kinds = ("deployments", "services", "leases", "virtualservices.networking.istio.io")
    assert [tutorial.objects(kind) for kind in (*kinds, "destinationrules.networking.istio.io")] == [[]] * 5
    assert [one for one in tutorial.objects("configmaps") if one.startswith("dubbopy")] == []


CHECKS = {"Deploy": after_deploy, "Steer": after_steer, "A change, and back": after_change, "Away": after_away}


def sections(text: str) -> Iterator[str]:
    """Yield the page in pieces that begin with a heading."""
    yield from re.split(r"(?=^## )", text, flags=re.MULTILINE)


def played(tutorial: Tutorial, block: str) -> str:
    """Type the commands of a block and return it with what came where it shows an output."""
    shown = []
    for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = step.partition("\n")
        if command.startswith("cd "):
            tutorial.folder = (tutorial.folder / command[3:]).resolve()
            came = ""
        else:
            came = tutorial.typed(command)
        shown.append(f"$ {command}\n{came if output else ''}")
    return "".join(shown)


def test_the_tutorial(tutorial: Tutorial, request: pytest.FixtureRequest) -> None:
    text, fresh = PAGE.read_text(encoding="utf-8"), []
    update = request.config.getoption("--update-golden")
    for section in sections(text):
        came = re.sub(
            r"(?<=^```console\n).*?(?=^```)",
            lambda found: played(tutorial, found[0]),
            section,
            flags=re.DOTALL | re.MULTILINE,
        )
        assert update or VARIES.sub("", came) == VARIES.sub("", section)
        title = section.partition("\n")[0].removeprefix("## ")
        CHECKS.get(title, lambda _: None)(tutorial)
        fresh.append(came)
    if update:
        PAGE.write_text("".join(fresh), encoding="utf-8")
    assert {section.partition("\n")[0].removeprefix("## ") for section in sections(text)} >= set(CHECKS)
