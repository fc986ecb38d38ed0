"""Generated Go projects as pods of a cluster, and calls from one to the other."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from filelock import FileLock

from tests.cluster.harness.cluster import Cluster
from tests.local.go._project import TAG, Project, compiled

SERVER, CLIENT = "dubbo-go-server", "dubbo-go-client"


def loaded(cluster: Cluster, cache: Path) -> tuple[Path, Path]:
    """Return the folders of a server and a client, with their images in the node."""
    server, client = whole(Project("server"), cache), whole(Project("client"), cache)
    for folder, name in ((server, SERVER), (client, CLIENT)):
        cluster.load_project(folder, f"localhost:5000/{name}:{TAG}")
    return server, client


def whole(project: Project, cache: Path) -> Path:
    """Return the project's folder with all that its image holds, as `make compile` leaves it."""
    folder = compiled(project, cache)
    with FileLock(cache / "lock"):  # another worker may read it
        if not (folder / "build/dubbogo.yaml").exists():
            shutil.copy(folder / "conf/dubbogo.yaml", folder / "build")
    return folder


def deployed(cluster: Cluster, namespace: str, helm: Path, release: str, chart: Path, **settings: str) -> None:
    """Install a chart and wait until its pods are ready."""
    options = [f"--set={name}={value}" for name, value in settings.items()]
    words = ("upgrade", "--install", release, chart, "--namespace", namespace, "--wait", "--timeout", "120s")
    cluster.run(helm, *words, *options)


def report(cluster: Cluster, namespace: str, *options: str) -> dict[str, Any]:
    """Make ten calls by the client's pod and return what it counted."""
    words = ("exec", "-n", namespace, f"deployment/{CLIENT}-v1", "-c", "app", "--", "/dubbogo/app", "-n", "10")
    return dict(json.loads(cluster.kube(*words, "-o", "json", *options, check=False)))


def counted(cluster: Cluster, namespace: str, subset: str) -> int:
    """Return how many calls of the client its sidecar has sent to a subset of the server."""
    # Istio ends the name that a cluster has in counters by a semicolon.
    name = f"cluster.outbound|20000|{subset}|{SERVER}.{namespace}.svc.cluster.local;.upstream_rq_total"
    words = ("exec", "-n", namespace, f"deployment/{CLIENT}-v1", "-c", "istio-proxy", "--", "pilot-agent", "request")
    said = cluster.kube(*words, "GET", "stats?usedonly")
    return sum(int(line.rpartition(" ")[2]) for line in said.splitlines() if line.startswith(f"{name}: "))
