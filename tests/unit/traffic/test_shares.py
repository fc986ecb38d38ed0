from fractions import Fraction

import pytest

from dubbopy_cli.traffic import edit
from dubbopy_cli.traffic.model import RuleSet
from dubbopy_cli.traffic.request import Request, mismatch
from dubbopy_cli.traffic.shares import share_for, shares, used_by
from tests.rules import HOST, SERVICE, destination_rule, rules, to, virtual_service

READY = {"v1": 1, "v2": 1}
BOTH = ("v1", "v2")
ADMIN = {"match": [{"headers": {"user": {"exact": "admin"}}}], "route": [to("v2")]}


def split(*http, ready=READY):
    return {
        key: str(one)
        for key, one in shares(rules(destination_rule("v1", "v2"), virtual_service(*http)), SERVICE, ready)[
            -1
        ].versions.items()
    }


def losses(*http, ready=READY):
    found = shares(rules(destination_rule("v1", "v2"), virtual_service(*http)), SERVICE, ready)[-1]
    return [(one.code, str(one.share)) for one in found.losses]


def test_without_rules_instances_share():
    (only,) = shares(RuleSet(), SERVICE, {"v1": 2, "v2": 1, "v3": 0})
    assert only.versions == {"v1": Fraction(2, 3), "v2": Fraction(1, 3), "v3": 0}
    assert (only.name, only.condition, only.is_default) == ("default", "every call", True)
    assert only.answered == {"v1": Fraction(2, 3), "v2": Fraction(1, 3)}


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        ([to("v1")], {"v1": "1", "v2": "0"}),
        ([to("v1", 0)], {"v1": "1", "v2": "0"}),
        ([to("v1", 90), to("v2", 10)], {"v1": "9/10", "v2": "1/10"}),
        ([to("v1", 1), to("v2", 3)], {"v1": "1/4", "v2": "3/4"}),
        ([to("v1", 90), to("v2", 20)], {"v1": "9/11", "v2": "2/11"}),
        ([to("v1", 100), to("v2")], {"v1": "1", "v2": "0"}),
        ([to("")], {"v1": "1/2", "v2": "1/2"}),
    ],
)
def test_a_share_is_weight_by_sum(route, expected):
    assert split({"route": route}) == expected


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        ([to("v9")], [("no-cluster", "1")]),
        ([to("v1", 90), to("v9", 10)], [("no-cluster", "1/10")]),
        ([to("v1", host="other")], [("other-host", "1")]),
        ([to("v1", 0), to("v2", 0)], [("answered-by-rule", "1")]),
    ],
)
def test_what_reaches_no_version_is_said(route, expected):
    assert losses({"route": route}) == expected


def test_a_subset_without_instances_and_other_dead_ends():
    assert losses({"route": [to("v1", 90), to("v2", 10)]}, ready={"v1": 1, "v2": 0}) == [("no-instance", "1/10")]
    assert losses({"redirect": {"uri": "/"}}) == [("answered-by-rule", "1")]
    fault = {"abort": {"httpStatus": 503, "percentage": {"value": 1}}}
    assert losses({"route": [to("v1")], "fault": fault}) == [("abort", "1/100")]
    assert split({"route": [to("v1")], "fault": fault}) == {"v1": "99/100", "v2": "0"}
    other_port = {"destination": {"host": "greeter", "subset": "v1", "port": {"number": 1}}}
    assert losses({"route": [other_port]}) == [("no-cluster", "1")]


def test_a_request_takes_the_first_route_that_matches():
    found = rules(destination_rule("v1", "v2"), virtual_service(ADMIN, {"route": [to("v1")]}))
    for headers, version in (((("user", "admin"),), "v2"), ((("User", "admin"),), "v2"), ((("user", "x"),), "v1")):
        assert share_for(found, SERVICE, READY, Request(HOST, headers=headers)).answered == {version: 1}
    nothing = rules(destination_rule("v1", "v2"), virtual_service(ADMIN))
    assert share_for(nothing, SERVICE, READY, Request(HOST)).losses[0].code == "no-route"


