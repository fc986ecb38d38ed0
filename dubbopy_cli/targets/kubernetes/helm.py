"""Helm as a program, 3 and 4 alike: every step is a line that a user can type."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dubbopy_cli.errors import PreflightError
from dubbopy_cli.process import Completed, Runner, find
from dubbopy_cli.targets.kubernetes.faults import fault

VARIABLE = "DUBBOPY_HELM"
_SECONDS = 120.0


@dataclass(frozen=True)
class HelmRelease:
    """A release as `helm list` shows it; ``updated`` is Helm's own text of the time."""

    name: str
    revision: int
    status: str
    chart: str
    updated: str

    @property
    def pending(self) -> bool:
        """Tell whether a helm was killed while it worked on the release."""
        return self.status.startswith("pending-")


@dataclass(frozen=True)
class Helm:
    """Helm on one namespace of one context; an empty context is kubectl's current one."""

    runner: Runner
    context: str
    namespace: str

    def argv(self, *words: str) -> tuple[str, ...]:
        """Return the whole command line of ``helm WORDS``."""
        program = find("helm", override=VARIABLE)
        if program is None:
            raise PreflightError(
                "tool-missing", "helm is not installed", hint="install Helm 3 or 4, or set " + VARIABLE
            )
        place = ["--kube-context", self.context] if self.context else []
        return (str(program), *words, *place, "--namespace", self.namespace)

    def run(self, *words: str, timeout: float = _SECONDS) -> Completed:
        """Run ``helm WORDS``; raises what `faults.fault` makes of a failure."""
        done = self.runner.run(self.argv(*words), timeout=timeout, check=False)
        if not done.ok:
            raise fault(done)
        return done

    def releases(self) -> dict[str, HelmRelease]:
        """Return the releases of the namespace by name, in whatever state they are."""
        # Helm 3 hides pending and failed ones without --all, which Helm 4 does not know any more.
        flags = ["--deployed", "--failed", "--pending", "--uninstalling", "--superseded"]
        found = json.loads(self.run("list", *flags, "--max", "0", "--output", "json").stdout or "[]")
        return {
            one["name"]: HelmRelease(one["name"], int(one["revision"]), one["status"], one["chart"], one["updated"])
            for one in found
        }

    def history(self, name: str) -> list[tuple[int, str]]:
        """Return revision and status of each revision of a release, the oldest first."""
        found = json.loads(self.run("history", name, "--output", "json").stdout)
        return [(int(one["revision"]), str(one["status"])) for one in found]

    def upgrade(self, name: str, chart: Path, options: Sequence[str] = ()) -> tuple[str, ...]:
        """Return the words of an upgrade that installs what is not there."""
        return ("upgrade", "--install", name, str(chart), *options)
