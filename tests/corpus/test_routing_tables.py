"""Istio's own unit tests of hosts, ports, routes and delegates, as tables: we agree with every case."""

from fractions import Fraction
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from dubbopy_cli.traffic import Request, explain, hosts, protocols
from dubbopy_cli.traffic.delegates import conflict, merge_matches
from dubbopy_cli.traffic.explaining import effects
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import VIRTUAL_SERVICE, Rule
from dubbopy_cli.traffic.routes import is_catch_all, routes_of

TABLES = Path(__file__).parents[1] / "data/istio/tables"
_GRPC = {4: "DEADLINE_EXCEEDED"}


def cases(*names):
    found = []
    for name in names:
        table = YAML(typ="safe").load((TABLES / f"{name}.yaml").read_text(encoding="utf-8"))
        found += [
            pytest.param(one, id=f"{name.partition('__')[2]}-{index}-{one.get('name', '')}")
            for index, one in enumerate(table["cases"])
        ]
    assert found
    return found


def share(policy):
    """Return Envoy's fraction as a number; none means that nothing happens."""
    if policy is None:
        return Fraction(0)
    value = policy.get("defaultValue", policy)
    return Fraction(value.get("numerator", 0), {"HUNDRED": 100, "MILLION": 1_000_000}[value["denominator"]])


@pytest.mark.parametrize("case", cases("config_test__TestMostSpecificHostMatch"))
def test_the_most_specific_host(case):
    assert hosts.closest(case["needle"], case["in"]) == case["want"]


@pytest.mark.parametrize("case", cases("config_test__TestResolveShortnameToFQDN"))
def test_short_names(case):
    assert hosts.resolve(case["name"], case["meta"]["namespace"]) == case["out"]


@pytest.mark.parametrize("case", cases("config_test__TestSubsetKey"))
def test_cluster_names(case):
    assert hosts.cluster_name(case["hostname"], case["port"], case["subset"]) == case["want"]


@pytest.mark.parametrize("case", cases("name_test__TestNameMatches"))
def test_names_in_common(case):
    assert hosts.matches(case["a"], case["b"]) is hosts.matches(case["b"], case["a"]) is case["out"]


@pytest.mark.parametrize("case", cases("name_test__BenchmarkNameMatch"))
def test_a_wildcard_takes_a_name(case):
    # Istio's function looks both ways; the last case of the table is about one.
    assert hosts.covers(case["a"], case["z"]) is case["matches"]


@pytest.mark.parametrize("case", cases("name_test__TestNameSubsetOf"))
def test_names_within_names(case):
    assert hosts.covers(case["b"], case["a"]) is case["out"]


@pytest.mark.parametrize("case", cases("names_test__TestMoreSpecific"))
def test_the_more_specific_of_two(case):
    assert hosts.more_specific(case["host1"], case["host2"]) is case["expected"]


@pytest.mark.parametrize("case", cases("conversion_test__TestConvertProtocol"))
def test_port_protocols(case):
    found = protocols.port_protocol(0, case.get("portName", ""), case.get("proto", "TCP"), case.get("appProto"))
    assert found == case["expectedProto"]


@pytest.mark.parametrize("case", cases("instance_test__TestParse"))
def test_protocol_names(case):
    assert protocols.parse(case["name"]) == case["out"]


@pytest.mark.parametrize("case", cases("route_internal_test__TestIsCatchAllRoute"))
def test_what_catches_all(case):
    found = case["route"]["match"]
    path = found["pathSpecifier"]
    uri = {"regex": path["safeRegex"]["regex"]} if "safeRegex" in path else {"prefix": next(iter(path.values()))}
    headers = {one["name"]: {"exact": one["headerMatchSpecifier"]["exactMatch"]} for one in found.get("headers", ())}
    assert is_catch_all({"uri": uri, "headers": headers}) is case["want"]


@pytest.mark.parametrize("case", cases("route_internal_test__TestSourceMatchHTTP"))
def test_callers(case):
    given = case["args"]
    http = [{"match": [given["match"]], "route": []}]
    rule = Rule(VIRTUAL_SERVICE, "default", "x", {"spec": {"http": http}})
    found = routes_of(
        rule,
        Service("x"),
        labels=given.get("proxyLabels"),
        namespace=given.get("proxyNamespace", ""),
        gateway=next(iter(given.get("gatewayNames", ())), "mesh"),
    )
    assert bool(found) is case["want"]


@pytest.mark.parametrize("case", cases("route_internal_test__TestMirrorPercent"))
def test_shares_of_a_mirror(case):
    assert sum(one for _, one in effects.mirrors(case["route"])) == share(case["want"])


@pytest.mark.parametrize("case", cases("route_internal_test__TestMirrorPercentByPolicy"))
def test_shares_of_mirrors(case):
    assert sum(one for _, one in effects.mirrors({"mirrors": [case["policy"]]})) == share(case["want"])


@pytest.mark.parametrize("case", cases("route_internal_test__TestTranslateFault"))
def test_faults(case):
    found = effects.fault({"fault": case["fault"]})
    abort = case["want"]["abort"]
    assert (found.abort, found.abort_share) == (f"gRPC {_GRPC[abort['grpcStatus']]}", share(abort["percentage"]))
    delay = case["want"].get("delay")
    assert found.delay == (delay["faultDelaySecifier"]["fixedDelay"] if delay else "")
    assert found.delay_share == (share(delay["percentage"]) if delay else 0)


@pytest.mark.parametrize("case", cases("virtualservice_test__TestHasConflict"))
def test_conflicts_of_a_delegate(case):
    assert conflict(case["root"], case["leaf"]) is case["expected"]


@pytest.mark.parametrize("case", cases("virtualservice_test__TestMergeHTTPMatchRequests"))
def test_matches_of_a_delegate(case):
    assert merge_matches(case["root"], case["delegate"]) == case["expected"]


@pytest.mark.parametrize(
    ("file", "user", "expected"),
    [
        ("90-10", "", {"v1": "9/10", "v2": "1/10"}),
        ("80-20", "jason", {"v1": "4/5", "v2": "1/5"}),
        ("50-v3", "", {"v1": "1/2", "v3": "1/2"}),
        ("jason-v2-v3", "jason", {"v2": "1"}),
        ("jason-v2-v3", "", {"v3": "1"}),
        ("test-v2", "jason", {"v2": "1"}),
        ("test-v2", "", {"v1": "1"}),
    ],
)
def test_istio_s_samples_do_what_they_are_named_for(file, user, expected):
    docs = []
    for name in ("destination-rule-all", f"virtual-service-reviews-{file}"):
        text = (TABLES.parent / f"samples/networking/{name}.yaml").read_text(encoding="utf-8")
        docs += YAML(typ="safe").load_all(text)
    found = explain(docs, Request("reviews", 9080, headers=(("end-user", user),)))
    assert {one.subset: str(one.share) for one in found.destinations} == expected
