"""Traffic rules in a real cluster with Istio's own webhook: applied, recorded, refused and taken back."""

import json
from dataclasses import replace

import pytest

from dubbopy_cli.errors import ConflictError
from dubbopy_cli.process import SubprocessRunner
from dubbopy_cli.targets.kubernetes import rules, view
from dubbopy_cli.targets.kubernetes.cluster import Cluster
from dubbopy_cli.targets.kubernetes.helm import Helm
from dubbopy_cli.targets.kubernetes.kubectl import Kubectl
from dubbopy_cli.traffic import edit, history
from dubbopy_cli.traffic.history import Origin
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import RuleSet

VERSIONS = ["v1", "v2"]


@pytest.fixture
def place(cluster, namespace, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    monkeypatch.setenv("DUBBOPY_KUBECTL", str(cluster.kubectl))
    monkeypatch.setenv("DUBBOPY_HELM", str(cluster.helm4))
    runner = SubprocessRunner()

    def open_as(run):
        tools = Kubectl(runner, cluster.context, namespace), Helm(runner, cluster.context, namespace)
        return Cluster(namespace, *tools, lambda _: None, Origin(f"dubbopy-cli {run}", "ada@desk", run))

    return open_as


def test_rules_are_applied_recorded_and_undone(place, namespace):
    shop = Service("shop", namespace)
    one, two = place("one"), place("two")
    rules.apply(one, edit.set_weights(RuleSet(), shop, {"v1": 90, "v2": 10}, VERSIONS)).apply()
    first = rules.read(one)
    assert [rule.title for rule in first] == [f"DestinationRule {namespace}/shop", f"VirtualService {namespace}/shop"]
    assert not rules.apply(one, edit.set_weights(first, shop, {"v1": 90, "v2": 10}, VERSIONS))

    rules.apply(two, edit.set_weights(first, shop, {"v2": 100}, VERSIONS)).apply()
    assert [(c.number, c.origin.run, len(c.objects)) for c in rules.changes(two)] == [(1, "one", 2), (2, "two", 1)]
    (route,) = rules.read(two).of_kind("VirtualService")[0].spec["http"]
    assert [(each["destination"]["subset"], each["weight"]) for each in route["route"]] == [("v2", 100)]

    three = place("three")
    rules.apply(three, history.undo(rules.read(three), rules.changes(three), shop)).apply()
    assert [rule.spec for rule in rules.read(three)] == [rule.spec for rule in first]
    rules.apply(place("four"), RuleSet()).apply()
    assert not rules.read(three)
    assert view.applications(three) == ()


def test_what_was_just_made_can_be_undone(place, namespace):
    shop = Service("shop", namespace)
    one, two, three = place("one"), place("two"), place("three")
    rules.apply(one, edit.set_weights(RuleSet(), shop, {"v1": 100}, VERSIONS)).apply()
    rules.apply(two, history.undo(rules.read(two), rules.changes(two), shop)).apply()
    assert not rules.read(two)
    rules.apply(three, history.undo(rules.read(three), rules.changes(three), shop)).apply()
    assert [rule.title for rule in rules.read(three)] == [
        f"DestinationRule {namespace}/shop",
        f"VirtualService {namespace}/shop",
    ]
    assert not rules.apply(place("four"), edit.set_weights(rules.read(three), shop, {"v1": 100}, VERSIONS))


def test_fields_of_another_manager_are_refused_by_its_name_unless_forced(cluster, place, namespace):
    shop = Service("shop", namespace)
    here = place("one")
    document = edit.set_weights(RuleSet(), shop, {"v1": 100}, VERSIONS).of_kind("VirtualService")[0].document
    cluster.kube("apply", "--server-side", "--field-manager", "gardener", "-f", "-", input=json.dumps(document))
    wanted = edit.set_weights(rules.read(here), shop, {"v2": 100}, VERSIONS)
    with pytest.raises(ConflictError) as refused:
        rules.apply(here, wanted).apply()
    assert refused.value.message == (
        f"VirtualService {namespace}/shop has fields that gardener manages; two managers of one field undo each other"
    )
    rules.apply(place("two"), wanted, force=True).apply()
    assert "v2" in str(rules.read(here).of_kind("VirtualService")[0].spec)


def broken_header(shop):
    rule = edit.match(RuleSet(), shop, {"user": "a.*"}, "v1", VERSIONS, kind="regex").of_kind("VirtualService")[0]
    (route, *rest) = rule.spec["http"]
    matches = [{"headers": {"user": {"regex": "(a"}}}]
    return rule, {**rule.spec, "http": [{**route, "match": matches}, *rest]}


def broken_ejection(shop):
    rule = edit.subsets(RuleSet(), shop, ["v1"]).rules[0]
    return rule, {**rule.spec, "trafficPolicy": {"outlierDetection": {"baseEjectionTime": "0s"}}}


@pytest.mark.parametrize(
    ("broken", "words"), [(broken_header, "missing closing )"), (broken_ejection, "baseEjectionTime")]
)
def test_what_the_webhook_or_the_schema_refuses_is_told_in_its_words(place, namespace, broken, words):
    rule, spec = broken(Service("shop", namespace))
    wanted = replace(rule, document={**rule.document, "spec": spec})
    here = place("one")
    with pytest.raises(ConflictError) as refused:
        rules.apply(here, RuleSet.of([wanted])).apply()
    assert refused.value.code == "rules-refused"
    assert words in refused.value.message
    assert rules.changes(here) == ()
