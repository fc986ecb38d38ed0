"""The translation as values: names, merging and what istiod leaves out. What Envoy makes of it is tested in tests/local."""

from pathlib import PurePath

import pytest

from dubbopy_cli.targets.local import xds
from dubbopy_cli.targets.local.xds.cluster import policy_for
from dubbopy_cli.traffic.model import RuleSet, version_labels
from dubbopy_cli.traffic.units import duration, fraction
from tests.rules import HOST, rule, rules, to, virtual_service

ENDPOINTS = tuple(
    xds.MeshEndpoint("127.0.0.1", 5000 + number, version, f"{version}-0", version_labels("greeter", version))
    for number, version in enumerate(("v1", "v2"))
)
APP = xds.MeshApplication("greeter", "default", 20000, 21000, ENDPOINTS)
PATHS = xds.MeshPaths(PurePath("/mesh"))


def table(*given, others=()):
    (found,) = xds.routes(APP, rules(*given), others)["resources"]
    return found["virtual_hosts"][0]["routes"]


def clusters(*given):
    return {one["name"]: one for one in xds.clusters([APP], rules(*given))["resources"]}


def ports(cluster):
    return [
        one["endpoint"]["address"]["socket_address"]["port_value"]
        for group in cluster["load_assignment"]["endpoints"]
        for one in group["lb_endpoints"]
    ]


def test_without_rules_one_cluster_and_one_route():
    assert {name: ports(one) for name, one in clusters().items()} == {f"outbound|20000||{HOST}": [5000, 5001]}
    (only,) = table()
    assert (only["name"], only["match"], only["route"]["cluster"]) == (
        "default",
        {"prefix": "/"},
        f"outbound|20000||{HOST}",
    )
    assert only["route"]["timeout"] == "0s"
    assert only["route"]["retry_policy"]["num_retries"] == 2


