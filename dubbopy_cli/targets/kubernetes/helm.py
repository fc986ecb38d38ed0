"""Helm as a program, 3 and 4 alike: every step is a line that a user can type."""

from __future__ import annotations

import json
from dataclasses import dataclass

from dubbopy_cli.process import Completed, Runner, needed
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

    @property
    def unfinished(self) -> bool:
        """Tell whether nothing can be done to the release before it is freed."""
        return self.pending or self.status == "uninstalling"


@dataclass(frozen=True)
class HelmRevision:
    """A revision as `helm history` shows it."""

    number: int
    status: str
    updated: str
    description: str

    @property
    def good(self) -> bool:
        """Tell whether the revision was once in force."""
        return self.status in {"deployed", "superseded"}


@dataclass(frozen=True)
class Helm:
    """Helm on one namespace of one context; an empty context is kubectl's current one."""

    runner: Runner
    context: str
    namespace: str

    def argv(self, *words: str) -> tuple[str, ...]:
        """Return the whole command line of ``helm WORDS``."""
        program = needed("helm", VARIABLE, "Helm 3 or 4")
        place = ["--kube-context", self.context] if self.context else []
        return (str(program), *words, *place, "--namespace", self.namespace)

    def run(self, *words: str, timeout: float = _SECONDS) -> Completed:
        """Run ``helm WORDS``; raises what `faults.fault` makes of a failure."""
        done = self.attempt(*words, timeout=timeout)
        if not done.ok:
            raise fault(done)
        return done

    def attempt(self, *words: str, timeout: float = _SECONDS) -> Completed:
        """Run ``helm WORDS`` and return what it left, whether it failed or not."""
        return self.runner.run(self.argv(*words), timeout=timeout, check=False)

    def releases(self) -> dict[str, HelmRelease]:
        """Return the releases of the namespace by name, in whatever state they are."""
        # Helm 3 hides pending and failed ones without --all, which Helm 4 does not know any more.
        flags = ["--deployed", "--failed", "--pending", "--uninstalling", "--superseded"]
        found = json.loads(self.run("list", *flags, "--max", "0", "--output", "json").stdout or "[]")
        return {
            one["name"]: HelmRelease(one["name"], int(one["revision"]), one["status"], one["chart"], one["updated"])
            for one in found
        }

    def history(self, name: str) -> tuple[HelmRevision, ...]:
        """Return the revisions of a release that are kept, the oldest first; none where there is no such release."""
        done = self.attempt("history", name, "--output", "json")
        if not done.ok and "release: not found" in done.stderr:
            return ()
        if not done.ok:
            raise fault(done)
        return tuple(
            HelmRevision(int(one["revision"]), one["status"], one["updated"], one.get("description", ""))
            for one in json.loads(done.stdout)
        )

    def manifest(self, name: str) -> str:
        """Return the objects of a release as Helm keeps them, hooks left out; empty where there is none."""
        done = self.attempt("get", "manifest", name)
        if not done.ok and "release: not found" not in done.stderr:
            raise fault(done)
        return done.stdout if done.ok else ""
