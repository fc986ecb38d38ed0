"""Is a workload in the mesh, and does every pod that should have a sidecar have one?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dubbopy_cli.traffic.analysis.selectors import expression_selects
from dubbopy_cli.traffic.analysis.world import ISTIO_NAMESPACE, Resource, World, containers, embedded
from dubbopy_cli.traffic.findings import Finding
from dubbopy_cli.traffic.model import mapping, sequence, text

INJECTION = "istio-injection"
REVISION = "istio.io/rev"
PROXY = "istio-proxy"
INJECTOR = "istio-sidecar-injector"
_INJECT = "sidecar.istio.io/inject"
_DATAPLANE = "istio.io/dataplane-mode"


def in_mesh(world: World, pod: Mapping[str, Any], resource: Resource, *, init: bool) -> bool:
    """Tell whether a pod (or a pod template in ``resource``) has or gets a sidecar (`util.inMesh`)."""
    spec, metadata = mapping(pod.get("spec")), mapping(pod.get("metadata"))
    if proxy_image(spec, init=init):
        return True
    for part in ("labels", "annotations"):
        asked = mapping(metadata.get(part))
        if _INJECT in asked:
            return bool(asked[_INJECT] == "true")
    namespace = world.find("Namespace", "", resource.namespace)
    return namespace is not None and namespace.labels.get(INJECTION) == "enabled"


def ambient_pod(pod: Resource) -> bool:
    """Tell whether a pod is in the mesh without a sidecar."""
    return pod.annotations.get("ambient.istio.io/redirection") == "enabled"


def ambient_namespace(namespace: Resource | None) -> bool:
    """Tell whether pods of a namespace are in the mesh without sidecars (`util.NamespaceInAmbientMode`)."""
    if namespace is None or namespace.labels.get(INJECTION) == "enabled" or namespace.labels.get(REVISION):
        return False
    return namespace.labels.get(_DATAPLANE) == "ambient"


def proxy_image(spec: Mapping[str, Any], *, init: bool) -> str:
    """Return the image of a pod's sidecar, or an empty text."""
    return next((text(one.get("image")) for one in containers(spec, init=init) if one.get("name") == PROXY), "")


def sidecars(world: World) -> Iterator[Finding]:
    """Report namespaces and pods without sidecars (IST0102, IST0103, IST0123, IST0148)."""
    injected = set()
    by_default = _by_default(world)
    for namespace in world.of("Namespace"):
        if namespace.name == ISTIO_NAMESPACE:
            continue
        labels = namespace.labels
        told = _told(labels)
        if len(told) > 1:
            yield namespace.report("IST0123", told)
        if labels.get(_DATAPLANE) == "ambient":
            continue
        if not labels.get(INJECTION) and REVISION not in labels:
            names = () if by_default else (namespace.name, namespace.name)
            yield namespace.report("IST0148" if by_default else "IST0102", *names)
        elif labels.get(INJECTION) == "enabled":
            injected.add(namespace.name)
    for pod in world.of("Pod"):
        asked = text(pod.labels.get(_INJECT, pod.annotations.get(_INJECT)))
        if pod.namespace not in injected or asked.lower() == "false" or pod.spec.get("hostNetwork") is True:
            continue
        if not proxy_image(pod.spec, init=True):
            yield pod.report("IST0103", pod.full_name)


def _told(labels: Mapping[str, Any]) -> list[str]:
    found = [f"{INJECTION}={labels[INJECTION]}"] if INJECTION in labels else []
    if INJECTION not in labels or labels[INJECTION] == "enabled":
        found += [f"{key}={labels[key]}" for key in (REVISION, _DATAPLANE) if key in labels]
    return found


def _by_default(world: World) -> bool:
    for one in world.of("ConfigMap"):
        if one.name == INJECTOR:
            values = embedded(mapping(one.document.get("data")).get("values"))
            return mapping(values.get("sidecarInjectorWebhook")).get("enableNamespacesByDefault") is True
    return False


def automatic_images(world: World) -> Iterator[Finding]:
    """Report pods whose sidecar image `auto` was, or will be, left as it is (IST0146, IST0147)."""
    hooks = [
        mapping(hook)
        for one in world.of("MutatingWebhookConfiguration")
        for hook in sequence(one.document.get("webhooks"))
        if text(mapping(hook).get("name")).endswith("istio.io")
    ]
    for pod in world.of("Pod"):
        if _automatic(pod.spec):
            yield pod.report("IST0147", "Pod", pod.name)
    for one in world.of("Deployment"):
        template = mapping(one.spec.get("template"))
        if not _automatic(mapping(template.get("spec"))):
            continue
        namespace = world.find("Namespace", "", one.namespace or "default")
        labels = namespace.labels if namespace else {}
        own = mapping(mapping(template.get("metadata")).get("labels"))
        if not any(
            expression_selects(hook.get("namespaceSelector"), labels)
            and expression_selects(hook.get("objectSelector"), own)
            for hook in hooks
        ):
            yield one.report("IST0146", "Deployment", one.name)


def _automatic(spec: Mapping[str, Any]) -> bool:
    return any(one.get("name") == PROXY and one.get("image") == "auto" for one in containers(spec))
