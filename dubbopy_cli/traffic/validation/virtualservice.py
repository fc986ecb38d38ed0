"""A VirtualService as a whole (`ValidateVirtualService`)."""

from __future__ import annotations

from collections.abc import Sequence

from dubbopy_cli.traffic.hosts import covers, is_address
from dubbopy_cli.traffic.model import mapping, sequence, text
from dubbopy_cli.traffic.validation import exports, httproute, matches, names, tlsroutes, unreachable
from dubbopy_cli.traffic.validation.faults import Faults, Node, error, items
from dubbopy_cli.traffic.validation.metadata import Metadata


def judge(spec: Node, meta: Metadata) -> Faults:
    """Judge the spec of a VirtualService."""
    hosts = [text(one) for one in sequence(spec.get("hosts"))]
    if not hosts:
        for key in ("gateways", "tls", "tcp"):
            if sequence(spec.get(key)):
                message = f"without hosts it is a delegate, which cannot have {key}"
                yield error("delegate", f"spec.{key}", message)
    converted = meta.converted_route
    yield from matches.gateways(spec, "spec", converted=converted)
    bound = bool(sequence(spec.get("gateways"))) and tlsroutes.for_gateways(spec)
    if not bound:
        yield from _claims(spec)
    yield from _hosts(hosts, spec, bound=bound)
    if not any(sequence(spec.get(key)) for key in ("http", "tcp", "tls")):
        yield error("route", "spec", "http, tcp or tls routes are needed")
    for path, route in items(spec, "http", "spec"):
        yield from httproute.judge(route, path, delegate=not hosts, converted=converted)
    yield from tlsroutes.tls(spec, "spec", converted=converted)
    yield from tlsroutes.tcp(spec, "spec", converted=converted)
    yield from exports.judge(spec, meta.namespace)
    for key in ("http", "tcp", "tls"):
        yield from unreachable.judge(spec, key)
    yield from unreachable.overlaps(spec)


def _claims(spec: Node) -> Faults:
    for path, route in items(spec, "http", "spec"):
        for place, match in items(mapping(route), "match", path):
            for key in ("headers", "withoutHeaders"):
                for name in mapping(mapping(match).get(key)):
                    if matches.is_claim(str(name)):
                        message = "claims of tokens can be matched at gateways only"
                        yield error("match", f"{place}.{key}.{name}", message)


def _hosts(hosts: Sequence[str], spec: Node, *, bound: bool) -> Faults:
    sni = any(
        sequence(mapping(match).get("sniHosts"))
        for path, route in items(spec, "tls", "spec")
        for _, match in items(mapping(route), "match", path)
    )
    good = True
    for index, host in enumerate(hosts):
        reason = names.gateway_domain(host, sni=sni) if bound else names.domain(host)
        if reason and is_address(host):
            continue
        if not reason and host == "*" and not bound:
            reason = "a rule for every host is for gateways only"
        if reason:
            good = False
            yield error("host", f"spec.hosts[{index}]", reason)
    for index, host in enumerate(hosts if good else ()):
        for place, other in enumerate(hosts[index + 1 :], index + 1):
            if covers(host, other) or covers(other, host):
                yield error("duplicate-host", f"spec.hosts[{place}]", f"'{other}' and '{host}' overlap")
