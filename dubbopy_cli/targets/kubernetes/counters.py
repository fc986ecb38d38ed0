"""What the sidecars of callers have counted of an application's calls.

Not Istio's standard metrics: what Envoy itself counts for each host is there whatever telemetry is set up, and for
gRPC it goes by the status of the call (Envoy `source/common/router/router.cc`, updateGrpcTiming and its neighbours).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dubbopy_cli import names
from dubbopy_cli.atonce import at_once
from dubbopy_cli.errors import UnreachableError
from dubbopy_cli.targets.kubernetes import proxies
from dubbopy_cli.targets.kubernetes.cluster import Cluster
from dubbopy_cli.targets.kubernetes.kubectl import Object, ready_pods
from dubbopy_cli.targets.kubernetes.view import NAME_LABEL
from dubbopy_cli.traffic.counters import Counters, Counts, milliseconds
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import VERSION_LABEL

_HOSTS = "clusters?format=json"
# Envoy keeps these where the caller's pod asks for them (proxyStatsMatcher), as the charts of newApp do.
_TIMES = "stats?format=json&histogram_buckets=detailed&filter=upstream_rq_time$"
_TIME = ";.upstream_rq_time"


@dataclass(frozen=True)
class Said:
    """What one sidecar says: its clusters with their hosts, and its histograms, as Envoy's JSON."""

    pod: str
    clusters: Any
    stats: Any


def read(cluster: Cluster, application: str) -> Counters:
    """Return calls by version; each host behind a sidecar is a source, as is each of a sidecar's histograms.

    UnreachableError ``counters-missing`` when no sidecar says anything.
    """
    pods = cluster.kubectl.list("pods")
    callers = [one for one in ready_pods(pods) if proxies.has_sidecar(one)]
    with at_once() as pool:
        said = [one for one in pool.map(lambda pod: _ask(cluster, pod), callers) if one]
    if not said:
        why = "the sidecars may not be asked" if callers else "no pod that is ready has a sidecar"
        raise UnreachableError(
            "counters-missing",
            f"nobody says how many calls {application} got: {why}",
            hint=f"dubbopy-cli doctor{names.in_namespace(cluster.namespace)}",
        )
    host, versions = Service(application, cluster.namespace).fqdn, _versions(pods, application)
    return Counters(time.time(), dict(source for one in said for source in sources(one, host, versions)))


def sources(said: Said, host: str, versions: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Counts]]]:
    """Yield what one sidecar has counted of calls to ``host``; ``versions`` are those of pods, by address.

    How long the calls of a cluster took is counted for the cluster as a whole, and so is left out where versions
    share one: without rules there is no telling them apart.
    """
    shared: dict[str, set[str]] = {}
    for one in said.clusters.get("cluster_statuses", ()):
        name = one["name"]
        if not _is_of(name, host):
            continue
        for each in one.get("host_statuses") or ():
            address = each["address"]["socket_address"]["address"]
            if version := versions.get(address):
                shared.setdefault(name, set()).add(version)
                counted = {stat["name"]: int(stat.get("value", 0)) for stat in each["stats"]}
                # One that is under way has not ended well or ill yet.
                ended = Counts(counted["rq_success"] + counted["rq_error"], counted["rq_error"])
                yield f"{said.pod} {name} {address}", {version: ended}
    for one in said.stats.get("stats", ()):
        for each in one.get("histograms", {}).get("details", ()):
            name = each["name"].removeprefix("cluster.").removesuffix(_TIME)
            if each["name"] == f"cluster.{name}{_TIME}" and len(shared.get(name, ())) == 1:
                latency: dict[float, int] = {}
                for bucket in each["totals"]:
                    middle = milliseconds(bucket["lower_bound"], bucket["width"])
                    latency[middle] = latency.get(middle, 0) + int(bucket["count"])
                yield f"{said.pod} {name}", {next(iter(shared[name])): Counts(latency=latency)}


def _ask(cluster: Cluster, pod: Object) -> Said | None:
    """Return what a sidecar says, None where it may not be asked or has ended."""
    name = pod["metadata"]["name"]
    answers = []
    for what in (_HOSTS, _TIMES):
        done = cluster.kubectl.exec(name, proxies.PROXY, ["pilot-agent", "request", "GET", what])
        # The agent may write a line of its log before the answer.
        _, brace, rest = done.stdout.partition("{")
        if not done.ok or not brace:
            return None
        answers.append(json.loads(brace + rest))
    return Said(name, *answers)


def _is_of(cluster: str, host: str) -> bool:
    return cluster.startswith("outbound|") and cluster.rpartition("|")[2] == host


def _versions(pods: tuple[Object, ...], application: str) -> dict[str, str]:
    labelled = ((one.get("status", {}).get("podIP", ""), one["metadata"].get("labels", {})) for one in pods)
    return {
        address: labels.get(VERSION_LABEL, "")
        for address, labels in labelled
        if address and labels.get(NAME_LABEL) == application
    }
