from dataclasses import replace

import pytest

from dubbopy_cli.errors import DubbopyError, UsageError
from dubbopy_cli.targets.base import CallRequest
from dubbopy_cli.targets.local import health, xds
from dubbopy_cli.targets.local.caller import percentiles
from dubbopy_cli.targets.local.envoyfiles import EnvoyConfig
from dubbopy_cli.traffic import edit, yamlio

from .lab import APP, SERVICE, server
from .test_deploy import steer, weights

BAD_REGEX = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: dubbo-go-server}
spec:
  hosts: [dubbo-go-server]
  http:
  - match: [{headers: {user: {regex: '(a'}}}]
    route: [{destination: {host: dubbo-go-server}}]
"""


def test_percentiles_are_values_that_were_seen():
    assert percentiles([]) == {}
    assert percentiles([3.0]) == {"min": 3, "mean": 3, "p50": 3, "p90": 3, "p99": 3, "max": 3}
    assert percentiles([float(one) for one in range(1, 101)]) == {
        "min": 1, "mean": 50.5, "p50": 50, "p90": 90, "p99": 99, "max": 100,
    }  # fmt: skip


def refusal(lab, **request):
    with pytest.raises(UsageError) as refused:
        lab.target.call(CallRequest(APP, **request))
    return refused.value


def test_a_call_finds_its_method_and_its_types_by_itself(lab):
    lab.deploy(server("v1", env={"EXTRA_METHODS": "SayBye"}))
    for method in ("api.Greeter/SayHello", "Greeter/SayHello", "SayHello", "/api.Greeter/SayHello"):
        assert lab.target.call(CallRequest(APP, method)).method == "api.Greeter/SayHello"

    error = refusal(lab)
    assert error.code == "method-unknown"
    assert error.message == f"{APP} has 2 methods: api.Greeter/SayBye, api.Greeter/SayHello"
    assert error.hint == f"name one: dubbopy-cli call api.Greeter/SayBye --app {APP}"
    assert refusal(lab, method="SayHelo").message.endswith("Did you mean 'SayHello'?")

    error = refusal(lab, method="SayHello", body='{"nam": "x"}')
    assert error.code == "body-invalid"
    assert "does not fit api.HelloRequest (name)" in error.message
    assert error.hint == f"""dubbopy-cli call api.Greeter/SayHello --app {APP} -d '{{"name": ""}}'"""
    assert refusal(lab, method="SayHello", headers=(("grpc-timeout", "1"),)).code == "header-invalid"
    assert refusal(lab, method="SayHello", headers=(("user", "a\nb"),)).code == "header-invalid"

    # A method of one version only is found there.
    lab.deploy(server("v2", "2.0.0", env={"EXTRA_METHODS": "SayNew"}))
    weights(lab, v1=0, v2=100)
    assert lab.target.call(CallRequest(APP, "SayNew")).versions == {"v2": 1}


def test_errors_are_counted_by_their_code(lab):
    lab.deploy(server("v1", env={"SLOW": "0.5"}))
    report = lab.target.call(CallRequest(APP, count=4, concurrency=4, timeout=0.1))
    assert (report.calls, report.ok, report.failed) == (4, 0, 4)
    assert report.errors == {"DEADLINE_EXCEEDED": 4}
    assert report.error_message
    assert (report.answer, report.latency_ms) == ("", {})


def test_ten_thousand_calls_are_split_as_the_rules_say(lab):
    lab.deploy(server("v1"))
    lab.deploy(server("v2", "2.0.0"))
    weights(lab, v1=90, v2=10)
    steer(lab, edit.match(lab.target.rules(), SERVICE, {"user": "admin"}, "v2", ["v1", "v2"]))
    report = lab.target.call(CallRequest(APP, count=10_000, concurrency=8))
    assert report.ok == 10_000
    # 99.9 % of all runs are inside of it.
    assert 902 <= report.versions["v2"] <= 1099
    report = lab.target.call(CallRequest(APP, headers=(("User", "admin"),), count=200, concurrency=4))
    assert report.versions == {"v2": 200}


def test_rules_that_envoy_refuses_change_nothing(lab):
    lab.deploy(server("v1"))
    weights(lab, v1=100)
    before = lab.target.rules()
    files = {path: path.read_text() for path in lab.paths.envoy.rglob("*.json")}
    (rule,) = yamlio.parse(BAD_REGEX)
    with pytest.raises(DubbopyError) as refused:
        lab.target.apply_rules(before.put(rule)).apply()
    assert refused.value.code == "envoy-refused"
    assert "missing ): (a" in refused.value.details
    assert lab.target.rules() == before
    assert {path: path.read_text() for path in lab.paths.envoy.rglob("*.json")} == files
    assert lab.target.call(CallRequest(APP)).versions == {"v1": 1}
    assert lab.target.recover() == ()


def test_health_tells_why():
    assert health.trouble(1, timeout=1).startswith("UNAVAILABLE: ")
    assert health.troubles([]) == {}


def test_a_file_that_only_a_running_envoy_refuses_is_put_back(lab):
    lab.deploy(server("v1"))
    mesh = lab.target._mesh
    config = EnvoyConfig(lab.paths, lab.runner, mesh.admin(mesh.load()))
    good = config.on_disk()
    (cluster,) = good.clusters["resources"]
    bad = replace(good, clusters=xds.envelope([{**cluster, "connect_timeout": "0s"}]))
    with pytest.raises(DubbopyError) as refused:
        config.move(bad)
    assert refused.value.code == "envoy-refused"
    assert "ConnectTimeout: value must be greater than 0s" in refused.value.details
    assert config.on_disk() == good
    assert lab.target.call(CallRequest(APP)).versions == {"v1": 1}
