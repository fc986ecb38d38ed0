"""Everything that can be said about rules: by themselves, together with other objects, and with what runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from dubbopy_cli.errors import UsageError
from dubbopy_cli.traffic import lookup
from dubbopy_cli.traffic.findings import Finding
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import RuleSet, mapping, plain, text, version_labels
from dubbopy_cli.traffic.proxyless import CODE as PROXYLESS
from dubbopy_cli.traffic.unmodelled import CODE as UNMODELLED

if TYPE_CHECKING:
    from dubbopy_cli.traffic.documents import Item

Document = Mapping[str, Any]

SINGLE = "single-instance"
TWICE = "object-twice"
NO_SERVICES = "services-not-given"
_VALIDATION = "schema.ValidationAnalyzer"
# Their findings need pods; files mostly hold what makes pods.
_OF_PODS = ("authz.AuthorizationPoliciesAnalyzer", "destinationrule.PodNotSelectedAnalyzer")
_WITHOUT_PODS = frozenset({"IST0127", "IST0173"})
_WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout"})
# The annotation by which an object asks not to be told of, as `istioctl analyze` reads it.
_SILENT = "galley.istio.io/analyze-suppress"
# What our own check says better than the analysis, with a near name or the version that is meant.
_SAME: dict[str, set[str]] = {
    "host-unknown": {"IST0101", "IST0174"},
    "port-unknown": {"IST0101"},
    "subset-unknown": {"IST0101"},
    "route-unreachable": {"IST0130"},
    "host-claimed-twice": {"IST0109"},
    "unsupported-kind": set(),
    "subset-empty": set(),
    UNMODELLED: set(),
    PROXYLESS: set(),
}


@dataclass(frozen=True)
class Suppression:
    """Findings that are not to be told: a code, and of which objects; both may hold ``*`` and ``?``."""

    code: str
    objects: str = "*"

    def takes(self, one: Finding) -> bool:
        """Tell whether the finding is one of those."""
        kind, namespace, name = one.subject
        return fnmatchcase(one.code, self.code) and any(
            fnmatchcase(title, self.objects) for title in (f"{kind}/{namespace}/{name}", f"{kind}/{name}")
        )


def suppression(word: str) -> Suppression:
    """Return what ``CODE`` or ``CODE=Kind/namespace/name`` says; UsageError for anything else."""
    code, equals, objects = word.partition("=")
    if not code or (equals and objects != "*" and "/" not in objects):
        raise UsageError(
            "usage",
            f"'{word}' does not say which findings: write CODE or CODE=Kind/namespace/name, where * stands for any",
            hint="--suppress 'IST0118=Service/prod/*'",
        )
    return Suppression(code, objects or "*")


def of_objects(docs: Sequence[Document], namespace: str) -> list[Finding]:
    """Return what speaks against objects that are given as files, when they are applied together.

    What only Services, or only pods, can tell is left out where none are given.
    """
    from dubbopy_cli.traffic.analysis import OF_RULES_ALONE, USUAL, analyze

    kinds = {text(doc.get("kind")) for doc in docs}
    found = list(_validation(docs))
    if not kinds & {"Service", "ServiceEntry"}:
        if lookups := _looked_up(docs):
            message = f"no Service is given, so nobody can tell whether there is {lookups}"
            found.append(Finding("info", NO_SERVICES, message))
        return found + analyze(docs, namespace=namespace, only=_but(OF_RULES_ALONE, _VALIDATION))
    if "Pod" in kinds or not kinds & _WORKLOADS:
        told = analyze(docs, namespace=namespace, only=_but(USUAL, _VALIDATION))
        return found + [one for one in told if "Pod" in kinds or one.code not in _WITHOUT_PODS]
    found += analyze(docs, namespace=namespace, only=_but(USUAL, _VALIDATION, *_OF_PODS))
    return found + analyze([*docs, *_pods(docs)], namespace=namespace, only=_OF_PODS)


def twice(items: Iterable[Item]) -> Iterator[Finding]:
    """Yield the objects that stand in several places: only the last one read would be in force."""
    seen: dict[tuple[str, str, str], Item] = {}
    for one in items:
        meta = mapping(one.document.get("metadata"))
        group = text(one.document.get("apiVersion")).partition("/")[0]
        kind, place = text(one.document.get("kind")), f"{text(meta.get('namespace'))}/{text(meta.get('name'))}"
        if place.endswith("/"):
            continue
        first = seen.setdefault((group, kind, place), one)
        if first is not one:
            message = f"it stands in {first.place()} and in {one.place()}; which one is in force depends on the order"
            yield Finding("warning", TWICE, message, object=f"{kind} {place}")


def of_namespace(
    rules: RuleSet,
    ready: Mapping[Service, Mapping[str, int]],
    *,
    namespace: str,
    local: bool,
    proxyless: Sequence[str] = (),
) -> list[Finding]:
    """Return what speaks against the rules of a namespace with what runs there.

    ``ready`` counts the ready instances of every application by version; ``local`` adds what the local target does
    not model; ``proxyless`` names the applications that call others without a sidecar.
    """
    from dubbopy_cli.traffic.analysis import USUAL, analyze
    from dubbopy_cli.traffic.check import check

    docs = [_placed(plain(rule.document), rule.namespace) for rule in rules]
    own = [one for one in check(rules, ready, proxyless) if one.code in _SAME and (local or one.code != UNMODELLED)]
    world = [*docs, *(doc for service, versions in ready.items() for doc in _running(service, versions))]
    found = [*_validation(docs), *own]
    told = analyze(world, namespace=namespace, ingress=False, only=_but(USUAL, _VALIDATION))
    found += (one for one in told if not any(_says(mine, one) for mine in own))
    return [*found, *_single(rules, ready)]


def _single(rules: RuleSet, ready: Mapping[Service, Mapping[str, int]]) -> Iterator[Finding]:
    """Yield the versions that get calls by a rule and have one ready instance alone."""
    from dubbopy_cli.traffic.shares import shares

    for service, versions in ready.items():
        rule = lookup.virtual_service(rules, service.fqdn, service.namespace)
        for version, count in versions.items() if rule else ():
            routes = [one.name for one in shares(rules, service, versions) if one.versions.get(version)]
            if rule and routes and count == 1:
                message = (
                    f"{service.name} {version} gets calls by {', '.join(routes)} and has a single ready instance: "
                    "none answers while it restarts"
                )
                yield Finding("info", SINGLE, message, "spec.http", rule.title)


def _validation(docs: Iterable[Document]) -> Iterator[Finding]:
    """Yield what is wrong with each object by itself, by Istio's code where Istio says it."""
    from dubbopy_cli.traffic.validation import KINDS, validate
    from dubbopy_cli.traffic.validation.unreachable import INEFFECTIVE, UNREACHABLE

    for doc in docs:
        if doc.get("kind") not in KINDS or not text(doc.get("apiVersion")).startswith("networking.istio.io/"):
            continue
        silent = text(mapping(mapping(doc.get("metadata")).get("annotations")).get(_SILENT)).split(",")
        for one in validate(doc):
            if one.code in {INEFFECTIVE, UNREACHABLE}:
                continue
            code = "IST0106" if one.severity == "error" else "IST0133"
            if one.severity == "info" or one.code == "unknown-field":
                code = one.code
            if not {code, "*"} & set(silent):
                yield replace(one, code=code, parameters=(one.message,))


