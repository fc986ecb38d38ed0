"""By the command line on a real cluster no call is lost, whatever becomes of the versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster.harness.cluster import Cluster
from tests.cluster.shops import TAGS
from tests.cluster.typed import HERE, Keyboard, copied

pytestmark = pytest.mark.slow

CALLS = 20_000


@pytest.fixture
def keyboard(cluster: Cluster, namespace: str, images: tuple[Path, Path], tmp_path: Path) -> Keyboard:
    return copied(cluster, namespace, images, tmp_path)


def test_no_call_is_lost_from_one_version_to_the_next(keyboard: Keyboard) -> None:
    keyboard.deploy("v1")
    keyboard.done("deploy", *HERE, at=keyboard.client)
    with keyboard.load() as load:
        load.until(1)
        keyboard.deploy("v1")
        keyboard.deploy("v2", "--no-traffic")
        for share in (5, 25, 50):
            keyboard.done("traffic", "set", f"v1={100 - share}", f"v2={share}")
        keyboard.done("traffic", "set", "v2")
        keyboard.deploy("v2")
        keyboard.done("remove", "v1")
        keyboard.done("rollback", "v2")
        load.until(CALLS)
    assert load.failures == []
    assert load.answered == {f"v{tag}" for tag in TAGS.values()}
