"""What the name, namespace, labels and annotations of an object say about its meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dubbopy_cli.traffic.model import mapping, text
from dubbopy_cli.traffic.validation.faults import Faults, Node, error

_DRY_RUN = "istio.io/dry-run"
_INTERNAL = (
    "internal.istio.io/webhook-always-reject",
    "internal.istio.io/parent-namespace",
    "internal.istio.io/parents",
)


@dataclass(frozen=True)
class Metadata:
    """The metadata of an object."""

    name: str
    namespace: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    @classmethod
    def of(cls, node: Node, namespace: str) -> Metadata:
        """Return the metadata as far as it can be read; without a namespace it is in ``namespace``."""
        return cls(
            text(node.get("name")),
            text(node.get("namespace")) or namespace,
            mapping(node.get("labels")),
            mapping(node.get("annotations")),
        )

    @property
    def converted_route(self) -> bool:
        """Tell whether Istio made this from a route of the Gateway API."""
        return self.annotations.get("internal.istio.io/route-semantics") == "gateway"

    @property
    def converted_gateway(self) -> bool:
        """Tell whether Istio made this from a Gateway of the Gateway API."""
        return self.annotations.get("internal.istio.io/gateway-semantics") == "gateway"


def judge(node: Node) -> Faults:
    """Judge the metadata (`validateMetadata`, and that the API server takes texts only)."""
    for key in ("name", "namespace"):
        if node.get(key) is not None and not isinstance(node[key], str):
            yield error("type", f"metadata.{key}", f"{node[key]!r} is no text; write it in quotes")
    for key in ("labels", "annotations"):
        found = node.get(key)
        if found is not None and not isinstance(found, Mapping):
            yield error("type", f"metadata.{key}", "a mapping is needed")
        for name, value in mapping(found).items():
            if value is not None and not isinstance(value, str):
                yield error("type", f"metadata.{key}.{name}", f"{value!r} is no text; write it in quotes")
    for name in (_DRY_RUN, *_INTERNAL):
        if name in mapping(node.get("annotations")):
            why = "is for AuthorizationPolicies" if name == _DRY_RUN else "is Istio's own"
            yield error("annotation", f"metadata.annotations.{name}", f"this annotation {why}; take it out")
