"""The tutorial's rules, and what a rule can say about a route, decided by the real Envoy."""

import threading

import pytest

from dubbopy_cli.traffic import edit, verify
from dubbopy_cli.traffic.model import RuleSet
from dubbopy_cli.traffic.request import Request
from dubbopy_cli.traffic.shares import share_for
from tests import rules as given
from tests.envoymesh import HELLO, SERVICE, Answer
from tests.programs import eventually
from tests.rules import SOURCE_90_10, SOURCE_ADMIN_TO_V2, SOURCE_ALL_TO_V1, SOURCE_DESTINATION_RULE

BOTH = ("v1", "v2")
READY = {"v1": 1, "v2": 1}
NAME = SERVICE.name


def source(virtual_service):
    return SOURCE_DESTINATION_RULE + "---\n" + virtual_service


def steer(*http, policy=None, subsets=BOTH):
    extra = {"trafficPolicy": policy} if policy else {}
    return given.rules(
        given.destination_rule(*subsets, host=NAME, **extra), given.virtual_service(*http, hosts=(NAME,))
    )


def to(subset, weight=None):
    return given.to(subset, weight, NAME)


def expected(mesh, **headers):
    asked = Request(SERVICE.fqdn, path=HELLO, headers=tuple(headers.items()))
    return share_for(mesh.rules, SERVICE, READY, asked).answered


def assert_shared(mesh, calls=1200, **headers):
    verdict = verify(mesh.count(calls, **headers), expected(mesh, **headers))
    assert verdict.result != "fail", verdict.reason


def test_without_rules_all_ready_instances_share(mesh):
    mesh.apply(RuleSet())
    assert set(mesh.count(100)) == set(BOTH)
    assert expected(mesh) == {"v1": 0.5, "v2": 0.5}


def test_the_source_s_first_rule_sends_all_to_v1(mesh):
    mesh.apply(source(SOURCE_ALL_TO_V1))
    assert mesh.count(200) == {"v1": 200}


def test_the_source_s_second_rule_sends_admin_to_v2(mesh):
    mesh.apply(source(SOURCE_ADMIN_TO_V2))
    assert mesh.count(200, user="admin") == {"v2": 200}
    assert mesh.count(200, user="guest") == {"v1": 200}
    assert mesh.count(50) == {"v1": 50}


def test_the_source_s_third_rule_sends_a_tenth_to_v2(mesh):
    mesh.apply(source(SOURCE_90_10))
    assert_shared(mesh)


def test_our_own_rules_do_the_same(mesh):
    rules = edit.set_weights(RuleSet(), SERVICE, {"v1": 100}, BOTH)
    rules = edit.match(rules, SERVICE, {"user": "admin"}, "v2", BOTH)
    rules = edit.match(rules, SERVICE, {}, "v2", BOTH, method="Other")
    mesh.apply(rules)
    assert mesh.count(50) == {"v1": 50}
    assert mesh.count(50, user="admin") == {"v2": 50}
    assert mesh.call("/api.Greeter/Other").version == "v2"
    mesh.apply(edit.set_weights(rules, SERVICE, {"v1": 50, "v2": 50}, BOTH))
    assert set(mesh.count(100)) == set(BOTH)


@pytest.mark.parametrize(("weights", "only"), [((100, 0), "v1"), ((0, 1), "v2"), ((None, 5), "v2")])
def test_a_weight_of_0_gets_no_call(mesh, weights, only):
    mesh.apply(steer({"route": [to("v1", weights[0]), to("v2", weights[1])]}))
    assert mesh.count(60) == {only: 60}


def test_a_single_destination_ignores_its_weight(mesh):
    mesh.apply(steer({"route": [to("v2", 0)]}))
    assert mesh.count(20) == {"v2": 20}


def test_weights_need_not_sum_to_100(mesh):
    mesh.apply(steer({"route": [to("v1", 1), to("v2", 3)]}))
    assert expected(mesh) == {"v1": 0.25, "v2": 0.75}
    assert_shared(mesh)


def test_routes_behind_a_catch_all_are_not_reached(mesh):
    mesh.apply(steer({"route": [to("v1")]}, {"match": [{"headers": {"user": {}}}], "route": [to("v2")]}))
    assert mesh.count(20, user="admin") == {"v1": 20}


