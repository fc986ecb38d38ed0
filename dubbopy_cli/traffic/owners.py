"""Whose an object is: a controller that made it would put it back, and two that write one object fight for ever."""

from __future__ import annotations

from dubbopy_cli.traffic.findings import Finding, finding
from dubbopy_cli.traffic.model import Rule, RuleSet, mapping, sequence, text
from dubbopy_cli.traffic.plan import same

CODE = "owned-elsewhere"

# The annotation or label by which each marks what it writes.
_ROLLOUTS = "argo-rollouts.argoproj.io/managed-by-rollouts"
_ARGO_CD = "argocd.argoproj.io/tracking-id"
_FLUX = ("kustomize.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/name")
_HELM = "meta.helm.sh/release-name"


def owner(rule: Rule) -> str:
    """Return in words who else keeps the object as it is; an empty text where nobody is known to."""
    annotations, labels = mapping(rule.metadata.get("annotations")), mapping(rule.metadata.get("labels"))
    for node in sequence(rule.metadata.get("ownerReferences")):
        kind, name = text(mapping(node).get("kind")), text(mapping(node).get("name"))
        return f"Flagger's Canary {name}" if kind == "Canary" else f"{kind} {name}"
    if annotations.get(_ROLLOUTS):
        return f"Argo Rollouts' Rollout {annotations[_ROLLOUTS]}"
    if annotations.get(_ARGO_CD):
        return f"Argo CD's application {text(annotations[_ARGO_CD]).partition(':')[0]}"
    for key in _FLUX:
        if labels.get(key):
            return f"Flux ({labels[key]})"
    if annotations.get(_HELM):
        return f"the Helm release {annotations[_HELM]}"
    return ""


def check(seen: RuleSet, wanted: RuleSet) -> tuple[Finding, ...]:
    """Return an error for each object that would be changed or deleted though somebody else owns it."""
    found = []
    for rule in seen:
        keeper = owner(rule)
        if keeper and not same(rule, wanted.get(rule.key)):
            message = f"{keeper} owns it and would put it back, or be broken by the change: change it there"
            found.append(finding(rule, "error", CODE, message))
    return tuple(found)