def test_routes_behind_a_catch_all_are_not_reached():
    found = rules(
        destination_rule("v1", "v2"), virtual_service({"match": [{"uri": {"prefix": "/"}}], "route": [to("v1")]}, ADMIN)
    )
    assert [one.condition for one in shares(found, SERVICE, READY)] == ["path starts with '/'"]


def test_a_version_is_used_by_the_routes_that_send_it_calls():
    found = edit.match(edit.set_weights(RuleSet(), SERVICE, {"v1": 100}, BOTH), SERVICE, {"user": "admin"}, "v2", BOTH)
    assert used_by(found, SERVICE, "v2") == ("user-admin",)
    assert used_by(found, SERVICE, "v1") == ("default",)
    assert used_by(found, SERVICE, "v3") == ()
    assert used_by(RuleSet(), SERVICE, "v3") == ("default",)


def request(path="/api.Greeter/SayHello", method="POST", host="greeter:20000", **headers):
    return Request(
        host, path=path, method=method, headers=tuple((key.replace("_", "-"), one) for key, one in headers.items())
    )


@pytest.mark.parametrize(
    ("match", "given", "failure"),
    [
        ({}, request(), ""),
        ({"headers": {"user": {"exact": "admin"}}}, request(user="admin"), ""),
        ({"headers": {"user": {"exact": "admin"}}}, request(user="Admin"), "header user is 'admin', but it is 'Admin'"),
        ({"headers": {"user": {"exact": "admin"}}}, request(), "header user is 'admin', but it is absent"),
        ({"headers": {"user": {"prefix": "ad"}}}, request(user="admin"), ""),
        ({"headers": {"user": {"regex": "a.*n"}}}, request(user="admin"), ""),
        ({"headers": {"user": {"regex": "a"}}}, request(user="admin"), "header user matches 'a', but it is 'admin'"),
        ({"headers": {"user": {}}}, request(user=""), ""),
        ({"headers": {"user": {"regex": "*"}}}, request(), "header user is present, but it is absent"),
        ({"withoutHeaders": {"user": {}}}, request(), ""),
        ({"withoutHeaders": {"user": {}}}, request(user="x"), "no header user is present, but it is 'x'"),
        ({"withoutHeaders": {"user": {"exact": "admin"}}}, request(), ""),
        ({"withoutHeaders": {"user": {"exact": ""}}}, request(), "no header user is '', but it is absent"),
        ({"uri": {"prefix": "/api.Greeter/"}}, request(), ""),
        ({"uri": {"exact": "/api.Greeter/SayHello"}}, request("/api.Greeter/SayHello?a=1"), ""),
        ({"uri": {"exact": "/API.greeter/sayhello"}, "ignoreUriCase": True}, request(), ""),
        ({"uri": {"regex": "/[^/]+/SayHello"}}, request(), ""),
        ({"uri": {"exact": "/x"}}, request("/y"), "path is '/x', but it is /y"),
        ({"method": {"exact": "GET"}}, request(), "method is 'GET', but it is POST"),
        ({"authority": {"prefix": "greeter"}}, request(), ""),
        ({"queryParams": {"a": {"exact": "1"}}}, request("/?a=1"), ""),
        ({"queryParams": {"a": {}}}, request("/?b=1"), "query parameter a is present, but it is absent"),
    ],
)
def test_conditions_are_and_and_say_what_failed(match, given, failure):
    assert mismatch(match, given) == failure


def test_each_of_a_repeated_header_s_values_counts():
    twice = Request(headers=(("user", "guest"), ("user", "admin")))
    assert mismatch({"headers": {"user": {"exact": "admin"}}}, twice) == ""
    assert (
        mismatch({"headers": {"user": {"exact": "root"}}}, twice)
        == "header user is 'root', but it is 'guest' and 'admin'"
    )
