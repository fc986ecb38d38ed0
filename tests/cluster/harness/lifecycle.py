"""Start a cluster, and take it down with everything that it left."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.cluster.harness import build, cgroups, controlplane, mesh, network, node, registry, state
from tests.cluster.harness.cluster import Cluster, of_state
from tests.cluster.harness.progress import HarnessError, say
from tests.cluster.harness.space import Space
from tests.cluster.harness.state import State


def up(name: str, *, session: bool = False, debug_namespaces: Sequence[str] = ()) -> Cluster:
    """Start a cluster, or return the one of that name that runs; what a killed start left is cleared away first.

    A start that fails leaves its logs in ``NAME.failed`` beside the clusters' folders, and nothing else.
    """
    built = build.everything()
    if running := _usable(name):
        return running
    reserved = state.reserve(name, session=session)
    try:
        cluster = _start(reserved, built, debug_namespaces)
    except BaseException:
        _keep_logs(reserved)
        down(reserved)
        raise
    (reserved.folder / "ready").touch()
    return cluster


def down(known: State) -> None:
    """End every process of the cluster, also of one half started, and remove what the machine holds of it."""
    network.disconnect(known)
    cgroups.end(known.cgroup)
    state.forget(known)


def down_abandoned() -> list[str]:
    """Take down the clusters of ended test sessions and of killed starts; return their names."""
    found = [one for one in state.known() if not one.owner_lives and (one.session or not one.ready)]
    for one in found:
        down(one)
    return [one.name for one in found]


@contextmanager
def session(name: str) -> Iterator[Cluster]:
    """Start a cluster for the block, and take it down however the block ends."""
    down_abandoned()
    cluster = up(name, session=True)
    try:
        yield cluster
    finally:
        assert cluster.state is not None
        down(cluster.state)


def _usable(name: str) -> Cluster | None:
    known = state.find(name)
    if known is None:
        return None
    if known.ready and cgroups.processes(known.cgroup):
        return of_state(known)
    if not known.ready and known.owner_lives:
        raise HarnessError(f"process {known.owner} is starting cluster {name} in this moment")
    say(f"clearing away what is left of cluster {name}")
    down(known)
    return None


def _start(reserved: State, built: build.Built, debug_namespaces: Sequence[str]) -> Cluster:
    space = Space.create(reserved, built.program("pause"))
    network.connect(space)
    # First, since its port is reserved by nothing but its own listening.
    registry.start(space)
    api = controlplane.start(space, built)
    cluster = of_state(reserved)
    node.start(space, built, api)
    cluster.apply(*node.dns_objects(reserved))  # as the administrator: the node itself may not
    mesh.install(cluster, reserved, built, debug_namespaces)
    say("istiod ready")
    return cluster


def drop_logs(name: str) -> None:
    """Remove the logs of a start that failed."""
    shutil.rmtree(state.clusters() / f"{name}.failed", ignore_errors=True)


def _keep_logs(failed: State) -> None:
    drop_logs(failed.name)
    logs = failed.folder / "logs"
    if logs.exists():
        kept = shutil.copytree(logs, state.clusters() / f"{failed.name}.failed")
        say(f"the logs are in {kept}")
