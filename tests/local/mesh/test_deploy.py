import time

import psutil
import pytest

from dubbopy_cli.errors import ConflictError, PreflightError, RolloutError, UsageError
from dubbopy_cli.targets.base import CallRequest
from dubbopy_cli.targets.local.supervisor import Supervisor
from dubbopy_cli.traffic import edit
from dubbopy_cli.traffic.model import RuleSet

from .lab import APP, PORT, SERVICE, Load, client, one_call, server


def steer(lab, rules):
    lab.target.apply_rules(rules).apply()


def weights(lab, **shares):
    versions = [one.version for one in lab.app().releases]
    steer(lab, edit.set_weights(lab.target.rules(), SERVICE, shares, versions))


def address(lab, name=APP):
    return int(lab.app(name).address.rpartition(":")[2])


def test_a_version_is_deployed_called_and_removed(lab):
    lab.deploy(server("v1"))

    app = lab.app()
    assert [(one.version, one.revision, one.tag, one.ready) for one in app.releases] == [("v1", 1, "1.0.0", 1)]
    (instance,) = lab.instances()
    assert instance.name == "dubbo-go-server-v1-r1-0"
    assert (instance.state, instance.restarts, instance.reason) == ("ready", 0, "")
    assert psutil.pid_exists(instance.pid)
    assert abs(instance.started - time.time()) < 60

    report = lab.target.call(CallRequest(APP, body='{"name": "laurence"}', count=5, concurrency=2))
    assert report.method == "api.Greeter/SayHello"
    assert (report.calls, report.ok, report.versions, report.errors) == (5, 5, {"v1": 5}, {})
    assert report.answer == '{"name": "Hello laurence", "id": "v1.0.0"}'
    assert list(report.latency_ms) == ["min", "mean", "p50", "p90", "p99", "max"]

    lab.target.remove(APP, "v1").apply()
    assert lab.target.applications() == ()
    assert lab.running() == ()
    assert not lab.paths.socket().exists()


def test_everything_listens_on_loopback_only(lab):
    lab.deploy(server("v1"))
    listening = [
        one.laddr.ip.removeprefix("::ffff:")  # how grpcio binds an IPv4 address
        for process in lab.running()
        for one in process.net_connections("tcp")
        if one.status == psutil.CONN_LISTEN
    ]
    # Envoy's admin, its listener, the instance.
    assert listening == ["127.0.0.1"] * 3


def test_without_rules_versions_share_and_stop_keeps_the_state(lab):
    lab.deploy(server("v1"))
    lab.deploy(server("v2", "2.0.0", replicas=2))
    port = address(lab)
    report = lab.target.call(CallRequest(APP, count=300, concurrency=3))
    assert report.ok == 300
    assert report.versions.keys() == {"v1", "v2"}

    ended = lab.target.stop()
    assert len(ended) == 5
    assert lab.running() == ()
    assert [one.state for one in lab.instances("v2")] == ["stopped", "stopped"]
    assert lab.target.recover() == ()
    assert lab.running() == ()

    assert lab.target.start() == ()
    assert one_call(port) in {"v1", "v2"}
    lab.target.reset()
    assert lab.running() == ()
    assert lab.target.applications() == ()


def test_the_same_version_again_replaces_it_without_losing_a_call(lab):
    lab.deploy(server("v1", replicas=2, env={"SLOW": "0.05"}))
    former = {one.pid for one in lab.instances()}
    with Load(address(lab)) as load:
        for patch in range(1, 4):
            lab.deploy(server("v1", f"1.0.{patch}", replicas=2, env={"SLOW": "0.05"}))
            load.wait_for(20)
    assert load.failures == []
    release = lab.app().release("v1")
    assert (release.revision, release.tag, release.replicas, len(release.instances)) == (4, "1.0.3", 2, 2)
    assert not former & {one.pid for one in lab.running()}
    assert [one.name for one in lab.paths.releases.glob("*/*")] == [release.digest]


def test_rules_decide_and_a_new_version_stays_dark_under_them(lab):
    lab.deploy(server("v1"))
    weights(lab, v1=100)
    lab.deploy(server("v2", "2.0.0"))
    port = address(lab)
    assert lab.target.call(CallRequest(APP, count=100, concurrency=4)).versions == {"v1": 100}

    wanted = edit.match(lab.target.rules(), SERVICE, {"user": "admin"}, "v2", ["v1", "v2"])
    steer(lab, wanted)
    assert one_call(port, [("user", "admin")]) == "v2"
    assert one_call(port) == "v1"

    with pytest.raises(ConflictError) as refused:
        lab.target.remove(APP, "v2")
    assert refused.value.code == "traffic-remains"
    assert "route user-admin" in refused.value.message
    assert refused.value.hint == "dubbopy-cli traffic unmatch user-admin --app dubbo-go-server"

    steer(lab, edit.unmatch(lab.target.rules(), SERVICE, "user-admin"))
    weights(lab, v1=0, v2=100)
    with Load(port) as load:
        lab.target.remove(APP, "v1").apply()
        load.wait_for(20)
    assert load.failures == []
    (rule,) = lab.target.rules().of_kind("DestinationRule")
    assert [one["name"] for one in rule.spec["subsets"]] == ["v2"]

    lab.target.remove(APP, None).apply()
    assert lab.target.rules() == RuleSet()
    assert lab.running() == ()


