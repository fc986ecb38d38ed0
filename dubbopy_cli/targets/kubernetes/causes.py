"""Why a pod does not become ready, by a name that a person can look up; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]

_IMAGE = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"}
# The container by which a sidecar takes a pod's connections over; Pod Security stricter than "privileged" refuses it.
_ISTIO_INIT = '"istio-init"'
_CONFIG = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}


@dataclass(frozen=True)
class Cause:
    """Why a rollout cannot go on.

    ``logs`` says that the container's last lines tell more, ``final`` that waiting is vain.
    """

    name: str
    text: str
    pod: str = ""
    container: str = ""
    logs: bool = False
    final: bool = True


def of_pods(pods: Iterable[Object]) -> Cause | None:
    """Return the worst cause among the pods of a rollout, None while nothing speaks against it."""
    found = [cause for pod in pods for cause in _pod(pod)]
    return min(found, key=lambda one: (not one.final, one.pod), default=None)


def of_conditions(conditions: Sequence[Object]) -> Cause | None:
    """Return why a Deployment or ReplicaSet cannot make its pods: a quota, an admission, a time that is up."""
    for one in conditions:
        if one.get("type") == "ReplicaFailure" and one.get("status") == "True":
            text = str(one.get("message", ""))
            name = "Quota" if "exceeded quota" in text else "Admission"
            if _ISTIO_INIT in text:
                text += "; istio-init is Istio's, and where istio-cni is installed, sidecars do without it"
            return Cause(name, text)
    return None


def _pod(pod: Object) -> Iterable[Cause]:
    name, status = pod["metadata"]["name"], pod.get("status", {})
    for condition in status.get("conditions", ()):
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "Unschedulable":
            yield Cause("Unschedulable", condition.get("message", ""), name)
    for one in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
        yield from _container(name, one)


def _container(pod: str, status: Object) -> Iterable[Cause]:
    container = status["name"]
    waiting = status.get("state", {}).get("waiting") or {}
    ended = status.get("state", {}).get("terminated") or status.get("lastState", {}).get("terminated") or {}
    reason = waiting.get("reason", "")
    if reason in _IMAGE:
        # The first failure may be a hiccup of the registry; from the back-off on it is not.
        yield Cause("ImagePullBackOff", waiting.get("message", ""), pod, container, final=reason != "ErrImagePull")
    elif reason in _CONFIG:
        yield Cause(reason, waiting.get("message", ""), pod, container)
    elif ended.get("reason") == "OOMKilled":
        yield Cause("OOMKilled", f"container {container} needed more memory than its limit", pod, container, logs=True)
    elif reason == "CrashLoopBackOff" or (ended and status.get("restartCount", 0) >= 2):
        text = f"container {container} ended with exit status {ended.get('exitCode', '?')}"
        yield Cause("CrashLoopBackOff", text, pod, container, logs=True)


def of_events(events: Iterable[Object], pods: set[str]) -> Cause | None:
    """Return what the newest warning about these pods says, such as a probe that fails; waiting may still help."""
    found = [
        one for one in events if one.get("type") == "Warning" and one.get("involvedObject", {}).get("name") in pods
    ]
    if not found:
        return None
    newest = max(found, key=lambda one: str(one.get("lastTimestamp") or one.get("eventTime") or ""))
    name = "FailingProbe" if newest.get("reason") == "Unhealthy" else str(newest.get("reason"))
    return Cause(name, newest.get("message", ""), newest["involvedObject"]["name"], final=False)
