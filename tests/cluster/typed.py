"""dubbopy-cli on a cluster as a user types it, and what it leaves there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dubbopy_cli.targets.kubernetes.charts import DEPLOYED
from tests.cluster.harness.cluster import Cluster
from tests.cluster.pods import CLIENT, SERVER
from tests.cluster.shops import TAGS

ROOT = Path(__file__).parents[2]
# As the images are in the node, and not to be fetched.
HERE = ("--no-build", "--set", "image.pullPolicy=IfNotPresent")
# Where nobody calls, and pods need not stay for callers that know of them.
SHORT = ("--set", "preStopSleepSeconds=1")
_KINDS = (
    "deployments,services,serviceaccounts,configmaps,leases,"
    "virtualservices.networking.istio.io,destinationrules.networking.istio.io"
)
_SERVERS = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields")
# They differ with the number of deploys.
_COUNTED = ("deployment.kubernetes.io/revision", DEPLOYED)


def place(cluster: Cluster, namespace: str) -> dict[str, str]:
    """Return the variables by which dubbopy-cli works in a namespace, with Helm 4."""
    return {
        "DUBBOPY_TARGET": "kubernetes",
        "DUBBOPY_CONTEXT": cluster.context,
        "DUBBOPY_NAMESPACE": namespace,
        "DUBBOPY_HELM": str(cluster.helm4),
        "DUBBOPY_KUBECTL": str(cluster.kubectl),
    }


@dataclass(frozen=True)
class Keyboard:
    """A namespace, and the folders of a server and a client that are deployed there by the command line."""

    cluster: Cluster
    namespace: str
    server: Path
    client: Path

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of dubbopy-cli, which says where it works."""
        return self.cluster.env() | place(self.cluster, self.namespace) | {"PYTHONPATH": str(ROOT)}

    def typed(
        self, *words: str, at: Path | None = None, script: Path | None = None, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run dubbopy-cli in a project's folder, the server's by default; ``script`` is run in its place."""
        argv = [sys.executable, *([str(script)] if script else ["-m", "dubbopy_cli"]), *words]
        place, env = at or self.server, self.environment | env
        return subprocess.run(argv, cwd=place, env=env, capture_output=True, text=True, timeout=300, check=False)

    def error(self, code: int, *words: str, **env: str) -> list[str]:
        """Run a command that ends with an exit code and return the lines of its error; POD is the pod that it names."""
        done = self.typed(*words, **env)
        assert done.returncode == code, done.stderr
        said = re.sub(rf"{SERVER}-v1-[0-9a-f]+-[a-z0-9]{{5}}", "POD", done.stderr[done.stderr.index("Error: ") :])
        return said.replace(self.namespace, "NAMESPACE").splitlines()

    def done(self, *words: str, at: Path | None = None) -> None:
        """Run dubbopy-cli to a good end."""
        done = self.typed(*words, at=at)
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"

    def deploy(self, version: str, *words: str) -> None:
        """Deploy a version of the server."""
        self.done(*self.deploying(version, *words))

    def deploying(self, version: str, *words: str) -> tuple[str, ...]:
        """Return the words that deploy a version of the server."""
        return ("deploy", *HERE, "--version", version, "--tag", TAGS[version], *words)

    def objects(self) -> dict[str, Any]:
        """Return what is in the namespace, but for what differs from time to time; releases with their states."""
        found = {
            f"{one['kind']}/{one['metadata']['name']}": _lasting(one)
            for one in self.cluster.get(_KINDS, "-n", self.namespace)["items"]
        }
        flags = ("--deployed", "--failed", "--pending", "--uninstalling", "--superseded")
        listed = self.cluster.run(self.cluster.helm4, "list", *flags, "--namespace", self.namespace, "-o", "json")
        return found | {f"Release/{one['name']}": (one["status"], one["chart"]) for one in json.loads(listed)}

    @contextmanager
    def load(self, under_way: int = 1) -> Iterator[Load]:
        """Have the client's pod call the server all the while, with so many calls under way at a time."""
        load = Load(self, under_way)
        thread = threading.Thread(target=load.call)
        thread.start()
        try:
            yield load
        finally:
            load.over.set()
            thread.join()


def copied(cluster: Cluster, namespace: str, folders: tuple[Path, Path], into: Path) -> Keyboard:
    """Return a namespace and copies of the folders of a server and a client, which commands may write to."""
    server, client = (Path(shutil.copytree(one, into / one.name)) for one in folders)
    return Keyboard(cluster, namespace, server, client)


def _lasting(one: dict[str, Any]) -> dict[str, Any]:
    """Return an object without what the server, or the time of a command, puts in it."""
    kept = {key: value for key, value in one.items() if key not in {"status", "metadata"}}
    metadata = {key: value for key, value in one["metadata"].items() if key not in _SERVERS}
    if one["metadata"]["name"] == "dubbopy-traffic-history":
        del kept["data"]
    if one["kind"] == "Service":
        kept["spec"] = {key: value for key, value in kept["spec"].items() if not key.startswith("clusterIP")}
    text = json.dumps({**kept, "metadata": metadata}, sort_keys=True)
    for name in _COUNTED:
        text = re.sub(rf'"{re.escape(name)}": "[^"]*"', f'"{name}": ""', text)
    return dict(json.loads(text))


@dataclass
class Load:
    """Calls of a client's pod, four thousand a run, and what their reports say."""

    keyboard: Keyboard
    under_way: int = 1
    reports: list[dict[str, Any]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._more = threading.Condition()

    def call(self) -> None:
        """Make calls until it is over."""
        cluster = self.keyboard.cluster
        words = ("exec", "-n", self.keyboard.namespace, f"deployment/{CLIENT}-v1", "-c", "app", "--", "/dubbogo/app")
        while not self.over.is_set():
            said = cluster.kube(*words, "-n", "4000", "-c", str(self.under_way), "-o", "json", check=False)
            with self._more:
                self.reports.append(
                    json.loads(said) if said else {"calls": 0, "failed": 1, "error_message": "no report"}
                )
                self._more.notify_all()

    def until(self, calls: int) -> None:
        """Wait until so many calls have been made in all."""
        with self._more:
            assert self._more.wait_for(lambda: self.calls >= calls, timeout=300), self.calls

    @property
    def calls(self) -> int:
        return sum(int(one["calls"]) for one in self.reports)

    @property
    def failures(self) -> list[dict[str, Any]]:
        """Return the reports that tell of a failed call."""
        return [one for one in self.reports if one["failed"]]

    @property
    def seconds(self) -> float:
        """Return for how long there were calls, the starts of the client's program left out."""
        return sum(float(one["seconds"]) for one in self.reports)

    @property
    def answered(self) -> set[str]:
        """Return the ids of the servers that answered."""
        return {name for one in self.reports for name in one["ids"]}
