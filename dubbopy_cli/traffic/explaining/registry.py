"""Services, their ports and their instances, read from parsed Kubernetes objects of any kinds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dubbopy_cli.traffic.hosts import DOMAIN, Service, domains, is_address, namespace_of
from dubbopy_cli.traffic.model import mapping, number, sequence, text, version_labels
from dubbopy_cli.traffic.protocols import parse, port_protocol

Labels = Mapping[str, str]
Document = Mapping[str, Any]

_EXPORT = "networking.istio.io/exportTo"
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Rollout")


@dataclass(frozen=True)
class Port:
    """One port of a Service, and what Istio takes it for."""

    number: int
    name: str
    protocol: str


@dataclass(frozen=True)
class Known:
    """One Service as the mesh knows it; ``instances`` are the labels of each ready one, None where nobody said."""

    host: str
    namespace: str
    ports: tuple[Port, ...] = ()
    addresses: tuple[str, ...] = ()
    instances: tuple[Labels, ...] | None = None
    scope: frozenset[str] = frozenset()

    def port(self, number: int) -> Port | None:
        """Return the port of that number, or None."""
        return next((one for one in self.ports if one.number == number), None)

    def is_seen_from(self, namespace: str) -> bool:
        """Tell whether callers in ``namespace`` see the Service."""
        return not self.scope or bool(self.scope & {"*", namespace})

    def answers_to(self, name: str, namespace: str) -> bool:
        """Tell whether a caller in ``namespace`` reaches the Service by this name or address."""
        return name in self.addresses or name in domains(self.host, namespace)


class Registry:
    """What is known of Services; without a single one of them every host is taken to exist, on any port."""

    def __init__(self, services: Iterable[Known]) -> None:
        self._services: dict[str, Known] = {}
        for one in services:
            self._services.setdefault(one.host, one)

    @property
    def is_empty(self) -> bool:
        """Tell whether nobody said which Services there are."""
        return not self._services

    def get(self, host: str, namespace: str, port: int) -> Known | None:
        """Return the Service of a full name as a caller in ``namespace`` sees it, None if there is none."""
        if self.is_empty:
            return Known(host, namespace_of(host), (Port(port, "", "HTTP2"),))
        found = self._services.get(host)
        return found if found and found.is_seen_from(namespace) else None

    def find(self, name: str, namespace: str) -> Known | None:
        """Return the Service that answers to a name or address a caller in ``namespace`` uses."""
        return next((one for one in self.seen_from(namespace) if one.answers_to(name, namespace)), None)

    def seen_from(self, namespace: str) -> Iterator[Known]:
        """Yield the Services that callers in ``namespace`` see."""
        yield from (one for one in self._services.values() if one.is_seen_from(namespace))

    @classmethod
    def of_application(cls, service: Service, ready: Mapping[str, int]) -> Registry:
        """Return what is known of one application: ``ready`` counts its instances by version."""
        return cls.of_applications({service: ready})

    @classmethod
    def of_applications(cls, ready: Mapping[Service, Mapping[str, int]]) -> Registry:
        """Return what is known of several applications, each with its instances by version."""
        return cls(_application(service, versions) for service, versions in ready.items())

    @classmethod
    def of(cls, docs: Iterable[Document]) -> Registry:
        """Return what objects of any kinds say; an object of another shape says nothing."""
        given = list(docs)
        by_kind: dict[str, list[Document]] = {}
        for doc in given:
            by_kind.setdefault(text(doc.get("kind")), []).append(doc)
        pods = _Pods(by_kind)
        found = [_service(one, pods) for one in by_kind.get("Service", ())]
        found += [known for one in by_kind.get("ServiceEntry", ()) for known in _entry(one, pods)]
        return cls(found)


class _Index:
    """Labels of instances by namespace and each single label, so that a selector looks at few."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str], list[Labels]] = {}

    def add(self, owner: Document, labels: Labels, count: int = 1) -> None:
        for item in labels.items():
            self._found.setdefault((place_of(owner), *item), []).extend([labels] * count)

    def selected(self, namespace: str, selector: Labels) -> tuple[Labels, ...]:
        near = [self._found.get((namespace, *item), []) for item in selector.items()]
        return tuple(one for one in min(near, key=len, default=[]) if _within(selector, one))


class _Pods:
    """The ready instances; unknown where no object of a kind that has instances is given at all."""

    def __init__(self, by_kind: Mapping[str, list[Document]]) -> None:
        pods = by_kind.get("Pod", [])
        workloads = [one for kind in _WORKLOADS for one in by_kind.get(kind, ())]
        entries = by_kind.get("WorkloadEntry", [])
        self._known = bool(pods or workloads or entries)
        self._ready, every = _Index(), _Index()
        for pod in pods:
            labels = _labels(mapping(pod.get("metadata")))
            every.add(pod, labels)
            if _is_ready(pod):
                self._ready.add(pod, labels)
        owned = {(place_of(pod), owner) for pod in pods for owner in _owners(pod)}
        for one in workloads:
            # Its pods may be given themselves, ready or not.
            given = every.selected(place_of(one), _selector(one)) or (place_of(one), _name(one)) in owned
            if not (given or _owners(one)):
                template = mapping(mapping(mapping(one.get("spec")).get("template")).get("metadata"))
                self._ready.add(one, _labels(template), _replicas(one))
        for one in entries:
            metadata = _labels(mapping(one.get("metadata")))
            self._ready.add(one, {**metadata, **_labels(mapping(one.get("spec")))})

    def selected(self, namespace: str, selector: Labels) -> tuple[Labels, ...] | None:
        """Return the instances in a namespace that a selector takes, None where nobody said."""
        return self._ready.selected(namespace, selector) if self._known else None


