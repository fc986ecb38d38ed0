"""What Istio's validating webhook says to one object, and the API server before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any

from dubbopy_cli.names import did_you_mean
from dubbopy_cli.traffic.findings import Finding
from dubbopy_cli.traffic.model import GROUP, mapping, plain, text

_VERSIONS = ("v1", "v1beta1", "v1alpha3")
KINDS = ("VirtualService", "DestinationRule", "Gateway", "ServiceEntry", "WorkloadEntry")


def validate(doc: object) -> list[Finding]:
    """Return what is wrong with one Kubernetes object: errors where Istio refuses it, warnings where Istio warns.

    ``doc`` is a parsed VirtualService, DestinationRule, Gateway, ServiceEntry or WorkloadEntry; anything else is one
    error ``kind``. The object is first held against its CRD, then against the rules of Istio's
    `pkg/config/validation`. A severity "info" is for what Istio knows and does not tell.
    """
    if not isinstance(doc, Mapping):
        return [Finding("error", "kind", "a Kubernetes object is needed, a mapping with apiVersion and kind")]
    return judge(plain(doc))


def judge(doc: Mapping[str, Any], namespace: str = "default") -> list[Finding]:
    """Return what `validate` does of an object of dict, list and scalars alone.

    An object that names no namespace is judged as one of ``namespace``.
    """
    wrong = _kind(doc)
    if wrong:
        return [wrong]
    from dubbopy_cli.traffic.validation import metadata, schema

    kind = text(doc["kind"])
    node = mapping(doc.get("metadata"))
    meta = metadata.Metadata.of(node, namespace)
    found = list(metadata.judge(node))
    against, spec = schema.judge(kind, doc.get("spec") or {})
    banned = any(one.code == "annotation" for one in found)
    found += against
    module = import_module(f"{__name__}.{kind.lower()}")
    rules: Callable[[Mapping[str, Any], metadata.Metadata], Any] = module.judge
    told = [one.path for one in against if one.severity == "error"]
    # Istio reads no further than a banned annotation.
    found += (one for one in (() if banned else rules(mapping(spec), meta)) if not _told(one, told))
    return [replace(one, object=f"{kind} {meta.namespace}/{meta.name}") for one in found]


def _told(one: Finding, paths: list[str]) -> bool:
    """Tell whether the CRD has said what is wrong at a place, or somewhere in it."""
    return one.severity == "error" and any(
        path == one.path or path.startswith((f"{one.path}.", f"{one.path}[")) or one.path.startswith(f"{path}.")
        for path in paths
    )


def _kind(doc: Mapping[str, Any]) -> Finding | None:
    group, _, version = text(doc.get("apiVersion")).partition("/")
    kind = text(doc.get("kind"))
    if kind not in KINDS:
        hint = did_you_mean(kind, list(KINDS))
        return Finding("error", "kind", f"'{kind}' is none of {', '.join(KINDS)}.{hint}", "kind")
    if group != GROUP or version not in _VERSIONS:
        known = ", ".join(f"{GROUP}/{one}" for one in _VERSIONS)
        return Finding(
            "error", "kind", f"'{doc.get('apiVersion')}' is no version of {kind}, only {known}.", "apiVersion"
        )
    return None
