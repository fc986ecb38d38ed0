"""From the rules seen to the rules wanted, in an order in which no call meets a subset that is not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dubbopy_cli.errors import ConflictError
from dubbopy_cli.traffic.lookup import hosts_of
from dubbopy_cli.traffic.model import DESTINATION_RULE, Rule, RuleSet, mapping, plain, sequence, text
from dubbopy_cli.traffic.routes import destination_of

Action = Literal["apply", "wait", "delete"]


@dataclass(frozen=True)
class RuleStep:
    """Apply or delete one object, or wait until every proxy acts on what was done to it."""

    action: Action
    rule: Rule
    why: str = ""

    @property
    def title(self) -> str:
        """Return the step in words."""
        name = self.rule.title
        words = {"apply": f"apply {name}", "delete": f"delete {name}", "wait": f"wait until the proxies have {name}"}
        return words[self.action] + (f" ({self.why})" if self.why else "")


@dataclass(frozen=True)
class RulePlan:
    """Steps in the order in which they are done; none means that nothing is to do."""

    steps: tuple[RuleStep, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.steps)

    def __iter__(self) -> Iterator[RuleStep]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)


def plan(seen: RuleSet, wanted: RuleSet) -> RulePlan:
    """Return the steps from ``seen`` to ``wanted``.

    DestinationRules first, with the subsets of before and after; then the VirtualServices, new ones before old ones
    go; then the DestinationRules as wanted. ConflictError for a DestinationRule that would change its host in use.
    """
    widened, final = _destination_rules(seen, wanted)
    routes = _routes(seen, wanted)
    groups = [_with_waits(one) for one in (widened, routes, final) if one]
    # Nothing follows the last group, so nobody has to wait for it.
    steps = [step for group in groups for step in group]
    while steps and steps[-1].action == "wait":
        steps.pop()
    return RulePlan(tuple(steps))


def same(one: Rule | None, other: Rule | None) -> bool:
    """Tell whether two objects say the same; comments, style and the time of making count for nothing."""
    return (one is None and other is None) or (one is not None and other is not None and _said(one) == _said(other))


def _said(rule: Rule) -> dict[str, Any]:
    document = plain(rule.document)
    # A cluster adds it to an object that was written without.
    metadata = {key: value for key, value in mapping(document.get("metadata")).items() if key != "creationTimestamp"}
    return {**document, "metadata": metadata}


def _destination_rules(seen: RuleSet, wanted: RuleSet) -> tuple[list[RuleStep], list[RuleStep]]:
    widened, final = [], []
    for rule in wanted.of_kind(DESTINATION_RULE):
        former = seen.get(rule.key)
        wide = rule
        if former is not None and hosts_of(former) == hosts_of(rule):
            wide = _union(former, rule)
        elif former is not None and _in_use(former, seen):
            raise ConflictError(
                "rules-refused",
                f"{rule.title} would move from {hosts_of(former)[0]} to {hosts_of(rule)[0]} while routes use its "
                "subsets, and no order of steps is safe",
                hint="give the new one another name",
            )
        if not same(former, wide):
            why = "" if same(wide, rule) else "with the subsets of before and after"
            widened.append(RuleStep("apply", wide, why))
        if not same(wide, rule):
            final.append(RuleStep("apply", rule, "without the subsets that are no longer used"))
    final += [RuleStep("delete", one) for one in seen.of_kind(DESTINATION_RULE) if wanted.get(one.key) is None]
    return widened, final


def _routes(seen: RuleSet, wanted: RuleSet) -> list[RuleStep]:
    changed = [one for one in wanted if one.kind != DESTINATION_RULE and not same(seen.get(one.key), one)]
    gone = [one for one in seen if one.kind != DESTINATION_RULE and wanted.get(one.key) is None]
    return [*(RuleStep("apply", one) for one in changed), *(RuleStep("delete", one) for one in gone)]


def _with_waits(group: list[RuleStep]) -> list[RuleStep]:
    return [*group, *(RuleStep("wait", step.rule) for step in group)]


def _union(former: Rule, rule: Rule) -> Rule:
    """Return the wanted object with those subsets of the former one that it lacks, in the former order."""
    old = {text(mapping(one).get("name")): one for one in sequence(former.spec.get("subsets"))}
    new = {text(mapping(one).get("name")): one for one in sequence(rule.spec.get("subsets"))}
    if set(old) <= set(new):
        return rule
    document: dict[str, Any] = dict(rule.document)
    document["spec"] = {**rule.spec, "subsets": list({**old, **new}.values())}
    return Rule(rule.kind, rule.namespace, rule.name, document)


def _in_use(rule: Rule, rules: RuleSet) -> bool:
    names = {text(mapping(one).get("name")) for one in sequence(rule.spec.get("subsets"))}
    host = hosts_of(rule)[0]
    return any(
        (one.host, one.subset) in {(host, name) for name in names} for other in rules for one in _destinations(other)
    )


def _destinations(rule: Rule) -> Iterator[Any]:
    for http in sequence(rule.spec.get("http")):
        node: Mapping[str, Any] = mapping(http)
        for one in sequence(node.get("route")):
            yield destination_of(rule, one)
        for one in (node.get("mirror"), *(mapping(two).get("destination") for two in sequence(node.get("mirrors")))):
            if one:
                yield destination_of(rule, {"destination": one})
