"""Watching a version become ready: states as they come, and the name of what stands in the way."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from dubbopy_cli import process
from dubbopy_cli.errors import RolloutError, UnreachableError
from dubbopy_cli.process import Stream
from dubbopy_cli.targets.kubernetes import causes
from dubbopy_cli.targets.kubernetes.causes import Cause
from dubbopy_cli.targets.kubernetes.cluster import Cluster
from dubbopy_cli.targets.kubernetes.kubectl import Object, is_ready
from dubbopy_cli.targets.kubernetes.view import selector

_POLL_SECONDS = 1.0
_HEARTBEAT_SECONDS = 10.0
# For so long an apiserver may be away, as while it is replaced, and a rollout goes on without it.
_AWAY_SECONDS = 60.0
_LOG_LINES = 20
_HASH = "pod-template-hash"
_REVISION = "deployment.kubernetes.io/revision"


T = TypeVar("T")


@dataclass(frozen=True)
class Look:
    """One look at a Deployment: whether it is done, what its newest pods do, and what stands in their way."""

    done: bool
    state: str
    cause: Cause | None
    pods: tuple[str, ...]


def wait(cluster: Cluster, application: str, version: str, timeout: float) -> None:
    """Return when every pod of the version runs the newest template and is ready.

    RolloutError ``rollout-failed`` as soon as waiting is vain, and after ``timeout`` seconds; the evidence is in its
    details.
    """
    end = time.monotonic() + timeout
    said, at = "", time.monotonic()
    news = _News(cluster, waiting(f"{application}-{version}", timeout))
    while True:
        seen = _asked(cluster, lambda: look(cluster, application, version))
        if seen.done:
            return
        late = time.monotonic() >= end
        if late or (seen.cause and seen.cause.final):
            raise _failed(cluster, f"{application}-{version}", seen, timeout)
        if seen.state != said:
            said, at = seen.state, time.monotonic()
            cluster.say(f"    {said}")
        elif time.monotonic() - at >= _HEARTBEAT_SECONDS:
            at = time.monotonic()
            cause = _cause(cluster, seen)
            cluster.say(f"    {said}" + (f"; {cause.name}: {cause.text}" if cause else ""))
        if news.wait():
            return


def wait_gone(cluster: Cluster, application: str, version: str | None, timeout: float) -> None:
    """Return when no pod of the version is left; RolloutError ``rollout-failed`` after ``timeout`` seconds."""
    end = time.monotonic() + timeout
    chosen = selector(application, version)
    news = _News(cluster, waiting_gone(chosen, timeout))
    while pods := _asked(cluster, lambda: cluster.kubectl.list("pods", chosen)):
        if time.monotonic() >= end:
            names = ", ".join(sorted(one["metadata"]["name"] for one in pods))
            raise RolloutError(
                "rollout-failed",
                f"these pods have not ended after {timeout:g} s: {names}",
                hint=f"kubectl describe pods --namespace {cluster.namespace} --selector {chosen}",
            )
        news.wait()


def waiting(name: str, timeout: float) -> tuple[str, ...]:
    """Return kubectl's words that wait for the pods of a Deployment."""
    return ("rollout", "status", f"deployment/{name}", f"--timeout={timeout:g}s")


def waiting_gone(chosen: str, timeout: float) -> tuple[str, ...]:
    """Return kubectl's words that wait until pods are gone."""
    return ("wait", "pods", "--for=delete", "--selector", chosen, f"--timeout={timeout:g}s")


class _News:
    """The time between two looks: kubectl, which watches meanwhile, cuts it short when it has seen the end."""

    def __init__(self, cluster: Cluster, words: tuple[str, ...]) -> None:
        self._cluster = cluster
        self._words = words
        self._stream: Stream | None = None

    def wait(self) -> bool:
        """Return after a while, or as soon as kubectl's watch has ended: then whether it saw what it waits for."""
        end = time.monotonic() + _POLL_SECONDS
        stream = self._stream = self._stream or self._cluster.kubectl.stream(*self._words)
        watched = not stream.ended
        while not stream.ended and process.ready([stream], max(0.0, end - time.monotonic())):
            stream.lines()
        if watched and stream.ended and stream.succeeded():
            return True
        time.sleep(max(0.0, end - time.monotonic()))
        return False


