"""What a command that was killed left on a real cluster is finished by the same command typed again."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.cluster.harness.cluster import Cluster
from tests.cluster.typed import SHORT, Keyboard, copied

pytestmark = pytest.mark.slow

KILLED = Path(__file__).with_name("killed.py")


@pytest.fixture
def keyboard(cluster: Cluster, namespace: str, images: tuple[Path, Path], tmp_path: Path) -> Keyboard:
    return copied(cluster, namespace, images, tmp_path)


def killed(keyboard: Keyboard, change: int, when: str, *words: str) -> bool:
    """Run a command that dies at its `change`-th change; return whether it did, or came to its end before."""
    died = keyboard.typed(str(change), when, *words, script=KILLED)
    assert died.returncode in {0, -signal.SIGKILL}, died.stderr
    return died.returncode != 0


def test_a_command_killed_after_any_change_is_finished_by_the_same_command(keyboard: Keyboard) -> None:
    commands = {
        "deploy": keyboard.deploying("v2", "--no-traffic", *SHORT),
        "set": ("traffic", "set", "v1=50", "v2=50"),
        "remove": ("remove", "v2", "--force"),
        "reset": ("traffic", "reset"),
    }
    keyboard.deploy("v1", *SHORT)
    undisturbed, ends = {}, {"deploy": 0, "set": 0, "remove": 0, "reset": 1}
    for name, words in commands.items():
        keyboard.done(*words)
        undisturbed[name] = keyboard.objects()
    change = 0
    while not all(ends.values()):
        change += 1
        for name, words in commands.items():
            if ends[name]:
                keyboard.done(*words)
            elif killed(keyboard, change, "after", *words):
                again = keyboard.typed(*words)
                finished = name == "remove" and again.stderr.endswith("[version-unknown]\n")
                assert again.returncode == (2 if finished else 0), (name, change, again.stderr)
            else:
                ends[name] = change
            assert keyboard.objects() == undisturbed[name], (name, change)
    # The lock taken and given back, at least one rule with its record, and Helm where there are pods.
    assert ends == {"deploy": 9, "set": 5, "remove": 8, "reset": 1}


def test_a_command_killed_with_helm_at_work_is_finished_by_the_same_command(keyboard: Keyboard) -> None:
    deploy, remove = keyboard.deploying("v1", *SHORT), ("remove", "--all", "--yes")
    nothing = keyboard.objects()
    keyboard.done(*deploy)
    undisturbed = keyboard.objects()
    for change in (2, 1):
        assert killed(keyboard, change, "during", *remove)
        again = keyboard.typed(*remove)
        finished = again.stderr.endswith("[application-unknown]\n")
        assert again.returncode == (2 if finished else 0), again.stderr
        assert keyboard.objects() == nothing
        assert killed(keyboard, change, "during", *deploy)
        keyboard.done(*deploy)
        assert keyboard.objects() == undisturbed
