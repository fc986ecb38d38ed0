import pytest

from dubbopy_cli.traffic import lookup
from dubbopy_cli.traffic.model import DESTINATION_RULE, VIRTUAL_SERVICE
from tests.rules import HOST, SERVICE, destination_rule, rule, rules, to, virtual_service

V1 = {"name": "v1", "labels": {"dubbogoAppVersion": "v1"}}


def names(found):
    return [one.name for one in found]


def test_a_short_host_and_a_full_one_are_the_same():
    for host in ("greeter", HOST):
        found = rules(destination_rule("v1", host=host), virtual_service({"route": [to("v1")]}, hosts=(host,)))
        assert lookup.acting(found, SERVICE) == found


def test_a_short_host_belongs_to_the_rule_s_own_namespace():
    foreign = rule(VIRTUAL_SERVICE, {"hosts": ["greeter"], "http": [{"route": [to("v1")]}]}, namespace="prod")
    assert lookup.virtual_service(rules(foreign), HOST, "default") is None
    assert lookup.virtual_service(rules(foreign), "greeter.prod.svc.cluster.local", "default") == foreign


def test_the_nearest_host_wins_over_age():
    wide = virtual_service({}, name="a-wide", hosts=("*.default.svc.cluster.local",))
    near = virtual_service({}, name="b-near")
    assert lookup.virtual_service(rules(wide, near), HOST, "default") == near
    assert lookup.virtual_service(rules(wide), HOST, "default") == wide


def test_of_two_for_one_host_the_older_one_then_the_first_by_name_wins():
    first, second = virtual_service({}, name="a"), virtual_service({}, name="b")
    assert lookup.rivals(rules(second, first), HOST, "default") == (first, second)
    spec = {"hosts": ["greeter"], "http": []}
    young = rule(VIRTUAL_SERVICE, spec, "a", creationTimestamp="2026-11-23T02:00:00Z")
    old = rule(VIRTUAL_SERVICE, spec, "b", creationTimestamp="2026-11-22T02:00:00Z")
    assert lookup.virtual_service(rules(young, old), HOST, "default") == old


@pytest.mark.parametrize(
    ("spec", "acts"),
    [
        ({}, True),
        ({"gateways": ["mesh"]}, True),
        ({"gateways": ["public"]}, False),
        ({"gateways": ["public", "mesh"]}, True),
        ({"exportTo": ["*"]}, True),
        ({"exportTo": ["."]}, True),
        ({"exportTo": ["other"]}, False),
        ({"exportTo": ["other", "default"]}, True),
    ],
)
def test_gateways_and_export_decide_who_sees_a_virtual_service(spec, acts):
    found = lookup.virtual_service(rules(virtual_service({}, **spec)), HOST, "default")
    assert (found is not None) is acts


def test_destination_rules_of_one_host_are_merged_and_the_first_subset_of_a_name_stands():
    policy = {"loadBalancer": {"simple": "RANDOM"}}
    first = destination_rule("v1", "v2", name="a")
    second = rule(
        DESTINATION_RULE,
        {
            "host": HOST,
            "trafficPolicy": policy,
            "subsets": [{"name": "v2", "labels": {}}, {"name": "v3", "labels": {}}],
        },
        "b",
    )
    found = lookup.destination(rules(first, second), HOST, "default")
    assert names(found.subsets) == ["v1", "v2", "v3"]
    assert found.subset("v2").labels == {"dubbogoAppVersion": "v2"}
    assert found.policy == policy


def test_the_caller_s_namespace_comes_before_the_service_s_and_that_before_the_root():
    spec = {"host": HOST, "subsets": []}
    places = [rule(DESTINATION_RULE, spec, namespace=one) for one in ("caller", "default", "istio-system")]
    for expected in places:
        assert lookup.destination(rules(*places), HOST, "caller").rules == (expected,)
        places = places[1:]


def test_a_destination_rule_for_some_workloads_only_is_not_seen():
    found = destination_rule("v1", workloadSelector={"matchLabels": {"app": "x"}})
    assert lookup.destination(rules(found), HOST, "default").rules == ()


def test_a_subset_without_labels_selects_every_version():
    found = lookup.destination(
        rules(rule(DESTINATION_RULE, {"host": "greeter", "subsets": [{"name": "all"}, V1]})), HOST, "default"
    )
    assert found.subset("all").versions("greeter", ["v1", "v2"]) == ("v1", "v2")
    assert found.subset("v1").versions("greeter", ["v1", "v2"]) == ("v1",)


@pytest.mark.parametrize("spec", [{}, {"hosts": None}, {"hosts": "greeter"}, {"hosts": [1, None]}, {"http": 3}])
def test_a_rule_of_any_shape_raises_nothing(spec):
    found = rules(rule(VIRTUAL_SERVICE, spec), rule(DESTINATION_RULE, {"subsets": [None, 3, {"labels": 1}], **spec}))
    assert not lookup.acting(found, SERVICE)
