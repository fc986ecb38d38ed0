import pytest

from dubbopy_cli.errors import ConflictError, UsageError
from dubbopy_cli.traffic import edit
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import DESTINATION_RULE, RuleSet, plain
from dubbopy_cli.traffic.yamlio import dump, parse
from tests.rules import (
    HOST,
    SERVICE,
    SOURCE_ADMIN_TO_V2,
    SOURCE_ALL_TO_V1,
    SOURCE_DESTINATION_RULE,
    destination_rule,
    rule,
    rules,
    to,
    virtual_service,
)

BOTH = ("v1", "v2")
NONE = RuleSet()
SOURCE = Service("dubbo-go-server")


def http(found, name="greeter"):
    return plain(found.get(("VirtualService", "default", name)).spec["http"])


def defined(found, name="greeter"):
    return plain(found.get(("DestinationRule", "default", name)).spec["subsets"])


def refused(action):
    with pytest.raises(ConflictError) as caught:
        action()
    assert caught.value.code == "rules-refused"
    return caught.value.message


def test_weights_on_nothing_make_both_objects():
    found = edit.set_weights(NONE, SERVICE, {"v1": 90, "v2": 10}, BOTH)
    assert (
        dump(found)
        == f"""\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: greeter
  namespace: default
  labels:
    app.kubernetes.io/managed-by: dubbopy
spec:
  host: {HOST}
  subsets:
  - name: v1
    labels:
      dubbogoAppVersion: v1
  - name: v2
    labels:
      dubbogoAppVersion: v2
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: greeter
  namespace: default
  labels:
    app.kubernetes.io/managed-by: dubbopy
spec:
  hosts:
  - {HOST}
  http:
  - name: default
    route:
    - destination:
        host: {HOST}
        subset: v1
      weight: 90
    - destination:
        host: {HOST}
        subset: v2
      weight: 10
"""
    )


def test_the_same_change_twice_changes_nothing():
    once = edit.match(edit.set_weights(NONE, SERVICE, {"v1": 100}, BOTH), SERVICE, {"user": "admin"}, "v2", BOTH)
    assert edit.set_weights(once, SERVICE, {"v1": 100}, BOTH) == once
    assert edit.match(once, SERVICE, {"user": "admin"}, "v2", BOTH) == once
    assert edit.subsets(once, SERVICE, BOTH) == once


def test_one_version_alone_needs_no_weight():
    found = edit.set_weights(NONE, SERVICE, {"v1": 100, "v2": 0}, BOTH)
    assert http(found)[0]["route"] == [to("v1", host=HOST)]
    assert [one["name"] for one in defined(found)] == ["v1"]


def test_weights_leave_header_routes_alone_and_catch_all_stays_last():
    found = edit.set_weights(NONE, SERVICE, {"v1": 100}, BOTH)
    found = edit.match(found, SERVICE, {"user": "admin"}, "v2", BOTH)
    found = edit.match(found, SERVICE, {"group": "test"}, "v2", BOTH)
    found = edit.set_weights(found, SERVICE, {"v1": 50, "v2": 50}, BOTH)
    assert [one["name"] for one in http(found)] == ["user-admin", "group-test", "default"]
    assert http(found)[0]["match"] == [{"headers": {"user": {"exact": "admin"}}}]
    assert [one["weight"] for one in http(found)[2]["route"]] == [50, 50]


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({"v1": 90, "v2": 9}, "the percentages are 90 + 9 = 99, not 100"),
        ({"v1": 110, "v2": -10}, "the percentages are 110 + -10, and none lies below 0"),
        ({}, "the percentages are nothing = 0, not 100"),
        ({"v3": 100}, "there is no version 'v3', only v1, v2."),
    ],
)
def test_shares_that_cannot_be_meant_are_refused(shares, message):
    with pytest.raises(UsageError) as caught:
        edit.set_weights(NONE, SERVICE, shares, BOTH)
    assert caught.value.message == message


