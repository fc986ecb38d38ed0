import pytest

from dubbopy_cli.errors import ConflictError
from dubbopy_cli.traffic.check import check
from dubbopy_cli.traffic.findings import enforce
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import RuleSet
from dubbopy_cli.traffic.yamlio import parse
from tests.rules import (
    SERVICE,
    SOURCE_90_10,
    SOURCE_ADMIN_TO_V2,
    SOURCE_ALL_TO_V1,
    SOURCE_DESTINATION_RULE,
    destination_rule,
    rule,
    rules,
    to,
    virtual_service,
)

READY = {SERVICE: {"v1": 1, "v2": 2, "v3": 0}}


def findings(*given, ready=READY):
    return [(one.severity, one.code, one.path, one.message) for one in check(rules(*given), ready)]


def routes(*http, versions=("v1", "v2", "v3"), **spec):
    return findings(destination_rule(*versions), virtual_service(*http, **spec))


@pytest.mark.parametrize("text", [SOURCE_ALL_TO_V1, SOURCE_ADMIN_TO_V2, SOURCE_90_10])
def test_the_source_s_rules_are_fine(text):
    found = RuleSet.of(parse(SOURCE_DESTINATION_RULE + "---\n" + text))
    assert check(found, {Service("dubbo-go-server"): {"v1": 1, "v2": 1}}) == ()


