"""What we say about a call and what the real Envoy does with it are the same, for seeded random rules and requests.

More of them: ``make fuzz N=20000``, with another seed: ``make fuzz N=20000 SEED=7``.
"""

import os
from collections import Counter
from fractions import Fraction

import pytest

from dubbopy_cli.traffic import Explainer, Request
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.matching import JOINED
from dubbopy_cli.traffic.model import DESTINATION_RULE, VIRTUAL_SERVICE, Rule, RuleSet
from dubbopy_cli.traffic.request import mismatch
from tests.corpus.chance import Chance
from tests.corpus.realenvoy import RealEnvoy, virtual_host

RULES = int(os.environ.get("DUBBOPY_FUZZ", "2000"))
SEED = int(os.environ.get("DUBBOPY_FUZZ_SEED", "20261123"))
REQUESTS = 20
# Envoy reads the whole table before it listens; more rules than this are given to one Envoy after another.
CHUNK = 2500
BACKEND = Service("backend")
VERSIONS = ("v1", "v2", "v3")
SUBSETS = RuleSet.of(
    [
        Rule(
            DESTINATION_RULE,
            "default",
            "backend",
            {
                "kind": DESTINATION_RULE,
                "metadata": {"name": "backend"},
                "spec": {
                    "host": "backend",
                    "subsets": [{"name": one, "labels": {"version": one}} for one in (*VERSIONS, "empty")],
                },
            },
        )
    ]
)


def objects(service, spec):
    """Return all that our side is told."""
    pods = [
        {"kind": "Pod", "metadata": {"name": one, "labels": {"app": "backend", "version": one}}} for one in VERSIONS
    ]
    services = [
        {
            "kind": "Service",
            "metadata": {"name": one},
            "spec": {"selector": {"app": one}, "ports": [{"port": 20000, "name": "grpc-triple"}]},
        }
        for one in ("backend", service.name)
    ]
    rule = {"kind": VIRTUAL_SERVICE, "metadata": {"name": service.name}, "spec": spec}
    return [*(one.document for one in SUBSETS), *pods, *services, rule]


def expected(decision, weight):
    """Return (status, route, cluster) as Envoy shows them; a route or a cluster it cannot show is None."""
    if decision.fault and decision.fault.abort_share == 1:
        return 418, None, None
    if decision.kind == "no-route":
        return 404, None, None
    if decision.kind == "answer":
        return int(decision.answer.split()[1]), decision.name, None
    place = Fraction(weight)
    if len(decision.destinations) > 1 or decision.destinations[0].share != 1:
        total = sum(one.weight for one in decision.destinations)
        place = Fraction(weight % total, total)
        for target in decision.destinations:
            if place < target.share:
                break
            place -= target.share
    else:
        (target,) = decision.destinations
    if target.status:
        return 503, decision.name, target.status[-2:]
    return 200, decision.name, target.cluster


def seen(answer, wanted):
    """Return an answer in the same form."""
    status, route, cluster = wanted
    if status == 503:
        return answer.status, answer.route, "UH" if "no healthy upstream" in answer.body else "NC"
    return answer.status, route and answer.route, cluster and answer.cluster


@pytest.mark.parametrize("start", range(0, RULES, CHUNK))
def test_we_and_envoy_agree(start, tmp_path):
    chance = Chance(SEED + start)
    asked, hosts, outcomes = [], [], Counter()
    clusters = {BACKEND.cluster(one): one != "empty" for one in ("", *VERSIONS, "empty")}
    for number in range(min(CHUNK, RULES - start)):
        service = Service(f"s{number}")
        spec = chance.rule(service.name, BACKEND.name)
        rule = Rule(VIRTUAL_SERVICE, "default", service.name, {"spec": spec})
        hosts.append(virtual_host(service, SUBSETS.put(rule)))
        if hosts[-1]["routes"][0]["name"] == "default":
            clusters[service.cluster()] = False
        explainer = Explainer.of(objects(service, spec))
        for _ in range(REQUESTS):
            request = chance.request(spec, service.fqdn)
            decision = explainer.decide(request)
            weight = int(next(value for name, value in request.headers if name == "x-weight"))
            asked.append((request, expected(decision, weight), spec))
            outcomes[decision.kind] += 1
            assert len(decision.passed) == len(decision.earlier)
    envoy = RealEnvoy(tmp_path, hosts, clusters)
    try:
        answers = list(envoy.ask([request for request, _, _ in asked]))
    finally:
        envoy.close()
    wrong = [
        (wanted, seen(answer, wanted), request, spec)
        for (request, wanted, spec), answer in zip(asked, answers, strict=True)
        if seen(answer, wanted) != wanted
    ]
    assert not wrong, f"{len(wrong)} of {len(asked)}; the first 3: {wrong[:3]}"
    assert len(asked) == REQUESTS * len(hosts)
    # A test that never gets past the first route would prove little.
    assert min(outcomes[one] for one in ("route", "answer", "no-route")) > len(asked) / 50


def test_the_headers_that_envoy_joins_are_those_we_join(tmp_path):
    others = (
        "accept-language",
        "baggage",
        "b3",
        "etag",
        "forwarded",
        "from",
        "range",
        "traceparent",
        "tracestate",
        "warning",
    )
    names = sorted({*JOINED, *others, "user", "tri-service-version", "tri-unit-info", "x-real-ip", "x-b3-traceid"})
    match = [{"headers": {one: {"exact": "a,b"}, "x-which": {"exact": one}}} for one in names]
    spec = {"hosts": ["s"], "http": [{"match": match, "directResponse": {"status": 200}}]}
    rule = Rule(VIRTUAL_SERVICE, "default", "s", {"spec": spec})
    asked = [Request("s", headers=((one, "a"), ("x-which", one), (one, ""), (one, "b"))) for one in names]
    envoy = RealEnvoy(tmp_path, [virtual_host(Service("s"), RuleSet((rule,)))], {})
    try:
        joined = {name for name, answer in zip(names, envoy.ask(asked), strict=True) if answer.status == 200}
    finally:
        envoy.close()
    assert joined == JOINED
    assert {
        one for one, request in zip(names, asked, strict=True) if not mismatch(match[names.index(one)], request)
    } == JOINED
