"""What the real Envoy counts, against what callers met."""

import os
import signal

from dubbopy_cli.errors import UnreachableError
from dubbopy_cli.targets.base import CallRequest
from dubbopy_cli.targets.local.waiting import wait_until
from dubbopy_cli.targets.local.wanted import ENVOY
from dubbopy_cli.traffic import edit
from dubbopy_cli.traffic.counters import between

from .lab import APP, Lab, one_call, server
from .test_deploy import address, steer, weights


def counted(lab: Lab, before, calls):
    """Return what came since, once so many calls are counted, with their times."""
    found = []

    def there():
        found[:] = [between(before, lab.target.counters(APP))]
        timed = sum(sum(one.latency.values()) for one in found[0].versions.values())
        return timed >= calls <= found[0].calls

    assert wait_until(there, 10), found
    return found[0]


def figures(interval):
    return {version: (one.calls, one.errors) for version, one in interval.versions.items()}


def test_calls_errors_and_times_by_version_with_and_without_rules(lab):
    lab.deploy(server("v1"))
    lab.deploy(server("v2", "2.0.0", env={"SLOW": "0.03"}))
    before = lab.target.counters(APP)
    report = lab.target.call(CallRequest(APP, count=60, concurrency=4))
    shared = counted(lab, before, 60)
    assert figures(shared) == {version: (calls, 0) for version, calls in sorted(report.versions.items())}
    assert shared.of("v1").percentile(50) < 30 <= shared.of("v2").percentile(50)

    weights(lab, v1=0, v2=100)
    before = lab.target.counters(APP)
    lab.target.call(CallRequest(APP, count=20, concurrency=4))
    assert figures(counted(lab, before, 20)) == {"v1": (0, 0), "v2": (20, 0)}


def test_errors_are_those_that_callers_meet_each_call_once(lab):
    lab.deploy(server("v1"))
    lab.deploy(server("v2", "2.0.0", env={"FAILS": "UNAVAILABLE"}))
    weights(lab, v1=0, v2=100)
    before = lab.target.counters(APP)
    # Each of them is tried three times, as Istio does.
    assert lab.target.call(CallRequest(APP, count=10)).errors == {"UNAVAILABLE": 10}
    assert figures(counted(lab, before, 10))["v2"] == (10, 10)

    lab.deploy(server("v2", "2.0.1", env={"FAILS": "NOT_FOUND"}))
    before = lab.target.counters(APP)
    assert lab.target.call(CallRequest(APP, count=10)).errors == {"NOT_FOUND": 10}
    assert figures(counted(lab, before, 10))["v2"] == (10, 0)


def test_calls_that_reach_no_instance_count_for_the_version_they_were_meant_for(lab):
    lab.deploy(server("v1"))
    lab.deploy(server("v2", "2.0.0"))
    steer(lab, edit.subsets(lab.target.rules(), lab.app().service, ["v1", "v2"]))
    weights(lab, v1=0, v2=100)
    before = lab.target.counters(APP)
    (instance,) = lab.instances("v2")
    os.kill(instance.pid, signal.SIGSTOP)
    try:
        report = lab.target.call(CallRequest(APP, count=4, concurrency=4, timeout=0.5))
    finally:
        os.kill(instance.pid, signal.SIGCONT)
    assert report.errors == {"DEADLINE_EXCEEDED": 4}
    assert figures(counted(lab, before, 4))["v2"] == (4, 4)


def test_an_envoy_that_was_started_again_has_lost_them(lab):
    lab.deploy(server("v1"))
    port = address(lab)
    assert one_call(port) == "v1"
    before = lab.target.counters(APP)
    envoy = lab.target._mesh.supervisor.programs()[ENVOY]
    os.kill(envoy.pid, signal.SIGKILL)

    def lost():
        try:
            return between(before, lab.target.counters(APP)).lost
        except UnreachableError:
            # For as long as none runs.
            return False

    assert wait_until(lost, 20)
