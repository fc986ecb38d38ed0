"""Whether istiod serves programs that ask it themselves, as dubbo-go 3.3.0 does without a sidecar; pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from typing import Any

from dubbopy_cli.targets.base import Check
from dubbopy_cli.targets.kubernetes.kubectl import Object

# What `checks` is given: conf/dubbogo.yaml names istiod by the Service of this namespace.
ISTIO_NAMESPACE = "istio-system"
ISTIOD = "istiod"
KINDS = "deployments,horizontalpodautoscalers"
SELECTOR = "app=istiod"

# The label of the pods, in chart/app.
LABEL = "dubbopy.io/mesh"

ALLOWED = "DEBUG_ENDPOINT_AUTH_ALLOWED_NAMESPACES"
_GUARDED = "ENABLE_DEBUG_ENDPOINT_AUTH"
_OPEN = "ENABLE_DEBUG_ON_HTTP"
_CONTAINER = "discovery"
# As Go reads a boolean (strconv.ParseBool); istiod keeps its default, true, for anything else.
_FALSE = {"0", "f", "F", "false", "FALSE", "False"}
_KUBECTL = f"kubectl -n {ISTIO_NAMESPACE}"


def checks(objects: Iterable[Object], namespace: str) -> tuple[Check, ...]:
    """Return what lets proxyless programs of ``namespace`` work, or keeps them from it.

    ``objects`` are those of ``KINDS`` with the labels ``SELECTOR`` in the namespace ``ISTIO_NAMESPACE``, as kubectl
    returns them.
    """
    known = list(objects)
    deployment = next((one for one in known if one["kind"] == "Deployment" and _name(one) == ISTIOD), None)
    if deployment is None:
        others = ", ".join(_name(one) for one in known if one["kind"] == "Deployment")
        return (
            Check(
                "istiod",
                "error",
                f"there is no Deployment {ISTIOD} in {ISTIO_NAMESPACE}" + (f", only {others}" if others else ""),
                f"{_KUBECTL} get deployments --selector {SELECTOR}",
            ),
        )
    return (_access(_environment(deployment), namespace), _replicas(deployment, known))


def is_proxyless(pod: Object) -> bool:
    """Tell whether a pod, or the template of one, asks istiod itself."""
    return bool(pod["metadata"].get("labels", {}).get(LABEL) == "proxyless")


def _access(environment: dict[str, str | None], namespace: str) -> Check:
    """Tell whether istiod answers a client of ``namespace`` that asks who serves which interface."""
    name = "istiod's debug interface"
    if environment.get(_OPEN) in _FALSE:
        return Check(name, "error", f"{_OPEN} turns it off, and a client finds servers by it alone", _set(f"{_OPEN}-"))
    if environment.get(_GUARDED) in _FALSE:
        return Check(name, "ok", f"{_GUARDED} opens it to everybody")
    if namespace == ISTIO_NAMESPACE:
        return Check(name, "ok", f"it is open to {namespace}")
    if ALLOWED in environment and environment[ALLOWED] is None:
        detail = f"{ALLOWED} is not written in the Deployment but taken from elsewhere: it has to name {namespace}"
        return Check(name, "warning", detail, f"{_KUBECTL} describe deployment {ISTIOD}")
    # istiod keeps blanks around a comma as part of the name.
    allowed = [one for one in (environment.get(ALLOWED) or "").split(",") if one]
    if namespace in allowed:
        return Check(name, "ok", f"it is open to {', '.join(allowed)}")
    names = list(dict.fromkeys([*(one.strip() for one in allowed), namespace]))
    blank = namespace in {one.strip() for one in allowed}
    return Check(
        name,
        "error",
        f"{ALLOWED} names {namespace} with a blank, which istiod takes for a part of the name"
        if blank
        else f"clients in {namespace} are answered 403 and find no server: {ALLOWED} does not name it",
        _set(f"{ALLOWED}={','.join(names)}"),
    )


def _replicas(deployment: Object, objects: Iterable[Object]) -> Check:
    """Tell whether dubbo-go sees a single istiod: with two endpoints it panics at its start."""
    name = "istiod's replicas"
    # Kubernetes writes the defaults out; a file need not.
    count = int(deployment["spec"].get("replicas", 1))
    scaler = next((one for one in objects if _scales(one)), None)
    most = int(scaler["spec"]["maxReplicas"]) if scaler else count
    cap = (
        f"""{_KUBECTL} patch hpa {_name(scaler)} --patch '{{"spec":{{"minReplicas":1,"maxReplicas":1}}}}'"""
        if scaler
        else ""
    )
    if count > 1:
        detail = f"there are {count}: dubbo-go panics at its start when it sees more than one"
        return Check(name, "error", detail, cap or f"{_KUBECTL} scale deployment {ISTIOD} --replicas=1")
    if count < 1:
        return Check(name, "error", "there is none", f"{_KUBECTL} scale deployment {ISTIOD} --replicas=1")
    if most > 1:
        detail = f"there is one, and its autoscaler may start {most}: dubbo-go panics at its start when it sees two"
        return Check(name, "warning", detail, cap)
    return Check(name, "ok", "there is one")


def _environment(deployment: Object) -> dict[str, str | None]:
    """Return the environment of istiod; None for a value that the Deployment only refers to."""
    containers = deployment["spec"]["template"]["spec"]["containers"]
    own: Object = next((one for one in containers if one["name"] == _CONTAINER), containers[0])
    return dict(_variables(own.get("env", ())))


def _variables(entries: Iterable[Any]) -> Iterator[tuple[str, str | None]]:
    for one in entries:
        yield one["name"], None if "valueFrom" in one else one.get("value", "")


def _scales(one: Object) -> bool:
    if one["kind"] != "HorizontalPodAutoscaler":
        return False
    target = one["spec"]["scaleTargetRef"]
    return bool((target["kind"], target["name"]) == ("Deployment", ISTIOD))


def _set(assignment: str) -> str:
    return f"{_KUBECTL} set env deployment/{ISTIOD} {shlex.quote(assignment)}"


def _name(node: Object) -> str:
    return str(node["metadata"]["name"])
