"""Envoy clusters of an application and of its subsets, with what a DestinationRule says about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dubbopy_cli.targets.local.xds.mesh import MeshApplication, MeshEndpoint
from dubbopy_cli.traffic.lookup import destination
from dubbopy_cli.traffic.model import RuleSet, mapping, number, sequence, text
from dubbopy_cli.traffic.units import duration

_TYPE = "type.googleapis.com/"
# Istio lifts Envoy's limits (1024, and 3 parallel retries), `getDefaultCircuitBreakerThresholds`.
_NO_LIMIT = 4294967295
_SIMPLE = {"ROUND_ROBIN": "ROUND_ROBIN", "RANDOM": "RANDOM", "LEAST_CONN": "LEAST_REQUEST"}


def clusters_of(app: MeshApplication, rules: RuleSet) -> list[dict[str, Any]]:
    """Return the application's clusters: all instances, then each subset in the order of its definition."""
    service = app.service
    found = destination(rules, service.fqdn, service.namespace)
    whole = policy_for(found.policy, {}, service.port)
    result = [_cluster(service.cluster(), app.endpoints, whole)]
    for subset in found.subsets:
        members = tuple(one for one in app.endpoints if subset.selects(one.labels))
        policy = policy_for(found.policy, subset.policy, service.port)
        result.append(_cluster(service.cluster(subset.name), members, policy))
    return result


def policy_for(whole: Mapping[str, Any], subset: Mapping[str, Any], port: int) -> dict[str, Any]:
    """Return the trafficPolicy in force for a port: the subset's pieces over the host's (`MergeTrafficPolicy`)."""
    merged: dict[str, Any] = {}
    for policy in (whole, subset):
        own = next((one for one in sequence(policy.get("portLevelSettings")) if _is_for(one, port)), None)
        if own is not None:
            # A port's settings inherit nothing: what they leave out falls back to defaults.
            merged = {key: value for key, value in mapping(own).items() if key != "port"}
        else:
            merged |= {key: value for key, value in policy.items() if value is not None}
    return merged


def _is_for(setting: object, port: int) -> bool:
    return number(mapping(mapping(setting).get("port")).get("number")) == port


def _cluster(name: str, endpoints: tuple[MeshEndpoint, ...], policy: Mapping[str, Any]) -> dict[str, Any]:
    pool = mapping(policy.get("connectionPool"))
    tcp, http = mapping(pool.get("tcp")), mapping(pool.get("http"))
    cluster: dict[str, Any] = {
        "@type": f"{_TYPE}envoy.config.cluster.v3.Cluster",
        "name": name,
        "type": "STATIC",
        "connect_timeout": duration(tcp.get("connectTimeout"), "10s"),
        "circuit_breakers": {"thresholds": [_thresholds(tcp, http)]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": _protocol(tcp, http)
        },
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [_endpoint(one) for one in endpoints]}] if endpoints else [],
        },
        **_balancer(mapping(policy.get("loadBalancer"))),
    }
    return cluster


def _endpoint(one: MeshEndpoint) -> dict[str, Any]:
    return {
        "endpoint": {"address": {"socket_address": {"address": one.address, "port_value": one.port}}},
        "metadata": {"filter_metadata": {"dubbopy": {"version": one.version, "instance": one.instance}}},
    }


def _thresholds(tcp: Mapping[str, Any], http: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "max_connections": number(tcp.get("maxConnections")) or _NO_LIMIT,
        "max_pending_requests": number(http.get("http1MaxPendingRequests")) or _NO_LIMIT,
        "max_requests": number(http.get("http2MaxRequests")) or _NO_LIMIT,
        "max_retries": number(http.get("maxRetries")) or _NO_LIMIT,
        "track_remaining": True,
    }


def _protocol(tcp: Mapping[str, Any], http: Mapping[str, Any]) -> dict[str, Any]:
    h2: dict[str, Any] = {}
    if number(http.get("maxConcurrentStreams")):
        h2["max_concurrent_streams"] = number(http["maxConcurrentStreams"])
    common: dict[str, Any] = {}
    idle = text(http.get("idleTimeout")) or text(tcp.get("idleTimeout"))
    if idle:
        common["idle_timeout"] = duration(idle, "")
    if number(http.get("maxRequestsPerConnection")):
        common["max_requests_per_connection"] = number(http["maxRequestsPerConnection"])
    if text(tcp.get("maxConnectionDuration")):
        common["max_connection_duration"] = duration(tcp["maxConnectionDuration"], "")
    return {
        "@type": f"{_TYPE}envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": h2},
        **({"common_http_protocol_options": common} if common else {}),
    }


def _balancer(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the load balancer; least requests unless the rule says otherwise, as in Istio."""
    hashed = mapping(settings.get("consistentHash"))
    if hashed:
        maglev = mapping(hashed.get("maglev"))
        if "maglev" in hashed:
            size = number(maglev.get("tableSize"))
            return {"lb_policy": "MAGLEV", **({"maglev_lb_config": {"table_size": size}} if size else {})}
        ring = number(mapping(hashed.get("ringHash")).get("minimumRingSize")) or number(hashed.get("minimumRingSize"))
        return {"lb_policy": "RING_HASH", "ring_hash_lb_config": {"minimum_ring_size": ring or 1024}}
    return {"lb_policy": _SIMPLE.get(text(settings.get("simple")), "LEAST_REQUEST")}
