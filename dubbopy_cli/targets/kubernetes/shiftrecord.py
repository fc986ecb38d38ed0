"""The record of a shift in a ConfigMap, and the Lease that its command holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dubbopy_cli import names
from dubbopy_cli.errors import ConflictError
from dubbopy_cli.targets.kubernetes import lease
from dubbopy_cli.targets.kubernetes.cluster import Cluster


@dataclass(frozen=True)
class ConfigMapRecord:
    """The record of one application's shift; see ShiftRecord."""

    cluster: Cluster
    name: str

    def read(self) -> str:
        """Return the text, an empty one where there is none."""
        found = self.cluster.kubectl.find("configmap", self.name)
        return str(found["data"]["shift"]) if found else ""

    def write(self, text: str) -> None:
        """Keep another text; an empty one takes the record away."""
        if not text:
            self.cluster.kubectl.run("delete", "configmap", self.name, "--ignore-not-found")
            return
        metadata = {"name": self.name, "labels": {"app.kubernetes.io/managed-by": "dubbopy"}}
        document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"shift": text}}
        verb = "replace" if self.cluster.kubectl.find("configmap", self.name) else "create"
        self.cluster.kubectl.run(verb, "--filename", "-", stdin=json.dumps(document))


@contextmanager
def held(cluster: Cluster, application: str) -> Iterator[ConfigMapRecord]:
    """Hold the record; ConflictError ``shift-running`` while another command does."""
    name = f"dubbopy-shift-{application}"

    def busy(holder: str) -> ConflictError:
        return ConflictError(
            "shift-running",
            f"another dubbopy-cli ({holder}) shifts the calls of {application}",
            hint=f"wait for it to finish: dubbopy-cli traffic show --app {application}"
            + names.in_namespace(cluster.namespace),
        )

    # One that was killed is known by its Lease standing still.
    with lease.held(cluster, name, seconds=lease.DURATION_SECONDS + 1, busy=busy):
        yield ConfigMapRecord(cluster, name)
