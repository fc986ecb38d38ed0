"""A cluster leaves nothing behind, whatever becomes of the program that starts it, and two do not meet."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from tests.cluster import traces
from tests.cluster.harness import build, cgroups, cli, lifecycle, mesh, state
from tests.cluster.harness.cluster import of_state
from tests.cluster.harness.progress import HarnessError
from tests.programs import eventually

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
ME = os.getpid()


@pytest.fixture(scope="module", autouse=True)
def built():
    """What is compiled is no part of these tests."""
    build.everything()


def harness(*words):
    """Start a command of the harness as a program of its own."""
    argv = [sys.executable, "-m", "tests.cluster.harness", *words]
    return subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def down(name):
    assert cli.main(["down", "--name", name]) == 0


def members(name):
    known = state.find(name)
    return traces.of_processes(cgroups.processes(known.cgroup)) if known else set()


@dataclass
class Watch:
    """The clusters of a test, by name, and the processes that were seen in them."""

    names: list[str]
    seen: set[tuple[int, float]] = field(default_factory=set)


def snapshot():
    """Return the traces of all clusters, and the clusters that were there before or after they were read."""
    first = state.known()
    return traces.of_machine(), first + state.known()


@contextmanager
def nothing_left(*names):
    """At the end of the block there is no process that was seen, and the machine is as before."""
    watch = Watch(list(names))
    before, others = snapshot()
    try:
        yield watch
    finally:
        for name in watch.names:
            down(name)
    assert watch.seen
    assert watch.seen & traces.of_processes(psutil.pids()) == set()
    # Of other clusters, that come and go on the same machine, nothing is asked.
    after, more = snapshot()
    others += more
    assert [path for path in state.clusters().iterdir() if path.name.partition(".")[0] in watch.names] == []
    before, after = traces.without(before, others), traces.without(after, others)
    assert {kind: after[kind] ^ before[kind] for kind in before} == {kind: set() for kind in before}


def test_two_clusters_at_once(capsys):
    one, two = f"one-{ME}", f"two-{ME}"
    with nothing_left(one, two) as watch:
        starts = [harness("up", "--name", name) for name in (one, two)]
        said = [start.communicate() for start in starts]
        assert [start.returncode for start in starts] == [0, 0], said
        clusters = [of_state(state.find(name)) for name in (one, two)]
        assert [out for out, _ in said] == [f"export KUBECONFIG={cluster.kubeconfig}\n" for cluster in clusters]
        assert len({cluster.registry for cluster in clusters}) == 2
        watch.seen.update(members(one), members(two))
        # What is made in one is not in the other.
        clusters[0].kube("create", "namespace", "only-here")
        assert "only-here" in clusters[0].kube("get", "namespaces", "-o", "name")
        assert "only-here" not in clusters[1].kube("get", "namespaces", "-o", "name")
        # Again, it only says where it is.
        capsys.readouterr()
        assert cli.main(["up", "--name", one]) == 0
        assert capsys.readouterr().out == f"export KUBECONFIG={clusters[0].kubeconfig}\n"
        # The end of one is not felt in the other.
        down(one)
        (pod,) = clusters[1].get("pods", "-n", "istio-system")["items"]
        assert [(s["ready"], s["restartCount"]) for s in pod["status"]["containerStatuses"]] == [(True, 0)]
        clusters[1].kube("run", "late", "--image=localhost/pause:1", "--image-pull-policy=Never")
        clusters[1].kube("wait", "--for=condition=Ready", "pod/late", "--timeout=60s")


# What is there at a moment of the start, in their order.
MOMENTS = ("cluster.json", "logs/keeper.log", "keeper", "logs/relay-{port}.log", "logs/etcd.log", "logs/kubelet.log")


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_start_that_is_killed_is_cleared_away(moment):
    name = f"killed-{ME}"
    with nothing_left(name) as watch:
        watch.seen.add(killed(name, moment))
        watch.seen.update(members(name))


def test_a_start_clears_away_what_a_killed_one_left():
    name = f"killed-{ME}"
    with nothing_left(name) as watch:
        killed(name, "logs/kubelet.log")
        first = members(name)
        start = harness("up", "--name", name)
        _, said = start.communicate()
        assert start.returncode == 0, said
        assert f"clearing away what is left of cluster {name}\n" in said
        assert first
        assert first & traces.of_processes(psutil.pids()) == set()
        watch.seen.update(members(name))


def killed(name, moment):
    """Kill a start when a file is there; return the process that it was."""
    start = harness("up", "--name", name)
    (process,) = traces.of_processes([start.pid])

    def reached():
        known = state.find(name)
        return known and (known.folder / moment.format(port=known.registry_port)).exists()

    eventually(reached, moment, 60)
    start.kill()
    start.communicate()
    assert start.returncode == -signal.SIGKILL
    return process


def test_a_start_that_fails_leaves_only_its_logs(monkeypatch, capsys):
    name = f"fails-{ME}"

    def fails(*_):
        watch.seen.update(members(name))
        raise HarnessError("no mesh today")

    monkeypatch.setattr(mesh, "install", fails)
    with nothing_left(name) as watch:
        assert cli.main(["up", "--name", name]) == 1
        logs = state.clusters() / f"{name}.failed"
        said = capsys.readouterr().err.splitlines()
        assert said[-2].endswith(f"the logs are in {logs}")
        assert said[-1] == "no mesh today"
        assert {"kubelet.log", "kube-apiserver.log"} <= {path.name for path in logs.iterdir()}
        assert state.find(name) is None


SESSION = """
import os, time

def test_that_is_interrupted(cluster):
    open(os.environ["STARTED"], "w").write(cluster.state.name)
    time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_cluster_of_a_session_ends_with_it(number, tmp_path):
    (tmp_path / "test_session.py").write_text(SESSION)
    started = tmp_path / "started"
    plugins = ("-p", "tests.cluster.conftest", "-p", "tests.conftest", "-p", "no:cacheprovider")
    argv = [sys.executable, "-m", "pytest", *plugins, "-c", os.devnull, str(tmp_path)]
    env = {**os.environ, "STARTED": str(started), "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""}
    env.pop("DUBBOPY_TEST_CONTEXT", None)
    with nothing_left() as watch:
        session = subprocess.Popen(argv, env=env, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        eventually(lambda: started.exists() and started.read_text(), "the session's cluster", 180)
        name = started.read_text()
        watch.seen.update(members(name))
        session.send_signal(number)
        said, _ = session.communicate(timeout=120)
        if number == signal.SIGINT:
            assert "KeyboardInterrupt" in said
        else:
            # What nobody could take down is known, and taken down by the next one.
            assert name in lifecycle.down_abandoned()
        watch.names.append(name)
        assert state.find(name) is None


def test_an_owner_that_was_killed_and_not_waited_for_has_ended():
    owner = psutil.Popen(["sleep", "60"])
    known = state.State("a", 0, 0, owner.pid, owner.create_time(), True)
    assert known.owner_lives
    owner.kill()
    eventually(lambda: owner.status() == psutil.STATUS_ZOMBIE, "the kernel lists it as ended")
    assert not known.owner_lives
    owner.wait()


def test_a_name_that_cannot_be(capsys):
    assert cli.main(["up", "--name", "no_name"]) == 1
    assert capsys.readouterr().err.endswith("'no_name' is no name for a cluster: 1 to 24 of a-z, 0-9 and -\n")


def test_down_where_nothing_is(capsys):
    assert cli.main(["down", "--name", "never-was"]) == 0
    assert capsys.readouterr().err.endswith("down: there was nothing\n")
