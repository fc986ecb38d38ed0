"""The tutorial row by row on a real Kubernetes with Istio, typed by hand: make, helm 3, kubectl and the source's own YAML."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from dubbopy_cli.traffic.verify import verify
from tests.cluster.harness.cluster import Cluster
from tests.cluster.images.conftest import ROOT, Machine, machine_in
from tests.programs import eventually
from tests.rules import SOURCE_90_10, SOURCE_ADMIN_TO_V2, SOURCE_ALL_TO_V1, SOURCE_DESTINATION_RULE

pytestmark = pytest.mark.slow

SERVER, CLIENT = "dubbo-go-server", "dubbo-go-client"
V1, V2 = "v1.0.0", "v2.0.0"
GREETING = re.compile(r'call server response = name:"Hello laurence" {1,2}id:"(v[12]\.0\.0)"')
# What Kubernetes and Istio put into a namespace by themselves.
THEIRS = {
    "serviceaccount/default",
    "configmap/kube-root-ca.crt",
    "configmap/istio-ca-root-cert",
    "configmap/istio-ca-crl",
}


@dataclass(frozen=True)
class Desk:
    """A folder with the projects and the rules, and a shell in which helm and kubectl mean the namespace."""

    machine: Machine
    cluster: Cluster
    folder: Path
    env: dict[str, str]

    def typed(self, line: str, at: str = ".", *, code: int = 0) -> str:
        """Run a line in a folder and return what it says on both streams."""
        done = self.machine.run("bash", "-c", line, cwd=self.folder / at, **self.env)
        assert done.returncode == code, f"{line}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def table(self, line: str) -> dict[str, list[str]]:
        """Return the rows that a command lists by their first word, without the line of titles."""
        rows = [row.split() for row in self.typed(line).splitlines()[1:]]
        return {row[0]: row for row in rows}

    def edit(self, file: str, before: str, after: str) -> None:
        """Change the one place of a file."""
        path = self.folder / file
        text = path.read_text()
        assert text.count(before) == 1, f"{before!r} in {file}: {text.count(before)} times"
        path.write_text(text.replace(before, after))

    def apply(self, rule: str) -> None:
        """Apply the source's VirtualService, once lint has nothing against it."""
        (self.folder / "virtualservice.yaml").write_text(rule)
        said = self.typed("dubbopy-cli traffic lint -f destinationrule.yaml -f virtualservice.yaml")
        assert said.startswith("no findings about 2 objects in 2 files")
        self.typed("kubectl apply -f virtualservice.yaml")

    def explained(self, words: str = "") -> dict[str, str]:
        """Return the share of each subset of the calls that `traffic explain` reads off the files."""
        files = "-f destinationrule.yaml -f virtualservice.yaml"
        said = json.loads(self.typed(f"dubbopy-cli traffic explain {SERVER} {files} {words} -o json"))
        assert {one["severity"] for one in said["data"]["findings"]} <= {"info"}
        return {one["subset"]: one["share"] for one in said["data"]["destinations"]}

    def calls(self, count: int, words: str = "") -> dict[str, int]:
        """Make calls by the client's pod and return how many each id answered; none may fail."""
        program = f"kubectl exec deployment/{CLIENT}-v1 -c app -- /dubbogo/app"
        report = json.loads(self.typed(f"{program} -n {count} -c 4 -o json {words}"))
        assert (report["ok"], report["failed"]) == (count, 0)
        ids: dict[str, int] = report["ids"]
        return ids

    def answered_by(self, ids: set[str], words: str = "") -> None:
        """Wait until a rule that has just been applied is in force: these alone answer."""
        eventually(lambda: set(self.calls(100, words)) == ids, f"{ids} alone answer", 60)

    def log(self) -> list[str]:
        """Return the ids in the client's log, the oldest first."""
        return GREETING.findall(self.typed("kubectl get pods  | grep client | awk '{print $1}' | xargs kubectl logs"))

    def logged(self, lines: int) -> set[str]:
        """Wait until the client has logged so many more answers, and return their ids."""
        before = len(self.log())
        return set(eventually(lambda: log[before:] if len(log := self.log()) >= before + lines else [], "answers", 60))


@pytest.fixture
def desk(cluster: Cluster, namespace: str, tmp_path: Path) -> Desk:
    machine = machine_in(tmp_path / "builders")
    programs, work, config = tmp_path / "bin", tmp_path / "work", tmp_path / "kubeconfig"
    programs.mkdir()
    work.mkdir()
    (programs / "helm").symlink_to(cluster.helm3)
    (programs / "kubectl").symlink_to(cluster.kubectl)
    (programs / "dubbopy-cli").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m dubbopy_cli "$@"\n')
    (programs / "dubbopy-cli").chmod(0o755)
    config.write_text(cluster.kube("config", "view", "--raw", "--flatten", "--minify"))
    env = {
        "KUBECONFIG": str(config),
        "PATH": f"{programs}:{machine.env['PATH']}",
        "PYTHONPATH": str(ROOT),
        "DOCKER": "podman",
    }
    made = Desk(machine, cluster, work, env)
    made.typed(f"kubectl config use-context {cluster.context}")
    made.typed(f"kubectl config set-context --current --namespace={namespace}")
    for folder, name, words in (
        ("v1", SERVER, ""),
        ("v2", SERVER, ""),
        ("client", CLIENT, f"--role client --server {SERVER}"),
    ):
        (work / folder).mkdir()
        image = f"{cluster.registry}/{namespace}/{name}"
        made.typed(f"dubbopy-cli newApp . --name {name} --image {image} {words}", folder)
    return made


