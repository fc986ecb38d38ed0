"""A call under objects from files: which host is meant, on which port, and what has to be assumed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dubbopy_cli.traffic.explaining.registry import Document, Known, Registry
from dubbopy_cli.traffic.findings import Finding
from dubbopy_cli.traffic.hosts import DOMAIN, namespace_of, resolve
from dubbopy_cli.traffic.lookup import hosts_of
from dubbopy_cli.traffic.model import DESTINATION_RULE, VIRTUAL_SERVICE, Rule, RuleSet, mapping, text

ASSUMED = "service-assumed"
PORT = 20000


def rules_in(docs: Iterable[Document], namespace: str) -> RuleSet:
    """Return the rules among parsed objects; those that name no namespace are of ``namespace``."""
    return RuleSet.of(
        Rule(text(doc["kind"]), text(meta.get("namespace")) or namespace, text(meta.get("name")), doc)
        for doc in docs
        if doc.get("kind") in {DESTINATION_RULE, VIRTUAL_SERVICE}
        for meta in (mapping(doc.get("metadata")),)
    )


def hosts_in(rules: RuleSet) -> list[str]:
    """Return the full names of the hosts that rules name, wildcards left out, sorted."""
    return sorted({host for rule in rules for host in hosts_of(rule) if host and "*" not in host})


def full_name(host: str, namespace: str) -> str:
    """Return the full name of a Service that a caller in ``namespace`` means by ``host``, else an empty text."""
    name = resolve(host.rstrip("."), namespace)
    labels = name.split(".")
    if len(labels) == 3 and labels[2] == "svc":
        name = f"{name}.{DOMAIN}"
    return name if namespace_of(name) else ""


def with_service(
    docs: Sequence[Document], host: str, namespace: str, port: int
) -> tuple[list[Document], tuple[Finding, ...]]:
    """Return the objects with a Service for ``host``, and a finding if it had to be assumed.

    Only the name of a Service, ``port`` its port, is ever assumed; ``host`` may name anything else as well.
    """
    name = full_name(host, namespace)
    registry = Registry.of(docs)
    if not name or registry.find(name, namespace) or registry.find(host, namespace):
        return list(docs), ()
    short, _, place = name.removesuffix(f".svc.{DOMAIN}").partition(".")
    message = f"the files hold no Service {name}: one with port {port} and instances is assumed"
    found = Finding("info", ASSUMED, message, object=f"Service {place}/{short}")
    if registry.is_empty:
        # Nothing is known of any Service; that any name exists is what the explanation takes for granted then.
        return list(docs), (found,)
    return [*docs, _service(short, place, port)], (found,)


def port_of(docs: Iterable[Document], host: str, namespace: str) -> int:
    """Return the port a call to ``host`` goes to if it names none: the only one, that of Dubbo, or the first."""
    registry = Registry.of(docs)
    known: Known | None = registry.find(full_name(host, namespace) or host, namespace)
    numbers = [one.number for one in known.ports] if known else []
    return PORT if PORT in numbers or not numbers else numbers[0]


def _service(name: str, namespace: str, port: int) -> Mapping[str, Any]:
    spec = {"ports": [{"name": "grpc", "port": port}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace}, "spec": spec}