def test_a_subset_is_a_cluster_of_the_instances_its_labels_select():
    subsets = [
        {"name": "v1", "labels": {"dubbogoAppVersion": "v1"}},
        {"name": "by-version", "labels": {"version": "v2", "app": "greeter"}},
        {"name": "all"},
        {"name": "none", "labels": {"version": "v9"}},
    ]
    found = clusters(rule("DestinationRule", {"host": "greeter", "subsets": subsets}))
    assert {name.split("|")[2]: ports(one) for name, one in found.items()} == {
        "": [5000, 5001],
        "v1": [5000],
        "by-version": [5001],
        "all": [5000, 5001],
        "none": [],
    }
    metadata = found[f"outbound|20000|v1|{HOST}"]["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["metadata"]
    assert metadata == {"filter_metadata": {"dubbopy": {"version": "v1", "instance": "v1-0"}}}


def test_a_match_and_a_route_name_make_a_route_each_in_order():
    http = {
        "name": "a",
        "match": [{"name": "x", "uri": {"exact": "/x"}}, {"uri": {"exact": "/y"}}],
        "route": [to("v1")],
    }
    found = table(virtual_service(http, {"route": [to("v2")]}, {"route": [to("v1")]}))
    assert [(one["name"], one["route"]["cluster"].split("|")[2]) for one in found] == [
        ("a.x", "v1"),
        ("a", "v1"),
        ("http[1]", "v2"),
    ]


def test_when_every_route_is_for_others_the_service_keeps_its_default_route():
    match = {"match": [{"sourceLabels": {"app": "x"}}, {"port": 1}, {"gateways": ["public"]}], "route": [to("v1")]}
    assert [one["name"] for one in table(virtual_service(match))] == ["default"]


def test_a_destination_s_port_is_its_own_or_the_host_s_only_one():
    other = xds.MeshApplication("other", "default", 8080, 21001)
    route = {
        "route": [
            to("", 1, "other"),
            to("", 1, "unknown"),
            {"destination": {"host": "greeter", "port": {"number": 7}}, "weight": 1},
        ]
    }
    (found,) = table(virtual_service(route), others=[other])
    assert [one["name"] for one in found["route"]["weighted_clusters"]["clusters"]] == [
        "outbound|8080||other.default.svc.cluster.local",
        "outbound|20000||unknown.default.svc.cluster.local",
        f"outbound|7||{HOST}",
    ]


def test_short_names_belong_to_the_namespace_of_the_rule():
    foreign = rule(
        "VirtualService",
        {"hosts": [HOST], "http": [{"route": [to("v1")], "mirror": {"host": "shadow"}}]},
        namespace="prod",
    )
    (found,) = table(foreign)
    assert found["route"]["cluster"] == "outbound|20000|v1|greeter.prod.svc.cluster.local"
    assert found["route"]["request_mirror_policies"][0]["cluster"] == "outbound|20000||shadow.prod.svc.cluster.local"


@pytest.mark.parametrize(
    ("whole", "subset", "expected"),
    [
        ({"a": 1, "b": 2}, {"b": 3}, {"a": 1, "b": 3}),
        ({"a": 1, "portLevelSettings": [{"port": {"number": 1}, "b": 2}]}, {}, {"b": 2}),
        ({"a": 1, "portLevelSettings": [{"port": {"number": 9}, "b": 2}]}, {}, {"a": 1}),
        ({"portLevelSettings": [{"port": {"number": 1}, "b": 2}]}, {"b": 3, "c": None}, {"b": 3}),
        ({"a": 1}, {"a": 2, "portLevelSettings": [{"port": {"number": 1}, "b": 2}]}, {"b": 2}),
    ],
)
def test_policies_of_host_subset_and_port_are_merged_as_in_istiod(whole, subset, expected):
    found = policy_for(whole, subset, 1)
    found.pop("portLevelSettings", None)
    assert found == expected


def test_a_listener_is_on_loopback_and_reads_the_routes_of_its_own_file():
    (found,) = xds.listeners([APP], PATHS)["resources"]
    assert found["address"] == {"socket_address": {"address": "127.0.0.1", "port_value": 21000}}
    manager = found["filter_chains"][0]["filters"][0]["typed_config"]
    assert manager["rds"]["config_source"]["path_config_source"] == {
        "path": "/mesh/routes/greeter/routes.json",
        "watched_directory": {"path": "/mesh/routes/greeter"},
    }
    # The counting writes no file.
    assert [one["name"] for one in manager["access_log"]] == ["envoy.access_loggers.stats"]
    assert xds.bootstrap(PATHS, 9901)["admin"]["address"]["socket_address"] == {
        "address": "127.0.0.1",
        "port_value": 9901,
    }


def test_equal_input_gives_equal_text_whatever_the_order():
    first = xds.MeshApplication("a", "default", 1, 2)
    assert xds.render(xds.clusters([APP, first], RuleSet())) == xds.render(xds.clusters([first, APP], RuleSet()))
    assert xds.listeners([APP], PATHS)["version_info"] != xds.listeners([first], PATHS)["version_info"]


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("1s", "1s"), ("200ms", "0.2s"), ("1m30s", "90s"), ("1.5h", "5400s"), ("0s", "0s"), ("1us", "0.000001s"), ("100s", "100s"), ("", "-"), ("1", "-"), ("soon", "-"), (1, "-"), (None, "-")],
)  # fmt: skip
def test_durations(given, seconds):
    assert duration(given, "-") == seconds


@pytest.mark.parametrize(
    ("given", "numerator"),
    [({"value": 12.5}, 125000), ({"value": 100}, 1000000), ({}, 0), (None, 0), ({"value": "x"}, 0)],
)
def test_percentages(given, numerator):
    assert fraction(given) == {"numerator": numerator, "denominator": "MILLION"}


def test_a_route_left_to_another_rule_is_put_in_its_place():
    root = virtual_service({"delegate": {"name": "team"}}, {"route": [to("")]})
    leaf = virtual_service(
        {"name": "mine", "match": [{"uri": {"prefix": "/a"}}], "route": [to("v1")]}, name="team", hosts=()
    )
    assert [one["name"] for one in table(root, leaf)] == ["mine", "http[1]"]