def test_a_subset_nobody_defines_is_503_nc(mesh):
    mesh.apply(steer({"name": "lost", "route": [to("v9")]}))
    assert mesh.call() == Answer("UNAVAILABLE", "", message="")
    assert expected(mesh) == {}
    eventually(lambda: mesh.logged() and mesh.logged()[-1]["route"] == "lost", "the call is logged")
    assert (mesh.logged()[-1]["flags"], mesh.logged()[-1]["rule"]) == ("NC", "default/greeter")


def test_a_subset_without_instances_is_503_uh(mesh):
    mesh.apply(steer({"name": "empty", "route": [to("v2")]}), ready=["v1"])
    answer = mesh.call()
    assert (answer.code, answer.message) == ("UNAVAILABLE", "no healthy upstream")
    eventually(lambda: mesh.logged()[-1]["route"] == "empty", "the call is logged")
    assert mesh.logged()[-1]["flags"] == "UH"


def test_a_header_counts_without_case_of_its_name_and_with_each_of_its_values(mesh):
    match = {"headers": {"User": {"exact": "admin"}}}
    mesh.apply(steer({"match": [match], "directResponse": {"status": 299}}, {"directResponse": {"status": 298}}))
    for headers, status in (
        ([("user", "admin")], 299),
        ([("USER", "admin")], 299),
        ([("user", "Admin")], 298),
        ([("user", "guest"), ("user", "admin")], 299),
        ([("user", "guest,admin")], 298),
    ):
        assert mesh.http("/", headers=headers)[0] == status


@pytest.mark.parametrize(
    ("retries", "attempts"), [(None, 3), ({"attempts": 0}, 1), ({"attempts": 1}, 2), ({"attempts": 3, "retryOn": "connect-failure"}, 1)]
)  # fmt: skip
def test_retries_are_istio_s(mesh, retries, attempts):
    route = {"route": [to("v1")], **({"retries": retries} if retries else {})}
    mesh.apply(steer(route))
    before = mesh.backends["v1"].calls["Unavailable"]
    assert mesh.call("/api.Greeter/Unavailable").code == "UNAVAILABLE"
    assert mesh.backends["v1"].calls["Unavailable"] - before == attempts


def test_a_rule_s_timeout_ends_a_slow_call_and_without_one_the_caller_s_counts(mesh):
    mesh.backends["v1"].go_on.clear()
    mesh.apply(steer({"route": [to("v1")], "timeout": "0.2s", "retries": {"attempts": 0}}))
    answer = mesh.call("/api.Greeter/Slow", timeout=5)
    assert (answer.code, answer.message) == ("UNAVAILABLE", "upstream request timeout")
    mesh.apply(steer({"route": [to("v1")]}))
    assert mesh.call("/api.Greeter/Slow", timeout=0.3).code == "DEADLINE_EXCEEDED"
    mesh.backends["v1"].go_on.set()


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"abort": {"httpStatus": 503, "percentage": {"value": 100}}}, "UNAVAILABLE"),
        ({"abort": {"grpcStatus": "NOT_FOUND", "percentage": {"value": 100}}}, "NOT_FOUND"),
        ({"abort": {"httpStatus": 503}}, "OK"),
        ({"abort": {"httpStatus": 503, "percentage": {"value": 0}}}, "OK"),
    ],
)
def test_an_abort_is_what_the_rule_says(mesh, fault, code):
    mesh.apply(steer({"route": [to("v1")], "fault": fault}))
    assert {mesh.call().code for _ in range(20)} == {code}


def test_a_delay_holds_the_call_back(mesh):
    def delayed(span: str) -> str:
        delay = {"fixedDelay": span, "percentage": {"value": 100}}
        mesh.apply(steer({"route": [to("v1")], "fault": {"delay": delay}}))
        return mesh.call(timeout=5).code

    before = mesh.backends["v1"].calls["SayHello"]
    assert (delayed("1h"), mesh.backends["v1"].calls["SayHello"] - before) == ("DEADLINE_EXCEEDED", 0)
    assert (delayed("10ms"), mesh.backends["v1"].calls["SayHello"] - before) == ("OK", 1)


