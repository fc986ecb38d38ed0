"""Routes and matches without effect, with the parameters of Istio's messages (IST0130, IST0131)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from dubbopy_cli.traffic.analysis.world import Resource, World
from dubbopy_cli.traffic.findings import Finding
from dubbopy_cli.traffic.model import mapping, sequence, text
from dubbopy_cli.traffic.unreachable import Prefix, Reason, Repeated, covered, unused

_REASONS: dict[Reason, str] = {
    "second": "only the last rule can have no matches",
    "behind": "route without matches defined before",
    "repeated": "all matches used by prior rules",
}


def unreachable(world: World) -> Iterator[Finding]:
    """Report what has no effect in each VirtualService (`schema.UnreachableAnalyzer`)."""
    from dubbopy_cli.traffic.validation.schema import known

    for rule in world.of("VirtualService"):
        spec = known(rule.kind, rule.spec)
        for kind in ("http", "tcp", "tls"):
            yield from _unused(rule, sequence(spec.get(kind)), kind)


def _unused(rule: Resource, routes: Sequence[Any], kind: str) -> Iterator[Finding]:
    for one in unused(routes):
        name, path = _name(routes[one.route], one.route, kind), f"spec.{kind}[{one.route}]"
        if isinstance(one, Repeated):
            match, by = _match_name(routes, one, kind), _name(routes[one.by], one.by, kind)
            yield rule.report("IST0131", name, match, by, path=f"{path}.match[{one.match}]")
        else:
            yield rule.report("IST0130", name, _REASONS[one.reason], path=path)
    if kind == "http":
        yield from _overlaps(rule, routes)


def _overlaps(rule: Resource, routes: Sequence[Any]) -> Iterator[Finding]:
    for one, late in covered(routes):
        match, by = (f"{_match_name(routes, each, 'http')} of prefix {each.prefix}" for each in (late, one))
        name, its = (_name(routes[each.route], each.route, "http") for each in (late, one))
        path = f"spec.http[{late.route}].match[{late.match}]"
        yield rule.report("IST0131", name, match, f"{by} on {its}", path=path)


def _match_name(routes: Sequence[Any], one: Repeated | Prefix, kind: str) -> str:
    return _name(mapping(routes[one.route])["match"][one.match], one.match, kind)


def _name(node: object, index: int, kind: str) -> str:
    name = text(mapping(node).get("name")) if kind == "http" else ""
    return f'"{name}"' if name else f"#{index}"
