"""Calls from inside the mesh: made by the program of a client, in its own pod, so that its sidecar decides."""

from __future__ import annotations

import json
import math
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from dubbopy_cli import names
from dubbopy_cli.errors import PreflightError, UsageError
from dubbopy_cli.process import Completed
from dubbopy_cli.targets.base import CallReport, CallRequest
from dubbopy_cli.targets.headers import checked
from dubbopy_cli.targets.kubernetes import view
from dubbopy_cli.targets.kubernetes.cluster import Cluster
from dubbopy_cli.targets.kubernetes.faults import fault
from dubbopy_cli.targets.kubernetes.kubectl import Object, ready_pods
from dubbopy_cli.targets.kubernetes.view import CONTAINER, NAME_LABEL, PROGRAM, image_tag
from dubbopy_cli.traffic import answers
from dubbopy_cli.traffic.model import VERSION_LABEL

# What the clients of newApp call.
METHOD = "api.Greeter/SayHello"
_START_SECONDS = 60.0


def call(cluster: Cluster, request: CallRequest) -> CallReport:
    """Make the calls in the pod of a client that is ready.

    PreflightError ``client-missing`` when there is none. Versions are told by the ids they answer.
    """
    argv = _arguments(request)
    found = cluster.kubectl.list("deployments,pods", VERSION_LABEL)
    ids = _ids(found, request)
    pod = _client(cluster, found, request.application)
    program = shlex.split(pod["metadata"]["annotations"][PROGRAM])
    rounds = math.ceil(request.count / request.concurrency)
    name, limit = pod["metadata"]["name"], _START_SECONDS + rounds * request.timeout
    return _report(cluster.kubectl.exec(name, CONTAINER, [*program, *argv], timeout=limit), ids)


def _arguments(request: CallRequest) -> list[str]:
    """Return the options of the client's program, which know one method with one field."""
    wish = request.method.strip("/")
    if wish and wish != METHOD and not METHOD.endswith((f"/{wish}", f".{wish}")):
        raise UsageError(
            "method-unknown",
            f"in a cluster calls are made by a client of newApp, and it calls {METHOD} only, not '{request.method}'",
            hint=f"dubbopy-cli call {METHOD} --app {request.application}",
        )
    body = json.loads(request.body or "{}")
    name = body.get("name", "")
    if set(body) - {"name"} or not isinstance(name, str):
        raise UsageError(
            "body-invalid",
            "in a cluster calls are made by a client of newApp, and the only field it sends is the text 'name'",
            hint=f'dubbopy-cli call --app {request.application} -d \'{{"name": "laurence"}}\'',
        )
    milliseconds = max(1, round(request.timeout * 1000))
    options = [f"-n={request.count}", f"-c={request.concurrency}", "-o=json", f"-timeout={milliseconds}ms"]
    return [*options, f"-name={name}", *(f"-header={key}={value}" for key, value in checked(request.headers))]


def _ids(found: Sequence[Object], request: CallRequest) -> dict[str, str]:
    """Return the versions by the ids they answer; a single call may meet two that answer alike, counting may not."""
    tags = {
        one["metadata"]["labels"][VERSION_LABEL]: image_tag(one)
        for one in found
        if one["kind"] == "Deployment" and one["metadata"]["labels"].get(NAME_LABEL) == request.application
    }
    if request.count == 1:
        often = Counter(tags.values())
        return {f"v{tag}": version for version, tag in tags.items() if often[tag] == 1}
    return answers.ids(request.application, tags)


def _client(cluster: Cluster, found: Sequence[Object], application: str) -> Object:
    callers = view.callers((one for one in found if one["kind"] == "Pod"), application)
    ready = sorted(ready_pods(callers), key=lambda one: str(one["metadata"]["name"]))
    if ready:
        return ready[0]
    if callers:
        pods = ", ".join(sorted(one["metadata"]["name"] for one in callers))
        raise PreflightError(
            "not-ready",
            f"no client of {application} is ready to make calls, of these pods: {pods}",
            hint=f"dubbopy-cli status{names.in_namespace(cluster.namespace)}",
        )
    raise PreflightError(
        "client-missing",
        f"no pod of namespace {cluster.namespace} is a client of {application}, and only a program inside the mesh can "
        "call by its rules",
        hint=f"dubbopy-cli newApp {application}-client --role client --server {application}, then deploy it",
    )


def _report(done: Completed, ids: Mapping[str, str]) -> CallReport:
    """Return what the client counted; it ends with status 1 when a call failed, after its report."""
    said = done.stdout.strip().splitlines()
    try:
        data: Any = json.loads(said[-1]) if said else None
    except ValueError:
        data = None
    if not isinstance(data, dict) or "ids" not in data:
        raise fault(done)
    versions: Counter[str] = Counter()
    for name, count in data["ids"].items():
        versions[ids.get(name, name)] += count
    return CallReport(
        method=data.get("method", METHOD),
        calls=data["calls"],
        ok=data["ok"],
        versions=dict(sorted(versions.items())),
        errors=dict(sorted(data["errors"].items())),
        latency_ms=data["latency_ms"] if data["ok"] else {},
        seconds=data["seconds"],
        answer=json.dumps(data["answer"], ensure_ascii=False) if "answer" in data else "",
        error_message=data.get("error_message", ""),
    )
