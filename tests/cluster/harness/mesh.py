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
# Of istiod: the namespaces whose workloads may use its debug interface.
DEBUG = "DEBUG_ENDPOINT_AUTH_ALLOWED_NAMESPACES"
HELM = ("--namespace", NAMESPACE, "upgrade", "--install", "--create-namespace", "--wait", "--timeout", "180s")


def values(debug_namespaces: Sequence[str] = (), *, cni: bool = False) -> dict[str, Any]:
    """Return the values of the chart istiod."""
    env = {
        # Envoy's own build has no istio.metadata_exchange, istio.alpn and peer_metadata, and refuses all with them.
        "PILOT_ENABLE_METADATA_EXCHANGE": "false",
        "PILOT_ENABLE_ALPN_FILTER": "false",
        "PILOT_DISABLE_MX_ALPN": "true",
    }
    if debug_namespaces:
        env[DEBUG] = ",".join(debug_namespaces)
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
            "cni": {"enabled": cni},
            # The containers to inject are in a ConfigMap, which a running istiod sees a minute later: it starts anew.
            "podAnnotations": {"istio-cni": str(cni).lower()},
            "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}},
        },
        # Nor has it istio.stats: no telemetry by the sidecars.
        "telemetry": {"enabled": False},
        "meshConfig": {"defaultProviders": {"metrics": []}},
    }


def install(cluster: Cluster, state: State, built: Built, debug_namespaces: Sequence[str] = ()) -> None:
    """Install Istio and wait until it injects and refuses."""
    containers.load(state, built.image("pilot"), built.image("proxyv2"))
    cluster.run(cluster.helm4, *HELM, "istio-base", built.chart("base"))
    _upgrade(cluster, built, values(debug_namespaces))
    # istiod lets everything pass until it has seen its own webhook answer.
    until(lambda: _refuses(cluster), "istiod's validation is in force", 60)


def allow_debug(cluster: Cluster, built: Built, namespaces: Sequence[str]) -> None:
    """Change who may use istiod's debug interface, and wait until it is ready again."""
    _upgrade(cluster, built, values(namespaces, cni=_has_cni(cluster)))


def use_cni(cluster: Cluster, state: State, built: Built) -> None:
    """Have Istio's network plugin redirect the connections of pods that start from now on.

    Istio's default is an init container which takes NET_ADMIN; no namespace under Pod Security "restricted" admits it.
    """
    if _has_cni(cluster):
        return
    containers.load(state, built.image("install-cni"))
    text = json.dumps(cni_values(state))
    cluster.run(cluster.helm4, *HELM, "istio-cni", built.chart("cni"), "--values", "-", input=text)
    debug = values_of_istiod(cluster)["pilot"]["env"].get(DEBUG, "")
    _upgrade(cluster, built, values([name for name in debug.split(",") if name], cni=True))


def cni_values(state: State) -> dict[str, Any]:
    """Return the values of the chart istio-cni."""
    return {
        "global": {"hub": istioimages.HUB, "tag": pins.ISTIO, "imagePullPolicy": "IfNotPresent"},
        "cniBinDir": str(containers.plugins(state)),
        "cniConfDir": str(containers.networks(state)),
        # It mends pods that were started before the plugin was there, by the iptables that the image has not.
        "repair": {"enabled": False, "repairPods": False},
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}},
    }


def _upgrade(cluster: Cluster, built: Built, settings: dict[str, Any]) -> None:
    text = json.dumps(settings)
    cluster.run(cluster.helm4, *HELM, "istiod", built.chart("istiod"), "--values", "-", input=text)
    # Helm does not wait for the end of the former one, which would still answer by the former settings, or not at all.
    until(lambda: _pods_of_istiod(cluster) == 1, "the former istiod is gone", 120)


def values_of_istiod(cluster: Cluster) -> dict[str, Any]:
    """Return the values that istiod was installed with."""
    return dict(
        json.loads(cluster.run(cluster.helm4, "--namespace", NAMESPACE, "get", "values", "istiod", "-o", "json"))
    )


def _has_cni(cluster: Cluster) -> bool:
    return bool(values_of_istiod(cluster)["pilot"]["cni"]["enabled"])


def _pods_of_istiod(cluster: Cluster) -> int:
    return len(cluster.get("pods", "-n", NAMESPACE, "-l", "app=istiod")["items"])


def _refuses(cluster: Cluster) -> bool:
    webhooks = cluster.get("validatingwebhookconfiguration", f"istio-validator-{NAMESPACE}")["webhooks"]
    return all(webhook["failurePolicy"] == "Fail" for webhook in webhooks)
