"""Logs, calls, rules in force and doctor, on pods of a real mesh."""

import json
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from dubbopy_cli.targets.base import CallRequest
from dubbopy_cli.targets.kubernetes import call, doctor, logs, rules
from dubbopy_cli.traffic import edit
from dubbopy_cli.traffic.model import RuleSet
from tests.cluster.conftest import made
from tests.cluster.pods import CLIENT, SERVER
from tests.cluster.shops import TAGS, opened
from tests.programs import eventually

pytestmark = pytest.mark.slow

VERSIONS = list(TAGS)


@pytest.fixture(scope="module")
def shop(cluster, pytestconfig):
    with made(cluster) as namespace:
        yield opened(cluster, namespace, pytestconfig.cache.mkdir("go-projects"))


@pytest.fixture
def here(cluster, shop, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    monkeypatch.setenv("DUBBOPY_KUBECTL", str(cluster.kubectl))
    monkeypatch.setenv("DUBBOPY_HELM", str(cluster.helm4))
    place = shop.place()
    yield place
    rules.apply(place, RuleSet()).apply()


def test_calls_are_made_by_a_client_and_counted_by_version(here, shop):
    one = call.call(here, CallRequest(SERVER, body='{"name": "ada"}'))
    assert (one.method, one.calls, one.ok) == ("api.Greeter/SayHello", 1, 1)
    answer = json.loads(one.answer)
    assert answer["name"] == "Hello ada"
    assert {f"v{tag}": version for version, tag in TAGS.items()}[answer["id"]] in one.versions
    many = call.call(here, CallRequest(SERVER, count=100, concurrency=8))
    assert set(many.versions) == {"v1", "v2"}
    assert (sum(many.versions.values()), many.errors, many.failed) == (100, {}, 0)
    assert list(many.latency_ms) == ["min", "mean", "p50", "p90", "p99", "max"]


def test_a_rule_is_in_force_when_the_change_is_done(here, shop):
    for version in ("v1", "v2", "v1"):
        rules.apply(here, edit.set_weights(rules.read(here), shop.service, {version: 100}, VERSIONS)).apply()
        assert call.call(here, CallRequest(SERVER, count=20, concurrency=4)).versions == {version: 20}
    rules.apply(here, edit.match(rules.read(here), shop.service, {"user": "admin"}, "v2", VERSIONS)).apply()
    admin = CallRequest(SERVER, headers=(("user", "admin"),), count=20)
    assert call.call(here, admin).versions == {"v2": 20}
    # What differs now is no subset and no weight.
    rules.apply(here, edit.match(rules.read(here), shop.service, {"user": "root"}, "v2", VERSIONS)).apply()
    assert call.call(here, CallRequest(SERVER, headers=(("user", "root"),), count=20)).versions == {"v2": 20}
    rules.apply(here, RuleSet()).apply()
    assert set(call.call(here, CallRequest(SERVER, count=100, concurrency=8)).versions) == {"v1", "v2"}


def test_calls_that_fail_are_counted_by_their_code(here, shop):
    fault = {"abort": {"percentage": {"value": 100}, "grpcStatus": "UNAVAILABLE"}}
    wanted = edit.set_weights(RuleSet(), shop.service, {"v1": 100}, VERSIONS)
    (rule,) = wanted.of_kind("VirtualService")
    rule.document["spec"]["http"][0]["fault"] = fault
    rules.apply(here, wanted).apply()
    report = call.call(here, CallRequest(SERVER, count=3))
    assert (report.ok, report.failed, report.errors) == (0, 3, {"UNAVAILABLE": 3})
    assert report.error_message == "fault filter abort"


def deployment(namespace, image, *, arguments, name="loud", version="v1"):
    """Return a Deployment of the client's image that the tool takes for one of its own."""
    labels = {"app.kubernetes.io/name": name, "dubbogoAppVersion": version}
    container = {"name": "app", "image": image, "imagePullPolicy": "IfNotPresent", "args": arguments}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"{name}-{version}", "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": {**labels, "sidecar.istio.io/inject": "false"}},
                "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
            },
        },
    }


