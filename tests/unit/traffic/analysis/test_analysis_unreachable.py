import pytest

from tests.worlds import found, thing

ONLY = "schema.UnreachableAnalyzer"
TO = {"route": [{"destination": {"host": "greeter"}}]}


def said(http=(), **spec):
    docs = thing("VirtualService", "default/greeter", {"hosts": ["greeter"], "http": list(http), **spec})
    return [(code, *parameters) for code, _, parameters in found(docs, only=ONLY)]


def by(name="", **match):
    return {**TO, "match": [match], **({"name": name} if name else {})}


def test_nothing_is_said_of_distinct_routes():
    assert said([by(headers={"user": {"exact": "a"}}), by(headers={"user": {"exact": "b"}}), TO]) == []


def test_fields_that_nobody_knows_tell_no_matches_apart():
    assert said([by(url="/a"), by(url="/b")]) == [
        ("IST0130", "#1", "all matches used by prior rules"),
        ("IST0131", "#1", "#0", "#0"),
    ]


def test_what_stands_behind_a_default_route_is_never_used():
    assert said([TO, by("late", uri={"exact": "/a"}), TO]) == [
        ("IST0130", '"late"', "route without matches defined before"),
        ("IST0130", "#2", "only the last rule can have no matches"),
    ]


@pytest.mark.parametrize(
    "again", [{"name": "other"}, {"port": 0}, {"headers": {}}, {"gateways": []}, {"ignoreUriCase": False}]
)
def test_a_match_is_the_same_whatever_it_is_called_and_says_nothing_about(again):
    assert said([by(uri={"exact": "/a"}), {**TO, "match": [{"uri": {"exact": "/a"}, **again}]}, TO]) == [
        ("IST0130", "#1", "all matches used by prior rules"),
        ("IST0131", "#1", f'"{again["name"]}"' if "name" in again else "#0", "#0"),
    ]


@pytest.mark.parametrize(
    ("first", "second", "covered"),
    [
        ({}, {}, True),
        ({"method": {"exact": "POST"}}, {}, False),
        ({"method": {"exact": "GET"}}, {}, True),
        ({"port": 80}, {"port": 81}, False),
        ({"headers": {"a": {"exact": "x"}}}, {"headers": {"a": {"exact": "x"}}}, True),
        ({"headers": {"a": {"exact": "x"}}}, {"headers": {"b": {"exact": "x"}}}, False),
        ({"headers": {"a": {"exact": "x"}}}, {}, False),
        ({"queryParams": {"a": {"exact": "x"}}}, {"queryParams": {"a": {"exact": "y"}}}, False),
        ({"authority": {"exact": "x"}}, {"authority": {"exact": "x"}}, True),
    ],
)
def test_a_shorter_prefix_before_a_longer_one(first, second, covered):
    http = [by(uri={"prefix": "/api"}, **first), by(uri={"prefix": "/api/v1"}, **second), TO]
    wanted = [("IST0131", "#1", "#0 of prefix /api/v1", "#0 of prefix /api on #0")] if covered else []
    assert said(http) == wanted


def test_tcp_and_tls_routes_have_no_names():
    tls = [{**TO, "match": [{"sniHosts": ["a"]}]}, {**TO, "match": [{"sniHosts": ["a"]}]}]
    assert said(tls=tls, tcp=[TO, TO]) == [
        ("IST0130", "#1", "all matches used by prior rules"),
        ("IST0130", "#1", "only the last rule can have no matches"),
        ("IST0131", "#1", "#0", "#0"),
    ]