def test_the_tutorial_by_hand(desk: Desk) -> None:
    # S3, S4: the second version by the source's edits.
    image = re.findall(r'repository: "(.+)"', (desk.folder / "v2/chart/app/values.yaml").read_text())[0]
    desk.edit("v2/Makefile", "IMAGE = $(CHART_IMAGE)", f"IMAGE = {image}")
    desk.edit("v2/Makefile", "TAG = $(CHART_TAG)", "TAG = 2.0.0")
    desk.edit("v2/Makefile", "HELM_INSTALL_NAME = $(CHART_NAME)", f"HELM_INSTALL_NAME = {SERVER}")
    desk.edit("v2/chart/app/values.yaml", 'tag: "1.0.0"', 'tag: "2.0.0"')
    desk.edit("v2/chart/app/values.yaml", 'dubbogoAppVersion: "v1"', "dubbogoAppVersion: v2")
    for folder in ("v1", "v2", "client"):
        assert "warn" not in desk.typed("make build", folder)

    # S5, S6: releases and objects.
    for folder, release in (("v1", f"{SERVER}-v1"), ("client", f"{CLIENT}-v1"), ("v2", f"{SERVER}-v2")):
        said = desk.typed("make deploy", folder)
        assert re.search(
            rf"^NAME: {release}\nLAST DEPLOYED: .+\nNAMESPACE: .+\nSTATUS: deployed\nREVISION: 1$", said, re.M
        )
    assert "REVISION: 2" in desk.typed("make deploy", "v2")
    releases = desk.table("helm list")
    assert sorted(releases) == [CLIENT, f"{CLIENT}-v1", SERVER, f"{SERVER}-v1", f"{SERVER}-v2"]
    assert all("deployed" in row for row in releases.values())
    deployments = desk.table("kubectl get deployment")
    assert {name: row[1] for name, row in deployments.items()} == dict.fromkeys(
        (f"{CLIENT}-v1", f"{SERVER}-v1", f"{SERVER}-v2"), "1/1"
    )
    services = desk.table("kubectl get svc")
    assert services[SERVER][1:2] + services[SERVER][4:5] == ["ClusterIP", "20000/TCP"]
    assert set(services) <= {SERVER, CLIENT}

    # S7: both versions answer.
    desk.answered_by({V1, V2})
    eventually(lambda: set(desk.log()) == {V1, V2}, "both ids are in the log", 60)

    # S8, S9: all to v1.
    (desk.folder / "destinationrule.yaml").write_text(SOURCE_DESTINATION_RULE)
    desk.typed("kubectl apply -f destinationrule.yaml")
    desk.apply(SOURCE_ALL_TO_V1)
    desk.answered_by({V1})
    assert desk.calls(200) == {V1: 200}
    assert desk.logged(3) == {V1}
    assert desk.explained() == {"v1": "1"}

    # S10: a client that says who it is; first under the rule that is there, then under one for it.
    desk.edit("client/conf/dubbogo.yaml", "attachments: {}", "attachments: {user: admin}")
    assert "warn" not in desk.typed("make build", "client")
    assert f'release "{CLIENT}-v1" uninstalled' in desk.typed("make remove", "client")
    desk.typed(f"kubectl wait --for=delete pod -l app={CLIENT} --timeout=120s")
    desk.typed("make deploy", "client")
    assert desk.logged(3) == {V1} == set(desk.log())
    desk.apply(SOURCE_ADMIN_TO_V2)
    desk.answered_by({V2})
    assert desk.calls(200) == {V2: 200}
    assert desk.calls(200, "-header user=guest") == {V1: 200}
    assert desk.logged(3) == {V2}
    assert (desk.explained("-H user=admin"), desk.explained("-H user=guest")) == ({"v2": "1"}, {"v1": "1"})

    # S11: by weight.
    desk.apply(SOURCE_90_10)
    desk.answered_by({V1, V2})
    verdict = verify(desk.calls(1500), {V1: 90, V2: 10})
    assert verdict, verdict
    assert desk.explained() == {"v1": "9/10", "v2": "1/10"}

    # The Service stays as long as a version of its application does, and for no other's; by both Helms.
    desk.typed("kubectl delete -f virtualservice.yaml -f destinationrule.yaml")
    other = f"{SERVER}-extra"
    desk.typed(f"cp -r v1/chart/app extra && sed -i 's/^name: .*/name: {other}/' extra/Chart.yaml")
    desk.typed(f"helm upgrade --install {other}-v1 extra --set replicaCount=0")
    desk.typed("make remove", "v1")
    for helm in ("helm", desk.cluster.helm4):
        said = desk.typed(f"make remove-service HELM={helm}", "v1", code=2)
        assert f"these releases need the Service {SERVER}: {SERVER}-v2 (" in said
    desk.typed("make remove", "v2")
    desk.typed("make remove", "client")
    assert f'release "{SERVER}" uninstalled' in desk.typed(f"make remove-service HELM={desk.cluster.helm4}", "v1")
    assert f'release "{CLIENT}" uninstalled' in desk.typed("make remove-service", "client")
    desk.typed(f"helm uninstall {other}-v1")
    desk.typed("kubectl wait --for=delete pods --all --timeout=120s")
    kinds = "all,serviceaccounts,configmaps,secrets,virtualservices,destinationrules"
    left = desk.typed(f"kubectl get {kinds} --output name").split()
    assert set(left) <= THEIRS
