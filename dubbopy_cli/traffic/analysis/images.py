"""Do the sidecars that run have the image that a new pod would get (IST0158)?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from dubbopy_cli.traffic.analysis.injection import INJECTION, INJECTOR, PROXY, REVISION
from dubbopy_cli.traffic.analysis.selectors import contains
from dubbopy_cli.traffic.analysis.world import Resource, World, containers, embedded
from dubbopy_cli.traffic.findings import Finding
from dubbopy_cli.traffic.model import mapping, text


def outdated_images(world: World) -> Iterator[Finding]:
    """Report namespaces whose pods run another sidecar image than the injection has."""
    images = {
        one.name: _image(mapping(one.document.get("data")))
        for one in world.of("ConfigMap")
        if one.name.startswith(INJECTOR)
    }
    if not images:
        return
    variants = _Variants(world)
    injectors = {one.name: _injector(one.labels) for one in world.of("Namespace")}
    outdated: defaultdict[str, list[str]] = defaultdict(list)
    for pod in world.of("Pod"):
        wanted = images.get(injectors.get(pod.namespace, ""))
        if wanted is None or text(pod.annotations.get("sidecar.istio.io/proxyImage")):
            continue
        good = {wanted, f"{wanted}-{variants.of(pod)}"}
        for one in containers(pod.spec, init=True):
            if one.get("name") == PROXY and text(one.get("image")) not in good:
                outdated[pod.namespace].append(pod.name)
    for namespace in world.of("Namespace"):
        if namespace.name in outdated:
            yield namespace.report("IST0158", sorted(outdated[namespace.name]))


def _injector(labels: Mapping[str, Any]) -> str:
    """Return the ConfigMap whose injection acts in a namespace with these labels, or an empty text."""
    if REVISION in labels:
        revision = text(labels[REVISION])
        return INJECTOR if revision in {"", "default"} else f"{INJECTOR}-{revision}"
    return INJECTOR if labels.get(INJECTION) == "enabled" else ""


def _image(data: Mapping[str, Any]) -> str:
    settings = mapping(embedded(data.get("values")).get("global"))
    image = text(mapping(settings.get("proxy")).get("image"))
    return image if "/" in image else f"{text(settings.get('hub'))}/{image}:{text(settings.get('tag'))}"


class _Variants:
    """The variant of the sidecar's image (such as `distroless`) by pod (`util.EffectiveProxyConfigResolver`)."""

    def __init__(self, world: World) -> None:
        self._default = _variant(mapping(world.mesh.get("defaultConfig")))
        self._namespaces: dict[str, str] = {}
        self._workloads: defaultdict[str, list[tuple[Mapping[str, Any], str]]] = defaultdict(list)
        for one in world.of("ProxyConfig"):
            found = _variant(one.spec)
            if one.namespace == world.root_namespace:
                self._default = found or self._default
            elif one.spec.get("selector") is None:
                self._namespaces[one.namespace] = found
            else:
                selected = mapping(mapping(one.spec.get("selector")).get("matchLabels"))
                self._workloads[one.namespace].append((selected, found))

    def of(self, pod: Resource) -> str:
        found = self._namespaces.get(pod.namespace) or self._default
        for selected, variant in self._workloads.get(pod.namespace, ()):
            if contains(pod.labels, selected):
                found = variant or found
        found = _variant(embedded(pod.annotations.get("proxy.istio.io/config"))) or found
        return "" if found == "default" else found


def _variant(config: Mapping[str, Any]) -> str:
    return text(mapping(config.get("image")).get("imageType"))