def place_of(doc: Document) -> str:
    """Return an object's namespace, ``default`` if it names none."""
    return text(mapping(doc.get("metadata")).get("namespace")) or "default"


def _application(service: Service, ready: Mapping[str, int]) -> Known:
    instances = tuple(version_labels(service.name, version) for version, count in ready.items() for _ in range(count))
    return Known(service.fqdn, service.namespace, (Port(service.port, "grpc", "GRPC"),), (), instances)


def _service(doc: Document, pods: _Pods) -> Known:
    spec, metadata = mapping(doc.get("spec")), mapping(doc.get("metadata"))
    selector = _labels({"labels": spec.get("selector")})
    ports = tuple(_port(mapping(one)) for one in sequence(spec.get("ports")))
    addresses = (text(spec.get("clusterIP")), *map(text, sequence(spec.get("clusterIPs"))))
    exports = text(mapping(metadata.get("annotations")).get(_EXPORT))
    return Known(
        f"{_name(doc)}.{place_of(doc)}.svc.{DOMAIN}",
        place_of(doc),
        ports,
        tuple(dict.fromkeys(one for one in addresses if is_address(one))),
        pods.selected(place_of(doc), selector) if selector else None,
        _scope(exports.split(",") if exports else (), place_of(doc)),
    )


def _entry(doc: Document, pods: _Pods) -> Iterator[Known]:
    spec = mapping(doc.get("spec"))
    ports = tuple(
        Port(number(mapping(one).get("number")), text(mapping(one).get("name")), parse(text(mapping(one)["protocol"])))
        if mapping(one).get("protocol")
        else _port({**mapping(one), "port": mapping(one).get("number")})
        for one in sequence(spec.get("ports"))
    )
    selector = mapping(spec.get("workloadSelector"))
    instances = None
    if selector:
        instances = pods.selected(place_of(doc), _labels(selector))
    elif sequence(spec.get("endpoints")):
        instances = tuple(_labels(mapping(one)) for one in sequence(spec.get("endpoints")))
    scope = _scope(sequence(spec.get("exportTo")), place_of(doc))
    addresses = tuple(one for one in map(text, sequence(spec.get("addresses"))) if is_address(one))
    for host in map(text, sequence(spec.get("hosts"))):
        yield Known(host.lower(), place_of(doc), ports, addresses, instances, scope)


def _port(node: Mapping[str, Any]) -> Port:
    value, name = number(node.get("port")), text(node.get("name"))
    given = node.get("appProtocol")
    transport = text(node.get("protocol")) or "TCP"
    return Port(value, name, port_protocol(value, name, transport, given if isinstance(given, str) else None))


def _scope(names: Iterable[object], namespace: str) -> frozenset[str]:
    found = (text(one).strip() for one in names)
    return frozenset(namespace if one == "." else one for one in found if one)


def _name(doc: Document) -> str:
    return text(mapping(doc.get("metadata")).get("name"))


def _labels(node: Mapping[str, Any]) -> Labels:
    return {str(key): str(value) for key, value in mapping(node.get("labels")).items()}


def _within(selector: Labels, labels: Labels) -> bool:
    return all(labels.get(key) == value for key, value in selector.items())


def _selector(workload: Document) -> Labels:
    selector = mapping(mapping(workload.get("spec")).get("selector"))
    return _labels({"labels": selector.get("matchLabels", selector)})


def _owners(doc: Document) -> tuple[str, ...]:
    return tuple(
        text(mapping(one).get("name")) for one in sequence(mapping(doc.get("metadata")).get("ownerReferences"))
    )


def _is_ready(pod: Document) -> bool:
    """Tell whether calls may reach a pod; one without any status is an example and counts as ready."""
    status, metadata = mapping(pod.get("status")), mapping(pod.get("metadata"))
    if metadata.get("deletionTimestamp"):
        return False
    conditions = [mapping(one) for one in sequence(status.get("conditions"))]
    ready = next((one.get("status") for one in conditions if one.get("type") == "Ready"), None)
    if ready is not None:
        return str(ready) == "True"
    return text(status.get("phase")) in {"", "Running"}


def _replicas(workload: Document) -> int:
    """Return how many instances of a workload are ready: what its status says, else what is asked for."""
    spec, status = mapping(workload.get("spec")), mapping(workload.get("status"))
    if status:
        return number(status.get("readyReplicas", status.get("numberReady", 0)))
    return number(spec["replicas"]) if spec.get("replicas") is not None else 1
