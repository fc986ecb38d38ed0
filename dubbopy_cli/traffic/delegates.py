"""VirtualServices that leave routes to others, put together as istiod does before it looks at any host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dubbopy_cli.traffic.hosts import resolve
from dubbopy_cli.traffic.lookup import exported, resolve_gateway
from dubbopy_cli.traffic.model import VIRTUAL_SERVICE, Rule, RuleSet, mapping, number, sequence, text

# Where a route of a put-together rule says which route of which object it was; no field of Istio's has such a name.
ORIGIN = "dubbopy:origin"

Node = Mapping[str, Any]
_STRINGS = ("uri", "scheme", "method", "authority")
_MAPS = ("headers", "withoutHeaders", "queryParams")
_INHERITED = (
    "rewrite",
    "directResponse",
    "timeout",
    "retries",
    "fault",
    "mirror",
    "mirrorPercent",
    "mirrorPercentage",
    "corsPolicy",
    "mirrors",
    "headers",
)


def merged(rules: RuleSet) -> RuleSet:
    """Return the rules with every delegate's routes in the place where its root names it, and no delegate left.

    Source of what is dropped without a word: `model.mergeVirtualServices`, `model.mergeHTTPRoutes`.
    """
    services = rules.of_kind(VIRTUAL_SERVICE)
    leaves = {rule.key: rule for rule in services if not sequence(rule.spec.get("hosts"))}
    roots = [rule for rule in services if any(mapping(one).get("delegate") for one in sequence(rule.spec.get("http")))]
    whole = []
    for rule in roots:
        if rule.key not in leaves:
            http = [node for index in range(len(rule.spec["http"])) for node in _routes(rule, index, leaves)]
            document = {**rule.document, "spec": {**rule.spec, "http": http}}
            whole.append(Rule(rule.kind, rule.namespace, rule.name, document))
    return RuleSet(tuple(rule for rule in rules if rule.key not in leaves)).put(*whole) if leaves or whole else rules


def merge_matches(root: list[Any], leaf: list[Any]) -> list[Any] | None:
    """Return the matches of a delegate's route under its root's, None if one of them is not within any of those."""
    if not root or not leaf:
        return leaf or root
    out = []
    for below in leaf:
        fitting = [merge_match(mapping(above), mapping(below)) for above in root if not conflict(above, below)]
        if not fitting:
            return None
        out += fitting
    return out


def merge_match(root: Node, leaf: Node) -> dict[str, Any]:
    """Return one match of a delegate with what its root's adds to it."""
    out = dict(leaf)
    name = "-".join(one for one in (text(root.get("name")), text(leaf.get("name"))) if one)
    if name:
        out["name"] = name
    for key in (*_STRINGS, "port", "sourceNamespace", "gateways", "statPrefix"):
        if not out.get(key) and root.get(key) is not None and not isinstance(out.get(key), Mapping):
            out[key] = root[key]
    for key in (*_MAPS, "sourceLabels"):
        if root.get(key) or leaf.get(key):
            out[key] = {**mapping(root.get(key)), **mapping(leaf.get(key))}
    return out


def conflict(root: object, leaf: object) -> bool:
    """Tell whether a delegate's match may take calls that the root's does not (`model.hasConflict`)."""
    above, below = mapping(root), mapping(leaf)
    pairs = [(above.get(key), below.get(key)) for key in _STRINGS]
    for key in _MAPS:
        wanted = mapping(above.get(key))
        pairs += [(wanted.get(name), node) for name, node in mapping(below.get(key)).items()]
    ports = {number(above.get("port")), number(below.get("port"))} - {0}
    return (
        any(_apart(*one) for one in pairs)
        or (above.get("ignoreUriCase") is True) != (below.get("ignoreUriCase") is True)
        or len(ports) > 1
        or _elsewhere(above, below)
    )


def _elsewhere(above: Node, below: Node) -> bool:
    """Tell whether a delegate's match is for other callers than its root's."""
    labels = mapping(above.get("sourceLabels"))
    gateways, narrower = sequence(above.get("gateways")), sequence(below.get("gateways"))
    return (
        text(above.get("sourceNamespace")) not in {"", text(below.get("sourceNamespace"))}
        or any(labels.get(name, value) != value for name, value in mapping(below.get("sourceLabels")).items())
        or (bool(gateways and narrower) and (len(gateways) < len(narrower) or not set(narrower) <= set(gateways)))
    )


def _apart(root: object, leaf: object) -> bool:
    """Tell whether a text within ``leaf`` may lie outside ``root``; a regular expression goes with nothing else."""
    if not isinstance(root, Mapping) or not isinstance(leaf, Mapping):
        return False
    above = {key: text(root.get(key)) for key in ("exact", "prefix", "regex")}
    below = {key: text(leaf.get(key)) for key in ("exact", "prefix", "regex")}
    if (above["regex"] and any(below.values())) or (below["regex"] and any(above.values())):
        return True
    if above["exact"]:
        return bool(below["prefix"]) or below["exact"] != above["exact"]
    inner = below["prefix"] or below["exact"]
    return not (above["prefix"] and inner and inner.startswith(above["prefix"]))


def _routes(rule: Rule, index: int, leaves: Mapping[tuple[str, str, str], Rule]) -> Iterator[dict[str, Any]]:
    root = _resolved(rule, rule.spec["http"][index])
    target = mapping(root.get("delegate"))
    if not target:
        yield {**root, ORIGIN: (index, "")}
        return
    place = text(target.get("namespace")) or rule.namespace
    leaf = leaves.get((VIRTUAL_SERVICE, place, text(target.get("name"))))
    if leaf is None or not exported(leaf, rule.namespace):
        return
    for place_in_leaf, node in enumerate(sequence(leaf.spec.get("http"))):
        below = _resolved(leaf, node)
        matches = merge_matches(list(sequence(root.get("match"))), list(sequence(below.get("match"))))
        if matches is None:
            continue
        below["match"] = matches
        below["name"] = "-".join(one for one in (text(root.get("name")), text(below.get("name"))) if one)
        for key in _INHERITED:
            if below.get(key) is None and root.get(key) is not None:
                below[key] = root[key]
        yield {**below, ORIGIN: (index, f"{leaf.title} http[{place_in_leaf}]")}


def _resolved(rule: Rule, node: object) -> dict[str, Any]:
    """Return an http route with full host and gateway names: what inherits it may lie in another namespace."""
    out = dict(mapping(node))
    if sequence(out.get("match")):
        out["match"] = [_gateways(rule, mapping(one)) for one in out["match"]]
    if sequence(out.get("route")):
        out["route"] = [
            {**mapping(one), "destination": _host(rule, mapping(one).get("destination"))} for one in out["route"]
        ]
    if out.get("mirror"):
        out["mirror"] = _host(rule, out["mirror"])
    if sequence(out.get("mirrors")):
        out["mirrors"] = [
            {**mapping(one), "destination": _host(rule, mapping(one).get("destination"))} for one in out["mirrors"]
        ]
    return out


def _host(rule: Rule, node: object) -> dict[str, Any]:
    return {**mapping(node), "host": resolve(text(mapping(node).get("host")), rule.namespace)}


def _gateways(rule: Rule, match: Node) -> dict[str, Any]:
    names = [resolve_gateway(text(one), rule.namespace) for one in sequence(match.get("gateways"))]
    return {**match, **({"gateways": names} if names else {})}