def test_force_takes_a_version_out_of_its_routes(lab):
    lab.deploy(server("v1"))
    lab.deploy(server("v2", "2.0.0"))
    weights(lab, v1=90, v2=10)
    steer(lab, edit.match(lab.target.rules(), SERVICE, {"user": "admin"}, "v2", ["v1", "v2"]))
    port = address(lab)
    with Load(port) as load:
        lab.target.remove(APP, "v2", force=True).apply()
        load.wait_for(20)
    assert load.failures == []
    assert one_call(port, [("user", "admin")]) == "v1"
    (rule,) = lab.target.rules().of_kind("VirtualService")
    (route,) = rule.spec["http"]
    assert [(one["destination"]["subset"], one["weight"]) for one in route["route"]] == [("v1", 100)]


def test_no_traffic_fixes_the_present_shares_first(lab):
    with pytest.raises(ConflictError) as refused:
        lab.target.deploy(server("v1", no_traffic=True))
    assert refused.value.code == "no-traffic-first"
    lab.deploy(server("v1"))
    with pytest.raises(ConflictError):
        lab.target.deploy(server("v1", "1.0.1", no_traffic=True))
    with Load(address(lab)) as load:
        lab.deploy(server("v2", "2.0.0", no_traffic=True))
        load.wait_for(50)
    assert load.failures == []
    assert load.versions.keys() == {"v1"}


def test_a_crash_at_the_start_fails_at_once_and_leaves_the_former_version(lab):
    lab.deploy(server("v1"))
    with Load(address(lab)) as load, pytest.raises(RolloutError) as failed:
        lab.deploy(server("v1", "1.0.1", replicas=2, env={"CRASH": "no database"}, timeout=60))
    assert load.failures == []
    assert failed.value.code == "rollout-failed"
    assert "ended while it was starting" in failed.value.message
    assert "cannot start: no database" in failed.value.details
    release = lab.app().release("v1")
    assert (release.revision, release.tag, len(release.instances)) == (1, "1.0.0", 1)
    assert lab.target.recover() == ()


def test_a_first_version_that_never_gets_ready_leaves_nothing(lab):
    with pytest.raises(RolloutError) as failed:
        lab.deploy(server("v1", env={"NEVER_READY": "1"}, timeout=2))
    assert "did not become ready within 2 s" in failed.value.message
    assert "serving 1.0.0" in failed.value.details
    assert lab.target.applications() == ()
    assert lab.running() == ()


def test_an_interrupt_in_the_first_start_of_the_supervisor_leaves_nothing(lab, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Supervisor, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        lab.deploy(server("v1"))
    assert lab.target.applications() == ()
    assert lab.running() == ()
    assert not list(lab.paths.programs.glob("*.conf"))


def test_a_client_deployed_first_is_told_an_address_that_stays(lab):
    lab.deploy(client())
    lines = lambda: [one.text for one in lab.target.logs("dubbo-go-client", None, follow=False, since=None, tail=1)]  # noqa: E731
    (line,) = lines()
    port = int(line.rpartition(":")[2])
    assert one_call(port) == "UNAVAILABLE"
    lab.deploy(server("v1"))
    assert address(lab) == port
    assert one_call(port) == "v1"
    lab.target.remove(APP, None).apply()
    assert lab.target.recover() == ()
    assert one_call(port) == "UNAVAILABLE"
    lab.target.remove("dubbo-go-client", None).apply()
    assert lab.running() == ()


def test_what_cannot_be_meant_is_refused_before_anything_happens(lab):
    with pytest.raises(UsageError, match="no application"):
        lab.target.remove(APP, None)
    with pytest.raises(PreflightError, match="no ready instance"):
        lab.target.call(CallRequest(APP))
    lab.deploy(server("v1"))
    with pytest.raises(UsageError, match="Did you mean 'v1'"):
        lab.target.remove(APP, "v11")
    with pytest.raises(ConflictError) as refused:
        lab.target.deploy(server("v2", port=PORT + 1))
    assert refused.value.code == "port-conflict"
    with pytest.raises(ConflictError) as refused:
        lab.target.deploy(client(version="v2").__class__(**{**client().__dict__, "application": APP}))
    assert refused.value.code == "role-conflict"
    before = lab.paths.state.read_text()
    plan = lab.target.deploy(server("v2", "2.0.0"))
    assert [one.title for one in plan.steps] == [
        "copy what was built to release dubbo-go-server-v2",
        "start 1 instance of dubbo-go-server-v2",
        "wait at most 30 s until they answer SERVING",
        "let Envoy reach the new instances of dubbo-go-server-v2",
    ]
    assert lab.paths.state.read_text() == before
