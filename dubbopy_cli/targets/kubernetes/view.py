"""What runs in a namespace, as the commands show it: Deployments, their pods, Services, Helm releases and rules."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from dubbopy_cli.atonce import at_once
from dubbopy_cli.targets.admission import There
from dubbopy_cli.targets.base import Application, Instance, InstanceState, Release, Role
from dubbopy_cli.targets.kubernetes import charts, rules
from dubbopy_cli.targets.kubernetes.cluster import Cluster
from dubbopy_cli.targets.kubernetes.helm import HelmRelease
from dubbopy_cli.targets.kubernetes.kubectl import Object, is_ready
from dubbopy_cli.targets.kubernetes.proxyless import is_proxyless
from dubbopy_cli.traffic import lookup
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import VERSION_LABEL, RuleSet

NAME_LABEL = "app.kubernetes.io/name"
CONTAINER = "app"
# Annotations of a client's pods: the applications that it calls, and the program that makes calls on demand.
CALLS = "dubbopy.io/calls"
PROGRAM = "dubbopy.io/program"
_NO_PORT = 20000
_NODES_SECONDS = 10


@dataclass(frozen=True)
class Seen:
    """The objects of a namespace, by kind."""

    deployments: tuple[Object, ...]
    pods: tuple[Object, ...]
    services: dict[str, Object]
    releases: dict[str, HelmRelease]


def look(cluster: Cluster) -> Seen:
    """Return what is there of ours."""
    with at_once() as pool:
        asked = pool.submit(cluster.kubectl.list, "deployments,pods", VERSION_LABEL)
        services = pool.submit(cluster.kubectl.list, "services")
        releases = pool.submit(cluster.helm.releases)
        found = asked.result()
        return Seen(
            tuple(one for one in found if one["kind"] == "Deployment"),
            tuple(one for one in found if one["kind"] == "Pod"),
            {one["metadata"]["name"]: one for one in services.result()},
            releases.result(),
        )


def look_with_rules(cluster: Cluster) -> tuple[Seen, RuleSet]:
    """Return what is there of ours, and the rules of the namespace."""
    with at_once() as pool:
        known = pool.submit(rules.read, cluster)
        return look(cluster), known.result()


def applications(cluster: Cluster) -> tuple[Application, ...]:
    """Return every application with a version, sorted by name."""
    seen, known = look_with_rules(cluster)
    shared = {name for name in seen.releases if has_address(seen, name)}
    names = sorted({application_of(one) for one in seen.deployments} - {""} | shared)
    return tuple(_application(cluster.namespace, name, seen, known) for name in names)


def of_application(objects: Iterable[Object], application: str) -> tuple[Object, ...]:
    """Return the objects that carry the application's name, in the order of their versions."""
    found = [one for one in objects if _label(one, NAME_LABEL) == application]
    return tuple(sorted(found, key=version_of))


def application_of(node: Object) -> str:
    """Return the application whose label an object carries."""
    return _label(node, NAME_LABEL)


def version_of(node: Object) -> str:
    """Return the version whose label an object carries."""
    return _label(node, VERSION_LABEL)


def there(seen: Seen, application: str) -> There | None:
    """Return what is deployed of an application, None if no version is."""
    own = of_application(seen.deployments, application)
    if not own:
        return None
    return There(_role(own), port_of(seen.services.get(application)), [version_of(one) for one in own])


def has_address(seen: Seen, application: str) -> bool:
    """Tell whether there is a release of the chart of the application's Service.

    Others call charts ``service`` too: their Services do not select pods by the name of the release.
    """
    release, service = seen.releases.get(application), seen.services.get(application)
    own = service is None or service["spec"].get("selector", {}).get(NAME_LABEL) == application
    return release is not None and charts.is_service(release) and own


def platforms(cluster: Cluster) -> tuple[str, ...]:
    """Return the platforms of the nodes, such as ``linux/amd64``; raises why they may not be looked at."""
    # A single request: where nobody answers, `kubectl get nodes` would wait for five.
    words = ("get", "--raw", "/api/v1/nodes", f"--request-timeout={_NODES_SECONDS}s")
    nodes = json.loads(cluster.kubectl.run(*words, everywhere=True).stdout)["items"]
    found = {one["status"]["nodeInfo"]["architecture"] for one in nodes if _takes_pods(one)}
    return tuple(f"linux/{one}" for one in sorted(found))


def _takes_pods(node: Object) -> bool:
    return bool(node["status"]["nodeInfo"]["operatingSystem"] == "linux") and not node["spec"].get("unschedulable")


def role_of(deployment: Object) -> Role:
    """Return whether a Deployment's program is called by others: then it is asked for its health."""
    return "server" if "readinessProbe" in _container(deployment["spec"]["template"]["spec"]) else "client"


def image_tag(deployment: Object) -> str:
    """Return the tag of a Deployment's image, an empty text if it is named by its digest alone."""
    return _tag_and_digest(str(_container(deployment["spec"]["template"]["spec"]).get("image", "")), ())[0]


def port_of(service: Object | None) -> int:
    """Return the port that callers use; a Service may have none, such as one that is a name for another host."""
    ports = service["spec"].get("ports") if service else None
    return int(ports[0]["port"]) if ports else _NO_PORT