def test_a_foreign_file_is_changed_in_place():
    given = RuleSet.of(parse(SOURCE_DESTINATION_RULE + "---\n" + SOURCE_ADMIN_TO_V2))
    found = edit.set_weights(given, SOURCE, {"v1": 90, "v2": 10}, BOTH)
    assert found.rules[0] is given.rules[0]
    default = {
        "route": [to("v1", 90, "dubbo-go-server"), to("v2", 10, "dubbo-go-server")],
    }
    assert http(found, "dubbo-go-server") == [http(given, "dubbo-go-server")[0], default]
    assert found.rules[1].document["apiVersion"] == "networking.istio.io/v1alpha3"
    assert "managed-by" not in dump(found)


def test_one_weight_changes_and_every_comment_and_unknown_field_stays():
    text = (
        SOURCE_ALL_TO_V1.replace("    - dubbo-go", "  - dubbo-go")
        + """\
      weight: 90 # nearly all
      headers: {response: {set: {x: y}}}
    - destination: {host: dubbo-go-server, subset: v2}
      # a few
      weight: 10
      future: [1, 2]
    timeout: 5s # of the caller
    # the end
"""
    )
    given = RuleSet.of(parse(SOURCE_DESTINATION_RULE + "---\n" + text))
    found = edit.set_weights(given, SOURCE, {"v1": 80, "v2": 20}, BOTH)
    assert dump([found.rules[1]]) == text.replace("90", "80").replace("weight: 10", "weight: 20")


def test_a_destination_that_says_more_than_where_stays_with_weight_0():
    more = {**to("v2", 10), "headers": {"request": {"set": {"x": "y"}}}}
    given = rules(destination_rule("v1", "v2"), virtual_service({"route": [to("v1", 90), more], "timeout": "5s"}))
    found = edit.set_weights(given, SERVICE, {"v1": 100}, BOTH)
    assert http(found) == [{"route": [to("v1", 100), {**more, "weight": 0}], "timeout": "5s"}]
    assert edit.set_weights(found, SERVICE, {"v1": 90, "v2": 10}, BOTH) == given


def test_a_new_destination_is_written_as_its_neighbours_are():
    node = {"destination": {"host": "greeter", "subset": "v1", "port": {"number": 20000}}}
    found = edit.set_weights(
        rules(destination_rule("v1", "v2"), virtual_service({"route": [node]})), SERVICE, {"v1": 1, "v2": 99}, BOTH
    )
    assert http(found)[0]["route"][1]["destination"] == {"host": "greeter", "subset": "v2", "port": {"number": 20000}}


def test_a_subset_of_another_name_stands_for_its_version():
    named = rule(DESTINATION_RULE, {"host": "greeter", "subsets": [{"name": "stable", "labels": {"version": "v1"}}]})
    found = edit.set_weights(rules(named), SERVICE, {"v1": 60, "v2": 40}, BOTH)
    assert [one["destination"]["subset"] for one in http(found)[0]["route"]] == ["stable", "v2"]
    assert [one["name"] for one in defined(found)] == ["stable", "v2"]


def test_a_subset_of_the_right_name_and_the_wrong_labels_is_refused():
    wrong = rule(DESTINATION_RULE, {"host": "greeter", "subsets": [{"name": "v2", "labels": {"tier": "gold"}}]})
    message = refused(lambda: edit.set_weights(rules(wrong), SERVICE, {"v2": 100}, BOTH))
    assert (
        message == "subset v2 of DestinationRule default/greeter selects tier=gold, which is not version v2 of greeter"
    )


@pytest.mark.parametrize(
    ("route", "reason"),
    [
        ({"redirect": {"uri": "/"}}, "route http[0] of VirtualService default/greeter answers by redirect and forwards no call to a version"),
        ({"delegate": {"name": "x"}}, "route http[0] of VirtualService default/greeter answers by delegate and forwards no call to a version"),
        ({"route": [to("v1", host="other")]}, "route http[0] of VirtualService default/greeter leads to another host, other"),
        ({"name": "all", "route": [to("v1", 50), to("v1", 50)]}, "route all of VirtualService default/greeter names a subset twice"),
    ],
)  # fmt: skip
def test_what_weights_cannot_express_is_refused(route, reason):
    given = rules(destination_rule("v1"), virtual_service(route))
    assert refused(lambda: edit.set_weights(given, SERVICE, {"v1": 100}, BOTH)) == reason


