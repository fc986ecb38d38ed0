"""Whose the Service of an application is: dubbogo-cli's chart gives it to the first version's release."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from dubbopy_cli.errors import ConflictError
from dubbopy_cli.plan import Step
from dubbopy_cli.process import shown
from dubbopy_cli.targets.kubernetes.cluster import Cluster
from dubbopy_cli.targets.kubernetes.kubectl import Object

RELEASE_NAME = "meta.helm.sh/release-name"
_RELEASE_NAMESPACE = "meta.helm.sh/release-namespace"
_POLICY = "helm.sh/resource-policy=keep"
PORT_NAME = "grpc-triple"


def holder(node: Object, release: str) -> str:
    """Return in words who made an object, an empty text where it is ``release``."""
    name = node["metadata"].get("annotations", {}).get(RELEASE_NAME, "")
    return "" if name == release else f"the Helm release {name}" if name else "no Helm release"


def check(service: Object, application: str) -> None:
    """Raise ConflictError ``service-foreign`` for a Service that is not the application's own release's."""
    if other := holder(service, application):
        raise ConflictError(
            "service-foreign",
            f"the Service {application} belongs to {other}, not to the release {application}: whoever upgrades or "
            "removes it there can delete the address of all versions",
            hint="dubbopy-cli deploy --take-ownership",
        )


def take(cluster: Cluster, application: str) -> Step:
    """Return the step that gives the Service to the application's own release; nothing else of it changes."""
    # The same for every Helm: its own option for this came with 3.17.
    notes = (
        f"{RELEASE_NAME}={application}",
        f"{_RELEASE_NAMESPACE}={cluster.namespace}",
        _POLICY,
    )
    label = ("label", "service", application, "app.kubernetes.io/managed-by=Helm", "--overwrite")
    note = ("annotate", "service", application, *notes, "--overwrite")

    def run() -> None:
        cluster.kubectl.run(*label)
        cluster.kubectl.run(*note)

    lines = " && ".join(shown(cluster.kubectl.argv(*words)) for words in (label, note))
    return Step(f"take the Service {application} over into the release {application}", run, lines)


def keep(cluster: Cluster, application: str) -> Step:
    """Return the step that has the former release's next upgrade leave the Service where it is."""
    words = ("annotate", "service", application, _POLICY, "--overwrite")
    title = f"mark the Service {application} as one that no other release may delete"
    return Step(title, partial(cluster.kubectl.run, *words), shown(cluster.kubectl.argv(*words)))


def target_port(deployments: Iterable[Object]) -> int:
    """Return the port of pods that have none of the name that the Service asks for, 0 where all have it."""
    for one in deployments:
        ports = [port for each in one["spec"]["template"]["spec"]["containers"] for port in each.get("ports", ())]
        if ports and not any(port.get("name") == PORT_NAME for port in ports):
            return int(ports[0]["containerPort"])
    return 0
