"""How long `traffic.analyze` takes for 250, 500 and 1,000 applications. Goal: it grows linearly, at most 1.3 of it."""

from __future__ import annotations

import gc
import sys
import time
from datetime import UTC, datetime

from dubbopy_cli.traffic.analysis import ANALYZERS, analyze

SIZES = (250, 500, 1000)
GOAL = 1.3
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def application(index: int) -> list[dict[str, object]]:
    """Return one application: a Service, two rules, two Deployments, three pods; one in ten has faults."""
    name, namespace = f"greeter-{index}", f"team-{index % 50}"
    faulty = index % 10 == 0
    meta = {"name": name, "namespace": namespace}
    labels = {version: {"app": name, "version": version} for version in ("v1", "v2")}
    route = [{"destination": {"host": name, "subset": one}, "weight": 50} for one in ("v1", "v3" if faulty else "v2")]
    pod = {"containers": [{"name": "app"}, {"name": "istio-proxy", "image": "proxyv2"}]}
    rules = ("networking.istio.io/v1", ("DestinationRule", "VirtualService"))
    subsets = [{"name": one, "labels": {"version": f"{one}x" if faulty else one, "app": name}} for one in labels]
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": meta,
            "spec": {"selector": {"app": name}, "ports": [{"name": "triple" if faulty else "grpc", "port": 20000}]},
        },
        {"apiVersion": rules[0], "kind": rules[1][0], "metadata": meta, "spec": {"host": name, "subsets": subsets}},
        {
            "apiVersion": rules[0],
            "kind": rules[1][1],
            "metadata": meta,
            "spec": {"hosts": [name], "http": [{"route": route}]},
        },
        *(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": f"{name}-{version}", "namespace": namespace},
                "spec": {"template": {"metadata": {"labels": own}, "spec": pod}},
            }
            for version, own in labels.items()
        ),
        *(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": f"{name}-{place}", "namespace": namespace, "labels": labels[version]},
                "spec": pod,
            }
            for place, version in enumerate(("v1", "v1", "v2"))
        ),
    ]


def measure(only: tuple[str, ...]) -> dict[int, tuple[float, int]]:
    """Return by the number of applications the least processor time of five runs, and the number of findings."""
    docs = {size: [one for index in range(size) for one in application(index)] for size in SIZES}
    best = dict.fromkeys(SIZES, (float("inf"), 0))
    # The sizes take turns, so that a busy machine is so to all of them.
    for _ in range(5):
        for size in SIZES:
            gc.collect()
            gc.freeze()
            started = time.process_time()
            found = analyze(docs[size], now=NOW, only=only)
            best[size] = min(best[size], (time.process_time() - started, len(found)))
    return best


def main() -> int:
    failed = False
    without = tuple(name for name in ANALYZERS if name != "schema.ValidationAnalyzer")
    for title, only in (("all analyzers", tuple(ANALYZERS)), ("without validation of each object", without)):
        best = measure(only)
        for size, (seconds, findings) in best.items():
            print(f"{title}: {size} applications {seconds * 1000:.0f} ms, {findings} findings")
        growth = best[SIZES[-1]][0] / best[SIZES[0]][0] / (SIZES[-1] / SIZES[0])
        print(f"{title}: growth {growth:.2f} of linear (goal: at most {GOAL})")
        failed |= growth > GOAL
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
