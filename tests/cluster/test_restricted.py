"""The command line in a namespace under Pod Security "restricted": what it deploys is admitted and works."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cluster.harness.cluster import Cluster
from tests.cluster.pods import CLIENT, SERVER
from tests.cluster.typed import HERE, SHORT, copied

pytestmark = pytest.mark.slow


def test_what_is_deployed_is_admitted_without_a_warning_and_calls_go_through(
    cluster: Cluster, restricted: str, images: tuple[Path, Path], tmp_path: Path
) -> None:
    keyboard = copied(cluster, restricted, images, tmp_path)
    deploys = ((keyboard.deploying("v1", *SHORT), keyboard.server), (("deploy", *HERE), keyboard.client))
    for words, folder in deploys:
        done = keyboard.typed(*words, at=folder)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "PodSecurity" not in done.stdout + done.stderr
    # What the cluster warns of is not shown where all goes well; kubectl fails on it.
    for release in (SERVER, f"{SERVER}-v1", CLIENT, f"{CLIENT}-v1"):
        manifest = cluster.run(cluster.helm4, "get", "manifest", release, "--namespace", restricted)
        words = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "--warnings-as-errors")
        cluster.kube(*words, "--namespace", restricted, "--filename", "-", input=manifest)
    done = keyboard.typed("call", "--app", SERVER, "-n", "100", "-o", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)["data"]
    assert (report["failed"], report["versions"]) == (0, {"v1": 100})
    for app in (CLIENT, SERVER):
        keyboard.done("remove", "--all", "--yes", "--app", app)
    assert keyboard.objects().keys() <= {"ServiceAccount/default"} | {
        f"ConfigMap/{name}"
        for name in ("kube-root-ca.crt", "istio-ca-root-cert", "istio-ca-crl", "dubbopy-traffic-history")
    }
