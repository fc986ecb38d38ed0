"""What the traffic verbs do to rules: each takes a set of rules and returns another one, and loses nothing.

What a verb cannot express in the rules that are there is refused with the reason (ConflictError ``rules-refused``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from dubbopy_cli.errors import UsageError
from dubbopy_cli.names import did_you_mean
from dubbopy_cli.traffic import lookup, objects, words
from dubbopy_cli.traffic.compose import HeaderKind, condition, default_name, forwarding, point, same_condition
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import DESTINATION_RULE, Rule, RuleSet, mapping, plain, sequence
from dubbopy_cli.traffic.objects import default_index, draft, is_ours, refuse, replaced, route_name

DEFAULT_NAME = "default"


def subsets(rules: RuleSet, service: Service, versions: Iterable[str], drop: Iterable[str] = ()) -> RuleSet:
    """Return rules with a subset for each of ``versions`` and without those of the versions in ``drop``."""
    rules, _ = _named(rules, service, versions)
    for version in drop:
        rules = _without_subset(rules, service, version)
    return rules


def set_weights(rules: RuleSet, service: Service, shares: Mapping[str, int], versions: Collection[str]) -> RuleSet:
    """Return rules whose default route splits calls by whole percentages; header routes stay as they are.

    ``versions`` are those that exist. UsageError for an unknown version or a sum other than 100.
    """
    words.whole({words.known(version, versions): share for version, share in shares.items()})
    rules, names = _named(rules, service, [one for one, share in shares.items() if share])
    split = {names[version]: share for version, share in shares.items() if share}
    rule = objects.virtual_service(rules, service)
    if rule is None:
        route = forwarding(service, split, DEFAULT_NAME, None)
        return rules.put(objects.new_virtual_service(rules, service, [route]))
    document, spec = draft(rule)
    index = default_index(spec["http"])
    if index is None:
        spec["http"].append(forwarding(service, split, _unused(DEFAULT_NAME, spec["http"]), None))
    else:
        point(rule, spec["http"], index, service, split)
    return rules.put(replaced(rule, document))


def match(
    rules: RuleSet,
    service: Service,
    headers: Mapping[str, str],
    to: str,
    versions: Collection[str],
    *,
    name: str = "",
    method: str = "",
    kind: HeaderKind = "exact",
) -> RuleSet:
    """Return rules in which calls with these headers, or of this method, go to version ``to``.

    ``method`` is ``Method``, ``package.Service/Method`` or ``package.Service/`` for all of a service. The route comes
    behind those that match already and before the default route. The same conditions again move it to ``to``.
    """
    words.known(to, versions)
    wanted = condition(headers, method, kind)
    rules, names = _named(rules, service, [to])
    split = {names[to]: 100}
    rule = objects.virtual_service(rules, service)
    if rule is None:
        rule = objects.new_virtual_service(rules, service, [everybody(service)])
        rules = rules.put(rule)
    document, spec = draft(rule)
    http = spec["http"]
    place = same_condition(rule, http, wanted, name, service)
    if place is not None:
        point(rule, http, place, service, split)
        return rules.put(replaced(rule, document))
    title = _unused(name or default_name(headers, method), http)
    index = default_index(http)
    http.insert(len(http) if index is None else index, forwarding(service, split, title, wanted))
    return rules.put(replaced(rule, document))


def unmatch(rules: RuleSet, service: Service, name: str) -> RuleSet:
    """Return rules without the route of that name; where only "all share" is left, without the objects we made."""
    rule = objects.virtual_service(rules, service)
    http = list(sequence(rule.spec.get("http"))) if rule else []
    known = [route_name(node, index) for index, node in enumerate(http)]
    rest = default_index(http)
    if rule is None or name not in known:
        there = ", ".join(one for index, one in enumerate(known) if index != rest)
        raise UsageError(
            "usage",
            f"{service.name} has no route '{name}'"
            + (f", only {there}." if there else " that depends on a header.")
            + did_you_mean(name, known),
            hint=f"dubbopy-cli traffic show {service.options}",
        )
    if known.index(name) == rest:
        raise UsageError(
            "usage",
            f"'{name}' is the default route of {service.name}, which takes every other call",
            hint=f"dubbopy-cli traffic set VERSION {service.options}, or to let all versions share: "
            f"dubbopy-cli traffic reset {service.options}",
        )
    document, spec = draft(rule)
    del spec["http"][known.index(name)]
    return tidy(rules, service, replaced(rule, document))


def reset(rules: RuleSet, service: Service) -> RuleSet:
    """Return rules under which all ready instances share again; a traffic policy that somebody wrote stays."""
    for rule in lookup.rivals(rules, service.fqdn, service.namespace):
        others = [one for one in lookup.hosts_of(rule) if one != service.fqdn]
        if others:
            raise refuse(f"{rule.title} steers more than {service.name}: {', '.join(others)}")
        rules = rules.drop(rule.key)
    if lookup.virtual_service(rules, service.fqdn, service.namespace):
        # With the nearest host gone a wider one takes over.
        return reset(rules, service)
    return _drop_plain(rules, service, ours=False)


def freeze(rules: RuleSet, service: Service, ready: Mapping[str, int]) -> RuleSet:
    """Return rules that fix the shares the versions have now, so that a new one stays dark; rules that exist stay.

    ``ready`` counts instances by version; the percentages are rounded by the largest remainder.
    """
    total = sum(ready.values())
    if not total or lookup.virtual_service(rules, service.fqdn, service.namespace):
        return rules
    shares = {version: count * 100 // total for version, count in ready.items() if count}
    by_rest = sorted(shares, key=lambda one: (-(ready[one] * 100 % total), one))
    for version in by_rest[: 100 - sum(shares.values())]:
        shares[version] += 1
    return set_weights(rules, service, shares, list(ready))


def everybody(service: Service) -> dict[str, object]:
    """Return the route that says what holds without rules: all ready instances share."""
    return {"name": DEFAULT_NAME, "route": [{"destination": {"host": service.fqdn}}]}


def tidy(rules: RuleSet, service: Service, rule: Rule) -> RuleSet:
    """Put the changed VirtualService back, or drop it when it says no more than holds without it."""
    http = plain(sequence(rule.spec.get("http")))
    if (http or rule.spec.get("tcp") or rule.spec.get("tls")) and not (is_ours(rule) and http == [everybody(service)]):
        return rules.put(rule)
    return _drop_plain(rules.drop(rule.key), service, ours=True)


def _named(rules: RuleSet, service: Service, versions: Iterable[str]) -> tuple[RuleSet, dict[str, str]]:
    names = {}
    for version in versions:
        rules, names[version] = objects.with_subset(rules, service, version)
    return rules, names


def _unused(name: str, http: list[object]) -> str:
    taken = {route_name(node, index) for index, node in enumerate(http)}
    number = 2
    candidate = name
    while candidate in taken:
        candidate = f"{name}-{number}"
        number += 1
    return candidate


def _without_subset(rules: RuleSet, service: Service, version: str) -> RuleSet:
    found = lookup.destination(rules, service.fqdn, service.namespace)
    name = objects.subset_name(rules, service, version)
    subset = found.subset(name) if name else None
    if subset is None or found.pattern != service.fqdn:
        return rules
    document, spec = draft(subset.rule)
    for index in reversed([at for at, one in enumerate(spec["subsets"]) if mapping(one).get("name") == name]):
        del spec["subsets"][index]
    return rules.put(replaced(subset.rule, document))


def _drop_plain(rules: RuleSet, service: Service, *, ours: bool) -> RuleSet:
    """Drop the DestinationRules of the host that only define subsets: without routes these mean nothing."""
    return rules.drop(
        *(
            rule.key
            for rule in rules.of_kind(DESTINATION_RULE)
            if lookup.hosts_of(rule) == (service.fqdn,)
            and objects.is_plain_subsets(rule)
            and (is_ours(rule) or not ours)
        )
    )