def test_a_mirror_gets_a_copy_and_answers_nobody(mesh):
    mesh.apply(steer({"route": [to("v1")], "mirror": {"host": NAME, "subset": "v2"}}))
    before = mesh.backends["v2"].calls["SayHello"]
    assert mesh.count(20) == {"v1": 20}
    eventually(lambda: mesh.backends["v2"].calls["SayHello"] - before == 20, "the copies arrive")
    mesh.apply(steer({"route": [to("v1")], "mirror": {"host": NAME, "subset": "v2"}, "mirrorPercentage": {"value": 0}}))
    mesh.count(20)
    assert mesh.backends["v2"].calls["SayHello"] - before == 20


def test_headers_are_set_added_and_removed(mesh):
    headers = {
        "request": {"set": {"x-set": "new"}, "add": {"x-add": "two"}, "remove": ["x-remove"]},
        "response": {"set": {"x-answer": "yes"}},
    }
    more = {**to("v2", 100), "headers": {"request": {"set": {"x-destination": "v2"}}}}
    mesh.apply(steer({"headers": headers, "route": [to("v1", 0), more]}))
    seen = mesh.call(x_set="old", x_add="one", x_remove="gone").body["headers"]
    assert (seen["x-set"], seen["x-add"], seen["x-destination"]) == ("new", "two", "v2")
    assert "x-remove" not in seen


def test_rewrite_redirect_and_direct_response(mesh):
    exact = {"uri": {"exact": "/api.Greeter/Old"}}
    mesh.apply(
        steer(
            {"match": [exact], "rewrite": {"uri": HELLO}, "route": [to("v1")]},
            {"match": [{"uri": {"prefix": "/go"}}], "redirect": {"uri": "/there", "redirectCode": 302}},
            {"match": [{"uri": {"prefix": "/said"}}], "directResponse": {"status": 418, "body": {"string": "short"}}},
            {"rewrite": {"uriRegexRewrite": {"match": "^/x/(.*)$", "rewrite": r"/\1"}}, "route": [to("v2")]},
        )
    )
    assert mesh.call("/api.Greeter/Old").body["method"] == HELLO
    status, headers, _ = mesh.http("/go/away")
    assert (status, headers["location"].endswith("/there")) == (302, True)
    assert mesh.http("/said")[::2] == (418, "short")
    assert mesh.call("/x/api.Greeter/SayHello").body["method"] == HELLO


def test_a_consistent_hash_keeps_a_caller_at_one_instance(mesh):
    policy = {"loadBalancer": {"consistentHash": {"httpHeaderName": "x-user"}}}
    mesh.apply(steer({"route": [to("")]}, policy=policy))
    homes = {one: set(mesh.count(10, x_user=str(one))) for one in range(12)}
    assert all(len(home) == 1 for home in homes.values())
    assert set.union(*homes.values()) == set(BOTH)


def test_a_connection_pool_limits_calls_in_flight(mesh):
    mesh.apply(
        steer(
            {"route": [to("v1")], "retries": {"attempts": 0}},
            policy={"connectionPool": {"http": {"http2MaxRequests": 1}}},
        )
    )
    mesh.backends["v1"].go_on.clear()
    slow = threading.Thread(target=mesh.call, args=("/api.Greeter/Slow",))
    before = mesh.backends["v1"].calls["Slow"]
    slow.start()
    eventually(lambda: mesh.backends["v1"].calls["Slow"] > before, "the first call is there")
    assert "overflow" in mesh.call().message
    mesh.backends["v1"].go_on.set()
    slow.join()
    assert mesh.call().code == "OK"


def test_a_stream_goes_on_where_it_began_when_the_rules_change(mesh):
    mesh.backends["v1"].go_on.clear()
    mesh.apply(steer({"route": [to("v1")]}))
    stream = mesh.channel.unary_stream("/api.Greeter/Stream")(b"", timeout=20)
    assert next(stream) == b"v1"
    mesh.apply(steer({"route": [to("v2")]}))
    assert mesh.call().version == "v2"
    mesh.backends["v1"].go_on.set()
    assert list(stream) == [b"v1"]
