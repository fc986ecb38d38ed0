"""One command at a time on a real cluster: a Lease that is waited for, taken over, and gone at the end."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from dubbopy_cli.errors import ConflictError
from dubbopy_cli.targets.kubernetes import lease, shiftrecord
from dubbopy_cli.targets.kubernetes.cluster import Cluster as Place
from tests.cluster.harness.cluster import Cluster
from tests.cluster.shops import place

pytestmark = pytest.mark.slow


@pytest.fixture
def here(cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    monkeypatch.setenv("DUBBOPY_KUBECTL", str(cluster.kubectl))
    return place(cluster.context, namespace)


def busy(holder: str) -> ConflictError:
    return ConflictError("busy", f"held by {holder}", hint="wait")


def put(here: Place, holder: str) -> None:
    """Let another machine's command hold the Lease, and never renew it."""
    own = lease.Own(here, "dubbopy", holder)
    assert own.write(own.seen())


def holder(here: Place) -> str:
    found = here.kubectl.find("lease", "dubbopy")
    return str(found["spec"]["holderIdentity"]) if found else ""


def test_a_second_command_waits_until_the_first_has_finished(here: Place) -> None:
    said: list[str] = []
    order: list[str] = []
    waiting = threading.Event()

    def tell(text: str) -> None:
        said.append(text)
        waiting.set()

    def second() -> None:
        with lease.held(replace(here, say=tell), "dubbopy", seconds=60, busy=busy):
            order.append("second")

    # A holder of another process of this machine that is alive: the one that started this one.
    with lease.held(here, "dubbopy", seconds=5, busy=busy):
        mine = holder(here)
        assert mine.endswith(f":{os.getpid()}")
        put(here, mine.replace(f":{os.getpid()}", f":{os.getppid()}"))
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(30)
        order.append("first")
        here.kubectl.run("delete", "lease", "dubbopy")
    thread.join(60)
    assert order == ["first", "second"]
    assert said == [f"waiting for another dubbopy-cli (ada@desk:{os.getppid()}) to finish, at most 60 s"]
    assert holder(here) == ""


def test_what_stays_taken_is_named(here: Place) -> None:
    put(here, "bob@elsewhere:7")
    with (
        pytest.raises(ConflictError, match="held by bob@elsewhere:7"),
        lease.held(here, "dubbopy", seconds=0, busy=busy),
    ):
        pass
    assert holder(here) == "bob@elsewhere:7"


def test_a_command_of_another_machine_that_was_killed_is_waited_out(here: Place) -> None:
    put(here, "bob@elsewhere:7")
    with lease.held(here, "dubbopy", seconds=lease.DURATION_SECONDS * 3, busy=busy):
        assert holder(here) == f"ada@desk:{os.getpid()}"
    assert holder(here) == ""


def test_the_record_of_a_shift_is_kept_and_taken_away(here: Place) -> None:
    with shiftrecord.held(here, "shop") as record:
        assert record.read() == ""
        record.write("one")
        record.write("two")
    with shiftrecord.held(here, "shop") as record:
        assert record.read() == "two"
        record.write("")
    assert here.kubectl.find("configmap", "dubbopy-shift-shop") is None
