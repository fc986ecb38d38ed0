"""Istio by its own charts, at its defaults except for what an Envoy without Istio's filters needs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tests.cluster.harness import containers, istioimages, pins
from tests.cluster.harness.build import Built
from tests.cluster.harness.progress import until
from tests.cluster.harness.state import State

if TYPE_CHECKING:
    from tests.cluster.harness.cluster import Cluster

NAMESPACE = "istio-system"
HELM = ("--namespace", NAMESPACE, "upgrade", "--install", "--create-namespace", "--wait", "--timeout", "180s")


def values(debug_namespaces: Sequence[str] = ()) -> dict[str, Any]:
    """Return the values of the chart istiod."""
    env = {
        # Envoy's own build has no istio.metadata_exchange, istio.alpn and peer_metadata, and refuses all with them.
        "PILOT_ENABLE_METADATA_EXCHANGE": "false",
        "PILOT_ENABLE_ALPN_FILTER": "false",
        "PILOT_DISABLE_MX_ALPN": "true",
    }
    if debug_namespaces:
        env["DEBUG_ENDPOINT_AUTH_ALLOWED_NAMESPACES"] = ",".join(debug_namespaces)
    return {
        "global": {
            "hub": istioimages.HUB,
            "tag": pins.ISTIO,
            # The images are in the node; no registry has them.
            "imagePullPolicy": "IfNotPresent",
            # What pods reserve is made for larger nodes than two processors.
            "proxy": {"resources": {"requests": {"cpu": "10m", "memory": "32Mi"}}},
        },
        "pilot": {
            "env": env,
            # There is no metrics server to scale by.
            "autoscaleEnabled": False,
            "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}},
        },
        # Nor has it istio.stats: no telemetry by the sidecars.
        "telemetry": {"enabled": False},
        "meshConfig": {"defaultProviders": {"metrics": []}},
    }


def install(cluster: Cluster, state: State, built: Built, debug_namespaces: Sequence[str] = ()) -> None:
    """Install Istio and wait until it injects and refuses."""
    containers.load(state, *built.images)
    cluster.run(cluster.helm4, *HELM, "istio-base", built.chart("base"))
    install_istiod(cluster, built, debug_namespaces)
    # istiod lets everything pass until it has seen its own webhook answer.
    until(lambda: _refuses(cluster), "istiod's validation is in force", 60)


def install_istiod(cluster: Cluster, built: Built, debug_namespaces: Sequence[str] = ()) -> None:
    """Install or change istiod and wait until it is ready."""
    text = json.dumps(values(debug_namespaces))
    cluster.run(cluster.helm4, *HELM, "istiod", built.chart("istiod"), "--values", "-", input=text)


def _refuses(cluster: Cluster) -> bool:
    webhooks = cluster.get("validatingwebhookconfiguration", f"istio-validator-{NAMESPACE}")["webhooks"]
    return all(webhook["failurePolicy"] == "Fail" for webhook in webhooks)
