"""etcd, kube-apiserver, kube-controller-manager and kube-scheduler."""

from __future__ import annotations

import ssl
import urllib.request

from tests.cluster.harness.build import Built
from tests.cluster.harness.pki import Authority
from tests.cluster.harness.progress import say, until
from tests.cluster.harness.space import Space
from tests.cluster.harness.state import PODS, SERVICES, State

ETCD, ETCD_PEERS = "http://127.0.0.1:2379", "http://127.0.0.1:2380"


class Api:
    """The API server as the administrator sees it, over plain HTTPS."""

    def __init__(self, state: State, authority: Authority) -> None:
        context = ssl.create_default_context(cafile=str(authority.path("ca.crt")))
        context.load_cert_chain(str(authority.path("admin.crt")), str(authority.path("admin.key")))
        handlers = (urllib.request.HTTPSHandler(context=context), urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)
        self._url = f"https://{state.node_ip}:6443"

    def get(self, path: str) -> bytes:
        """Return the body; OSError when there is no good answer."""
        with self._opener.open(self._url + path, timeout=5) as answer:
            return bytes(answer.read())


def start(space: Space, built: Built) -> Api:
    """Start the control plane and wait until namespaces get their service accounts."""
    state = space.state
    authority = Authority(state)
    authority.create()
    etcd = space.spawn("etcd", built.program("etcd"), *_etcd(state))
    server = space.spawn("kube-apiserver", built.program("kube-apiserver"), *_api_server(state, authority))
    api = Api(state, authority)

    def alive() -> None:
        etcd.alive()
        server.alive()

    until(lambda: api.get("/readyz") == b"ok", "the API server is ready", 180, alive)
    say("API server ready")
    manager = space.spawn(
        "kube-controller-manager", built.program("kube-controller-manager"), *_controller_manager(state, authority)
    )
    space.spawn(
        "kube-scheduler",
        built.program("kube-scheduler"),
        f"--kubeconfig={state.folder}/scheduler.kubeconfig",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
    )
    account = "/api/v1/namespaces/default/serviceaccounts/default"
    until(lambda: api.get(account), "the service account of the namespace default", 120, manager.alive)
    return api


def _etcd(state: State) -> list[str]:
    return [
        f"--data-dir={state.folder}/etcd",
        "--unsafe-no-fsync",
        f"--listen-client-urls={ETCD}",
        f"--advertise-client-urls={ETCD}",
        f"--listen-peer-urls={ETCD_PEERS}",
        f"--initial-advertise-peer-urls={ETCD_PEERS}",
        f"--initial-cluster=default={ETCD_PEERS}",
        "--log-level=warn",
    ]


def _api_server(state: State, authority: Authority) -> list[str]:
    pki = authority.folder
    return [
        f"--etcd-servers={ETCD}",
        f"--bind-address={state.node_ip}",
        f"--advertise-address={state.node_ip}",
        "--secure-port=6443",
        f"--service-cluster-ip-range={SERVICES}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--client-ca-file={pki}/ca.crt",
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
        f"--kubelet-client-certificate={pki}/apiserver-kubelet-client.crt",
        f"--kubelet-client-key={pki}/apiserver-kubelet-client.key",
        # exec, logs and port-forward: the node's name is in no DNS.
        "--kubelet-preferred-address-types=InternalIP",
        f"--requestheader-client-ca-file={pki}/ca.crt",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={pki}/front-proxy.crt",
        f"--proxy-client-key-file={pki}/front-proxy.key",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={pki}/sa.pub",
        f"--service-account-signing-key-file={pki}/sa.key",
        "--profiling=false",
    ]


def _controller_manager(state: State, authority: Authority) -> list[str]:
    pki = authority.folder
    return [
        f"--kubeconfig={state.folder}/controller-manager.kubeconfig",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        "--use-service-account-credentials=true",
        f"--service-account-private-key-file={pki}/sa.key",
        f"--root-ca-file={pki}/ca.crt",
        f"--cluster-signing-cert-file={pki}/ca.crt",
        f"--cluster-signing-key-file={pki}/ca.key",
        "--allocate-node-cidrs=true",
        f"--cluster-cidr={PODS}",
        f"--service-cluster-ip-range={SERVICES}",
        # A busy machine is no dead node.
        "--node-monitor-grace-period=120s",
    ]
