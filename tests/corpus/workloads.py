"""Seeded random workloads, and what makes up the other objects of a mesh too."""

from __future__ import annotations

import base64
import random
from typing import Any

SPACES = ("a", "b", "istio-system")
NAMES = ("reviews", "ratings", "details")
LABELS = ({"app": "reviews"}, {"app": "ratings"}, {"app": "reviews", "version": "v1"}, {"istio": "ingressgateway"})
PORTS = (80, 443, 8080, 9080, 15443)


class Workloads:
    """One seeded source of what objects of workloads have beside their kind; ``metadata`` may be changed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def pick(self, values: Any) -> Any:
        return self.random.choice(values)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def some(self, values: Any, most: int, least: int = 1) -> list[Any]:
        return self.random.sample(list(values), self.random.randint(least, min(most, len(values))))

    def _status(self, types: tuple[str, ...]) -> dict[str, Any]:
        if not self.chance(0.15):
            return {}
        return {"status": {"conditions": self._conditions(types)}}

    def _conditions(self, types: tuple[str, ...]) -> list[dict[str, Any]]:
        return [
            {
                "type": one,
                "status": self.pick(("True", "False", "Unknown")),
                "reason": self.pick(("PartiallyInvalid", "Other")),
                "message": "why",
                "lastTransitionTime": "2023-01-01T00:00:00Z",
            }
            for one in types
        ]

    def _deployment(self, metadata: dict[str, Any]) -> dict[str, Any]:
        labels = self.pick((*LABELS, {"app": "istiod"}))
        metadata["labels"] = labels
        container: dict[str, Any] = {"name": "app", "image": "app"}
        if self.chance(0.3):
            container["env"] = [{"name": "BLOCKED_CIDRS_IN_JWKS_URIS", "value": self.pick(("", "10.0.0.0/8"))}]
        if self.chance(0.2):
            container["securityContext"] = {"runAsUser": self.pick((1337, 1000))}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
        if self.chance(0.2):
            template["metadata"]["annotations"] = self._annotations()
        return {"spec": {"selector": {"matchLabels": labels}, "template": template}}

    def _annotations(self) -> dict[str, str]:
        return self.pick(
            (
                {"sidecar.istio.io/inject": self.pick(("true", "false", "yes", ""))},
                {"proxy.istio.io/config": self.pick(("concurrency: 2", "concurrency: x", "drainDuration: 5s", ":"))},
                {"traffic.sidecar.istio.io/includeInboundPorts": self.pick(("*", "80", "80,x", "99999"))},
                {"sidecar.istio.io/proxyCPU": "100m"},
                {"sidecar.istio.io/unknown": "1"},
                {"networking.istio.io/exportTo": self.pick((".", "*", "a,b"))},
            )
        )

    def _service(self, metadata: dict[str, Any]) -> dict[str, Any]:
        metadata["name"] = self.pick((*NAMES, "istiod"))
        names = ("http", "grpc-web", "triple", "tcp", "foo", "tcp-x", "http2-a", "")
        ports = []
        for number in self.some(PORTS, 3):
            port: dict[str, Any] = {"port": number, "name": self.pick(names)}
            if self.chance(0.5):
                port["protocol"] = self.pick(("TCP", "TCP", "UDP"))
            if self.chance(0.5):
                port["targetPort"] = self.pick((8080, 9080, "http", "8080"))
            if self.chance(0.2):
                port["appProtocol"] = self.pick(("grpc", "http", "tri", "kubernetes.io/h2c", "https"))
            ports.append(port)
        spec: dict[str, Any] = {"ports": ports}
        if self.chance(0.9):
            spec["selector"] = self.pick(LABELS)
        if self.chance(0.1):
            spec |= {"type": "ExternalName", "externalName": "example.com"}
        if self.chance(0.2):
            metadata["annotations"] = self._annotations()
        if self.chance(0.1):
            metadata["labels"] = self.pick(({"istio": "x"}, {"gateway.istio.io/managed": "istio.io-mesh-controller"}))
        return {"spec": spec, **self._status(("istio.io/WaypointBound", "other"))}

    def _pod(self, metadata: dict[str, Any]) -> dict[str, Any]:
        metadata["labels"] = dict(self.pick(LABELS))
        if self.chance(0.15):
            metadata["labels"] |= self.pick(
                (
                    {"gateway.networking.k8s.io/gateway-name": "k1"},
                    {"istio.io/dataplane-mode": "ambient"},
                    {"sidecar.istio.io/inject": self.pick(("true", "false"))},
                    {"istio.io/rev": "canary"},
                )
            )
        if self.chance(0.3):
            metadata["annotations"] = self._annotations()
        containers: list[dict[str, Any]] = [{"name": "app", "image": self.pick(("app", "app", "auto"))}]
        spec: dict[str, Any] = {"containers": containers}
        if self.chance(0.6):
            proxy = {"name": "istio-proxy", "image": self.pick(("istio/proxyv2:1.31.0", "auto"))}
            if self.chance(0.2):
                spec["initContainers"] = [proxy]
            else:
                containers.append(proxy)
        if self.chance(0.1):
            spec["securityContext"] = {"runAsUser": 1337}
        if self.chance(0.3):
            spec["nodeName"] = self.pick(("n1", "n2"))
        return {"spec": spec}

    def _namespace(self, metadata: dict[str, Any]) -> dict[str, Any]:
        metadata["name"] = metadata.pop("namespace")
        labels = {}
        if self.chance(0.5):
            labels["istio-injection"] = self.pick(("enabled", "enabled", "disabled", "x"))
        if self.chance(0.2):
            labels["istio.io/rev"] = self.pick(("canary", "default", ""))
        if self.chance(0.1):
            labels["istio.io/dataplane-mode"] = "ambient"
        metadata["labels"] = labels
        return {}

    def _node(self, metadata: dict[str, Any]) -> dict[str, Any]:
        metadata.pop("namespace")
        metadata["name"] = self.pick(("n1", "n2"))
        metadata["labels"] = {"topology.kubernetes.io/region": "r1"} if self.chance(0.5) else {}
        return {}

    def _secret(self, metadata: dict[str, Any]) -> dict[str, Any]:
        metadata["name"] = self.pick(("c", "d"))
        junk = base64.b64encode(b"none").decode()
        if self.chance(0.2):
            metadata["labels"] = {"istio/multiCluster": "true"}
        return {"data": self.pick(({}, {"tls.crt": junk, "tls.key": junk}, {"cert": junk}))}
