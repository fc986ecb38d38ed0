"""What the commands need to be allowed in a namespace, and no more."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dubbopy_cli.targets.kubernetes.cluster import Cluster
from dubbopy_cli.traffic.model import GROUP

LOOK = "status"
RULES = "traffic rules"
LOGS = "logs"
CALL = "call"
LOCK = "every change"
DEPLOY = "deploy and remove"


@dataclass(frozen=True)
class Right:
    """One verb on one resource of an API group; a subresource stands behind a slash."""

    verb: str
    resource: str
    group: str

    @property
    def shown(self) -> str:
        """Return the right as people say it."""
        return f"{self.verb} {self.resource}"

    def line(self, namespace: str) -> str:
        """Return the line that asks for it by hand."""
        name, _, sub = self.resource.partition("/")
        words = f"{name}.{self.group}" if self.group else name
        return f"kubectl auth can-i {self.verb} {words}{f' --subresource {sub}' if sub else ''} --namespace {namespace}"


@dataclass(frozen=True)
class Need:
    """Verbs on resources of one API group, and what they are for."""

    purpose: str
    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]

    def rights(self) -> tuple[Right, ...]:
        """Return each single right."""
        return tuple(Right(verb, resource, self.group) for resource in self.resources for verb in self.verbs)


_CHANGE = ("get", "list", "watch", "create", "update", "patch", "delete")

NEEDS = (
    Need(LOOK, "", ("pods", "services", "events", "configmaps", "secrets"), ("get", "list")),
    Need(LOOK, "apps", ("deployments", "replicasets"), ("get", "list")),
    Need(LOOK, GROUP, ("destinationrules", "virtualservices"), ("get", "list")),
    Need(LOGS, "", ("pods/log",), ("get",)),
    Need(CALL, "", ("pods/exec",), ("get", "create")),
    Need(LOCK, "coordination.k8s.io", ("leases",), ("get", "create", "update", "delete")),
    Need(RULES, "", ("configmaps",), ("watch", "create", "update", "delete")),
    Need(RULES, GROUP, ("destinationrules", "virtualservices"), ("watch", "create", "patch", "delete")),
    Need(DEPLOY, "", ("services", "serviceaccounts", "configmaps", "secrets"), _CHANGE),
    Need(DEPLOY, "", ("pods",), ("watch",)),
    Need(DEPLOY, "apps", ("deployments",), _CHANGE),
    Need(DEPLOY, "apps", ("replicasets",), ("watch",)),
    Need(DEPLOY, "autoscaling", ("horizontalpodautoscalers",), _CHANGE),
    Need(DEPLOY, "policy", ("poddisruptionbudgets",), _CHANGE),
)

EVERY = tuple(dict.fromkeys(need.purpose for need in NEEDS))


def missing(cluster: Cluster, purposes: Iterable[str]) -> dict[str, list[Right]]:
    """Return by purpose the rights that the user does not have.

    The cluster is asked for all rights at once; only where it cannot list them (an authorizer of its own) one by one.
    """
    wanted = [
        (need.purpose, right) for one in purposes for need in NEEDS if need.purpose == one for right in need.rights()
    ]
    status = _created(cluster, _document("SelfSubjectRulesReview", {"namespace": cluster.namespace}))[0]["status"]
    lacking = [(purpose, right) for purpose, right in wanted if not _granted(status["resourceRules"], right)]
    if lacking and status.get("incomplete"):
        reviews = [_review(cluster.namespace, right) for _, right in lacking]
        answers = _created(cluster, {"apiVersion": "v1", "kind": "List", "items": reviews})
        lacking = [
            one for one, answer in zip(lacking, answers, strict=True) if not answer.get("status", {}).get("allowed")
        ]
    found: dict[str, list[Right]] = {}
    for purpose, right in lacking:
        found.setdefault(purpose, []).append(right)
    return found


def _granted(rules: Iterable[Mapping[str, Any]], right: Right) -> bool:
    resources = {right.resource, "*", "*/" + right.resource.partition("/")[2]}
    return any(
        not rule.get("resourceNames")
        and {right.verb, "*"} & set(rule.get("verbs", ()))
        and {right.group, "*"} & set(rule.get("apiGroups", ()))
        and resources & set(rule.get("resources", ()))
        for rule in rules
    )


def _review(namespace: str, right: Right) -> dict[str, Any]:
    name, _, sub = right.resource.partition("/")
    attributes = {"verb": right.verb, "group": right.group, "resource": name, "subresource": sub}
    return _document("SelfSubjectAccessReview", {"resourceAttributes": {"namespace": namespace, **attributes}})


def _document(kind: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "metadata": {}, "spec": spec}


def _created(cluster: Cluster, document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what the cluster makes of a question; kubectl writes several answers one behind the other."""
    # To validate it kubectl would list the definitions of all kinds, which few may.
    words = ("create", "--validate=false", "--output", "json", "--filename", "-")
    text = cluster.kubectl.run(*words, stdin=json.dumps(document)).stdout
    found: list[Mapping[str, Any]] = []
    decoder, at = json.JSONDecoder(), 0
    while at < len(text.rstrip()):
        at += len(text[at:]) - len(text[at:].lstrip())
        one, at = decoder.raw_decode(text, at)
        found += one.get("items", [one])
    return found
