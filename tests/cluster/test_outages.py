"""What a command needs and does not get: an apiserver that is away, a registry that is down, rights."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from dubbopy_cli.targets.kubernetes import needs
from tests.cluster.detour import Detour, detour
from tests.cluster.harness.cluster import Cluster
from tests.cluster.pods import SERVER
from tests.cluster.typed import SHORT, Keyboard, copied
from tests.cluster.users import USER, kubeconfig
from tests.programs import eventually, free_port

pytestmark = pytest.mark.slow

# Longer than a Lease holds without being renewed.
AWAY_SECONDS = 20
# A Helm that says when it comes to a release, and goes on when it is told to.
WAITING = """#!/bin/sh
case "$*" in *" {release} "*) touch {reached}; until [ -e {closed} ]; do sleep 0.1; done;; esac
exec {helm} "$@"
"""


@pytest.fixture
def keyboard(cluster: Cluster, namespace: str, images: tuple[Path, Path], tmp_path: Path) -> Keyboard:
    return copied(cluster, namespace, images, tmp_path)


@dataclass
class Road:
    """The keyboard of a user whose way to the apiserver can be closed."""

    keyboard: Keyboard
    way: Detour

    def start(self, *words: str, **env: str) -> subprocess.Popen[str]:
        """Start a command; what it says is on its stderr."""
        argv = [sys.executable, "-m", "dubbopy_cli", *words]
        env, at = self.keyboard.environment | env, self.keyboard.server
        return subprocess.Popen(argv, cwd=at, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def said(self, line: str) -> str:
        return line.rstrip("\n").replace(f"127.0.0.1:{self.way.port}", "APISERVER")


@pytest.fixture
def road(keyboard: Keyboard, tmp_path: Path) -> Iterator[Road]:
    path = tmp_path / "kubeconfig"
    with detour(keyboard.cluster, path) as way:
        yield Road(replace(keyboard, cluster=replace(keyboard.cluster, kubeconfig=path)), way)


def stopped_before_a_change(road: Road, folder: Path, deploy: tuple[str, ...]) -> None:
    """Close the way before Helm makes the version; hold what is told to that."""
    helm, reached, closed = folder / "helm", folder / "reached", folder / "closed"
    real = road.keyboard.cluster.helm4
    helm.write_text(WAITING.format(release=f"{SERVER}-v1", reached=reached, closed=closed, helm=real))
    helm.chmod(0o755)
    process = road.start(*deploy, DUBBOPY_HELM=str(helm))
    eventually(reached.exists, "Helm's upgrade of the version")
    road.way.close()
    closed.touch()
    said = road.said(process.communicate()[1]).splitlines()
    assert process.returncode == 4, said
    refused = "The connection to the server APISERVER was refused - did you specify the right host or port?"
    unreachable = 'Get "https://APISERVER/version": dial tcp APISERVER: connect: connection refused'
    assert said[-5:] == [
        f"lease dubbopy stays for 15 s: the cluster does not answer: {refused}",
        f"Error: the cluster does not answer: kubernetes cluster unreachable: {unreachable}",
        "",
        "Try: kubectl cluster-info",
        "[cluster-unreachable]",
    ]
    road.way.open()


def away_while_pods_start(road: Road, deploy: tuple[str, ...]) -> None:
    """Close the way while pods are waited for; the command comes through."""
    said = []
    process = road.start(*deploy)
    assert process.stderr
    for line in process.stderr:
        said.append(road.said(line))
        if line.startswith("  wait at most"):
            road.way.close()
            threading.Timer(AWAY_SECONDS, road.way.open).start()
    assert process.wait() == 0, said
    # What kubectl was about when the way was closed decides on its words.
    (away,) = [line for line in said if "asked again" in line]
    assert re.fullmatch("    the cluster does not answer: .+; it is asked again for 60 s", away)


def test_an_apiserver_that_is_away(keyboard: Keyboard, road: Road, tmp_path: Path) -> None:
    deploy = keyboard.deploying("v1", *SHORT)
    stopped_before_a_change(road, tmp_path, deploy)
    away_while_pods_start(road, deploy)
    found = keyboard.objects()
    keyboard.done(*deploy)
    assert keyboard.objects() == found
    assert "Lease/dubbopy" not in found


def test_a_registry_that_is_down_is_told_before_anything_is_built_or_changed(keyboard: Keyboard) -> None:
    registry = f"127.0.0.1:{free_port()}"
    values = keyboard.server / "chart/app/values.yaml"
    values.write_text(values.read_text().replace("localhost:5000/", f"{registry}/"))
    before = keyboard.objects()
    assert keyboard.error(4, "deploy") == [
        f"Error: the registry {registry} cannot be asked for {registry}/{SERVER}: Connection refused",
        "",
        "Try: start it or mend the network, or do without: dubbopy-cli build --image --no-push",
        "[registry-unreachable]",
    ]
    assert keyboard.objects() == before


def test_rights_that_are_missing_are_listed_before_anything_is_changed(keyboard: Keyboard, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"

    def refused(without: str) -> list[str]:
        path.write_text(kubeconfig(keyboard.cluster, keyboard.namespace, without=without))
        ada = replace(keyboard, cluster=replace(keyboard.cluster, kubeconfig=path, context=USER))
        return ada.error(3, *keyboard.deploying("v1"))

    def told(rights: list[needs.Right]) -> list[str]:
        return [
            "Error: a deploy needs rights in namespace NAMESPACE that you do not have",
            "",
            *(f"  {one.shown}" for one in rights),
            "",
            f"Try: ask for the Role in docs/how-to/kubernetes-rbac.md; {rights[0].line('NAMESPACE')}",
            "[cluster-forbidden]",
        ]

    needed = [one for one in needs.NEEDS if one.purpose in {needs.LOOK, needs.LOCK, needs.DEPLOY}]
    assert refused("*") == told([right for one in needed for right in one.rights()])
    before = keyboard.objects()
    leases = [right for one in needed if "leases" in one.resources for right in one.rights()]
    assert refused("leases") == told(leases)
    assert keyboard.objects() == before
