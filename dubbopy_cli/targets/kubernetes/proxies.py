"""Whether the sidecars of callers act on rules already: read from the sidecars themselves, else a stated wait."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from dubbopy_cli.atonce import at_once
from dubbopy_cli.errors import DubbopyError
from dubbopy_cli.process import Completed
from dubbopy_cli.targets.kubernetes.cluster import Cluster
from dubbopy_cli.targets.kubernetes.faults import fault
from dubbopy_cli.targets.kubernetes.kubectl import Object, ready_pods
from dubbopy_cli.targets.kubernetes.proxyless import is_proxyless
from dubbopy_cli.traffic.hosts import resolve
from dubbopy_cli.traffic.lookup import hosts_of
from dubbopy_cli.traffic.model import VIRTUAL_SERVICE, Rule, mapping, sequence, text

# Where the sidecars may not be asked: istiod pushes within a second; this leaves it time under load.
SETTLE_SECONDS = 5.0
_BOUND_SECONDS = 60.0
_POLL_SECONDS = 0.25
PROXY = "istio-proxy"
_ROUTES = "config_dump?resource=dynamic_route_configs"

# What a sidecar has of one VirtualService: Envoy's routes in their order, each as JSON.
Routes: TypeAlias = tuple[str, ...]

T = TypeVar("T")


def wait(cluster: Cluster, rule: Rule, *, gone: bool = False, former: Mapping[str, Routes] | None = None) -> None:
    """Return when every caller's sidecar acts on ``rule``, or no more where it is ``gone``.

    ``former`` is what `routes` returned before the change. DubbopyError ``mesh-failed`` when they do not within a
    minute.
    """
    watch = _Watch(time.monotonic(), threading.Event())
    pods = ready_pods(cluster.kubectl.list("pods"))

    def ask(pod: str) -> None:
        _await(cluster, pod, rule, _question(rule, gone=gone, former=(former or {}).get(pod)), watch)

    _each(_asked(pods, rule), ask, watch.stopped)
    if any(is_proxyless(one) for one in pods):
        cluster.say(
            f"programs without sidecars cannot be asked; they are given {SETTLE_SECONDS:g} s to take {rule.title}"
        )
        time.sleep(SETTLE_SECONDS)


def routes(cluster: Cluster, rule: Rule) -> dict[str, Routes]:
    """Return the routes that each caller's sidecar has of ``rule`` now, by pod; of one that may not be asked none."""
    if rule.kind != VIRTUAL_SERVICE:
        return {}
    names = _asked(ready_pods(cluster.kubectl.list("pods")), rule)
    found = zip(names, _each(names, lambda pod: _ask(cluster, pod, _ROUTES), threading.Event()), strict=True)
    return {pod: routes_in(done.stdout, rule) for pod, done in found if done.ok}


def routes_in(dump: str, rule: Rule) -> Routes:
    """Return the routes that a sidecar's configuration has of a VirtualService, by the name that istiod gives them."""
    # pilot-agent may write lines of its own log before the answer.
    start = re.search(r"^\{", dump, re.MULTILINE)
    configs = json.loads(dump[start.start() :]).get("configs", ()) if start else ()
    origin = f"/namespaces/{rule.namespace}/virtual-service/{rule.name}"
    return tuple(
        json.dumps(route, sort_keys=True)
        for config in configs
        for host in config.get("route_config", {}).get("virtual_hosts", ())
        for route in host.get("routes", ())
        if str(_origin(route)).endswith(origin)
    )


def has_sidecar(pod: Object) -> bool:
    """Tell whether Istio's proxy runs beside the program, as a container or as a native sidecar."""
    spec = pod["spec"]
    return any(one["name"] == PROXY for one in (*spec["containers"], *spec.get("initContainers", ())))


def subsets_in(dump: str, host: str) -> set[str]:
    """Return the subsets of ``host`` whose clusters a piece of a sidecar's configuration names; the whole is ``""``."""
    return set(re.findall(rf"outbound\|\d+\|([^|\"]*)\|{re.escape(host)}(?![\w.-])", dump))


