"""A VirtualService as Envoy's route table, route by route as istiod translates it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dubbopy_cli.targets.local.xds.actions import forward, stop
from dubbopy_cli.targets.local.xds.matchers import header_operations, route_match
from dubbopy_cli.traffic.delegates import merged
from dubbopy_cli.traffic.explaining.landing import Caller
from dubbopy_cli.traffic.explaining.virtualhost import sidecar_routes
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import Rule, RuleSet, mapping, number, text
from dubbopy_cli.traffic.routes import Route, everybody
from dubbopy_cli.traffic.units import duration, fraction

_TYPE = "type.googleapis.com/"
# `codes.Code` by the names that Istio's validation takes.
_GRPC_STATUS = (
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
)
# Says to every caller which version answered.
VERSION_HEADER = "x-dubbopy-version"


def route_configuration(service: Service, rules: RuleSet, ports: Mapping[str, int]) -> dict[str, Any]:
    """Return the route table of one application; ``ports`` is the only port of each host in the mesh."""
    found = sidecar_routes(merged(rules), service.fqdn, Caller(service.namespace, service.port))
    table = [_route(rule, one, service, rules, ports) for rule, one in found if rule]
    return {
        "@type": f"{_TYPE}envoy.config.route.v3.RouteConfiguration",
        "name": service.fqdn,
        # As Istio: a route to a cluster that is not there answers 503 NC instead of holding back every other route.
        "validate_clusters": False,
        "virtual_hosts": [
            {
                "name": f"{service.fqdn}:{service.port}",
                "domains": ["*"],
                "include_request_attempt_count": True,
                "routes": table or [_default(service, rules, ports)],
                "response_headers_to_add": [
                    {
                        "header": {"key": VERSION_HEADER, "value": "%UPSTREAM_METADATA(dubbopy:version)%"},
                        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
                    }
                ],
            }
        ],
    }


def _default(service: Service, rules: RuleSet, ports: Mapping[str, int]) -> dict[str, Any]:
    """Return the route of a Service on which no rule acts: all its instances share."""
    action, _ = forward(everybody(service), service, rules, ports)
    return {
        "name": "default",
        "match": {"prefix": "/"},
        "route": action,
        "decorator": {"operation": f"{service.fqdn}:{service.port}/*"},
    }


def _route(rule: Rule, route: Route, service: Service, rules: RuleSet, ports: Mapping[str, int]) -> dict[str, Any]:
    operations, authority = header_operations(route.http.get("headers"))
    out: dict[str, Any] = {
        "name": route.name or f"http[{route.index}]",
        "match": route_match(route.match),
        # For the access log: which object sent the call there.
        "metadata": {"filter_metadata": {"dubbopy": {"rule": f"{rule.namespace}/{rule.name}"}}},
        **operations,
    }
    if text(route.match.get("statPrefix")):
        out["stat_prefix"] = route.match["statPrefix"]
    halt = stop(route.http, service.port)
    if halt:
        out.update(halt)
    else:
        action, extra = forward(route, service, rules, ports, authority)
        out["route"] = action
        for key, values in extra.items():
            out[key] = [*out.get(key, []), *values]
    fault = _fault(mapping(route.http.get("fault")))
    if fault:
        out["typed_per_filter_config"] = {"envoy.filters.http.fault": fault}
    return out


def _fault(node: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    delay = mapping(node.get("delay"))
    if duration(delay.get("fixedDelay"), ""):
        percent = (
            fraction(delay["percentage"])
            if delay.get("percentage") is not None
            else {"numerator": number(delay.get("percent")), "denominator": "HUNDRED"}
        )
        out["delay"] = {"fixed_delay": duration(delay["fixedDelay"], ""), "percentage": percent}
    abort = mapping(node.get("abort"))
    status: dict[str, Any] = {}
    if number(abort.get("httpStatus")):
        status["http_status"] = number(abort["httpStatus"])
    elif text(abort.get("grpcStatus")) in _GRPC_STATUS:
        status["grpc_status"] = _GRPC_STATUS.index(abort["grpcStatus"])
    if status:
        # No percentage aborts no call, as in Istio.
        out["abort"] = {**status, "percentage": fraction(abort.get("percentage"))}
    return {"@type": f"{_TYPE}envoy.extensions.filters.http.fault.v3.HTTPFault", **out} if out else {}
