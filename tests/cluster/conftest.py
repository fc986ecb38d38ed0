"""A real cluster for the tests below: one of the session's own, or that of DUBBOPY_TEST_CONTEXT."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

import pytest

from tests.cluster.harness import lifecycle
from tests.cluster.harness.cluster import Cluster, existing
from tests.cluster.harness.progress import HarnessError
from tests.cluster.shops import both
from tests.helm import UnavailableError

_numbers = count(1)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Kubernetes with Istio, its programs and its registry; taken down at the end unless it was there before."""
    if context := os.environ.get("DUBBOPY_TEST_CONTEXT"):
        yield existing(context)
        return
    with ExitStack() as stack:
        try:
            own = stack.enter_context(lifecycle.session(f"test-{os.getpid()}"))
        except (HarnessError, UnavailableError) as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(f"no cluster: {error}")
        yield own


@pytest.fixture(scope="session")
def images(cluster: Cluster, pytestconfig: pytest.Config) -> tuple[Path, Path]:
    """The folders of a server and a client, with the images of the server's versions and the client in the node."""
    assert pytestconfig.cache
    return both(cluster, pytestconfig.cache.mkdir("go-projects"))


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace of the test's own whose pods get sidecars; removed with all that is in it."""
    with made(cluster) as name:
        yield name


@pytest.fixture
def restricted(cluster: Cluster) -> Iterator[str]:
    """The same under Pod Security "restricted"; from then on istio-cni redirects the connections of all new pods."""
    if cluster.state:
        cluster.use_cni()
    # Pods are refused, and what makes pods is warned of.
    with made(cluster, **{f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}) as name:
        yield name


@contextmanager
def made(cluster: Cluster, **labels: str) -> Iterator[str]:
    """Make a namespace whose pods get sidecars, and remove it at the end."""
    name = f"test-{os.getpid()}-{next(_numbers)}"
    metadata = {"name": name, "labels": {"istio-injection": "enabled", **labels}}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    yield name
    # Not waited for: nothing else uses the name.
    cluster.kube("delete", "namespace", name, "--wait=false")
