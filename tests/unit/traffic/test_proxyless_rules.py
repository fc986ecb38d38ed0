"""What is said of rules that programs without sidecars cannot follow; as tried on a cluster with dubbo-go 3.3.0."""

import pytest

from dubbopy_cli.cli.traffic import change
from dubbopy_cli.errors import ConflictError
from dubbopy_cli.targets.base import Application
from dubbopy_cli.traffic.check import check
from dubbopy_cli.traffic.findings import enforce
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.lint import of_namespace
from dubbopy_cli.traffic.model import RuleSet
from dubbopy_cli.traffic.yamlio import parse
from tests.rules import (
    SERVICE,
    SOURCE_90_10,
    SOURCE_ADMIN_TO_V2,
    SOURCE_ALL_TO_V1,
    SOURCE_DESTINATION_RULE,
    destination_rule,
    rules,
    to,
    virtual_service,
)

READY = {SERVICE: {"v1": 1, "v2": 1}}
ADMIN = {"headers": {"user": {"exact": "admin"}}}
HEADERS = (
    "no sidecar routes the calls of web: dubbo-go cannot read a route that matches headers; "
    "it keeps its former routes, and cannot start again"
)
FAULT = HEADERS.replace("a route that matches headers", "a route with faults")
PASSED = (
    "no sidecar routes the calls of web: dubbo-go takes other calls for this route than it says:"
    " of a call it knows /METHOD, and no service, header or query"
)


def findings(*http, proxyless=("web",), **spec):
    found = check(rules(destination_rule("v1", "v2"), virtual_service(*http, **spec)), READY, proxyless)
    return [(one.severity, one.path, one.message) for one in found if one.code == "proxyless-caller"]


def routed(match):
    return findings({"match": [match], "route": [to("v2")]}, {"route": [to("v1")]})


@pytest.mark.parametrize(
    ("text", "codes"),
    [(SOURCE_ALL_TO_V1, []), (SOURCE_90_10, []), (SOURCE_ADMIN_TO_V2, [("error", "proxyless-caller")])],
)
def test_of_the_source_s_rules_the_one_by_header_is_refused(text, codes):
    found = RuleSet.of(parse(SOURCE_DESTINATION_RULE + "---\n" + text))
    ready = {Service("dubbo-go-server"): {"v1": 1, "v2": 1}}
    told = check(found, ready, ["dubbo-go-client"])
    assert [(one.severity, one.code) for one in told] == codes
    assert check(found, ready) == ()


@pytest.mark.parametrize(
    "match",
    [
        ADMIN,
        {"headers": {"user": {"prefix": "a"}}},
        {"headers": {"user": {"regex": "a.*"}}},
        {"withoutHeaders": {"user": {"exact": "admin"}}},
        {"method": {"exact": "POST"}},
        {"authority": {"prefix": "greeter"}},
        {"scheme": {"exact": "http"}},
        {"uri": {"prefix": "/"}, **ADMIN},
    ],
)
def test_a_match_of_a_header_s_value_takes_all_routes_away(match):
    assert routed(match) == [("error", "spec.http[0].match[0]", HEADERS)]


@pytest.mark.parametrize(
    "match",
    [
        {"uri": {"exact": "/api.Greeter/SayHello"}},
        {"uri": {"prefix": "/api.Greeter/"}},
        {"uri": {"regex": "/[^/]+/SayHello"}},
        {"queryParams": {"a": {"exact": "b"}}},
        {"headers": {"user": {}}},
        {"withoutHeaders": {"user": {}}},
    ],
)
def test_another_match_takes_other_calls(match):
    assert routed(match) == [("error", "spec.http[0].match[0]", PASSED)]


@pytest.mark.parametrize(
    "match",
    [
        {"port": 20000},
        {"uri": {"prefix": "/"}},
        # They come to sidecars alone.
        {"sourceLabels": {"app": "shop"}, **ADMIN},
        {"sourceNamespace": "default", **ADMIN},
        {"gateways": ["public"], **ADMIN},
        {"port": 8080, **ADMIN},
    ],
)
def test_what_dubbo_go_does_or_is_never_sent(match):
    assert routed(match) == []


def test_a_route_behind_one_that_takes_every_call_is_not_sent():
    assert findings({"route": [to("v1")]}, {"match": [ADMIN], "route": [to("v2")]}) == []


def test_faults_take_all_routes_away_and_other_actions_have_no_effect():
    one = {"route": [to("v1")], "fault": {"abort": {"percentage": {"value": 1}, "httpStatus": 503}}}
    assert findings(one) == [("error", "spec.http[0].fault", FAULT)]
    assert findings({"directResponse": {"status": 503}}) == [
        (
            "error",
            "spec.http[0].directResponse",
            "no sidecar routes the calls of web: dubbo-go makes these calls all the same, to any instance",
        )
    ]
    actions = {"timeout": "1s", "retries": {"attempts": 1}, "mirror": {"host": "greeter", "subset": "v2"}}
    assert findings({"route": [to("v1")], **actions}) == [
        ("warning", f"spec.http[0].{key}", f"no sidecar routes the calls of web: {what} has no effect on them")
        for key, what in {"timeout": "the timeout", "retries": "the retries", "mirror": "the mirror"}.items()
    ]


def test_each_place_is_told_once_with_all_clients_and_only_where_a_rule_reaches_them():
    match = [ADMIN, {"headers": {"user": {"exact": "root"}}}]
    http = ({"match": match, "route": [to("v2")], "timeout": "1s"}, {"route": [to("v1")]})
    found = findings(*http, proxyless=("ops", "web"))
    assert [(severity, path) for severity, path, _ in found] == [
        ("error", "spec.http[0].match[0]"),
        ("error", "spec.http[0].match[1]"),
        ("warning", "spec.http[0].timeout"),
    ]
    assert found[0][2] == HEADERS.replace("of web", "of ops and web")
    assert findings(*http, proxyless=()) == []
    assert findings(*http, gateways=["public"]) == []
    assert findings(*http, hosts=("elsewhere",)) == []


def test_the_change_is_refused_and_lint_says_the_same():
    given = rules(
        destination_rule("v1", "v2"), virtual_service({"match": [ADMIN], "route": [to("v2")]}, {"route": [to("v1")]})
    )
    with pytest.raises(ConflictError) as refused:
        enforce(check(given, READY, ["web"]))
    assert (refused.value.code, refused.value.message) == (
        "rules-refused", f"VirtualService default/greeter spec.http[0].match[0]: {HEADERS}",
    )  # fmt: skip
    assert refused.value.hint == (
        "route by weight, or give the callers sidecars: dubbopy-cli newApp --mesh sidecar; "
        "--force if they do not call this application"
    )
    found = of_namespace(given, READY, namespace="default", local=False, proxyless=["web"])
    assert [(one.severity, one.message) for one in found if one.code == "proxyless-caller"] == [("error", HEADERS)]


def test_whose_calls_no_sidecar_routes():
    running = [
        Application(f"{mesh}-{role}", "default", role, 20000, "", (), RuleSet(), mesh)
        for mesh in ("sidecar", "proxyless")
        for role in ("server", "client")
    ]
    # What a proxyless server answers was routed by its callers.
    assert change.proxyless(running) == ("proxyless-client",)
