"""Pods that are killed without a word: what that costs, and how it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster.harness.cluster import Cluster
from tests.cluster.pods import SERVER
from tests.cluster.typed import HERE, SHORT, Keyboard, copied

pytestmark = pytest.mark.slow

# Calls that the client has under way at a time; no more than these can be at one pod.
UNDER_WAY = 8
HALF = "█" * 10 + "░" * 10


@pytest.fixture
def keyboard(cluster: Cluster, namespace: str, images: tuple[Path, Path], tmp_path: Path) -> Keyboard:
    return copied(cluster, namespace, images, tmp_path)


def kill(keyboard: Keyboard, version: str) -> None:
    """Kill a pod of a version at once, without a sleep before its end."""
    words = ("-n", keyboard.namespace, "-l", f"app.kubernetes.io/name={SERVER},dubbogoAppVersion={version}")
    pod = keyboard.cluster.get("pods", *words)["items"][0]["metadata"]["name"]
    keyboard.cluster.kube("delete", "pod", pod, "-n", keyboard.namespace, "--force", "--grace-period=0")


def test_pods_that_are_killed_under_load_and_the_only_one_of_a_subset(keyboard: Keyboard) -> None:
    keyboard.deploy("v1", "--replicas", "2", *SHORT)
    keyboard.done("deploy", *HERE, at=keyboard.client)
    with keyboard.load(UNDER_WAY) as load:
        load.until(1)
        kill(keyboard, "v1")
        load.until(load.calls + 5_000)
    assert sum(one["failed"] for one in load.reports) <= UNDER_WAY, load.failures
    keyboard.deploy("v2", *SHORT)
    keyboard.done("traffic", "set", "v1=50", "v2=50")
    assert f"    └── v2  2.0.0  revision 1  1/1 ready  {HALF} 50 %" in keyboard.typed("status").stdout.splitlines()
    assert keyboard.typed("traffic", "lint", "--all").stdout.startswith(
        f"VirtualService {keyboard.namespace}/{SERVER}\n"
        "  info single-instance at spec.http\n"
        f"    {SERVER} v2 gets calls by default and has a single ready instance: none answers while it restarts\n"
    )
    # No other pod takes its place.
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "spec": {"hard": {"pods": "0"}}}
    keyboard.cluster.apply({**quota, "metadata": {"name": "none", "namespace": keyboard.namespace}})
    kill(keyboard, "v2")
    told = keyboard.typed("status").stdout.splitlines()
    assert f"    ├── v2  2.0.0  revision 1  0/1 ready  {'░' * 20} 0 %" in told
    assert told[-1] == (
        "    └── route default: every call -> v1 50 %, 50 % lost: subset v2 has no ready instance: 503 UH"
    )
    lint = keyboard.typed("traffic", "lint")
    assert (lint.returncode, lint.stdout.splitlines()[:-2]) == (
        6,
        [
            f"DestinationRule {keyboard.namespace}/{SERVER}",
            "  error IST0173 at spec.subsets[1]",
            "    subset v2 selects no pod, so calls to it end in a 503 (UH)",
            f"VirtualService {keyboard.namespace}/{SERVER}",
            "  error subset-empty at spec.http[0].route[1]",
            f"    subset v2 of {SERVER} (version v2) has no ready instance to take these calls",
        ],
    )
