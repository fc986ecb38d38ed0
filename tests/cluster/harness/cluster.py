"""A cluster as its users see it: kubeconfig, programs, images, registry."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.harness import archive, build, containers, mesh, network
from tests.cluster.harness.progress import HarnessError
from tests.cluster.harness.space import Space
from tests.cluster.harness.state import State, find
from tests.helm import HELM3, HELM4, fetch

# A proxy of the environment leads nowhere near a cluster of this machine.
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@dataclass(frozen=True)
class Cluster:
    """A running cluster; ``state`` is None for one that the harness did not start."""

    kubeconfig: Path
    context: str
    state: State | None = None

    @property
    def registry(self) -> str:
        """Return ``127.0.0.1:PORT`` of the registry that machine and node reach; HarnessError on a foreign cluster."""
        return self._own().registry

    @property
    def helm3(self) -> Path:
        return fetch(HELM3).helm

    @property
    def helm4(self) -> Path:
        return fetch(HELM4).helm

    @property
    def kubectl(self) -> Path:
        return fetch(HELM4).kubectl

    @property
    def istioctl(self) -> Path:
        return build.istioctl()

    def env(self) -> dict[str, str]:
        """Return an environment in which kubectl, helm, istioctl and dubbopy-cli use this cluster."""
        env = {name: value for name, value in os.environ.items() if name.upper() not in PROXIES}
        return env | {"KUBECONFIG": str(self.kubeconfig)}

    def run(self, program: Path, *arguments: str | Path, input: str | None = None, check: bool = True) -> str:  # noqa: A002 as in subprocess
        """Run one of the programs with this cluster's context and return its output; HarnessError when it fails."""
        # helm calls the context by a name of its own.
        option = "--kube-context" if program.name == "helm" else "--context"
        argv = [str(program), option, self.context, *map(str, arguments)]
        done = subprocess.run(argv, input=input, env=self.env(), capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise HarnessError(f"{' '.join(argv)} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def kube(self, *arguments: str | Path, input: str | None = None, check: bool = True) -> str:  # noqa: A002 as in subprocess
        """Run kubectl and return its output; HarnessError when it fails."""
        return self.run(self.kubectl, *arguments, input=input, check=check)

    def get(self, *arguments: str) -> Any:
        """Return what ``kubectl get`` says, as JSON."""
        return json.loads(self.kube("get", "-o", "json", *arguments))

    def apply(self, *documents: dict[str, Any]) -> None:
        """Apply objects by server-side apply."""
        self.kube("apply", "--server-side", "-f", "-", input="\n---\n".join(map(json.dumps, documents)))

    def load(self, image: Path) -> None:
        """Put the images of an archive into the node."""
        containers.load(self._own(), image)

    def load_project(self, project: Path, reference: str) -> None:
        """Put the image of a generated Go project, compiled into its build folder, into the node."""
        state = self._own()
        path = state.folder / f"project-{os.getpid()}.tar"
        try:
            containers.load(state, archive.of_project(project, reference, path))
        finally:
            path.unlink(missing_ok=True)

    def reach(self, port: int) -> None:
        """Let the node pull from another registry on this port of the machine's loopback."""
        state = self._own()
        containers.trust(state, f"127.0.0.1:{port}")
        network.relay(Space.enter(state), port)

    def allow_debug(self, *namespaces: str) -> None:
        """Let workloads of these namespaces, and no others, use istiod's debug interface; none: Istio's default."""
        self._own()  # another's istiod is not ours to change
        mesh.allow_debug(self, build.everything(), namespaces)

    def use_cni(self) -> None:
        """Have sidecars admitted in namespaces under Pod Security "restricted": no pod takes NET_ADMIN from now on."""
        mesh.use_cni(self, self._own(), build.everything())

    def _own(self) -> State:
        if self.state is None:
            raise HarnessError(f"{self.context} was not started by this harness: it has no registry or node to reach")
        return self.state


def of_state(state: State) -> Cluster:
    """Return a cluster of the harness."""
    return Cluster(state.kubeconfig, state.context, state)


def existing(context: str) -> Cluster:
    """Return the cluster of a context in the caller's kubeconfig, or of the harness if the context is one of its own."""
    state = find(context.removeprefix("dubbopy-"))
    if state and state.ready and state.context == context:
        Space.enter(state)
        return of_state(state)
    path = os.environ.get("KUBECONFIG", str(Path.home() / ".kube/config")).split(os.pathsep)[0]
    cluster = Cluster(Path(path), context)
    cluster.kube("version")
    return cluster