def callers(pods: Iterable[Object], application: str) -> list[Object]:
    """Return the pods with a program that calls an application on demand."""
    notes = ((one, one["metadata"].get("annotations", {})) for one in pods)
    return [one for one, note in notes if application in note.get(CALLS, "").split(",") and PROGRAM in note]


def selector(application: str, version: str | None) -> str:
    """Return the selector of an application's Deployments and pods, or of those of one version."""
    return f"{NAME_LABEL}={application},{VERSION_LABEL}" + (f"={version}" if version else "")


def _application(namespace: str, name: str, seen: Seen, known: RuleSet) -> Application:
    own = of_application(seen.deployments, name)
    role = _role(own) if own else "server"
    service = Service(name, namespace, port_of(seen.services.get(name)))
    server = role == "server"
    return Application(
        name=name,
        namespace=namespace,
        role=role,
        port=service.port,
        address=f"{service.fqdn}:{service.port}" if server and name in seen.services else "",
        releases=(*(_release(one, name, role, seen) for one in own), *_unmade(name, role, own, seen)),
        rules=_acting(known, service) if server else RuleSet(),
        mesh="proxyless" if any(is_proxyless(one["spec"]["template"]) for one in own) else "sidecar",
        has_client=bool(callers(seen.pods, name)),
    )


def _unmade(name: str, role: Role, deployments: Iterable[Object], seen: Seen) -> Iterator[Release]:
    """Yield the versions of which Helm knows and which have no Deployment, as after a helm that was killed."""
    there = {f"{name}-{version_of(one)}" for one in deployments}
    for one in seen.releases.values():
        version = one.name.removeprefix(f"{name}-")
        if one.name not in there and version != one.name and charts.is_version(one, name):
            yield Release(name, version, one.revision, "", "", role, 0, 0.0, ())


def _role(deployments: Iterable[Object]) -> Role:
    return "server" if any(role_of(one) == "server" for one in deployments) else "client"


def _release(deployment: Object, name: str, role: Role, seen: Seen) -> Release:
    version = _label(deployment, VERSION_LABEL)
    image = str(_container(deployment["spec"]["template"]["spec"]).get("image", ""))
    helm = seen.releases.get(f"{name}-{version}")
    pods = [one for one in seen.pods if (_label(one, NAME_LABEL), _label(one, VERSION_LABEL)) == (name, version)]
    tag, digest = _tag_and_digest(image, pods)
    return Release(
        application=name,
        version=version,
        revision=helm.revision if helm else 0,
        tag=tag,
        digest=digest,
        role=role,
        replicas=int(deployment["spec"].get("replicas", 1)),
        deployed=_deployed(deployment),
        instances=tuple(_instance(one) for one in sorted(pods, key=lambda one: one["metadata"]["name"])),
    )


def _tag_and_digest(image: str, pods: Sequence[Object]) -> tuple[str, str]:
    """Return what was asked for and what runs; the digest is the kubelet's word where the image names none."""
    rest, _, digest = image.partition("@")
    last = rest.rpartition("/")[2]
    tag = last.partition(":")[2]
    for pod in pods:
        for status in pod.get("status", {}).get("containerStatuses", ()):
            if status["name"] == CONTAINER and "@" in status.get("imageID", ""):
                digest = digest or status["imageID"].rpartition("@")[2]
    return tag, digest


def _instance(pod: Object) -> Instance:
    status = pod.get("status", {})
    containers = list(status.get("containerStatuses", ()))
    own: Object = next((one for one in containers if one["name"] == CONTAINER), {})
    state, reason = _state(pod, own)
    started = own.get("state", {}).get("running", {}).get("startedAt", "")
    return Instance(
        name=pod["metadata"]["name"],
        state=state,
        pid=0,
        address=status.get("podIP", ""),
        started=_seconds(started),
        restarts=sum(int(one.get("restartCount", 0)) for one in containers),
        reason=reason,
    )


def _state(pod: Object, own: Object) -> tuple[InstanceState, str]:
    waiting = own.get("state", {}).get("waiting") or {}
    if "deletionTimestamp" in pod["metadata"]:
        return "draining", ""
    if is_ready(pod):
        return "ready", ""
    if waiting.get("reason") == "CrashLoopBackOff":
        return "crashed", waiting["reason"]
    if waiting:
        reason = waiting.get("reason", "")
        return "starting", "" if reason in {"ContainerCreating", "PodInitializing"} else reason
    for one in pod.get("status", {}).get("conditions", ()):
        if one["type"] == "PodScheduled" and one["status"] != "True":
            return "starting", f"{one.get('reason', '')}: {one.get('message', '')}"
    return ("unready", "") if own.get("state", {}).get("running") else ("starting", "")


def _acting(known: RuleSet, service: Service) -> RuleSet:
    found = lookup.destination(known, service.fqdn, service.namespace).rules
    return RuleSet.of([*found, *lookup.rivals(known, service.fqdn, service.namespace)])


def _deployed(deployment: Object) -> float:
    times = [
        one.get("lastUpdateTime", "")
        for one in deployment.get("status", {}).get("conditions", ())
        if one.get("type") == "Progressing"
    ]
    return _seconds(max(times, default=deployment["metadata"].get("creationTimestamp", "")))


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() if text else 0.0


def _label(node: Object, key: str) -> str:
    return str(node["metadata"].get("labels", {}).get(key, ""))


def _container(spec: Object) -> Object:
    containers: Iterable[Object] = spec["containers"]
    return next((one for one in containers if one["name"] == CONTAINER), {})
