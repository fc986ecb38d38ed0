"""On a real Kubernetes with Istio: what our verbs add to Helm and kubectl, and when a rule is in force.

Goal: `deploy` of an image that is there at most 1.15 of `helm upgrade --install --wait` with the same chart. Printed
besides: `status` against `kubectl get` and `helm list`; when the first call under a new rule is answered, in parts of
the run of `traffic set`.
"""

from __future__ import annotations

import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from mesh_latency import CLI
from pairs import command, compiled, ratio

sys.path.append(str(Path(__file__).parents[1]))
from tests.cluster.harness import lifecycle
from tests.cluster.pods import CLIENT, SERVER
from tests.cluster.shops import Shop, opened

NAMESPACE = "bench"
RUNS = 7
# The pods end as soon as they may: both sides wait for the same pods, and not for their good-bye.
VALUES = ("image.pullPolicy=IfNotPresent", "preStopSleepSeconds=1")


def environment(shop: Shop) -> dict[str, str]:
    return compiled(shop.cluster.env()) | {
        "DUBBOPY_CONTEXT": shop.cluster.context,
        "DUBBOPY_TARGET": "kubernetes",
        "DUBBOPY_NAMESPACE": shop.namespace,
        "DUBBOPY_HELM": str(shop.cluster.helm4),
        "DUBBOPY_KUBECTL": str(shop.cluster.kubectl),
    }


def deploying(shop: Shop) -> None:
    """Print what `deploy` takes against Helm alone; each makes the pods anew."""
    sets = [f"--set={one}" for one in VALUES]
    ours = [*CLI, "deploy", str(shop.server), "--no-build", *sets, "-q"]
    chart = str(shop.server / "chart/app")
    marks = itertools.count()

    def helm() -> float:
        words = ["upgrade", "--install", f"{SERVER}-v1", chart, "--namespace", shop.namespace, "--wait", *sets]
        mark = f"--set-string=podAnnotations.bench={next(marks)}"
        argv = [str(shop.cluster.helm4), "--kube-context", shop.cluster.context, *words, mark]
        return command(argv, env=environment(shop))()

    ratio("deploy against helm upgrade --install --wait", command(ours, env=environment(shop)), helm, runs=RUNS)


def looking(shop: Shop) -> None:
    """Print what `status` takes against the programs that say the same."""
    place = ["--namespace", shop.namespace]
    kubectl = [str(shop.cluster.kubectl), "--context", shop.cluster.context, *place]
    helm = [str(shop.cluster.helm4), "--kube-context", shop.cluster.context, *place]
    kinds = "deployments,pods,services,virtualservices,destinationrules"

    def peers() -> float:
        return sum(command(one, env=environment(shop))() for one in ([*kubectl, "get", kinds], [*helm, "list"]))

    ratio("status against kubectl get and helm list", command([*CLI, "status"], env=environment(shop)), peers)


def in_force(shop: Shop) -> None:
    """Print when the first call under a new rule is answered."""
    shares = []
    for version in itertools.islice(itertools.cycle(("v2", "v1")), RUNS):
        seen: list[float] = []
        watcher = threading.Thread(target=lambda wanted=version, found=seen: found.append(answered(shop, wanted)))
        watcher.start()
        start = time.perf_counter()
        argv = [*CLI, "traffic", "set", version, "--app", SERVER, "-q"]
        subprocess.run(argv, env=environment(shop), capture_output=True, check=True)
        whole = time.perf_counter() - start
        watcher.join()
        shares.append(((seen[0] - start) / whole, seen[0] - start, whole))
    part, effect, whole = (statistics.median(column) for column in zip(*shares, strict=True))
    print(
        f"`traffic set` has effect at {part:.2f} of its own run (medians {effect:.1f} s of {whole:.1f} s, {RUNS} runs)"
    )


def answered(shop: Shop, version: str) -> float:
    """Return when ten calls in a row were answered by one version alone."""
    tag = {"v1": "v1.2.3", "v2": "v2.0.0"}[version]
    words = ["exec", f"deployment/{CLIENT}-v1", "-n", shop.namespace, "-c", "app", "--", "/dubbogo/app"]
    argv = [str(shop.cluster.kubectl), "--context", shop.cluster.context, *words, "-n", "10", "-o", "json"]
    end = time.monotonic() + 120
    while time.monotonic() < end:
        done = subprocess.run(argv, env=environment(shop), capture_output=True, text=True, check=False)
        if f'"ids":{{"{tag}":10}}' in done.stdout.replace(" ", ""):
            return time.perf_counter()
    return float("nan")


def main() -> None:
    """Start a cluster with two versions and a client, and measure on it."""
    with lifecycle.session(f"bench-{os.getpid()}") as cluster, tempfile.TemporaryDirectory() as folder:
        labels = {"istio-injection": "enabled"}
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}})
        shop = opened(cluster, NAMESPACE, Path(folder))
        deploying(shop)
        looking(shop)
        in_force(shop)


if __name__ == "__main__":
    main()
