"""A decision about one call, for people: one line a fact, in the order in which a proxy comes to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction

    from dubbopy_cli.traffic.explaining.decision import Decision, Passed, Target
    from dubbopy_cli.traffic.explaining.effects import Rewrite
    from dubbopy_cli.traffic.request import Request

_COLUMN = 10


def request_dict(request: Request) -> dict[str, object]:
    """Return the call as data."""
    return {
        "host": request.host,
        "port": request.port,
        "method": request.method,
        "path": request.path,
        "headers": [{"name": name, "value": value} for name, value in request.headers],
        "namespace": request.namespace,
        "source_namespace": request.origin,
        "source_labels": dict(request.source_labels),
        "gateway": request.gateway,
    }


def decision_text(decision: Decision, remarks: Sequence[str]) -> str:
    """Return what happens to a call, and ``remarks`` below it."""
    lines = [f"{word:<{_COLUMN}}{said}".rstrip() for word, said in _facts(decision)]
    return "\n".join([_call(decision.request), *lines, *remarks])


def _facts(one: Decision) -> Iterator[tuple[str, str]]:
    yield from _words("not by", (_passed(route) for route in one.passed))
    yield "taken by", _taken(one)
    yield from _words("goes to", (_target(target) for target in one.destinations))
    if one.answer or one.status:
        yield "answer", one.answer or one.status
    if one.fault:
        yield "fault", str(one.fault)
    if one.destinations and one.kind != "tcp":
        yield "timeout", one.timeout or "none: the rule sets no limit, and neither does Istio"
        yield "retries", str(one.retries)
    yield from _words("copies", (_target(target) for target in one.mirrors))
    if one.rewrite:
        yield "rewrite", ", ".join(_rewrite(one.rewrite))
    yield from _words("note", one.notes)


def _words(word: str, lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for index, line in enumerate(lines):
        yield "" if index else word, line


def _call(request: Request) -> str:
    sent = ", ".join(f"{name}: {value}" for name, value in request.headers)
    by = "" if request.gateway == "mesh" else f" at Gateway {request.gateway}"
    return f"{request.method} {request.path} to {request.host}:{request.port}{by}" + (f" with {sent}" if sent else "")


def _passed(one: Passed) -> str:
    return f"{_route(one.route_index, one.name, one.match_index)}: {one.reason}"


def _route(index: int | None, name: str, match: int | None) -> str:
    place = f"http[{index}]"
    named = "" if name in {"", place} else f" {name}"
    return place + ("" if match is None else f".match[{match}]") + named


def _taken(one: Decision) -> str:
    if one.kind in {"route", "answer"}:
        leads = f", by delegate {one.delegate}" if one.delegate else ""
        route = _route(one.route_index, one.name, one.match_index)
        return f"{one.object} {route}{leads}: {one.condition}"
    if one.kind == "tcp" and one.object:
        return f"{one.object} tcp[{one.route_index}]"
    if one.kind == "no-route":
        return "no route"
    if one.kind == "passthrough":
        return "no rule: the mesh does not know the name on this port"
    return f"no rule: every instance of {one.host} shares the calls"


def _target(one: Target) -> str:
    where = f"{one.host}:{one.port}" + (f" subset {one.subset}" if one.subset else "")
    rule = f" of {one.rule}" if one.rule else ""
    if one.status:
        end = f" -> {one.status}: {one.reason}"
    elif one.members is None:
        end = ", instances not known"
    else:
        end = f", {len(one.members)} ready instance{'' if len(one.members) == 1 else 's'}"
    return f"{_share(one.share)} {where}{rule}{end}"


def _share(share: Fraction) -> str:
    """Return a share in percent if that is exact, else as the fraction it is."""
    percent = share * 100
    exact = (percent * 100).denominator == 1
    return f"{float(percent):g} %" if exact else f"{share} ({float(percent):.2f} %)"


def _rewrite(one: Rewrite) -> Iterator[str]:
    if one.uri:
        yield f"path to {one.uri}"
    if one.pattern:
        yield f"path by {one.pattern} to {one.substitution}"
    if one.authority:
        yield f"authority to {one.authority}"