def restarts(cluster, namespace, name):
    pods = cluster.get("pods", "-n", namespace, "-l", f"app.kubernetes.io/name={name}")["items"]
    statuses = [one for pod in pods for one in pod["status"].get("containerStatuses", ())]
    return sum(one["restartCount"] for one in statuses)


def test_logs_of_several_versions_are_in_order(here):
    lines = list(logs.read(here, SERVER, None, follow=False, since=None, tail=None))
    assert {one.version for one in lines} == {"v1", "v2"}
    assert [one.time for one in lines] == sorted(one.time for one in lines)
    assert all(one.text.endswith("INFO serving on :20000") for one in lines if "serving" in one.text)
    last = list(logs.read(here, CLIENT, "v1", follow=False, since=None, tail=2))
    assert len(last) == 2
    assert last[1].time - last[0].time == pytest.approx(1, abs=0.9)
    assert {one.instance.rsplit("-", 2)[0] for one in last} == {f"{CLIENT}-v1"}


def test_the_lines_of_a_program_that_crashes_are_there_and_none_is_there_twice(cluster, here, shop):
    image = f"localhost:5000/{CLIENT}:{TAGS['v1']}"
    cluster.apply(deployment(shop.namespace, image, arguments=["-o", "nonsense"]))
    eventually(lambda: restarts(cluster, shop.namespace, "loud") >= 2, "two restarts", 120)
    lines = [
        one for one in logs.read(here, "loud", None, follow=False, since=None, tail=None) if "nonsense" in one.text
    ]
    assert 1 <= len(lines) <= 2
    assert len({one.time for one in lines}) == len(lines)
    cluster.kube("delete", "deployment", "loud-v1", "-n", shop.namespace)


def followers():
    """Return what follows logs for this process."""
    return [one for one in psutil.Process().children(recursive=True) if "--follow" in one.cmdline()]


def test_followed_logs_go_on_with_new_pods_and_leave_no_process(cluster, here, shop):
    image = f"localhost:5000/{CLIENT}:{TAGS['v1']}"
    quiet = deployment(shop.namespace, image, arguments=["-name", "nobody"], name="chatty")
    cluster.apply(quiet)
    eventually(lambda: list(logs.read(here, "chatty", None, follow=False, since=None, tail=1)), "a first line", 120)
    following = logs.read(here, "chatty", None, follow=True, since=None, tail=0)
    seen = {}

    def pods():
        """Follow until lines of another pod than the first have come, two of each."""
        for line in following:
            seen.setdefault(line.instance, []).append(line)
            if len(seen) >= 2 and all(len(each) >= 2 for each in seen.values()):
                return list(seen)
        return []

    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(pods)
        eventually(lambda: seen, "a line", 120)
        quiet["spec"]["replicas"] = 2
        cluster.apply(quiet)
        assert len(found.result(timeout=120)) == 2
    times = [line.time for lines in seen.values() for line in lines]
    assert len(times) == len(set(times))
    assert followers()
    following.close()
    assert followers() == []
    cluster.kube("delete", "deployment", "chatty-v1", "-n", shop.namespace)


def test_doctor_finds_nothing_wrong_and_then_what_is_wrong(cluster, here, shop):
    doctor.preflight(here)
    assert {one.name: one.state for one in doctor.checks(here) if one.state != "ok"} in (
        {},
        {"version skew": "warning"},
    )
    image = f"localhost:5000/{CLIENT}:{TAGS['v1']}"
    cluster.apply(deployment(shop.namespace, image, arguments=[], name="plain"))
    rule = {"hosts": ["gone"], "http": [{"route": [{"destination": {"host": "gone"}}]}]}
    kind = {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService"}
    cluster.apply({**kind, "metadata": {"name": "gone", "namespace": shop.namespace}, "spec": rule})
    found = {one.name: one for one in doctor.checks(here)}
    assert (found["leftovers"].state, found["leftovers"].detail) == (
        "warning", f"VirtualService {shop.namespace}/gone is about a Service that is not there",
    )  # fmt: skip
    cluster.kube("delete", "deployment", "plain-v1", "-n", shop.namespace)
    cluster.kube(*found["leftovers"].hint.split()[1:])
    assert {one.name: one.state for one in doctor.checks(here)}["leftovers"] == "ok"