def _running(service: Service, versions: Mapping[str, int]) -> Iterator[Document]:
    """Yield the Service of an application and a pod for each ready instance, as a cluster would have them."""
    meta = {"name": service.name, "namespace": service.namespace}
    port = {"name": "grpc-triple", "port": service.port, "appProtocol": "grpc"}
    spec = {"selector": {"app.kubernetes.io/name": service.name}, "ports": [port]}
    yield {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}
    for version, count in versions.items():
        for index in range(count):
            yield _pod(f"{service.name}-{version}-{index}", service.namespace, version_labels(service.name, version))


def _pods(docs: Iterable[Document]) -> Iterator[Document]:
    """Yield a pod of each workload."""
    for doc in docs:
        if doc.get("kind") in _WORKLOADS:
            meta = mapping(doc.get("metadata"))
            template = mapping(mapping(mapping(doc.get("spec")).get("template")).get("metadata"))
            yield _pod(f"{meta.get('name')}-0", text(meta.get("namespace")), mapping(template.get("labels")))


def _pod(name: str, namespace: str, labels: Mapping[str, Any]) -> Document:
    meta = {"name": name, "labels": dict(labels), **({"namespace": namespace} if namespace else {})}
    spec = {"containers": [{"name": "app"}, {"name": "istio-proxy", "image": "proxyv2"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def _placed(document: dict[str, Any], namespace: str) -> Document:
    return {**document, "metadata": {**mapping(document.get("metadata")), "namespace": namespace}}


def _says(mine: Finding, its: Finding) -> bool:
    """Tell whether our own check says what the analysis says of the same place, or of one within the other."""
    return (
        mine.object == its.object
        and its.code in _SAME[mine.code]
        and (mine.path.startswith(its.path) or its.path.startswith(mine.path))
    )


def _looked_up(docs: Iterable[Document]) -> str:
    """Return the hosts that rules name, in words; an empty text for none."""
    from dubbopy_cli.traffic.explaining.files import hosts_in, rules_in

    hosts = hosts_in(rules_in(docs, "default"))
    return ", ".join(hosts[:3]) + (f" and {len(hosts) - 3} more" if len(hosts) > 3 else "")


def _but(names: Iterable[str], *without: str) -> tuple[str, ...]:
    return tuple(one for one in names if one not in without)