def _await(cluster: Cluster, pod: str, rule: Rule, question: _Question, watch: _Watch) -> None:
    while (waited := time.monotonic() - watch.begun) < _BOUND_SECONDS and not watch.stopped.is_set():
        done = _ask(cluster, pod, question.what)
        if not done.ok and fault(done).code == "cluster-unreachable":
            time.sleep(_POLL_SECONDS)
            continue
        if not done.ok:
            if "not found" in done.stderr or "completed pod" in done.stderr:
                # The pod ended meanwhile, and asks for nothing any more.
                return
            cluster.say(f"the sidecar of {pod} may not be asked; it is given {SETTLE_SECONDS:g} s to take {rule.title}")
            time.sleep(SETTLE_SECONDS)
            return
        if question.holds(done.stdout) and (waited >= SETTLE_SECONDS or question.new(done.stdout)):
            return
        time.sleep(_POLL_SECONDS)
    if watch.stopped.is_set():
        return
    raise DubbopyError(
        "mesh-failed",
        f"the sidecar of {pod} does not act on {rule.title} after {_BOUND_SECONDS:g} s",
        hint=f"istioctl proxy-status {pod}.{cluster.namespace}",
    )


def _asked(pods: Iterable[Object], rule: Rule) -> list[str]:
    """Return the names of the pods whose sidecars the rule is for."""
    return [one["metadata"]["name"] for one in pods if has_sidecar(one) and _is_for_sidecars(rule)]


def _each(names: Sequence[str], ask: Callable[[str], T], stopped: threading.Event) -> list[T]:
    """Ask several sidecars at once: an answer takes a fraction of a second, most of it on the way."""
    with at_once() as pool:
        try:
            return list(pool.map(ask, names))
        except BaseException:
            # Ctrl-C, or one that never gets there: nobody waits for the others any more.
            stopped.set()
            raise


def _ask(cluster: Cluster, pod: str, what: str) -> Completed:
    return cluster.kubectl.exec(pod, PROXY, ["pilot-agent", "request", "GET", what])


@dataclass(frozen=True)
class _Watch:
    """When the waiting began, in seconds of the monotonic clock, and whether it has to end."""

    begun: float
    stopped: threading.Event


@dataclass(frozen=True)
class _Question:
    """What to ask a sidecar, what its answer has to say, and what shows that it is not the former one.

    The latter is no must: there are changes of which nothing comes to a sidecar.
    """

    what: str
    holds: Callable[[str], bool]
    new: Callable[[str], bool]


def _question(rule: Rule, *, gone: bool, former: Routes | None) -> _Question:
    if rule.kind != VIRTUAL_SERVICE:
        return _Question("clusters", _defines(rule, gone=gone), lambda _: True)
    if gone:
        return _Question(_ROUTES, lambda dump: not routes_in(dump, rule), lambda _: True)
    wanted, hosts = _led_to(rule), [resolve(one, rule.namespace) for one in hosts_of(rule)]

    def leads(dump: str) -> bool:
        own = "\n".join(routes_in(dump, rule))
        if own:
            # A route behind one that takes every call does not come to a sidecar.
            return all(subsets_in(own, host) <= subsets for host, subsets in wanted.items())
        # Routes of a delegate bear the name of its root; a sidecar may be told not to know the hosts.
        return not any(subsets_in(dump, host) for host in hosts)

    def changed(dump: str) -> bool:
        now = routes_in(dump, rule)
        return bool(now) and now != former

    return _Question(_ROUTES, leads, changed)


def _defines(rule: Rule, *, gone: bool) -> Callable[[str], bool]:
    host = resolve(hosts_of(rule)[0], rule.namespace)
    names = {text(mapping(one).get("name")) for one in sequence(rule.spec.get("subsets"))}

    def defined(dump: str) -> bool:
        found = subsets_in(dump, host)
        return not names & found if gone else names <= found

    return defined


def _is_for_sidecars(rule: Rule) -> bool:
    gateways = [text(one) for one in sequence(rule.spec.get("gateways"))]
    return not gateways or "mesh" in gateways


def _origin(route: Mapping[str, Any]) -> object:
    """Return the path of the object that a route was made of."""
    filters = mapping(mapping(route.get("metadata")).get("filter_metadata"))
    return mapping(filters.get("istio")).get("config", "")


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
