"""How many requests a second `traffic.compile(...).decide` answers for a VirtualService of 20 routes.

Goal: at least 50,000 in one process. Beside it a plain loop that asks the uncompiled evaluator route by route.
"""

from __future__ import annotations

import statistics
import time

from dubbopy_cli import traffic
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import Rule
from dubbopy_cli.traffic.request import Request, mismatch
from dubbopy_cli.traffic.routes import routes_of

SERVICE = Service("greeter")
GOAL = 50_000
ROUNDS = 7


def route(match, subset):
    return {"match": [match], "route": [{"destination": {"host": "greeter", "subset": subset}}]}


def routes():
    """Return 20 routes of the kinds that preview and canary rules have, the default last."""
    users = [route({"headers": {"user": {"exact": f"user-{one}"}}}, "v2") for one in range(8)]
    methods = [route({"uri": {"exact": f"/api.Greeter/Method{one}"}}, "v1") for one in range(4)]
    prefixes = [
        route({"uri": {"prefix": f"/team{one}."}, "headers": {"region": {"prefix": "eu-"}}}, "v2") for one in range(3)
    ]
    regexes = [route({"headers": {"user": {"regex": f"test-{one}-[0-9]+"}}}, "v2") for one in range(3)]
    without = [route({"withoutHeaders": {"trace": {}}, "method": {"exact": "GET"}}, "v1")]
    both = [
        {"destination": {"host": "greeter", "subset": one}, "weight": part} for one, part in (("v1", 90), ("v2", 10))
    ]
    return [*users, *methods, *prefixes, *regexes, *without, {"route": both}]


def requests():
    users = [f"user-{one}" for one in range(16)] + [f"test-{one}-7" for one in range(6)]
    paths = ["/api.Greeter/SayHello", "/api.Greeter/Method2", "/team1.Orders/Get"]
    return [
        Request(
            "greeter:20000",
            path=path,
            headers=(("user", user), ("region", region), ("trace", "1"), ("content-type", "application/grpc")),
        )
        for user in users
        for path in paths
        for region in ("eu-1", "us-1")
    ]


def main():
    spec = {"hosts": ["greeter"], "http": routes()}
    assert len(spec["http"]) == 20
    subsets = [{"name": one, "labels": {"version": one}} for one in ("v1", "v2")]
    docs = [
        {"kind": "VirtualService", "metadata": {"name": "greeter"}, "spec": spec},
        {"kind": "DestinationRule", "metadata": {"name": "greeter"}, "spec": {"host": "greeter", "subsets": subsets}},
    ]
    table = routes_of(Rule("VirtualService", "default", "greeter", {"spec": spec}), SERVICE)
    explainer = traffic.compile(docs)
    asked = requests()

    def loop(request):
        return next(one.index for one in table if not mismatch(one.match, request))

    assert [explainer.decide(one).route_index for one in asked] == [loop(one) for one in asked]
    fast, slow = [], []
    for _ in range(ROUNDS):
        for decide, rates, times in ((explainer.decide, fast, 100), (loop, slow, 2)):
            start = time.perf_counter()
            for _ in range(times):
                for one in asked:
                    decide(one)
            rates.append(times * len(asked) / (time.perf_counter() - start))
    ours, plain = statistics.median(fast), statistics.median(slow)
    print(f"explain, 20 routes, compiled once: {ours:,.0f} requests/s (best {max(fast):,.0f}; goal {GOAL:,})")
    print(f"the same by a plain loop over the uncompiled evaluator: {plain:,.0f} requests/s; ratio {ours / plain:.1f}x")


if __name__ == "__main__":
    main()
