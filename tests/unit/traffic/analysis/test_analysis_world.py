import copy
import random
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from dubbopy_cli import traffic
from dubbopy_cli.traffic.analysis import ANALYZERS, analyze
from tests.worlds import NOW, codes, routes, service, thing

SUBSETS = "destinationrule.PodNotSelectedAnalyzer"
FILES = sorted((Path(__file__).parents[3] / "data/istio/analyzers/testdata").rglob("*.yaml"))
RULE = thing("DestinationRule", "r", {"host": "nobody"})


def test_the_library_offers_it():
    assert traffic.analyze is analyze
    (one,) = [one for one in traffic.analyze([RULE], now=NOW) if one.code == "IST0174"]
    assert (one.severity, one.subject, one.parameters, one.path) == (
        "warning",
        ("DestinationRule", "", "r"),
        ("nobody",),
        "spec.host",
    )
    assert str(one).startswith("DestinationRule r spec.host: nobody ")


@pytest.mark.parametrize(
    "doc",
    [
        None,
        "text",
        [],
        {"kind": "DestinationRule"},
        {**RULE, "apiVersion": "networking.istio.io/v9"},
        {**RULE, "apiVersion": "example.com/v1"},
        {"kind": "List"},
    ],
)
def test_what_is_no_object_of_istio_is_passed_over(doc):
    assert codes(doc, only=SUBSETS) == []


def test_lists_are_opened_and_the_later_object_of_a_name_stands():
    listed = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [RULE, {"kind": "PodList", "items": [thing("Pod", "p", {})]}],
    }
    assert codes(listed, only=SUBSETS) == [("IST0174", "DestinationRule r")]
    assert codes(listed, thing("DestinationRule", "r", {"host": "x"}), service("x"), only=SUBSETS) == []


def test_objects_without_a_namespace_are_of_the_one_that_is_asked_for():
    rule = thing("VirtualService", "r", {"http": routes({"host": "greeter.default.svc.cluster.local"})})
    only = "virtualservice.DestinationHostAnalyzer"
    assert codes(rule, service("greeter"), only=only) == [("IST0101", "VirtualService r")]
    assert codes(rule, service("greeter"), only=only, namespace="default") == []
    assert codes(rule, only=only, namespace="default") == [("IST0101", "VirtualService default/r")]


@pytest.mark.parametrize(
    ("value", "silent"), [("*", True), ("IST0174", True), ("IST0101,IST0174", True), ("IST0101", False)]
)
def test_an_object_may_ask_not_to_be_told(value, silent):
    note = {"galley.istio.io/analyze-suppress": value}
    one = thing("DestinationRule", "r", {"host": "nobody"}, annotations=note)
    assert codes(one, only=SUBSETS) == ([] if silent else [("IST0174", "DestinationRule r")])


def test_errors_come_first_and_nothing_twice():
    docs = [doc for path in FILES[:30] for doc in YAML(typ="safe").load_all(path.read_text(encoding="utf-8"))]
    results = analyze(docs, now=NOW)
    order = [("error", "warning", "info").index(one.severity) for one in results]
    assert order == sorted(order)
    assert len({(one.code, one.object, one.parameters) for one in results}) == len(results)
    assert results == analyze(docs, now=NOW)


def test_validation_of_each_object_is_a_part_of_it():
    bad = thing(
        "VirtualService",
        "a/r",
        {"hosts": ["x"], "http": [{"route": [{"destination": {"host": "x", "subset": "0.0.1"}}]}]},
    )
    assert codes(bad, only="schema.ValidationAnalyzer") == [("IST0106", "VirtualService a/r")]


JUNK = [
    None,
    0,
    -5,
    1.5,
    "",
    "*",
    True,
    [],
    {},
    [None],
    [1],
    ["a"],
    [{}],
    {"a": 1},
    {1: 2},
    {None: []},
    [[1]],
    "a/b/c",
    "*.x",
]


def places(node, before=()):
    yield before
    for key, child in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from places(child, (*before, key))


@pytest.mark.parametrize("seed", range(3))
def test_nothing_that_may_stand_in_an_object_breaks_it(seed):
    chance = random.Random(seed)
    only = [name for name in ANALYZERS if name != "schema.ValidationAnalyzer"]
    small = [
        list(YAML(typ="safe").load_all(path.read_text(encoding="utf-8")))
        for path in FILES
        if path.stat().st_size < 3000
    ]
    for _ in range(150):
        docs = copy.deepcopy(chance.choice(small))
        for _ in range(chance.randint(1, 3)):
            *way, last = chance.choice([place for place in places(docs) if len(place) > 1])
            node = docs
            for key in way:
                node = node[key]
            node[last] = copy.deepcopy(chance.choice(JUNK))
        analyze(docs, now=NOW, only=only)


def application(index):
    name, labels = f"team-{index % 7}/app-{index}", {"app": f"app-{index}", "version": "v1"}
    spec = {"containers": [{"name": "istio-proxy", "image": "x"}]}
    return [
        service(name, selector={"app": f"app-{index}"}),
        thing(
            "VirtualService",
            name,
            {"hosts": [f"app-{index}"], "http": routes({"host": f"app-{index}", "subset": "v1"})},
        ),
        thing("DestinationRule", name, {"host": f"app-{index}", "subsets": [{"name": "v1", "labels": labels}]}),
        thing("Deployment", name, {"template": {"metadata": {"labels": labels}, "spec": spec}}),
        thing("Pod", name, spec, labels=labels),
        thing("Gateway", name, {"selector": labels, "servers": [{"port": {"number": 80}, "hosts": [f"h{index}"]}]}),
        thing("Sidecar", name, {"workloadSelector": {"labels": labels}}),
        thing("Telemetry", name, {"selector": {"matchLabels": labels}}),
        thing("AuthorizationPolicy", name, {"selector": {"matchLabels": labels}}),
        thing("ServiceEntry", name, {"hosts": [f"*.h{index}.org"], "ports": [{"number": 443, "protocol": "TLS"}]}),
    ]


def steps(size):
    """Return the lines of code that the analysis of so many applications takes."""
    docs = [one for index in range(size) for one in application(index)]
    only = [name for name in ANALYZERS if name != "schema.ValidationAnalyzer"]
    count, tracer = 0, sys.gettrace()

    def count_one(*_):
        nonlocal count
        count += 1
        return count_one

    sys.settrace(count_one)
    try:
        results = analyze(docs, now=NOW, only=only)
    finally:
        sys.settrace(tracer)
    assert {one.code for one in results} == {"IST0162"}
    return count


def test_the_work_grows_as_the_objects_do():
    assert steps(160) < 4.1 * steps(40)
