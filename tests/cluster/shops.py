"""An application in two versions whose answers differ, and a client that calls it, in a namespace of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from dubbopy_cli.process import SubprocessRunner
from dubbopy_cli.targets.kubernetes.cluster import Cluster as Place
from dubbopy_cli.targets.kubernetes.helm import Helm
from dubbopy_cli.targets.kubernetes.kubectl import Kubectl
from dubbopy_cli.traffic.history import Origin
from dubbopy_cli.traffic.hosts import Service
from tests.cluster.harness.cluster import Cluster
from tests.cluster.pods import CLIENT, SERVER, deployed, loaded
from tests.local.go._project import TAG, go

TAGS = {"v1": TAG, "v2": "2.0.0"}


@dataclass(frozen=True)
class Shop:
    """The folders of the projects, and the namespace in which they run."""

    cluster: Cluster
    namespace: str
    server: Path
    client: Path

    @property
    def service(self) -> Service:
        return Service(SERVER, self.namespace)

    def place(self, run: str = "one", say: Callable[[str], None] = lambda _: None) -> Place:
        """Return the namespace as the target's operations take it."""
        return place(self.cluster.context, self.namespace, run, say)


def place(context: str, namespace: str, run: str = "one", say: Callable[[str], None] = lambda _: None) -> Place:
    """Return a namespace as the target's operations take it; the kubeconfig is that of the environment."""
    runner = SubprocessRunner()
    tools = Kubectl(runner, context, namespace), Helm(runner, context, namespace)
    return Place(namespace, *tools, say, Origin(f"dubbopy-cli {run}", "ada@desk", run))


def both(cluster: Cluster, cache: Path) -> tuple[Path, Path]:
    """Return the folders of the server and the client, with the images of both versions in the node."""
    server, client = loaded(cluster, cache)
    second = cache / f"{server.name}-second"
    with FileLock(cache / "lock"):  # another worker may make it, or read it
        if not (second / "build/second").exists():
            shutil.copytree(server, second, dirs_exist_ok=True)
            flags = ["-trimpath", "-ldflags", f"-s -w -X {SERVER}/pkg/service.tag={TAGS['v2']}"]
            go(second, "build", *flags, "-o", "build/app", "./cmd")
            (second / "build/second").touch()
    cluster.load_project(second, f"localhost:5000/{SERVER}:{TAGS['v2']}")
    return server, client


def opened(cluster: Cluster, namespace: str, cache: Path) -> Shop:
    """Deploy both versions and the client by the charts, as `make deploy` does."""
    server, client = both(cluster, cache)
    for name, folder in ((SERVER, server), (CLIENT, client)):
        deployed(cluster, namespace, cluster.helm4, name, folder / "chart/service")
    for version, tag in TAGS.items():
        settings = {"image.pullPolicy": "IfNotPresent", "image.tag": tag, "version.labels.dubbogoAppVersion": version}
        deployed(cluster, namespace, cluster.helm4, f"{SERVER}-{version}", server / "chart/app", **settings)
    policy = {"image.pullPolicy": "IfNotPresent"}
    deployed(cluster, namespace, cluster.helm4, f"{CLIENT}-v1", client / "chart/app", **policy)
    return Shop(cluster, namespace, server, client)
