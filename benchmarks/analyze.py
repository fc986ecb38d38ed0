"""How long `traffic.analyze` takes for 250, 500 and 1,000 applications. Goal: it grows linearly, at most 1.3 of it.

And against `istioctl analyze --use-kube=false` on the same file, each from its start to its end. Goal: at most 1.0 of
it with the analyzers that istioctl runs; with those of a cluster, which look at Services and pods too, it is printed.
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from pairs import command, ratio

from dubbopy_cli.traffic.analysis import ANALYZERS, analyze

sys.path.append(str(Path(__file__).parents[1]))
from tests.cluster.harness import build
from tests.cluster.harness.progress import HarnessError

SIZES = (250, 500, 1000)
GOAL = 1.3
# What a program does that reads a file of objects and analyzes them.
OURS = """
import sys
from pathlib import Path
from dubbopy_cli.traffic import analysis, documents
items = documents.objects(Path(sys.argv[1]).read_text(), source=sys.argv[1])
found = analysis.analyze([one.document for one in items], only=getattr(analysis, sys.argv[2]))
print(*found, sep="\\n")
"""
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


def against_istioctl(folder: Path) -> bool:
    """Tell whether we are at least as fast as istioctl, where there is one."""
    import yaml

    try:
        istioctl = build.istioctl()
    except HarnessError as error:
        print(f"no istioctl to compare with: {error}")
        return True
    docs = [one for index in range(SIZES[-1]) for one in application(index)]
    path = folder / "objects.yaml"
    # Through JSON, for YAML would write what is there twice by its anchor.
    path.write_text("---\n".join(yaml.dump(json.loads(json.dumps(one)), sort_keys=False) for one in docs))
    peer = command([istioctl, "analyze", "--use-kube=false", "-A", "-o", "json", path])
    rates = {
        only: ratio(
            f"{name} of {SIZES[-1]} applications against istioctl",
            command([sys.executable, "-c", OURS, path, only]),
            peer,
            runs=7,
        )
        for only, name in (("OF_RULES_ALONE", "the same analyzers"), ("USUAL", "all analyzers"))
    }
    print("goal: at most 1.00x with the same analyzers")
    return rates["OF_RULES_ALONE"] <= 1


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
    with tempfile.TemporaryDirectory() as folder:
        failed |= not against_istioctl(Path(folder))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
