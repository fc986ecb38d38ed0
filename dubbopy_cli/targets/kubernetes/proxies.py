"""Whether the sidecars of callers act on rules already: read from the sidecars themselves, else a stated wait."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from dubbopy_cli.errors import DubbopyError
from dubbopy_cli.targets.kubernetes.cluster import Cluster
from dubbopy_cli.targets.kubernetes.kubectl import Object, ready_pods
from dubbopy_cli.targets.kubernetes.proxyless import is_proxyless
from dubbopy_cli.traffic.hosts import resolve
from dubbopy_cli.traffic.lookup import hosts_of
from dubbopy_cli.traffic.model import DESTINATION_RULE, Rule, mapping, sequence, text

# Where the sidecars may not be asked: istiod pushes within a second; this leaves it time under load.
SETTLE_SECONDS = 5.0
_BOUND_SECONDS = 60.0
_POLL_SECONDS = 0.25
PROXY = "istio-proxy"


def wait(cluster: Cluster, rule: Rule, *, gone: bool = False) -> None:
    """Return when every caller's sidecar acts on ``rule``, or no more where it is ``gone``.

    DubbopyError ``mesh-failed`` when they do not within a minute.
    """
    pods = ready_pods(cluster.kubectl.list("pods"))
    for pod in pods:
        if has_sidecar(pod):
            _await(cluster, pod["metadata"]["name"], rule, gone=gone)
    if any(is_proxyless(one) for one in pods):
        cluster.say(
            f"programs without sidecars cannot be asked; they are given {SETTLE_SECONDS:g} s to take {rule.title}"
        )
        time.sleep(SETTLE_SECONDS)


def has_sidecar(pod: Object) -> bool:
    """Tell whether Istio's proxy runs beside the program, as a container or as a native sidecar."""
    spec = pod["spec"]
    return any(one["name"] == PROXY for one in (*spec["containers"], *spec.get("initContainers", ())))


def subsets_in(dump: str, host: str) -> set[str]:
    """Return the subsets of ``host`` whose clusters a piece of a sidecar's configuration names; the whole is ``""``."""
    return set(re.findall(rf"outbound\|\d+\|([^|\"]*)\|{re.escape(host)}(?![\w.-])", dump))


def _await(cluster: Cluster, pod: str, rule: Rule, *, gone: bool) -> None:
    what, holds = _question(rule, gone=gone)
    end = time.monotonic() + _BOUND_SECONDS
    while time.monotonic() < end:
        done = cluster.kubectl.exec(pod, PROXY, ["pilot-agent", "request", "GET", what])
        if not done.ok:
            if "not found" in done.stderr or "completed pod" in done.stderr:
                # The pod ended meanwhile, and asks for nothing any more.
                return
            cluster.say(f"the sidecar of {pod} may not be asked; it is given {SETTLE_SECONDS:g} s to take {rule.title}")
            time.sleep(SETTLE_SECONDS)
            return
        if holds(done.stdout):
            return
        time.sleep(_POLL_SECONDS)
    raise DubbopyError(
        "mesh-failed",
        f"the sidecar of {pod} does not act on {rule.title} after {_BOUND_SECONDS:g} s",
        hint=f"istioctl proxy-status {pod}.{cluster.namespace}",
    )


def _question(rule: Rule, *, gone: bool) -> tuple[str, Callable[[str], bool]]:
    """Return what to ask a sidecar, and what its answer has to say."""
    hosts = [resolve(one, rule.namespace) for one in hosts_of(rule)]
    if rule.kind == DESTINATION_RULE:
        names = {text(mapping(one).get("name")) for one in sequence(rule.spec.get("subsets"))}

        def defined(dump: str) -> bool:
            found = subsets_in(dump, hosts[0])
            return not names & found if gone else names <= found

        return "clusters", defined
    wanted = {host: {""} for host in hosts} if gone else _led_to(rule)

    def routed(dump: str) -> bool:
        # Another host that the rule leads to has a route of its own besides.
        return all(
            found == subsets if host in hosts else subsets <= found
            for host, subsets in wanted.items()
            for found in [subsets_in(dump, host)]
        )

    return "config_dump?resource=dynamic_route_configs", routed


def _led_to(rule: Rule) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for node in sequence(rule.spec.get("http")):
        http = mapping(node)
        route = [mapping(one) for one in sequence(http.get("route"))]
        taken = [one for one in route if len(route) == 1 or one.get("weight")]
        others = [{"destination": http.get("mirror")}, *sequence(http.get("mirrors"))]
        for one in (*taken, *others):
            inner = mapping(mapping(one).get("destination"))
            host = resolve(text(inner.get("host")), rule.namespace)
            if host:
                found.setdefault(host, set()).add(text(inner.get("subset")))
    return found
