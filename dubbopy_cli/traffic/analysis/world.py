"""The objects that are analyzed together: read once, by kind, with the indexes that several analyzers share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from dubbopy_cli.traffic.analysis.kinds import CLUSTER_SCOPED, identify
from dubbopy_cli.traffic.analysis.messages import MESSAGES
from dubbopy_cli.traffic.analysis.selectors import LabelIndex, SelectorIndex
from dubbopy_cli.traffic.findings import Finding
from dubbopy_cli.traffic.model import mapping, plain, sequence, text

# `inject.IgnoredNamespaces`
_IGNORED = frozenset({"kube-system", "kube-public", "kube-node-lease", "local-path-storage"})
ISTIO_NAMESPACE = "istio-system"
_SUPPRESS = "galley.istio.io/analyze-suppress"


@dataclass(frozen=True, eq=False)
class Resource:
    """One object; ``kind`` is as it is written, ``spec`` the whole object where it has no spec."""

    kind: str
    namespace: str
    name: str
    document: Mapping[str, Any]
    spec: Mapping[str, Any]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    @property
    def full_name(self) -> str:
        """Return NAMESPACE/NAME, or the name alone where there is no namespace."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    def report(self, code: str, *parameters: object, path: str = "") -> Finding:
        """Return a finding about this object; ``parameters`` are those of Istio's message."""
        message = MESSAGES[code]
        words = tuple(_word(one) for one in parameters)
        return Finding(message.severity, code, message.text.format(*words), path, self.title, words)

    @property
    def title(self) -> str:
        """Return kind and name as findings give them."""
        return f"{self.kind} {self.full_name}"

    @property
    def suppressed(self) -> frozenset[str]:
        """Return the codes that an annotation of the object asks not to report, `*` for all."""
        return frozenset(filter(None, text(self.annotations.get(_SUPPRESS)).split(",")))


@dataclass(frozen=True)
class World:
    """What is analyzed: the objects by kind, in the order they were given, and the moment it is done."""

    kinds: Mapping[str, Mapping[tuple[str, str], Resource]]
    now: datetime
    mesh: Mapping[str, Any]
    networks: Mapping[str, Any]

    def of(self, kind: str) -> Iterable[Resource]:
        """Return the objects of one kind (`KubernetesGateway` is the Gateway of the Gateway API)."""
        return self.kinds.get(kind, {}).values()

    def find(self, kind: str, namespace: str, name: str) -> Resource | None:
        """Return one object, or None."""
        return self.kinds.get(kind, {}).get((namespace, name))

    @cached_property
    def root_namespace(self) -> str:
        """Return the namespace whose policies hold for the whole mesh."""
        return text(self.mesh.get("rootNamespace")) or ISTIO_NAMESPACE

    @cached_property
    def pods(self) -> LabelIndex[Resource]:
        """Return the pods by their labels."""
        return LabelIndex((pod.namespace, pod.labels, pod) for pod in self.of("Pod"))

    @cached_property
    def services(self) -> SelectorIndex[Resource]:
        """Return the Services by what they select."""
        found = self.of("Service")
        return SelectorIndex((one.namespace, mapping(one.spec.get("selector")), one) for one in found)


def read(docs: Iterable[object], now: datetime, namespace: str, *, ingress: bool) -> World:
    """Return the world of these parsed objects; of two with one kind, namespace and name the later one stands.

    ``ingress`` adds Istio's own ingress gateway where the objects do not have it.
    """
    kinds: defaultdict[str, dict[tuple[str, str], Resource]] = defaultdict(dict)
    settings: dict[str, Mapping[str, Any]] = {}
    for document in _flatten(docs):
        kind = identify(document)
        if kind in {"MeshConfig", "MeshNetworks"}:
            settings[kind] = plain(document)
            continue
        found = _resource(plain(document), kind, namespace) if kind else None
        if found is None:
            continue
        kinds[kind].pop((found.namespace, found.name), None)
        kinds[kind][found.namespace, found.name] = found
    stored = mapping(getattr(kinds["ConfigMap"].get((ISTIO_NAMESPACE, "istio")), "document", {}).get("data"))
    mesh = settings.get("MeshConfig") or embedded(stored.get("mesh"))
    if ingress and mesh.get("ingressControllerMode") != "OFF":
        for document in default_ingress(text(mesh.get("ingressService")) or "istio-ingressgateway", ISTIO_NAMESPACE):
            one = _resource(document, document["kind"], namespace)
            if one:
                kinds[one.kind].setdefault((one.namespace, one.name), one)
    return World(dict(kinds), now, mesh, settings.get("MeshNetworks") or embedded(stored.get("meshNetworks")))


def embedded(value: object) -> Mapping[str, Any]:
    """Return the mapping that a text holds as YAML (or JSON), or an empty one."""
    if not text(value):
        return {}
    try:
        return mapping(loaded(text(value)))
    except ValueError:
        return {}


def loaded(content: str) -> object:
    """Return what a YAML text inside an object holds; ValueError for what is none.

    Istio reads it with a parser of libyaml's, which takes less for YAML than ruamel.yaml does, and of a key that is
    given twice the last.
    """
    import yaml

    try:
        # The parser in C is there wherever PyYAML comes as a wheel.
        return yaml.load(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe loader
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(getattr(error, "problem", None) or "unreadable") from error


def _flatten(docs: Iterable[object]) -> Iterator[Mapping[str, Any]]:
    for document in docs:
        node = mapping(document)
        if text(node.get("kind")).endswith("List") and isinstance(node.get("items"), list):
            yield from _flatten(node["items"])
        elif node:
            yield node


def _resource(document: Mapping[str, Any], kind: str, default: str) -> Resource | None:
    metadata = mapping(document.get("metadata"))
    namespace = "" if kind in CLUSTER_SCOPED else text(metadata.get("namespace")) or default
    name = text(metadata.get("name"))
    if (name if kind == "Namespace" else namespace) in _IGNORED:
        return None
    spec = mapping(document["spec"]) if "spec" in document else document
    labels, annotations = (_texts(metadata.get(key)) for key in ("labels", "annotations"))
    return Resource(text(document.get("kind")), namespace, name, document, spec, labels, annotations)


def _texts(node: object) -> dict[str, str]:
    return {key: value for key, value in mapping(node).items() if isinstance(value, str)}


def _word(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"[{' '.join(str(one) for one in value)}]"
    return str(value)


def default_ingress(name: str, namespace: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the pod and the Service that Istio takes for granted where it looks at files alone."""
    labels = {"istio": "ingressgateway"}
    ports = {"http2": 80, "https": 443, "tcp": 31400, "tls": 15443}
    pod = {
        "kind": "Pod",
        "metadata": {"name": f"{name}-dummypod", "namespace": namespace, "labels": labels},
        "spec": {"containers": [{"name": "istio-proxy"}]},
    }
    service = {
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": labels,
            "ports": [
                {"name": key, "port": port, "targetPort": port, "protocol": "TCP"} for key, port in ports.items()
            ],
        },
    }
    return pod, service


def containers(spec: Mapping[str, Any], *, init: bool = False) -> Iterator[Mapping[str, Any]]:
    """Yield the containers of a pod's spec, with ``init`` also those that run first."""
    for key in ("containers", "initContainers") if init else ("containers",):
        yield from (mapping(one) for one in sequence(spec.get(key)))
