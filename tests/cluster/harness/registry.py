"""Debian's docker-registry on the machine's loopback, which the node reaches under the same address."""

from __future__ import annotations

import urllib.request

from tests.cluster.harness import containers, network
from tests.cluster.harness.progress import until
from tests.cluster.harness.space import Space
from tests.registry import configured


def start(space: Space) -> None:
    """Start the registry of a cluster; it needs no login and speaks HTTP."""
    state = space.state
    config = configured(state.folder / "registry", state.registry)
    daemon = space.spawn_outside("registry", "docker-registry", "serve", config)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    url = f"http://{state.registry}/v2/"
    until(lambda: opener.open(url, timeout=5).status == 200, "the registry answers", 30, daemon.alive)
    containers.trust(state, state.registry)
    network.relay(space, state.registry_port)