def test_rules_that_steer_more_than_the_application_are_refused():
    given = rules(virtual_service({"route": [to("v1")]}, hosts=("greeter", "other")))
    assert "steers more than greeter: other.default.svc.cluster.local" in refused(
        lambda: edit.set_weights(given, SERVICE, {"v1": 100}, BOTH)
    )
    wide = rules(destination_rule(name="all", host="*.default.svc.cluster.local"))
    assert "through the host *.default.svc.cluster.local" in refused(
        lambda: edit.set_weights(wide, SERVICE, {"v1": 100}, BOTH)
    )
    taken = rules(virtual_service({"route": []}, hosts=("other",)))
    assert "exists and does not act on greeter" in refused(lambda: edit.set_weights(taken, SERVICE, {"v1": 100}, BOTH))


def test_without_a_default_route_weights_add_one_at_the_end():
    only = {"match": [{"headers": {"user": {"exact": "admin"}}}], "route": [to("v2")]}
    found = edit.set_weights(rules(destination_rule("v1", "v2"), virtual_service(only)), SERVICE, {"v1": 100}, BOTH)
    assert http(found) == [only, {"name": "default", "route": [to("v1", host=HOST)]}]


def test_a_match_on_nothing_leaves_everybody_else_as_before():
    found = edit.match(NONE, SERVICE, {"User": "admin"}, "v2", BOTH)
    assert http(found) == [
        {"name": "user-admin", "match": [{"headers": {"user": {"exact": "admin"}}}], "route": [to("v2", host=HOST)]},
        {"name": "default", "route": [to("", host=HOST)]},
    ]
    assert edit.unmatch(found, SERVICE, "user-admin") == NONE


@pytest.mark.parametrize(
    ("options", "condition", "name"),
    [
        ({"method": "SayHello"}, {"uri": {"regex": "/[^/]+/SayHello"}}, "sayhello"),
        ({"method": "api.Greeter/SayHello"}, {"uri": {"exact": "/api.Greeter/SayHello"}}, "api-greeter-sayhello"),
        ({"method": "/api.Greeter/"}, {"uri": {"prefix": "/api.Greeter/"}}, "api-greeter"),
        ({"headers": {"a": "1", "b": "2"}}, {"headers": {"a": {"exact": "1"}, "b": {"exact": "2"}}}, "a-1-b-2"),
        ({"headers": {"a": "x"}, "kind": "prefix"}, {"headers": {"a": {"prefix": "x"}}}, "a-x"),
        ({"headers": {"a": "x.*"}, "kind": "regex"}, {"headers": {"a": {"regex": "x.*"}}}, "a-x"),
        ({"headers": {"a": "*"}, "name": "beta"}, {"headers": {"a": {"exact": "*"}}}, "beta"),
    ],
)
def test_a_match_says_what_was_asked(options, condition, name):
    options = {"headers": {}, **options}
    found = edit.match(NONE, SERVICE, options.pop("headers"), "v2", BOTH, **options)
    assert http(found)[0]["match"] == [condition]
    assert http(found)[0]["name"] == name


@pytest.mark.parametrize(
    "options", [{}, {"method": "a b"}, {"method": "a/b/c"}, {"headers": {"a": ""}, "kind": "prefix"}]
)
def test_a_match_that_cannot_be_meant_is_refused(options):
    with pytest.raises(UsageError):
        edit.match(NONE, SERVICE, options.pop("headers", {}), "v2", BOTH, **options)


