"""What a cluster of the harness can do: real pods with sidecars, rules, the registry, istiod's debug interface."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace

import pytest

from tests.cluster.harness import archive, containers, mesh
from tests.cluster.harness.cluster import existing
from tests.cluster.harness.progress import HarnessError
from tests.cluster.harness.space import Space
from tests.cluster.pods import CLIENT, SERVER, deployed, loaded, report
from tests.programs import eventually
from tests.registry import running

pytestmark = pytest.mark.slow


def test_calls_between_pods_follow_a_virtual_service(cluster, namespace, pytestconfig):
    server, client = loaded(cluster, pytestconfig.cache.mkdir("go-projects"))
    policy = {"image.pullPolicy": "IfNotPresent"}
    deployed(cluster, namespace, cluster.helm4, SERVER, server / "chart/service")
    deployed(cluster, namespace, cluster.helm4, f"{SERVER}-v1", server / "chart/app", **policy)
    deployed(cluster, namespace, cluster.helm3, CLIENT, client / "chart/service")
    deployed(cluster, namespace, cluster.helm3, f"{CLIENT}-v1", client / "chart/app", **policy)
    pods = cluster.get("pods", "-n", namespace)["items"]
    sidecars = {pod["metadata"]["name"].rsplit("-", 2)[0]: pod for pod in pods}
    assert set(sidecars) == {f"{SERVER}-v1", f"{CLIENT}-v1"}
    assert all("istio-proxy" in json.dumps(pod["status"]) for pod in pods)
    assert report(cluster, namespace)["ok"] == 10
    # Nobody but the client's sidecar can refuse a call by its header.
    route = {"route": [{"destination": {"host": SERVER}}]}
    fault = {"abort": {"percentage": {"value": 100}, "httpStatus": 418}}
    match = [{"headers": {"user": {"exact": "admin"}}}]
    cluster.apply(
        {
            "apiVersion": "networking.istio.io/v1",
            "kind": "VirtualService",
            "metadata": {"name": SERVER, "namespace": namespace},
            "spec": {"hosts": [SERVER], "http": [{"match": match, "fault": fault} | route, route]},
        }
    )
    eventually(lambda: report(cluster, namespace, "-header", "user=admin")["ok"] == 0, "the rule holds", 60)
    assert report(cluster, namespace)["ok"] == 10
    assert json.loads(cluster.run(cluster.istioctl, "analyze", "--namespace", namespace, "-o", "json")) == []


def test_istiod_refuses_an_invalid_rule(cluster, namespace):
    rule = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "bad", "namespace": namespace},
        "spec": {"hosts": ["a"], "http": [{"route": [{"destination": {"host": "a"}, "weight": -1}]}]},
    }
    with pytest.raises(HarnessError, match=r"admission webhook.*denied the request.*weight"):
        cluster.apply(rule)


def pod(namespace, image):
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "one", "namespace": namespace, "labels": {"sidecar.istio.io/inject": "false"}},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "one", "image": image, "imagePullPolicy": "Always"}],
        },
    }


def pushed(cluster, registry, tmp_path):
    """Push the image of a program that waits, and leave none of it in the node; return its name."""
    name = f"{registry}/waits:1"
    # With a label, or it would be the image of every pod's pause under another name, and be removed with it.
    files = [archive.File("pause", cluster_program(cluster, "pause"))]
    image = archive.Image(name, ["/pause"], files, labels={"registry": registry})
    cluster.load(archive.write(image, tmp_path / "waits.tar"))
    ctr = ["ctr", "-a", str(containers.socket(cluster.state)), "-n", "k8s.io", "images"]
    subprocess.run([*ctr, "push", "--plain-http", name], check=True, capture_output=True)
    subprocess.run([*ctr, "remove", "--sync", name], check=True, capture_output=True)
    return name


def cluster_program(cluster, name):
    return cluster.istioctl.parent / name


def test_a_pod_is_pulled_from_the_registry(cluster, namespace, tmp_path):
    cluster.apply(pod(namespace, pushed(cluster, cluster.registry, tmp_path)))
    cluster.kube("wait", "-n", namespace, "--for=condition=Ready", "pod/one", "--timeout=60s")
    events = cluster.get("events", "-n", namespace, "--field-selector=reason=Pulled")["items"]
    assert [event["message"].split(" in ")[0] for event in events] == [
        f'Successfully pulled image "{cluster.registry}/waits:1"'
    ]


def test_a_pod_is_pulled_from_a_registry_that_a_test_runs(cluster, namespace, tmp_path):
    with running(tmp_path / "registry") as registry:
        cluster.reach(int(registry.host.rpartition(":")[2]))
        cluster.apply(pod(namespace, pushed(cluster, registry.host, tmp_path)))
        cluster.kube("wait", "-n", namespace, "--for=condition=Ready", "pod/one", "--timeout=60s")
        cluster.kube("delete", "-n", namespace, "pod/one", "--wait")
    # Without it the pull fails: nothing else answers under its address.
    cluster.apply(pod(namespace, f"{registry.host}/waits:1"))
    eventually(lambda: "ErrImagePull" in cluster.kube("get", "pods", "-n", namespace, "-o", "json"), "no pull", 60)


def asked(cluster, namespace):
    """Return the status that istiod's debug interface answers a workload of the namespace."""
    token = cluster.kube("create", "token", "default", "-n", namespace, "--audience", "istio-ca").strip()
    address = cluster.get("service", "istiod", "-n", "istio-system")["spec"]["clusterIP"]
    request = f"GET /debug/adsz HTTP/1.0\r\nAuthorization: Bearer {token}\r\n\r\n"
    script = (
        "import socket,sys; s = socket.create_connection((sys.argv[1], 15014), 10);"
        "s.sendall(sys.argv[2].encode()); print(s.makefile('rb').readline().decode())"
    )
    return int(Space.enter(cluster.state).run("python3", "-c", script, address, request).split()[1])


def test_debug_access_is_refused_unless_it_is_asked_for(cluster, namespace):
    assert asked(cluster, namespace) == 403
    cluster.allow_debug(namespace)
    try:
        assert asked(cluster, namespace) == 200
    finally:
        cluster.allow_debug()
    assert asked(cluster, namespace) == 403


def test_a_cluster_of_another_maker(cluster, tmp_path, monkeypatch):
    config = json.loads(cluster.kubeconfig.read_text())
    config["contexts"][0]["name"] = config["current-context"] = "theirs"
    (tmp_path / "config").write_text(json.dumps(config))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    foreign = existing("theirs")
    assert [item["metadata"]["name"] for item in foreign.get("nodes")["items"]] == ["node1"]
    with pytest.raises(HarnessError, match=r"^theirs was not started by this harness"):
        assert foreign.registry
    before = mesh.values_of_istiod(foreign)
    for change in (foreign.use_cni, lambda: foreign.allow_debug("default")):
        with pytest.raises(HarnessError, match=r"^theirs was not started by this harness"):
            change()
    assert mesh.values_of_istiod(foreign) == before
    # One of the harness's own is known by its context, with all that it has.
    assert existing(cluster.context) == replace(cluster)
