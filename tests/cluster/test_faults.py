"""What goes wrong on a real cluster as the command line tells it: exit code, cause, and what to do."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest

from tests.cluster.harness.cluster import Cluster
from tests.cluster.pods import SERVER
from tests.cluster.typed import HERE, SHORT, Keyboard, copied

pytestmark = pytest.mark.slow


@pytest.fixture
def keyboard(cluster: Cluster, namespace: str, images: tuple[Path, Path], tmp_path: Path) -> Keyboard:
    return copied(cluster, namespace, images, tmp_path)


def test_an_image_that_is_not_there_leaves_the_former_revision(keyboard: Keyboard) -> None:
    keyboard.deploy("v1", *SHORT)
    before = keyboard.objects()
    said = keyboard.error(5, "deploy", *HERE, "--tag", "9.9.9", *SHORT)
    assert keyboard.objects() == before
    image = f'ImagePullBackOff: Back-off pulling image "localhost:5000/{SERVER}:9.9.9"'
    # What the container runtime adds is its own.
    assert [re.sub(r": ErrImagePull: .* (?=\(pod)", " ", line) for line in said] == [
        f"Error: {SERVER}-v1 does not become ready: {image} (pod POD); {SERVER}-v1 is back at revision 1",
        "",
        "Try: mend it and deploy again; --no-rollback leaves its pods to look at",
        "[rollout-failed]",
    ]


def test_a_program_that_crashes_at_its_start_leaves_no_release(keyboard: Keyboard) -> None:
    said = keyboard.error(5, "deploy", *HERE, "--set", "config=dubbo: [")
    assert not [name for name in keyboard.objects() if name.startswith(("Release/", "Service/"))]
    cause = "CrashLoopBackOff: container app ended with exit status 1 (pod POD)"
    assert [re.sub(r"^  [-0-9T:.]+Z ", "  TIME ", line) for line in said] == [
        f"Error: {SERVER}-v1 does not become ready: {cause}; {SERVER}-v1 and {SERVER} are uninstalled again",
        "",
        "  TIME ERROR /etc/dubbogo/dubbogo.yaml: yaml: line 1: did not find expected node content",
        "",
        "Try: mend it and deploy again; --no-rollback leaves its pods to look at",
        "[rollout-failed]",
    ]


QUOTA = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
FULL = "0/1 nodes are available: 1 Insufficient cpu"
PROBE = "FailingProbe: Startup probe failed: HTTP probe failed with statuscode: 500 (pod POD)"


def test_what_keeps_the_pods_of_a_first_version_from_running_is_named_and_nothing_stays(keyboard: Keyboard) -> None:
    nothing = keyboard.objects()
    causes = {
        (): 'Quota: pods "POD" is forbidden: exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0',
        ("--set", "resources.requests.cpu=900"): f"Unschedulable: {FULL} (pod POD)",
        ("--timeout", "15", "--set", "probes.service=nobody"): f"after 15 s: {PROBE}",
    }
    keyboard.cluster.apply({**QUOTA, "metadata": {"name": "none", "namespace": keyboard.namespace}})
    for words, cause in causes.items():
        said = keyboard.error(5, *keyboard.deploying("v1", *SHORT, *words))
        # What the scheduler adds of preemption is its own.
        said[0] = re.sub(rf"({FULL})[^;]* \(", r"\1 (", said[0])
        when = "" if cause.startswith("after") else ":"
        assert said == [
            f"Error: {SERVER}-v1 does not become ready{when} {cause}; {SERVER}-v1 and {SERVER} are uninstalled again",
            "",
            "Try: mend it and deploy again; --no-rollback leaves its pods to look at",
            "[rollout-failed]",
        ]
        assert keyboard.objects() == nothing
        keyboard.cluster.kube("delete", "resourcequota", "none", "-n", keyboard.namespace, "--ignore-not-found")
    keyboard.deploy("v1", *SHORT)


def test_a_context_that_is_not_there_or_not_the_one_of_the_project(keyboard: Keyboard) -> None:
    said = keyboard.error(2, "deploy", *HERE, "--context", "elsewhere")
    assert said == [
        "Error: there is no context elsewhere.",
        "",
        "Try: kubectl config get-contexts",
        "[context-unknown]",
    ]
    pinned = keyboard.server / ".dubbopy.yaml"
    pinned.write_text(f"{pinned.read_text()}\ncontext: elsewhere\n")
    assert keyboard.error(6, "deploy", *HERE) == [
        f"Error: {pinned} pins context elsewhere, and DUBBOPY_CONTEXT says {keyboard.cluster.context}",
        "",
        f"Try: say which one you mean: --context elsewhere, or --context {keyboard.cluster.context}",
        "[context-mismatch]",
    ]
    assert keyboard.error(2, "deploy", *HERE, DUBBOPY_CONTEXT="") == said
    assert not any(name.startswith("Deployment/") for name in keyboard.objects())


def test_two_deploys_at_once_come_through_one_after_the_other(keyboard: Keyboard) -> None:
    keyboard.deploy("v1", *SHORT)
    ended = {}

    def deploy(version: str) -> None:
        ended[version] = keyboard.typed(*keyboard.deploying(version, *SHORT))

    threads = [threading.Thread(target=deploy, args=(version,)) for version in ("v1", "v2")]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert {version: done.returncode for version, done in ended.items()} == {"v1": 0, "v2": 0}
    waited = [line for done in ended.values() for line in done.stderr.splitlines() if line.startswith("waiting for")]
    assert len(waited) == 1, waited
    # Of one folder, so that it is the folder that the second one waits for.
    assert waited[0] == f"waiting for another command that builds in {keyboard.server}/build"
    assert {name for name in keyboard.objects() if name.startswith(("Lease/", "Release/", "Deployment/"))} == {
        f"Release/{SERVER}",
        *(f"{kind}/{SERVER}-{version}" for kind in ("Release", "Deployment") for version in ("v1", "v2")),
    }