def test_the_same_condition_moves_and_a_taken_name_or_condition_is_refused():
    found = edit.match(NONE, SERVICE, {"user": "admin"}, "v2", BOTH, name="beta")
    moved = edit.match(found, SERVICE, {"user": "admin"}, "v1", BOTH)
    assert [one["name"] for one in http(moved)] == ["beta", "default"]
    assert http(moved)[0]["route"] == [to("v1", host=HOST)]
    assert "already sends these calls by its route beta" in refused(
        lambda: edit.match(found, SERVICE, {"user": "admin"}, "v2", BOTH, name="other")
    )
    assert "has other conditions in its route beta" in refused(
        lambda: edit.match(found, SERVICE, {"user": "root"}, "v2", BOTH, name="beta")
    )
    again = edit.match(found, SERVICE, {"user": "a!"}, "v2", BOTH)
    again = edit.match(again, SERVICE, {"user": "a?"}, "v2", BOTH)
    assert [one["name"] for one in http(again)] == ["beta", "user-a", "user-a-2", "default"]


def test_unmatch_takes_one_route_away_and_knows_the_others():
    given = RuleSet.of(parse(SOURCE_DESTINATION_RULE + "---\n" + SOURCE_ADMIN_TO_V2))
    found = edit.match(given, SOURCE, {"user": "root"}, "v2", BOTH)
    assert edit.unmatch(found, SOURCE, "user-root") == given
    assert len(http(edit.unmatch(found, SOURCE, "http[0]"), "dubbo-go-server")) == 2
    with pytest.raises(UsageError) as caught:
        edit.unmatch(found, SOURCE, "user-rot")
    assert (
        caught.value.message
        == "dubbo-go-server has no route 'user-rot', only http[0], user-root. Did you mean 'user-root'?"
    )
    with pytest.raises(UsageError, match="is the default route"):
        edit.unmatch(found, SOURCE, "http[2]")
    with pytest.raises(UsageError, match="has no route 'x' that depends on a header"):
        edit.unmatch(NONE, SOURCE, "x")


def test_reset_takes_away_what_steers_and_keeps_policies():
    found = edit.match(edit.set_weights(NONE, SERVICE, {"v1": 100}, BOTH), SERVICE, {"user": "admin"}, "v2", BOTH)
    assert edit.reset(found, SERVICE) == NONE
    other = virtual_service({"route": [to("v1", host="other")]}, name="other", hosts=("other",))
    assert edit.reset(found.put(other), SERVICE) == rules(other)
    policy = destination_rule("v1", trafficPolicy={"connectionPool": {"tcp": {"maxConnections": 1}}})
    assert edit.reset(rules(policy, virtual_service({"route": [to("v1")]})), SERVICE) == rules(policy)
    assert "steers more than greeter" in refused(
        lambda: edit.reset(rules(virtual_service({}, hosts=("*.default.svc.cluster.local",))), SERVICE)
    )


@pytest.mark.parametrize(
    ("ready", "weights"),
    [
        ({"v1": 1}, {"v1": 100}),
        ({"v1": 1, "v2": 1}, {"v1": 50, "v2": 50}),
        ({"v1": 2, "v2": 1}, {"v1": 67, "v2": 33}),
        ({"v1": 1, "v2": 1, "v3": 1}, {"v1": 34, "v2": 33, "v3": 33}),
        ({"v1": 3, "v2": 0}, {"v1": 100}),
    ],
)
def test_freeze_writes_down_the_shares_of_the_moment(ready, weights):
    found = edit.freeze(NONE, SERVICE, ready)
    route = http(found)[0]["route"]
    assert {one["destination"]["subset"]: one.get("weight", 100) for one in route} == weights
    assert edit.freeze(found, SERVICE, {"v9": 1}) == found
    assert edit.freeze(NONE, SERVICE, {}) == NONE


def test_subsets_come_and_go():
    found = edit.subsets(NONE, SERVICE, BOTH)
    assert [one["name"] for one in defined(found)] == ["v1", "v2"]
    found = edit.subsets(found, SERVICE, ["v3"], drop=["v1", "v9"])
    assert [one["name"] for one in defined(found)] == ["v2", "v3"]
