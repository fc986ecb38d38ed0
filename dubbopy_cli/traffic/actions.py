"""What the verbs for timeouts, retries, faults and mirrors do to rules; each keeps every field that is not its own."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from dubbopy_cli.errors import UsageError
from dubbopy_cli.names import did_you_mean
from dubbopy_cli.traffic import edit, objects, words
from dubbopy_cli.traffic.hosts import Service, resolve
from dubbopy_cli.traffic.model import Rule, RuleSet, mapping, plain, sequence, text
from dubbopy_cli.traffic.objects import draft, refuse, replaced, route_name

# A route that answers by one of these forwards nothing.
_ANSWERS = ("redirect", "directResponse", "delegate")
Node = dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """Errors made on purpose for ``percent`` of the calls: a status to answer with, a delay, or both."""

    percent: float
    abort: int | str = ""
    delay: str = ""


def timeout(rules: RuleSet, service: Service, limit: str, *, route: str = "") -> RuleSet:
    """Return rules that end a call after ``limit``, a Go duration; an empty one means that there is no limit."""

    def change(node: Node) -> None:
        _put(node, "timeout", limit or None)

    return _each(rules, service, route, change)


def retries(
    rules: RuleSet, service: Service, attempts: int | None, *, per_try: str = "", on: str = "", route: str = ""
) -> RuleSet:
    """Return rules that try a failed call again so many times; None means Istio's own default, which is 2."""

    def change(node: Node) -> None:
        if attempts is None:
            _put(node, "retries", None)
            return
        # A time or conditions make no sense without a retry, and Istio refuses them.
        kept = mapping(node.get("retries")) if attempts else {}
        new = {"perTryTimeout": per_try, "retryOn": on} if attempts else {}
        node["retries"] = {**plain(kept), "attempts": attempts, **{key: one for key, one in new.items() if one}}

    return _each(rules, service, route, change)


def fault(rules: RuleSet, service: Service, wanted: Fault | None, *, route: str = "") -> RuleSet:
    """Return rules that make calls fail or wait on purpose; None means that they do so no more."""

    def change(node: Node) -> None:
        if wanted is None:
            _put(node, "fault", None)
            return
        percentage = {"value": _figure(wanted.percent)}
        made: Node = {}
        if wanted.abort:
            key = "httpStatus" if isinstance(wanted.abort, int) else "grpcStatus"
            made["abort"] = {key: wanted.abort, "percentage": percentage}
        if wanted.delay:
            made["delay"] = {"fixedDelay": wanted.delay, "percentage": dict(percentage)}
        node["fault"] = {**plain(mapping(node.get("fault"))), **made}

    return _each(rules, service, route, change)


def mirror(
    rules: RuleSet,
    service: Service,
    to: str,
    versions: Collection[str],
    *,
    percent: float = 100.0,
    route: str = "",
) -> RuleSet:
    """Return rules that send a copy of ``percent`` of the calls to version ``to`` as well, whose answers are dropped.

    An empty version means no copies. Routes whose calls all go to that version already get none.
    """
    subset = ""
    if to:
        words.known(to, versions)
        rules, subset = objects.with_subset(rules, service, to)

    def change(node: Node) -> None:
        if node.get("mirrors"):
            raise refuse(f"route {node.get('name') or 'without a name'} of {service.name} has a list of mirrors")
        for key in ("mirror", "mirrorPercent", "mirror_percent", "mirrorPercentage"):
            _put(node, key, None)
        if to and _subsets(node) != {subset}:
            node["mirror"] = {"host": service.fqdn, "subset": subset}
            node["mirrorPercentage"] = {"value": _figure(percent)}

    return _each(rules, service, route, change)


def _each(rules: RuleSet, service: Service, route: str, change: Callable[[Node], None]) -> RuleSet:
    """Change every route of the Service that forwards calls to it, or the one that is named."""
    rule = objects.virtual_service(rules, service)
    if rule is None:
        rule = objects.new_virtual_service(rules, service, [edit.everybody(service)])
    document, spec = draft(rule)
    http = spec["http"]
    if route:
        http = [http[_named(rule, service, http, route)]]
    for node in http:
        if not any(mapping(node).get(key) for key in _ANSWERS) and _leads(rule, service, node):
            change(node)
    return edit.tidy(rules, service, replaced(rule, document))


def _named(rule: Rule, service: Service, http: list[Any], route: str) -> int:
    known = [route_name(node, index) for index, node in enumerate(http)]
    if route not in known:
        raise UsageError(
            "usage",
            f"{service.name} has no route '{route}', only {', '.join(known)}." + did_you_mean(route, known),
            hint=f"dubbopy-cli traffic show {service.options}",
        )
    index = known.index(route)
    if any(mapping(http[index]).get(key) for key in _ANSWERS) or not _leads(rule, service, http[index]):
        raise refuse(f"route {route} of {rule.title} forwards no call to {service.name}")
    return index


def _leads(rule: Rule, service: Service, node: object) -> bool:
    hosts = [text(mapping(mapping(one).get("destination")).get("host")) for one in sequence(mapping(node).get("route"))]
    return any(resolve(host, rule.namespace) == service.fqdn for host in hosts)


def _subsets(node: Node) -> set[str]:
    found = sequence(node.get("route"))
    taken = [one for one in found if len(found) == 1 or mapping(one).get("weight")]
    return {text(mapping(mapping(one).get("destination")).get("subset")) for one in taken}


def _put(node: Node, key: str, value: object) -> None:
    if value is None:
        node.pop(key, None)
    else:
        node[key] = value


def _figure(percent: float) -> int | float:
    return int(percent) if percent == int(percent) else percent