def look(cluster: Cluster, application: str, version: str) -> Look:
    """Return how far the version is."""
    chosen = selector(application, version)
    found = cluster.kubectl.list("deployments,replicasets,pods", chosen)
    by_kind: dict[str, list[Object]] = {}
    for one in found:
        by_kind.setdefault(one["kind"], []).append(one)
    deployment = next(iter(by_kind.get("Deployment", ())), None)
    newest = max(by_kind.get("ReplicaSet", ()), key=_revision, default=None)
    if deployment is None or newest is None:
        refused = causes.of_conditions(deployment["status"].get("conditions", ())) if deployment else None
        return Look(done=False, state="waiting for its pods", cause=refused, pods=())
    mark = newest["metadata"]["labels"].get(_HASH)
    pods = [one for one in by_kind.get("Pod", ()) if one["metadata"]["labels"].get(_HASH) == mark]
    status = deployment.get("status", {})
    cause = causes.of_pods(pods) or causes.of_conditions(status.get("conditions", ()))
    names = tuple(one["metadata"]["name"] for one in pods)
    return Look(is_done(deployment), _state(deployment, pods), cause, names)


def _asked(cluster: Cluster, ask: Callable[[], T]) -> T:
    """Return what ``ask`` does; a cluster that does not answer is named at once, and asked again for a while."""
    since = 0.0
    while True:
        try:
            return ask()
        except UnreachableError as error:
            now = time.monotonic()
            if error.code != "cluster-unreachable" or (since and now - since >= _AWAY_SECONDS):
                raise
            if not since:
                since = now
                cluster.say(f"    {error.message}; it is asked again for {_AWAY_SECONDS:g} s")
        time.sleep(_POLL_SECONDS)


def is_done(deployment: Object) -> bool:
    """Tell whether every pod runs the newest template and is available, and none of a former one is left."""
    wanted = deployment["spec"].get("replicas", 1)
    status: Mapping[str, int] = deployment.get("status", {})
    current = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    counts = [status.get(key, 0) for key in ("updatedReplicas", "availableReplicas", "replicas")]
    return current and counts == [wanted] * 3


def _state(deployment: Object, pods: list[Object]) -> str:
    wanted = deployment["spec"].get("replicas", 1)
    counts = Counter(_phase(one) for one in pods)
    parts = [f"{count} {phase}" for phase, count in sorted(counts.items())]
    old = deployment.get("status", {}).get("replicas", 0) - len(pods)
    parts += [f"{old} of the former revision"] if old > 0 else []
    return f"{wanted} wanted: {', '.join(parts) or 'none yet'}"


def _phase(pod: Object) -> str:
    if is_ready(pod):
        return "ready"
    statuses = pod.get("status", {}).get("containerStatuses", ())
    waiting = [
        one["state"]["waiting"].get("reason", "waiting") for one in statuses if "waiting" in one.get("state", {})
    ]
    return waiting[0] if waiting else "not ready" if statuses else str(pod.get("status", {}).get("phase", "Pending"))


def _failed(cluster: Cluster, name: str, seen: Look, timeout: float) -> RolloutError:
    """Return the error with what can be learned now: a rollback would take the evidence away."""
    cause = _cause(cluster, seen)
    if cause is None:
        return RolloutError(
            "rollout-failed",
            f"{name} is not ready after {timeout:g} s: {seen.state}",
            hint=f"kubectl describe pods --namespace {cluster.namespace}",
        )
    when = "" if cause.final else f" after {timeout:g} s"
    where = f" (pod {cause.pod})" if cause.pod else ""
    return RolloutError(
        "rollout-failed",
        f"{name} does not become ready{when}: {cause.name}: {cause.text}{where}",
        hint=_hint(cluster, cause),
        details=_last_lines(cluster, cause) if cause.logs else "",
    )


def _cause(cluster: Cluster, seen: Look) -> Cause | None:
    """Return what the pods show, else what was noted about them."""
    return seen.cause or causes.of_events(cluster.kubectl.list("events"), set(seen.pods))


def _hint(cluster: Cluster, cause: Cause) -> str:
    if cause.pod:
        return f"kubectl describe pod {cause.pod} --namespace {cluster.namespace}"
    return f"kubectl get events --namespace {cluster.namespace}"


def _last_lines(cluster: Cluster, cause: Cause) -> str:
    words = ("logs", cause.pod, "--container", cause.container, f"--tail={_LOG_LINES}")
    for more in (["--previous"], []):
        done = cluster.kubectl.attempt(*words, *more)
        if done.ok and done.stdout.strip():
            return done.stdout.rstrip()
    return ""


def _revision(one: Object) -> int:
    return int(one["metadata"].get("annotations", {}).get(_REVISION, 0))
