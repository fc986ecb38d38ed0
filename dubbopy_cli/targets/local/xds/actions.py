"""What a route does with a call: forward it, with time limit, retries, mirror and rewrite, or answer itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dubbopy_cli.targets.local.xds.cluster import policy_for
from dubbopy_cli.targets.local.xds.matchers import header_operations
from dubbopy_cli.targets.local.xds.retries import retries
from dubbopy_cli.traffic.hosts import Service, cluster_name, resolve
from dubbopy_cli.traffic.lookup import destination
from dubbopy_cli.traffic.model import RuleSet, mapping, number, sequence, text
from dubbopy_cli.traffic.routes import Route, RouteDestination
from dubbopy_cli.traffic.units import duration, fraction

_REDIRECT_CODES = {
    301: "MOVED_PERMANENTLY",
    302: "FOUND",
    303: "SEE_OTHER",
    307: "TEMPORARY_REDIRECT",
    308: "PERMANENT_REDIRECT",
}
# The route names a cluster that never exists, so that the call ends as 503 NC and not at the wrong place.
_NOWHERE = "UnknownService"


def stop(http: Mapping[str, Any], port: int) -> dict[str, Any]:
    """Return the action of a route that answers by itself; empty if it forwards."""
    redirect = mapping(http.get("redirect"))
    if redirect:
        return {"redirect": _redirect(redirect, port)}
    answer = mapping(http.get("directResponse"))
    if answer:
        body = mapping(answer.get("body"))
        source = {"string": "inline_string", "bytes": "inline_bytes"}
        data = {source[key]: text(body[key]) for key in source if key in body}
        return {"direct_response": {"status": number(answer.get("status")), **({"body": data} if data else {})}}
    return {}


def forward(
    route: Route, service: Service, rules: RuleSet, ports: Mapping[str, int], authority: str = ""
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the forwarding action, and header operations that belong to the route itself."""
    http = route.http
    # istiod also sets max_grpc_timeout, which Envoy is giving up: the caller ends the call at its own deadline anyway.
    # What replaces it there would switch the route's timeout off for every gRPC call (tried).
    action: dict[str, Any] = {"timeout": duration(http.get("timeout"), "0s")}
    rewrite = mapping(http.get("rewrite"))
    pattern = mapping(rewrite.get("uriRegexRewrite"))
    if pattern:
        action["regex_rewrite"] = {
            "pattern": {"regex": text(pattern.get("match"))},
            "substitution": text(pattern.get("rewrite")),
        }
    elif text(rewrite.get("uri")):
        action["prefix_rewrite"] = rewrite["uri"]
    authority = text(rewrite.get("authority")) or authority
    if authority:
        action["host_rewrite_literal"] = authority
    mirrors = _mirrors(route, service, ports)
    if mirrors:
        action["request_mirror_policies"] = mirrors
    hashes = _hash_policies(route, service, rules)
    if hashes:
        action["hash_policy"] = hashes
    # istiod lets a hash decide where a retry goes only for a rule's route with one destination.
    retry = retries(http.get("retries"), hashed=bool(hashes and http and len(route.destinations) == 1))
    if retry:
        action["retry_policy"] = retry
    return action, _destinations(route, service, ports, action)


def _destinations(route: Route, service: Service, ports: Mapping[str, int], action: dict[str, Any]) -> dict[str, Any]:
    """Fill in where the calls go; of several destinations those of weight 0 are left out, as in istiod."""
    if len(route.destinations) == 1:
        one = route.destinations[0]
        action["cluster"] = one.cluster(service, ports)
        operations, authority = header_operations(one.node.get("headers"))
        if authority:
            action.setdefault("host_rewrite_literal", authority)
        return operations
    weighted = [_weighted(one, service, ports) for one, _ in route.split]
    if weighted:
        action["weighted_clusters"] = {"clusters": weighted}
    else:
        action["cluster"] = _NOWHERE
    return {}


def _weighted(one: RouteDestination, service: Service, ports: Mapping[str, int]) -> dict[str, Any]:
    operations, authority = header_operations(one.node.get("headers"))
    return {
        "name": one.cluster(service, ports),
        "weight": one.weight,
        **operations,
        **({"host_rewrite_literal": authority} if authority else {}),
    }


def _mirrors(route: Route, service: Service, ports: Mapping[str, int]) -> list[dict[str, Any]]:
    http = route.http
    found: list[tuple[object, dict[str, Any] | None]] = []
    if http.get("mirror") is not None:
        if http.get("mirrorPercentage") is not None:
            found.append((http["mirror"], fraction(http["mirrorPercentage"])))
        elif http.get("mirrorPercent") is not None:
            found.append((http["mirror"], {"numerator": number(http["mirrorPercent"]), "denominator": "HUNDRED"}))
        else:
            found.append((http["mirror"], None))
    for node in sequence(http.get("mirrors")):
        policy = mapping(node)
        share = fraction(policy["percentage"]) if policy.get("percentage") is not None else None
        found.append((policy.get("destination"), share))
    everything = {"numerator": 100, "denominator": "HUNDRED"}
    return [
        {
            "cluster": _mirror_cluster(mapping(target), route.namespace, service, ports),
            "runtime_fraction": {"default_value": everything if share is None else share},
            "trace_sampled": False,
        }
        for target, share in found
        if share is None or share["numerator"] > 0
    ]


def _mirror_cluster(node: Mapping[str, Any], namespace: str, service: Service, ports: Mapping[str, int]) -> str:
    host = resolve(text(node.get("host")), namespace)
    port = number(mapping(node.get("port")).get("number")) or ports.get(host, service.port)
    return cluster_name(host, port, text(node.get("subset")))


def _hash_policies(route: Route, service: Service, rules: RuleSet) -> list[dict[str, Any]]:
    """Return what a consistent hash is taken over, from the DestinationRule of each destination."""
    found = []
    for one in route.destinations:
        rule = destination(rules, one.host, service.namespace)
        subset = rule.subset(one.subset)
        policy = policy_for(rule.policy, subset.policy if subset else {}, one.port or service.port)
        node = mapping(mapping(policy.get("loadBalancer")).get("consistentHash"))
        if text(node.get("httpHeaderName")):
            found.append({"header": {"header_name": node["httpHeaderName"]}})
        elif text(node.get("httpQueryParameterName")):
            found.append({"query_parameter": {"name": node["httpQueryParameterName"]}})
        elif node.get("useSourceIp") is True:
            found.append({"connection_properties": {"source_ip": True}})
        elif mapping(node.get("httpCookie")):
            found.append({"cookie": _cookie(mapping(node["httpCookie"]))})
    return found


def _cookie(node: Mapping[str, Any]) -> dict[str, Any]:
    ttl = duration(node.get("ttl"), "")
    path = text(node.get("path"))
    return {"name": text(node.get("name")), **({"ttl": ttl} if ttl else {}), **({"path": path} if path else {})}


def _redirect(node: Mapping[str, Any], port: int) -> dict[str, Any]:
    out: dict[str, Any] = {"path_redirect": text(node.get("uri"))}
    if text(node.get("authority")):
        out["host_redirect"] = node["authority"]
    scheme = text(node.get("scheme"))
    if scheme:
        out["scheme_redirect"] = scheme
    target = number(node.get("port")) or (port if node.get("derivePort") == "FROM_REQUEST_PORT" else 0)
    if target and (target, scheme or "http") not in {(80, "http"), (443, "https")}:
        out["port_redirect"] = target
    out["response_code"] = _REDIRECT_CODES.get(number(node.get("redirectCode")) or 301, "MOVED_PERMANENTLY")
    return out
