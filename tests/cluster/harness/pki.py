"""The certificates of a cluster and the kubeconfigs made of them, by openssl."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.harness.progress import HarnessError
from tests.cluster.harness.state import API_SERVICE, NODE, State

DAYS = "365"
EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
API_NAMES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")


class Authority:
    """A certificate authority in a folder, for one cluster."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.folder = state.folder / "pki"

    def path(self, name: str) -> Path:
        return self.folder / name

    def create(self) -> None:
        """Make the authority, the key of service accounts, and every certificate and kubeconfig of the control plane."""
        self.folder.mkdir(mode=0o700)
        usage = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self._openssl(
            "req", "-x509", "-new", *EC, "-days", DAYS, "-subj", "/CN=kubernetes-ca", *self._out("ca"), *usage
        )
        self._openssl("genrsa", "-out", str(self.path("sa.key")), "2048")
        self._openssl("rsa", "-in", str(self.path("sa.key")), "-pubout", "-out", str(self.path("sa.pub")))
        names = [f"DNS:{name}" for name in (*API_NAMES, "localhost")]
        addresses = [f"IP:{address}" for address in ("127.0.0.1", API_SERVICE, self._state.node_ip)]
        self._certificate("apiserver", "/CN=kube-apiserver", [*names, *addresses])
        node = f"/O=system:nodes/CN=system:node:{NODE}"
        self._certificate("kubelet-server", node, [f"DNS:{NODE}", f"IP:{self._state.node_ip}", "IP:127.0.0.1"])
        self._certificate("apiserver-kubelet-client", "/O=system:masters/CN=kube-apiserver-kubelet-client")
        self._certificate("front-proxy", "/CN=front-proxy-client")
        self._kubeconfig("controller-manager", "/CN=system:kube-controller-manager")
        self._kubeconfig("scheduler", "/CN=system:kube-scheduler")
        self._kubeconfig("kubelet", node)
        self._kubeconfig("proxy", "/CN=system:kube-proxy")
        self._kubeconfig("admin", "/O=system:masters/CN=admin")

    def _certificate(self, name: str, subject: str, names: Sequence[str] = ()) -> None:
        usage = "serverAuth,clientAuth" if names else "clientAuth"
        extensions = ["-addext", "keyUsage=critical,digitalSignature", "-addext", f"extendedKeyUsage={usage}"]
        if names:
            extensions += ["-addext", f"subjectAltName={','.join(names)}"]
        issuer = ("-CA", str(self.path("ca.crt")), "-CAkey", str(self.path("ca.key")))
        plain = ("-addext", "basicConstraints=critical,CA:FALSE")
        common = ("-x509", "-new", *EC, "-days", DAYS, "-subj", subject)
        self._openssl("req", *common, *issuer, *self._out(name), *plain, *extensions)

    def _kubeconfig(self, name: str, subject: str) -> None:
        self._certificate(name, subject)
        context = self._state.context
        cluster = {
            "server": f"https://{self._state.node_ip}:6443",
            "certificate-authority-data": self._base64("ca.crt"),
        }
        user = {
            "client-certificate-data": self._base64(f"{name}.crt"),
            "client-key-data": self._base64(f"{name}.key"),
        }
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": context,
            "clusters": [{"name": context, "cluster": cluster}],
            "users": [{"name": context, "user": user}],
            "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
        }
        path = self._state.folder / f"{name}.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(json.dumps(config, indent=1))

    def _base64(self, name: str) -> str:
        return base64.b64encode(self.path(name).read_bytes()).decode()

    def _out(self, name: str) -> tuple[str, ...]:
        return ("-keyout", str(self.path(f"{name}.key")), "-out", str(self.path(f"{name}.crt")))

    def _openssl(self, *arguments: str) -> None:
        done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise HarnessError(f"openssl {' '.join(arguments)} failed: {done.stderr.strip()}")
