"""What programs without a sidecar cannot follow of a rule: dubbo-go 3.3.0 takes its routes from istiod by itself.

Source of what it reads: its package xds/client/resource (`routesProtoToSlice`) and remoting/xds (`MatchRoute`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from dubbopy_cli.traffic.findings import Finding, Severity, finding
from dubbopy_cli.traffic.hosts import Service, covers
from dubbopy_cli.traffic.lookup import MESH, gateways_of, hosts_of
from dubbopy_cli.traffic.model import VIRTUAL_SERVICE, Rule, mapping
from dubbopy_cli.traffic.routes import Route, is_catch_all, routes_of

CODE = "proxyless-caller"

# istiod makes of each of them a condition on a header whose value dubbo-go cannot read.
_PSEUDO = ("method", "authority", "scheme")
_IGNORED = {
    "timeout": "the timeout",
    "retries": "the retries",
    "mirror": "the mirror",
    "mirrors": "the mirrors",
    "headers": "what it does to headers",
    "rewrite": "the rewrite",
}
_METHOD_ALONE = (
    "dubbo-go takes other calls for this route than it says: "
    "of a call it knows /METHOD, and no service, header or query"
)
_UNREADABLE = "; it keeps its former routes, and cannot start again"


def unfollowed(rule: Rule, services: Iterable[Service], clients: Sequence[str]) -> Iterator[Finding]:
    """Yield what ``clients``, the applications of the namespace without sidecars, do not do as ``rule`` says.

    Which services they call only istiod knows, so that a rule for any of them counts.
    """
    if not clients or rule.kind != VIRTUAL_SERVICE or MESH not in gateways_of(rule):
        return
    told: set[str] = set()
    for service in services:
        if not any(covers(host, service.fqdn) for host in hosts_of(rule)):
            continue
        # Routes for callers of some labels or namespace never come to them: dubbo-go tells istiod neither.
        for route in routes_of(rule, service, namespace=""):
            for severity, path, what in _parts(route):
                if path not in told:
                    told.add(path)
                    message = f"no sidecar routes the calls of {' and '.join(clients)}: {what}"
                    yield finding(rule, severity, CODE, message, path)


def _parts(route: Route) -> Iterator[tuple[Severity, str, str]]:
    path = f"spec.http[{route.index}]"
    place = path if route.match_index is None else f"{path}.match[{route.match_index}]"
    if _compares_headers(route.match):
        yield "error", place, f"dubbo-go cannot read a route that matches headers{_UNREADABLE}"
    elif not is_catch_all(route.match):
        yield "error", place, _METHOD_ALONE
    if route.http.get("fault"):
        yield "error", f"{path}.fault", f"dubbo-go cannot read a route with faults{_UNREADABLE}"
    for key in ("redirect", "directResponse"):
        if route.http.get(key):
            yield "error", f"{path}.{key}", "dubbo-go makes these calls all the same, to any instance"
    for key, what in _IGNORED.items():
        if route.http.get(key):
            yield "warning", f"{path}.{key}", f"{what} has no effect on them"


def _compares_headers(match: Mapping[str, Any]) -> bool:
    """Tell whether a match asks for the value of a header; that there is one at all dubbo-go can read."""
    named = (*mapping(match.get("headers")).values(), *mapping(match.get("withoutHeaders")).values())
    return any(key in match for key in _PSEUDO) or any(mapping(one) for one in named)
