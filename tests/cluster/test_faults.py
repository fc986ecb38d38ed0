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


def error(keyboard: Keyboard, code: int, *words: str) -> list[str]:
    """Run a command that ends with an exit code and return the lines of its error; POD is whatever pod it names."""
    done = keyboard.typed(*words)
    assert done.returncode == code, done.stderr
    said = re.sub(rf"{SERVER}-v1-[0-9a-f]+-[a-z0-9]{{5}}", "POD", done.stderr[done.stderr.index("Error: ") :])
    return said.replace(keyboard.namespace, "NAMESPACE").splitlines()


def test_an_image_that_is_not_there_leaves_the_former_revision(keyboard: Keyboard) -> None:
    keyboard.deploy("v1", *SHORT)
    before = keyboard.objects()
    said = error(keyboard, 5, "deploy", *HERE, "--tag", "9.9.9", *SHORT)
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
    said = error(keyboard, 5, "deploy", *HERE, "--set", "config=dubbo: [")
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


def test_a_context_that_is_not_there(keyboard: Keyboard) -> None:
    said = error(keyboard, 2, "deploy", *HERE, "--context", "elsewhere")
    assert said == [
        "Error: there is no context elsewhere.",
        "",
        "Try: kubectl config get-contexts",
        "[context-unknown]",
    ]
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
