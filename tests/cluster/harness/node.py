"""The node: containerd, kubelet, kube-proxy and the cluster's DNS."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

from tests.cluster.harness import archive, containers
from tests.cluster.harness.build import Built
from tests.cluster.harness.controlplane import Api
from tests.cluster.harness.progress import say, until
from tests.cluster.harness.space import Space
from tests.cluster.harness.state import DNS_SERVICE, NODE, PODS, State

COREDNS_READY = 9155


def start(space: Space, built: Built, api: Api) -> None:
    """Start the node and wait until it is ready and names are found."""
    state = space.state
    containers.start(space)
    pause = archive.Image(containers.PAUSE, ["/pause"], [archive.File("pause", built.program("pause"))])
    containers.load(state, archive.write(pause, state.folder / "pause.tar"))
    # A pod that does not use the cluster's DNS finds no names: there are none to be found.
    (state.folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    kubelet = space.spawn(
        "kubelet",
        built.program("kubelet"),
        f"--config={_json(state, 'kubelet.json', _kubelet(state))}",
        f"--kubeconfig={state.folder}/kubelet.kubeconfig",
        f"--hostname-override={NODE}",
        f"--node-ip={state.node_ip}",
        f"--root-dir={state.folder}/kubelet",
        f"--cert-dir={state.folder}/kubelet/pki",
    )
    proxy = space.spawn(
        "kube-proxy", built.program("kube-proxy"), f"--config={_json(state, 'proxy.json', _proxy(state))}"
    )

    def alive() -> None:
        kubelet.alive()
        proxy.alive()

    until(lambda: _node_ready(api), "the node is ready", 120, alive)
    say("node ready")
    _start_dns(space, built)


def dns_objects(state: State) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the Service of the cluster's DNS, which is a program of the node and no pod, and its endpoint."""
    ports = [{"name": f"dns-{protocol.lower()}", "port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")]
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-dns", "namespace": "kube-system"},
        "spec": {"clusterIP": DNS_SERVICE, "ports": ports},
    }
    endpoint = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "addressType": "IPv4",
        "metadata": {
            "name": "kube-dns-node",
            "namespace": "kube-system",
            "labels": {"kubernetes.io/service-name": "kube-dns"},
        },
        "ports": ports,
        "endpoints": [{"addresses": [state.node_ip], "conditions": {"ready": True}}],
    }
    return service, endpoint


def _node_ready(api: Api) -> bool:
    conditions = json.loads(api.get(f"/api/v1/nodes/{NODE}"))["status"]["conditions"]
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _start_dns(space: Space, built: Built) -> None:
    state = space.state
    corefile = state.folder / "Corefile"
    corefile.write_text(
        f"""cluster.local:53 in-addr.arpa:53 {{
    bind {state.node_ip}
    errors
    ready {state.node_ip}:{COREDNS_READY}
    kubernetes cluster.local in-addr.arpa {{
        kubeconfig {state.kubeconfig}
        pods insecure
        ttl 5
    }}
    cache 5
}}
"""
    )
    daemon = space.spawn("coredns", built.program("coredns"), "-conf", corefile)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    url = f"http://{state.node_ip}:{COREDNS_READY}/ready"
    until(lambda: opener.open(url, timeout=2).status == 200, "CoreDNS is ready", 60, daemon.alive)


def _json(state: State, name: str, content: dict[str, Any]) -> Path:
    path = state.folder / name
    path.write_text(json.dumps(content, indent=1))
    return path


def _kubelet(state: State) -> dict[str, Any]:
    pki = state.folder / "pki"
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": state.node_ip,
        "healthzBindAddress": "127.0.0.1",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{pki}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{pki}/kubelet-server.crt",
        "tlsPrivateKeyFile": f"{pki}/kubelet-server.key",
        "containerRuntimeEndpoint": f"unix://{containers.socket(state)}",
        "cgroupDriver": "cgroupfs",
        # A kubelet ends what it does not know below its own group: another cluster's pods must not be there.
        "cgroupRoot": f"/{state.cgroup}",
        "cgroupsPerQOS": True,
        "enforceNodeAllocatable": ["pods"],
        "failCgroupV1": False,
        # To lower it takes a right that root has not everywhere.
        "oomScoreAdj": 0,
        "makeIPTablesUtilChains": False,
        "clusterDNS": [DNS_SERVICE],
        "clusterDomain": "cluster.local",
        "resolvConf": f"{state.folder}/resolv.conf",
        "failSwapOn": False,
        # The machine's disk is not the cluster's to judge.
        "evictionHard": {"nodefs.available": "1%", "imagefs.available": "1%", "memory.available": "100Mi"},
        "imageGCHighThresholdPercent": 99,
        "imageGCLowThresholdPercent": 98,
        "maxPods": 100,
        "volumePluginDir": f"{state.folder}/volumeplugins",
    }


def _proxy(state: State) -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": f"{state.folder}/proxy.kubeconfig"},
        "clusterCIDR": PODS,
        "hostnameOverride": NODE,
        "oomScoreAdj": 0,
        # Zero: the kernel's settings stay as they are.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "metricsBindAddress": "127.0.0.1:10249",
        "healthzBindAddress": "127.0.0.1:10256",
    }
