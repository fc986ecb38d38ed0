"""Sidecars in a namespace under Pod Security "restricted": by istio-cni, and without it not at all."""

from __future__ import annotations

import json
import os

import pytest

from tests.cluster.harness import lifecycle, mesh
from tests.cluster.harness.progress import HarnessError
from tests.cluster.pods import CLIENT, SERVER, counted, deployed, loaded, report
from tests.programs import eventually

pytestmark = pytest.mark.slow


def istio(kind, name, namespace, spec):
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "networking.istio.io/v1", "kind": kind, "metadata": metadata, "spec": spec}


def route(subset):
    return {"hosts": [SERVER], "http": [{"route": [{"destination": {"host": SERVER, "subset": subset}}]}]}


def pod(namespace):
    """Return a pod that is restricted itself, so that only what is added to it can be refused."""
    own = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container = {"name": "one", "image": "localhost/pause:1", "imagePullPolicy": "Never", "securityContext": own}
    whole = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {"securityContext": whole, "terminationGracePeriodSeconds": 1, "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one", "namespace": namespace}, "spec": spec}


def test_calls_follow_their_rule_and_are_counted_by_subset(cluster, restricted, pytestconfig):
    server, client = loaded(cluster, pytestconfig.cache.mkdir("go-projects"))
    deployed(cluster, restricted, cluster.helm4, SERVER, server / "chart/service")
    deployed(cluster, restricted, cluster.helm4, CLIENT, client / "chart/service")
    policy = {"image.pullPolicy": "IfNotPresent"}
    for version in ("v1", "v2"):
        settings = policy | {"version.labels.dubbogoAppVersion": version}
        deployed(cluster, restricted, cluster.helm4, f"{SERVER}-{version}", server / "chart/app", **settings)
    deployed(cluster, restricted, cluster.helm4, f"{CLIENT}-v1", client / "chart/app", **policy)
    pods = cluster.get("pods", "-n", restricted)["items"]
    assert len(pods) == 3
    for one in pods:
        assert [each["name"] for each in one["spec"]["initContainers"]] == ["istio-validation", "istio-proxy"]
    subsets = [{"name": version, "labels": {"dubbogoAppVersion": version}} for version in ("v1", "v2")]
    cluster.apply(
        istio("DestinationRule", SERVER, restricted, {"host": SERVER, "subsets": subsets}),
        istio("VirtualService", SERVER, restricted, route("v2")),
    )
    eventually(lambda: all_go_to(cluster, restricted, "v2", "v1"), "all calls go to v2", 60)
    cluster.apply(istio("VirtualService", SERVER, restricted, route("v1")))
    eventually(lambda: all_go_to(cluster, restricted, "v1", "v2"), "all calls go to v1", 60)


def all_go_to(cluster, namespace, version, other):
    """Make ten calls, beside those that the client makes by itself; say if its sidecar sent all to the version."""
    before = counted(cluster, namespace, version), counted(cluster, namespace, other)
    assert report(cluster, namespace)["ok"] == 10
    after = counted(cluster, namespace, version), counted(cluster, namespace, other)
    return after[0] - before[0] >= 10 and after[1] == before[1]


def test_a_change_of_debug_access_leaves_istio_cni_in_use(cluster, restricted):
    settings = mesh.values_of_istiod(cluster)
    assert settings == mesh.values(cni=True)
    cluster.allow_debug(restricted)
    try:
        assert mesh.values_of_istiod(cluster) == mesh.values([restricted], cni=True)
        cluster.apply(pod(restricted))
        cluster.kube("wait", "-n", restricted, "--for=condition=Ready", "pod/one", "--timeout=60s")
    finally:
        cluster.allow_debug()
    assert mesh.values_of_istiod(cluster) == settings


def test_without_istio_cni_a_sidecar_is_not_admitted():
    with lifecycle.session(f"plain-{os.getpid()}") as cluster:
        labels = {"istio-injection": "enabled", "pod-security.kubernetes.io/enforce": "restricted"}
        metadata = {"name": "strict", "labels": labels}
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        with pytest.raises(HarnessError) as refused:
            cluster.apply(pod("strict"))
        said = str(refused.value)
        assert 'violates PodSecurity "restricted:latest"' in said
        assert 'container "istio-init" must not include "NET_ADMIN", "NET_RAW"' in said
        # What is refused is the sidecar's, not the pod's own.
        plain = pod("strict")
        plain["metadata"]["labels"] = {"sidecar.istio.io/inject": "false"}
        cluster.apply(plain)
        # The plugin comes to a cluster that runs, and the same pod is admitted; what else was set stays.
        cluster.allow_debug("strict", "other")
        cluster.use_cni()
        assert mesh.values_of_istiod(cluster) == mesh.values(["strict", "other"], cni=True)
        cluster.kube("delete", "pod", "one", "-n", "strict", "--wait")
        cluster.apply(pod("strict"))
        cluster.kube("wait", "-n", "strict", "--for=condition=Ready", "pod/one", "--timeout=60s")
        assert "istio-validation" in json.dumps(cluster.get("pod", "one", "-n", "strict"))