@pytest.mark.parametrize(
    ("http", "expected"),
    [
        ({"route": [to("v9")]}, ("error", "subset-unknown", "spec.http[0].route[0].destination.subset", "no DestinationRule defines the subset v9 of greeter, only v1, v2, v3.")),
        ({"route": [to("v3")]}, ("error", "subset-empty", "spec.http[0].route[0]", "subset v3 of greeter (version v3) has no ready instance to take these calls")),
        ({"route": [to("v1", 0), to("v2", 0)]}, ("error", "weight", "spec.http[0].route", "the weights sum to 0")),
        ({"route": [to("v1", -1), to("v2", 2)]}, ("error", "weight", "spec.http[0].route[0].weight", "-1 is below 0")),
        ({"route": [to("v1", host="gretter")]}, ("error", "host-unknown", "spec.http[0].route[0].destination.host", "gretter.default.svc.cluster.local is no application here, only greeter.default.svc.cluster.local. Did you mean 'greeter'?")),
        ({"route": [{"destination": {"host": "greeter", "port": {"number": 80}}}]}, ("error", "port-unknown", "spec.http[0].route[0].destination.port", "greeter has port 20000, not 80")),
        ({"route": [to("v1")], "mirror": {"host": "greeter", "subset": "v3"}}, ("error", "subset-empty", "spec.http[0].mirror", "subset v3 of greeter (version v3) has no ready instance to take these calls")),
        ({"route": [to("v1")], "timeout": "soon"}, ("error", "duration", "spec.http[0].timeout", "'soon' is no duration, such as 1.5s or 200ms")),
        ({"match": [{"headers": {"a": "b"}}], "route": [to("v1")]}, ("error", "type", "spec.http[0].match[0].headers.a", "write a kind of match, such as exact: b")),
        ({"match": [{"headers": {"a": {"exact": 1}}}], "route": [to("v1")]}, ("error", "type", "spec.http[0].match[0].headers.a.exact", "1 is no text; write it in quotes")),
        ({"match": [{"uri": {"regex": "(?=a)"}}], "route": [to("v1")]}, ("error", "regex", "spec.http[0].match[0].uri.regex", "no regular expression of RE2: invalid perl operator: (?=")),
        ({"match": [{"headers": {"a": {"exact": "a", "prefix": "b"}}}], "route": [to("v1")]}, ("error", "schema", "spec.http[0].match[0].headers.a", "only one of exact, prefix can be given")),
        ({"timeout": "1s"}, ("error", "route", "spec.http[0]", "a route, redirect or directResponse is needed")),
        ({"route": [to("v1")], "corsPolicy": {"allowOrigins": []}}, ("warning", "not-modelled-locally", "spec.http[0].corsPolicy", "the local target does not model CORS")),
        ({"match": [{"sourceLabels": {"app": "x"}}], "route": [to("v1")]}, ("warning", "not-modelled-locally", "spec.http[0].match[0].sourceLabels", "the local target does not model labels of callers, so no call matches")),
        ({"delegate": {"name": "x"}}, ("warning", "not-modelled-locally", "spec.http[0].delegate", "the local target does not model delegates where a command changes rules; calls do follow them")),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_route_is_found(http, expected):
    assert routes(http) == [expected]


def test_a_route_behind_one_that_takes_every_call_is_only_said_to_be_so():
    assert routes({"route": [to("v1")]}, {"route": [to("v9")]}) == [
        ("warning", "route-unreachable", "spec.http[1]", "no call comes here: http[0] takes every one")
    ]


def test_a_weight_of_0_needs_no_instance():
    assert routes({"route": [to("v1", 100), to("v3", 0)]}) == []


def test_hosts_that_are_no_application_are_found_and_wildcards_that_cover_one_are_not():
    (found,) = findings(destination_rule("v1", host="other"))
    assert found[:3] == ("error", "host-unknown", "spec.host")
    assert findings(destination_rule("v1", host="*.default.svc.cluster.local")) == []
    assert (
        findings(destination_rule("v1"), ready={})[0][3] == "greeter.default.svc.cluster.local is no application here."
    )


def test_what_a_destination_rule_asks_for_and_is_not_modelled_is_said():
    policy = {
        "tls": {"mode": "ISTIO_MUTUAL"},
        "outlierDetection": {"interval": "1s"},
        "connectionPool": {"tcp": {"maxConnections": 1}},
    }
    found = findings(destination_rule("v1", trafficPolicy=policy))
    assert [(severity, path) for severity, _, path, _ in found] == [
        ("warning", "spec.trafficPolicy.tls"),
        ("warning", "spec.trafficPolicy.outlierDetection"),
    ]


def test_labels_that_are_no_text_and_double_subsets_are_errors():
    subsets = [{"name": "v1", "labels": {"version": 1.1}}, {"name": "v1"}, {"labels": {}}]
    found = findings(rule("DestinationRule", {"host": "greeter", "subsets": subsets}))
    assert [(path, message) for _, _, path, message in found] == [
        ("spec.subsets[0].labels.version", "1.1 is no text; write it in quotes"),
        ("spec.subsets[2].name", "this field is needed"),
        ("spec.subsets[1].name", "the subset 'v1' is defined twice"),
    ]


def test_two_for_one_host_and_other_kinds():
    one, two = (virtual_service({"route": [to("v1")]}, name=name) for name in "ab")
    (found,) = check(rules(destination_rule("v1"), one, two), READY)
    assert (found.severity, found.code, found.object) == ("warning", "host-claimed-twice", "VirtualService default/b")
    (found,) = check(rules(rule("Gateway", {})), READY)
    assert (found.severity, found.code) == ("error", "unsupported-kind")


def test_errors_refuse_a_change_unless_it_is_forced():
    found = check(rules(destination_rule("v1"), virtual_service({"route": [to("v9", 1), to("v8", 1)]})), READY)
    with pytest.raises(ConflictError) as caught:
        enforce(found)
    assert caught.value.code == "rules-refused"
    assert caught.value.message == (
        "VirtualService default/greeter spec.http[0].route[0].destination.subset: "
        "no DestinationRule defines the subset v9 of greeter, only v1. (and 1 more)"
    )
    enforce(found, force=True)
    enforce(one for one in found if one.severity != "error")


@pytest.mark.parametrize(
    "spec",
    [{}, {"http": 1}, {"http": [1, None, {}]}, {"hosts": 1}, {"http": [{"route": 1, "match": 2}]}, {"http": [{"route": [1], "match": [2], "fault": 3, "retries": 4, "mirrors": [5]}]}, {"host": 1, "subsets": 2}, {"subsets": [1, None], "trafficPolicy": 3}],
)  # fmt: skip
def test_no_shape_of_a_rule_raises(spec):
    for kind in ("VirtualService", "DestinationRule"):
        assert check(rules(rule(kind, spec)), READY)
