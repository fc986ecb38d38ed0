"""What a rule asks for and the local mesh does not do; a cluster with Istio does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dubbopy_cli.traffic.findings import Finding, Severity, finding
from dubbopy_cli.traffic.lookup import MESH
from dubbopy_cli.traffic.model import VIRTUAL_SERVICE, Rule, mapping, sequence

CODE = "not-modelled-locally"

# Pieces of a trafficPolicy by their path.
_POLICY = {
    ("tls",): "mutual TLS; local calls are plaintext",
    ("outlierDetection",): "outlier detection",
    ("tunnel",): "tunnels",
    ("proxyProtocol",): "the PROXY protocol",
    ("loadBalancer", "localityLbSetting"): "localities",
    ("loadBalancer", "warmup"): "warm-up of new instances",
    ("loadBalancer", "warmupDurationSecs"): "warm-up of new instances",
    ("connectionPool", "http", "h2UpgradePolicy"): "a choice of protocol; local instances speak HTTP/2",
    ("connectionPool", "http", "useClientProtocol"): "a choice of protocol; local instances speak HTTP/2",
    ("connectionPool", "tcp", "tcpKeepalive"): "TCP keep-alive",
}


def unmodelled(rule: Rule) -> Iterator[Finding]:
    """Yield a warning for each part of a rule that has no effect locally; an error where calls would go wrong."""
    parts = _virtual_service(rule.spec) if rule.kind == VIRTUAL_SERVICE else _destination_rule(rule.spec)
    for severity, path, what in parts:
        yield finding(rule, severity, CODE, f"the local target does not model {what}", path)


Parts = Iterator[tuple[Severity, str, str]]


def _destination_rule(spec: Mapping[str, Any]) -> Parts:
    if spec.get("workloadSelector"):
        yield "warning", "spec.workloadSelector", "rules for some callers only, so this one has no effect"
    yield from _policy(mapping(spec.get("trafficPolicy")), "spec.trafficPolicy")
    for index, node in enumerate(sequence(spec.get("subsets"))):
        yield from _policy(mapping(mapping(node).get("trafficPolicy")), f"spec.subsets[{index}].trafficPolicy")


def _policy(policy: Mapping[str, Any], path: str) -> Parts:
    for keys, what in _POLICY.items():
        node: Any = policy
        for key in keys:
            node = mapping(node).get(key)
        if node:
            yield "warning", f"{path}.{'.'.join(keys)}", what
    if mapping(policy.get("loadBalancer")).get("simple") == "PASSTHROUGH":
        yield "warning", f"{path}.loadBalancer.simple", "PASSTHROUGH; the instance with the fewest calls is taken"
    for index, node in enumerate(sequence(policy.get("portLevelSettings"))):
        yield from _policy(mapping(node), f"{path}.portLevelSettings[{index}]")


def _virtual_service(spec: Mapping[str, Any]) -> Parts:
    gateways = sequence(spec.get("gateways"))
    if gateways and MESH not in gateways:
        yield "warning", "spec.gateways", "gateways, so this rule has no effect: it is not bound to the mesh"
    for key in ("tcp", "tls"):
        if spec.get(key):
            yield "warning", f"spec.{key}", f"{key} routes"
    for index, node in enumerate(sequence(spec.get("http"))):
        http = mapping(node)
        path = f"spec.http[{index}]"
        if http.get("delegate"):
            yield "warning", f"{path}.delegate", "delegates where a command changes rules; calls do follow them"
        if http.get("corsPolicy"):
            yield "warning", f"{path}.corsPolicy", "CORS"
        for place, match in enumerate(sequence(http.get("match"))):
            yield from _match(mapping(match), f"{path}.match[{place}]")


def _match(match: Mapping[str, Any], path: str) -> Parts:
    if match.get("sourceLabels"):
        yield "warning", f"{path}.sourceLabels", "labels of callers, so no call matches"
    gateways = sequence(match.get("gateways"))
    if gateways and MESH not in gateways:
        yield "warning", f"{path}.gateways", "gateways, so no call matches"
    for key in ("headers", "withoutHeaders"):
        for name in mapping(match.get(key)):
            if name.startswith("@request.auth"):
                yield "error", f"{path}.{key}.{name}", "claims of a token, so these calls would be matched wrongly"
