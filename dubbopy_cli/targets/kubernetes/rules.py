"""Traffic rules in a cluster: read, and applied by server-side apply in an order that loses no call."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from dubbopy_cli.errors import ConflictError, PreflightError
from dubbopy_cli.plan import Plan, Step
from dubbopy_cli.process import shown
from dubbopy_cli.targets.kubernetes import proxies
from dubbopy_cli.targets.kubernetes.cluster import Cluster
from dubbopy_cli.targets.kubernetes.faults import fault
from dubbopy_cli.targets.kubernetes.kubectl import Object
from dubbopy_cli.targets.kubernetes.proxies import Routes
from dubbopy_cli.traffic import history
from dubbopy_cli.traffic.history import Change, Key
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import GROUP, Rule, RuleSet, plain
from dubbopy_cli.traffic.plan import RuleStep
from dubbopy_cli.traffic.plan import plan as ordered

HISTORY = "dubbopy-traffic-history"
INSTALL_ISTIO = "install Istio: https://istio.io/latest/docs/setup/"
_KINDS = f"destinationrules.{GROUP},virtualservices.{GROUP}"
# Kept by the server or by kubectl: no part of what somebody wrote.
_SERVERS = ("managedFields", "resourceVersion", "uid", "generation", "selfLink")
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def read(cluster: Cluster) -> RuleSet:
    """Return the rules of the namespace; none where Istio is not installed."""
    return RuleSet.of(_rule(one) for one in cluster.kubectl.list(_KINDS))


def apply(cluster: Cluster, wanted: RuleSet, *, force: bool = False) -> Plan:
    """Plan the change to ``wanted``, which is in force at its end.

    A field that another manager holds is refused by name unless forced.
    """
    return change(cluster, read(cluster), wanted, force=force, settle=True)


def change(cluster: Cluster, seen: RuleSet, wanted: RuleSet, *, force: bool = False, settle: bool = False) -> Plan:
    """Plan the change as ``apply`` does; only with ``settle`` its end is waited for too."""
    steps = []
    rules = seen
    deleted = set()
    former: dict[Key, Mapping[str, Routes]] = {}
    for step in _settled(ordered(seen, wanted)) if settle else ordered(seen, wanted):
        key = step.rule.key
        if step.action == "wait":
            gone = key in deleted
            steps.append(Step(step.title, partial(_wait, cluster, step.rule, former, gone=gone)))
            continue
        before, rules = rules, rules.put(step.rule) if step.action == "apply" else rules.drop(key)
        doing = partial(_change, cluster, step, before, rules, force=force)
        steps.append(Step(step.title, partial(_noted, cluster, step.rule, former, doing), _line(cluster, step)))
        if step.action == "delete":
            deleted.add(key)
    return Plan(tuple(steps))


def _settled(planned: Iterable[RuleStep]) -> list[RuleStep]:
    """Return the steps with waits for the last ones too."""
    steps = list(planned)
    waited = max((at for at, one in enumerate(steps) if one.action == "wait"), default=-1)
    return [*steps, *(RuleStep("wait", one.rule) for one in steps[waited + 1 :])]


def _noted(cluster: Cluster, rule: Rule, former: dict[Key, Mapping[str, Routes]], doing: Callable[[], object]) -> None:
    """Do a step, with what the sidecars have before it kept: by that they are seen to have what it makes."""
    former[rule.key] = proxies.routes(cluster, rule)
    doing()


def _wait(cluster: Cluster, rule: Rule, former: Mapping[Key, Mapping[str, Routes]], *, gone: bool) -> None:
    proxies.wait(cluster, rule, gone=gone, former=former.get(rule.key))


def changes(cluster: Cluster) -> tuple[Change, ...]:
    """Return what was done to the rules of the namespace, the oldest first."""
    found = cluster.kubectl.find("configmap", HISTORY)
    return history.loads(found["data"]["changes"], f"configmap/{HISTORY}") if found else ()


def _line(cluster: Cluster, step: RuleStep) -> str:
    if step.action == "delete":
        return shown(cluster.kubectl.argv("delete", f"{step.rule.kind.lower()}.{GROUP}", step.rule.name))
    return shown(cluster.kubectl.argv(*cluster.kubectl.apply_words(force=False)))


def _change(cluster: Cluster, step: RuleStep, before: RuleSet, after: RuleSet, *, force: bool) -> None:
    # Recorded first, so that a crash leaves nothing that cannot be undone.
    _record(cluster, before, after)
    rule = step.rule
    if step.action == "delete":
        cluster.kubectl.run("delete", f"{rule.kind.lower()}.{GROUP}", rule.name, "--ignore-not-found")
        return
    done = cluster.kubectl.apply(_written(rule), force=force)
    if done.ok:
        return
    _record(cluster, after, before)
    raise _refused(rule, done.stderr) or fault(done)


def _refused(rule: Rule, stderr: str) -> ConflictError | PreflightError | None:
    holders = sorted(set(re.findall(r'conflicts? with "([^"]+)"', stderr)))
    if holders:
        return ConflictError(
            "rules-refused",
            f"{rule.title} has fields that {' and '.join(holders)} manages; two managers of one field undo each other",
            hint="change it there, or take the fields over with --force",
        )
    if "no matches for kind" in stderr:
        return PreflightError(
            "istio-missing",
            f"the cluster knows no kind {rule.kind}: Istio is not installed in it",
            hint=INSTALL_ISTIO,
        )
    # Istio's webhook, or the rules of the CRD itself.
    if found := re.search(r"admission webhook \"[^\"]+\" denied the request: (.+)|is invalid: (.+)", stderr):
        reason = (found[1] or found[2]).strip()
        return ConflictError("rules-refused", f"{rule.title} is refused: {reason}", hint="dubbopy-cli traffic lint")
    return None


def _record(cluster: Cluster, former: RuleSet, wanted: RuleSet) -> None:
    """Keep the change in a ConfigMap; where another command writes at the same time this one fails."""
    seen = cluster.kubectl.find("configmap", HISTORY)
    known = history.loads(seen["data"]["changes"], f"configmap/{HISTORY}") if seen else ()
    found = history.record(known, cluster.origin, former, wanted, time.time())
    if found != known:
        _keep(cluster, seen, found)


def forget(cluster: Cluster, service: Service) -> None:
    """Take what was done to the rules of ``service`` out of the history, and the ConfigMap when nothing is left."""
    seen = cluster.kubectl.find("configmap", HISTORY)
    known = history.loads(seen["data"]["changes"], f"configmap/{HISTORY}") if seen else ()
    left = history.without(known, service)
    if seen and not left:
        cluster.kubectl.run("delete", "configmap", HISTORY, "--ignore-not-found")
    elif left != known:
        _keep(cluster, seen, left)


def _keep(cluster: Cluster, seen: Object | None, changes: Sequence[Change]) -> None:
    metadata: dict[str, Any] = {"name": HISTORY, "labels": {"app.kubernetes.io/managed-by": "dubbopy"}}
    if seen:
        metadata["resourceVersion"] = seen["metadata"]["resourceVersion"]
    document = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {"changes": history.dumps(changes)},
    }
    verb = "replace" if seen else "create"
    cluster.kubectl.run(verb, "--filename", "-", stdin=json.dumps(document))


def _rule(node: Object) -> Rule:
    document = {key: value for key, value in node.items() if key != "status"}
    metadata = {key: value for key, value in node["metadata"].items() if key not in _SERVERS}
    annotations = {key: value for key, value in metadata.pop("annotations", {}).items() if key != _LAST_APPLIED}
    document["metadata"] = metadata | ({"annotations": annotations} if annotations else {})
    return Rule(node["kind"], metadata["namespace"], metadata["name"], document)


def _written(rule: Rule) -> dict[str, Any]:
    """Return the object as it is sent: what only the server knows is left out."""
    document: dict[str, Any] = plain(rule.document)
    document["metadata"] = {
        key: value for key, value in document["metadata"].items() if key not in {*_SERVERS, "creationTimestamp"}
    }
    document["metadata"]["namespace"] = rule.namespace
    return document
