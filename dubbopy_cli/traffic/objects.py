"""The DestinationRule and VirtualService an edit works on: found or made, and changed in a copy of their own."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from dubbopy_cli.errors import ConflictError
from dubbopy_cli.traffic import lookup
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import (
    API_VERSION,
    DESTINATION_RULE,
    VERSION_LABEL,
    VIRTUAL_SERVICE,
    Rule,
    RuleSet,
    mapping,
    plain,
    sequence,
    text,
    version_labels,
)
from dubbopy_cli.traffic.routes import is_catch_all

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "dubbopy"

Document = dict[str, Any]


def refuse(message: str, hint: str = "") -> ConflictError:
    """Return the error for a change that cannot be made without losing something."""
    return ConflictError(
        "rules-refused", message, hint=hint or "change the rules by hand: dubbopy-cli traffic apply -f FILE"
    )


def is_ours(rule: Rule) -> bool:
    """Tell whether a verb of ours made the object."""
    return mapping(rule.metadata.get("labels")).get(MANAGED_BY) == MANAGER


def fresh(kind: str, service: Service, spec: Document) -> Rule:
    """Return a new object for a Service, labelled as ours."""
    metadata = {"name": service.name, "namespace": service.namespace, "labels": {MANAGED_BY: MANAGER}}
    document = {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}
    return Rule(kind, service.namespace, service.name, document)


def draft(rule: Rule) -> tuple[Document, Document]:
    """Return a copy of the object to change, and its spec within it; comments and order come along."""
    document = copy.deepcopy(rule.document)
    if not isinstance(document, dict) or not isinstance(document.get("spec"), dict):
        document = plain(document)
    return document, document["spec"]


def replaced(rule: Rule, document: Document) -> Rule:
    """Return the rule with a new document; the very same rule if nothing changed."""
    return rule if plain(document) == plain(rule.document) else Rule(rule.kind, rule.namespace, rule.name, document)


def destination_rule(rules: RuleSet, service: Service) -> Rule:
    """Return the DestinationRule to define subsets in, a new one if none acts on the Service.

    ConflictError where the one that acts is not the Service's own.
    """
    found = lookup.destination(rules, service.fqdn, service.namespace)
    if not found.rules:
        return _new(rules, DESTINATION_RULE, service, {"host": service.fqdn, "subsets": []})
    rule = found.rules[0]
    if found.pattern != service.fqdn or rule.namespace != service.namespace:
        raise refuse(
            f"{rule.title} acts on {service.name} through the host {found.pattern}; "
            "a second one for the application alone would hide its traffic policy",
            "write a DestinationRule for the host by hand: dubbopy-cli traffic apply -f FILE",
        )
    return rule


def virtual_service(rules: RuleSet, service: Service) -> Rule | None:
    """Return the VirtualService to change, None if none acts; ConflictError where it steers other hosts as well."""
    rule = lookup.virtual_service(rules, service.fqdn, service.namespace)
    if rule is None:
        return None
    others = [one for one in lookup.hosts_of(rule) if one != service.fqdn]
    if others:
        raise refuse(f"{rule.title} steers more than {service.name}: {', '.join(others)}")
    if not isinstance(rule.spec.get("http"), list):
        raise refuse(f"{rule.title} has no http routes, so there is nothing that weights or headers could change")
    return rule


def new_virtual_service(rules: RuleSet, service: Service, http: list[Any]) -> Rule:
    """Return a VirtualService of ours with these http routes; ConflictError if its name is taken."""
    return _new(rules, VIRTUAL_SERVICE, service, {"hosts": [service.fqdn], "http": http})


def with_subset(rules: RuleSet, service: Service, version: str) -> tuple[RuleSet, str]:
    """Return rules in which a subset selects exactly ``version``, and the subset's name."""
    found = lookup.destination(rules, service.fqdn, service.namespace)
    name = subset_name(rules, service, version)
    if name:
        return rules, name
    clash = found.subset(version)
    if clash:
        labels = ", ".join(f"{key}={value}" for key, value in clash.labels.items()) or "every instance"
        raise refuse(
            f"subset {version} of {clash.rule.title} selects {labels}, which is not version {version} of {service.name}"
        )
    rule = destination_rule(rules, service)
    document, spec = draft(rule)
    if not isinstance(spec.get("subsets"), list):
        spec["subsets"] = []
    spec["subsets"].append({"name": version, "labels": {VERSION_LABEL: version}})
    return rules.put(replaced(rule, document)), version


def subset_name(rules: RuleSet, service: Service, version: str) -> str:
    """Return the subset in force that selects exactly ``version``, the one of its name first; else an empty text."""
    found = lookup.destination(rules, service.fqdn, service.namespace)
    labels = version_labels(service.name, version)
    own = {key for key, value in version_labels(service.name, "").items() if not value}
    fitting = [one.name for one in found.subsets if one.selects(labels) and own & set(one.labels)]
    return version if version in fitting else next(iter(fitting), "")


def default_index(http: list[Any]) -> int | None:
    """Return the place of the route that takes every call that came so far, None if there is none."""
    for index, node in enumerate(http):
        matches = sequence(mapping(node).get("match"))
        if not matches or any(is_catch_all(mapping(one)) and not _bound(mapping(one)) for one in matches):
            return index
    return None


def is_plain_subsets(rule: Rule) -> bool:
    """Tell whether a DestinationRule says nothing but which labels its subsets have."""
    return set(rule.spec) <= {"host", "subsets"} and all(
        set(mapping(one)) <= {"name", "labels"} for one in sequence(rule.spec.get("subsets"))
    )


def route_name(node: object, index: int) -> str:
    """Return the name a route goes by: its own, else its place."""
    return text(mapping(node).get("name")) or f"http[{index}]"


def _bound(match: Mapping[str, Any]) -> bool:
    """Tell whether a match is for some callers only."""
    return any(match.get(key) for key in ("port", "gateways", "sourceLabels", "sourceNamespace"))


def _new(rules: RuleSet, kind: str, service: Service, spec: Document) -> Rule:
    rule = fresh(kind, service, spec)
    taken = rules.get(rule.key)
    if taken:
        hosts = ", ".join(lookup.hosts_of(taken)) or "no host"
        raise refuse(f"{taken.title} exists and does not act on {service.name} (its host is {hosts})")
    return rule
