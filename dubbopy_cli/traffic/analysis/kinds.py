"""Which objects the analysis knows: group and kind, in the versions that Istio reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dubbopy_cli.traffic.model import text

_ISTIO = ("v1", "v1beta1", "v1alpha3")
_SECURITY = ("v1", "v1beta1")
_GATEWAY_API = ("v1", "v1beta1", "v1alpha2")

# (group, kind): the name used here, and the versions.
_KNOWN: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = {
    **{("", kind): (kind, ("v1",)) for kind in ("Namespace", "Node", "Pod", "Service", "Secret", "ConfigMap")},
    ("apps", "Deployment"): ("Deployment", ("v1",)),
    **{
        ("admissionregistration.k8s.io", kind): (kind, ("v1",))
        for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
    },
    ("apiextensions.k8s.io", "CustomResourceDefinition"): ("CustomResourceDefinition", ("v1",)),
    **{
        ("networking.istio.io", kind): (kind, _ISTIO)
        for kind in (
            "DestinationRule",
            "Gateway",
            "ServiceEntry",
            "Sidecar",
            "VirtualService",
            "WorkloadEntry",
            "WorkloadGroup",
        )
    },
    ("networking.istio.io", "EnvoyFilter"): ("EnvoyFilter", ("v1alpha3",)),
    ("networking.istio.io", "ProxyConfig"): ("ProxyConfig", ("v1beta1",)),
    **{
        ("security.istio.io", kind): (kind, _SECURITY)
        for kind in ("AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication")
    },
    ("telemetry.istio.io", "Telemetry"): ("Telemetry", ("v1", "v1alpha1")),
    ("extensions.istio.io", "WasmPlugin"): ("WasmPlugin", ("v1alpha1",)),
    ("gateway.networking.k8s.io", "Gateway"): ("KubernetesGateway", _GATEWAY_API),
    ("gateway.networking.k8s.io", "HTTPRoute"): ("HTTPRoute", _GATEWAY_API),
    ("gateway.networking.k8s.io", "GRPCRoute"): ("GRPCRoute", ("v1", "v1alpha2")),
}

CLUSTER_SCOPED = frozenset(
    {
        "Namespace",
        "Node",
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
        "CustomResourceDefinition",
    }
)

# Settings of the mesh are no Kubernetes objects: they are told by their fields.
_MESH_FIELDS = frozenset(
    {
        "accessLogFile",
        "defaultConfig",
        "defaultProviders",
        "discoverySelectors",
        "enableAutoMtls",
        "extensionProviders",
        "ingressService",
        "outboundTrafficPolicy",
        "rootNamespace",
        "trustDomain",
    }
)


def identify(document: Mapping[str, Any]) -> str:
    """Return the name of the object's kind, or an empty text for one that the analysis does not look at."""
    kind = text(document.get("kind"))
    if kind in {"MeshConfig", "MeshNetworks"}:
        return kind
    if not kind and "apiVersion" not in document:
        return "MeshNetworks" if "networks" in document else "MeshConfig" if _MESH_FIELDS & document.keys() else ""
    group, _, version = text(document.get("apiVersion")).rpartition("/")
    name, versions = _KNOWN.get((group, kind), ("", ()))
    return name if version in versions else ""
