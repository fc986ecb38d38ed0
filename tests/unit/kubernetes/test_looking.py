"""What pods, Deployments and sidecars tell: pure functions on what a cluster says."""

import json

import pytest

from dubbopy_cli.targets.kubernetes import causes, proxies, rollout
from dubbopy_cli.targets.kubernetes.causes import Cause
from dubbopy_cli.traffic.model import Rule

HOST = "shop.default.svc.cluster.local"


def pod(name="p", *, waiting="", ended=None, restarts=0, conditions=(), message=""):
    state = {"waiting": {"reason": waiting, "message": message}} if waiting else {}
    status = {"name": "app", "state": state, "restartCount": restarts}
    if ended:
        status["lastState"] = {"terminated": ended}
    return {"metadata": {"name": name}, "status": {"conditions": list(conditions), "containerStatuses": [status]}}


@pytest.mark.parametrize(
    ("seen", "cause"),
    [
        (pod(), None),
        (pod(waiting="ContainerCreating"), None),
        (pod(waiting="ErrImagePull", message="no"), Cause("ImagePullBackOff", "no", "p", "app", final=False)),
        (pod(waiting="ImagePullBackOff", message="no"), Cause("ImagePullBackOff", "no", "p", "app")),
        (pod(waiting="CreateContainerConfigError", message="x"), Cause("CreateContainerConfigError", "x", "p", "app")),
        (
            pod(waiting="CrashLoopBackOff", ended={"exitCode": 3}),
            Cause("CrashLoopBackOff", "container app ended with exit status 3", "p", "app", logs=True),
        ),
        (pod(ended={"exitCode": 3}, restarts=1), None),
        (
            pod(ended={"reason": "OOMKilled", "exitCode": 137}, restarts=1),
            Cause("OOMKilled", "container app needed more memory than its limit", "p", "app", logs=True),
        ),
        (
            pod(conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "full"}]),
            Cause("Unschedulable", "full", "p"),
        ),
    ],
)
def test_what_stands_in_the_way_of_a_pod(seen, cause):
    assert causes.of_pods([pod("other"), seen]) == cause


def test_what_keeps_pods_from_being_made():
    def condition(text):
        return [{"type": "ReplicaFailure", "status": "True", "message": text}]

    assert causes.of_conditions(condition("exceeded quota: pods")) == Cause("Quota", "exceeded quota: pods")
    assert causes.of_conditions(condition("violates PodSecurity")) == Cause("Admission", "violates PodSecurity")
    refused = 'violates PodSecurity: container "istio-init" must not include "NET_ADMIN"'
    named = causes.of_conditions(condition(refused))
    assert named == Cause(
        "Admission", f"{refused}; istio-init is Istio's, and where istio-cni is installed, sidecars do without it"
    )
    assert causes.of_conditions([{"type": "Available", "status": "False"}]) is None


def test_the_newest_warning_about_these_pods():
    def event(name, reason, at):
        return {
            "type": "Warning", "reason": reason, "message": reason, "lastTimestamp": at, "involvedObject": {"name": name},
        }  # fmt: skip

    events = [event("p", "FailedMount", "1"), event("p", "Unhealthy", "2"), event("q", "Evicted", "3")]
    assert causes.of_events(events, {"p"}) == Cause("FailingProbe", "Unhealthy", "p", final=False)
    assert causes.of_events(events, {"r"}) is None


@pytest.mark.parametrize(
    ("status", "done"),
    [
        ({"observedGeneration": 2, "updatedReplicas": 2, "availableReplicas": 2, "replicas": 2}, True),
        ({"observedGeneration": 1, "updatedReplicas": 2, "availableReplicas": 2, "replicas": 2}, False),
        ({"observedGeneration": 2, "updatedReplicas": 2, "availableReplicas": 2, "replicas": 3}, False),
        ({"observedGeneration": 2, "updatedReplicas": 2, "availableReplicas": 1, "replicas": 2}, False),
        ({}, False),
    ],
)
def test_a_rollout_is_done_when_nothing_of_the_former_revision_is_left(status, done):
    seen = {"metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": status}
    assert rollout.is_done(seen) is done


def test_the_subsets_that_a_sidecar_names():
    dump = f'"cluster": "outbound|20000|v1|{HOST}", "outbound|20000||{HOST}" "outbound|1|v3|{HOST}.other"'
    assert proxies.subsets_in(dump, HOST) == {"v1", ""}
    assert proxies.subsets_in(f"outbound|20000|v2|{HOST}::default_priority", HOST) == {"v2"}


def routes_dump(*routes, log="2026-01-01T00:00:00Z warn OS CA Cert could not be found for agent\n"):
    hosts = [{"name": HOST, "routes": list(routes)}]
    return log + json.dumps({"configs": [{"route_config": {"name": "20000", "virtual_hosts": hosts}}]}, indent=1)


def route(subset, *, name="shop", timeout="0s", host=HOST):
    config = f"/apis/networking.istio.io/v1/namespaces/default/virtual-service/{name}"
    return {
        "route": {"cluster": f"outbound|20000|{subset}|{host}", "timeout": timeout},
        "metadata": {"filter_metadata": {"istio": {"config": config}}},
    }


def virtual_service(*subsets, **spec):
    http = [{"route": [{"destination": {"host": "shop", "subset": one}}]} for one in subsets]
    document = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "shop", "namespace": "default"},
        "spec": {"hosts": ["shop"], "http": http, **spec},
    }
    return Rule("VirtualService", "default", "shop", document)


def test_routes_bear_the_name_of_their_virtual_service():
    dump = routes_dump(route("v1"), route("v2", name="shop-2"), {"route": {}, "metadata": {}})
    assert proxies.routes_in(dump, virtual_service()) == (json.dumps(route("v1"), sort_keys=True),)
    assert proxies.routes_in("no answer", virtual_service()) == ()


@pytest.mark.parametrize(
    ("dump", "former", "holds", "new"),
    [
        (routes_dump(route("v1")), (), True, True),
        (routes_dump(route("v2")), (), False, True),
        # Nothing but a timeout differs.
        (routes_dump(route("v1")), proxies.routes_in(routes_dump(route("v1")), virtual_service()), True, False),
        (routes_dump(route("v1")), proxies.routes_in(routes_dump(route("v1", timeout="2s")), virtual_service()), True, True),
        # The host is known, by its default route alone; and not at all.
        (routes_dump(route("", name="")), (), False, False),
        (routes_dump(), (), True, False),
    ],
)  # fmt: skip
def test_what_a_sidecar_has_of_a_changed_virtual_service(dump, former, holds, new):
    question = proxies._question(virtual_service("v1"), gone=False, former=former)
    assert (question.holds(dump), question.new(dump)) == (holds, new)


def test_what_a_sidecar_has_of_one_that_is_gone():
    question = proxies._question(virtual_service("v1"), gone=True, former=None)
    assert not question.holds(routes_dump(route("v1")))
    assert question.holds(routes_dump(route("", name="other")))
