"""The local target: releases are processes, the mesh is one Envoy, all on this machine's loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import uuid4

from dubbopy_cli import names
from dubbopy_cli.errors import ConflictError, PreflightError, UsageError
from dubbopy_cli.extras import need
from dubbopy_cli.plan import Plan, Step
from dubbopy_cli.process import Runner
from dubbopy_cli.targets.base import (
    Application,
    CallReport,
    CallRequest,
    Check,
    LogLine,
    ReleaseRequest,
    ReleaseRevision,
    ShiftRecord,
)
from dubbopy_cli.targets.local import (
    counters,
    doctor,
    envoy,
    logs,
    processes,
    rulechange,
    rulehistory,
    shiftrecord,
    view,
)
from dubbopy_cli.targets.local.deploy import Deployment
from dubbopy_cli.targets.local.files import disk_errors, remove_tree
from dubbopy_cli.targets.local.mesh import Mesh
from dubbopy_cli.targets.local.paths import Paths, state_root
from dubbopy_cli.targets.local.recover import recover
from dubbopy_cli.targets.local.remove import Removal
from dubbopy_cli.targets.local.status import MeshStatus, status
from dubbopy_cli.targets.local.store import BUSY_SECONDS, Store
from dubbopy_cli.targets.local.supervisor import Supervisor
from dubbopy_cli.traffic.counters import Counters
from dubbopy_cli.traffic.history import Change, Origin
from dubbopy_cli.traffic.model import RuleSet
from dubbopy_cli.traffic.plan import plan as ordered


def _silent(_: str) -> None:
    pass


class LocalTarget:
    """Run releases of one namespace on this machine; see Target.

    ``say`` is told what a user should hear while something goes on, ``busy_seconds`` bounds the wait for another
    command, ``origin`` is kept in the history of the rules. Every mutating operation raises ConflictError ``busy``
    when that wait was in vain.
    """

    def __init__(
        self,
        namespace: str,
        runner: Runner,
        *,
        root: Path | None = None,
        say: Callable[[str], None] = _silent,
        busy_seconds: float = BUSY_SECONDS,
        origin: Origin | None = None,
    ) -> None:
        paths = Paths((root or state_root()).absolute() / namespace)
        store, supervisor = Store(paths, say, busy_seconds), Supervisor(paths, runner)
        self._mesh = Mesh(namespace, paths, store, supervisor, runner, say, origin or Origin(run=uuid4().hex))

    @property
    def name(self) -> str:
        """Return ``local``."""
        return "local"

    @property
    def namespace(self) -> str:
        """Return the namespace."""
        return self._mesh.namespace

    @property
    def title(self) -> str:
        """Return the target's name and the namespace."""
        return f"target local, namespace {self.namespace}"

    @property
    def folder(self) -> Path:
        """Return the folder of the namespace's state."""
        return self._mesh.paths.root

    def exclusive(self) -> AbstractContextManager[None]:
        """Hold the namespace for a command; what that command calls may hold it again."""
        need("local")
        return self._mesh.store.locked()

    def recover(self, *, wait: bool = True) -> tuple[str, ...]:
        """Mend what a crash or a killed command left behind; a mesh that was stopped stays stopped."""
        self._need()
        if wait:
            # Before a command that changes something has built or written anything.
            envoy.binary()
        elif not self._mesh.paths.state.exists():
            return ()
        try:
            with self._mesh.store.locked(wait=wait):
                return recover(self._mesh)
        except ConflictError as busy:
            if wait or busy.code != "busy":
                raise
            # The command that holds the namespace has mended already.
            return ()

    def start(self) -> tuple[str, ...]:
        """Start again what ``stop`` ended, and mend as ``recover`` does."""
        self._need()
        return recover(self._mesh, start=True)

    def stop(self) -> tuple[str, ...]:
        """End every process of the namespace and keep its state; return a line for each that was ended."""
        self._need()
        with self.exclusive():
            ended = self._end()
            state = self._mesh.load()
            if state.running:
                self._mesh.store.save(replace(state, running=False))
        return ended

    def reset(self) -> tuple[str, ...]:
        """End every process and delete the namespace's state, rules and logs."""
        self._need()
        with self.exclusive():
            ended = self._end()
            with disk_errors(self.folder):
                for path in self.folder.iterdir():
                    if path != self._mesh.paths.lock:
                        remove_tree(path) if path.is_dir() else path.unlink(missing_ok=True)
        return ended

    def mesh(self) -> MeshStatus:
        """Return the state of the mesh itself."""
        self._need()
        return status(self._mesh)

    def preflight(self, application: str, mesh: str) -> None:
        """Refuse a program that has to ask istiod; PreflightError ``proxyless-local``."""
        if mesh == "proxyless":
            raise PreflightError(
                "proxyless-local",
                f"{application} is proxyless: it asks istiod for its rules, and the local target has no istiod",
                hint=f"dubbopy-cli newApp ../{application}-sidecar --mesh sidecar",
            )

    def platforms(self) -> tuple[str, ...]:
        """Return nothing: no image is made."""
        return ()

    def deploy(self, request: ReleaseRequest) -> Plan:
        """Plan the release of one version; RolloutError from a step when it does not become ready."""
        self._need()
        return Deployment(self._mesh, request, self._up).plan()

    def remove(self, application: str, version: str | None, *, force: bool = False) -> Plan:
        """Plan the removal of one version, or of the whole application when ``version`` is None."""
        self._need()
        return Removal(self._mesh, application, version, self._up).plan(force=force)

    def rollback(self, application: str, version: str, revision: int | None, *, timeout: float) -> Plan:  # noqa: ARG002 - as the protocol has it
        """Raise UsageError ``revision-unknown``: what a former revision ran is not kept here."""
        there = ", ".join(str(one.number) for one in self.revisions(application, version))
        raise UsageError(
            "revision-unknown",
            f"the local target keeps no former revision of {application}-{version} (there is: {there})",
            hint="check the former sources out and deploy them again",
        )

    def revisions(self, application: str, version: str) -> tuple[ReleaseRevision, ...]:
        """Return the revision that runs, and during a deploy the one that is to follow."""
        self._need()
        app = self._mesh.load().app(application)
        release = app.release(version) if app else None
        return tuple(
            ReleaseRevision(
                one.number,
                "deployed" if release and one.number == release.current else "pending",
                one.deployed,
                f"image {one.tag}",
            )
            for one in (release.revisions if release else ())
        )

    def applications(self) -> tuple[Application, ...]:
        """Return what runs, sorted by name."""
        self._need()
        return view.applications(self._mesh)

    def logs(
        self, application: str, version: str | None, *, follow: bool, since: float | None, tail: int | None
    ) -> Iterator[LogLine]:
        """Yield log lines in the order of time; ``since`` is seconds back from now, ``tail`` a count an instance."""

        def sources() -> list[logs.Source]:
            app = self._mesh.load().app(application)
            return [
                logs.Source(one.name, release.version, self._mesh.paths.log(one.name))
                for release in (app.releases if app else ())
                if version in {None, release.version}
                for one in release.instances
            ]

        return logs.read(sources, follow=follow, since=since, tail=tail)

    def call(self, request: CallRequest) -> CallReport:
        """Make calls through the application's address, subject to the rules; PreflightError ``not-ready``."""
        from dubbopy_cli.targets.local import caller

        self._need()
        app = self._mesh.load().app(request.application)
        ready = view.ready_ports(self._mesh, request.application)
        if app is None or not ready:
            verb = "status" if self._mesh.load().running else "local start"
            raise PreflightError(
                "not-ready",
                f"{request.application} has no ready instance to call",
                hint=f"dubbopy-cli {verb}{names.in_namespace(self.namespace)}",
            )
        return caller.call(request, app.listener, ready)

    def rules(self) -> RuleSet:
        """Return every rule of the namespace."""
        return self._mesh.rules()

    def apply_rules(self, wanted: RuleSet, *, force: bool = False) -> Plan:  # noqa: ARG002 - nobody else manages files
        """Plan the change from the rules of the namespace to ``wanted`` in an order that loses no call."""
        self._need()
        steps = []
        rules = self._mesh.rules()
        for step in ordered(rules, wanted):
            # Every change here waits until Envoy has it, so the plan's own waits have nothing left to wait for.
            if step.action == "wait":
                continue
            rules = rules.put(step.rule) if step.action == "apply" else rules.drop(step.rule.key)
            steps.append(Step(step.title, partial(rulechange.change, self._mesh, rules)))
        return Plan(tuple(steps), self._up)

    def history(self) -> tuple[Change, ...]:
        """Return what was done to the rules of the namespace, the oldest first."""
        return rulehistory.read(self._mesh.paths)

    def counters(self, application: str) -> Counters:
        """Read what Envoy has counted of the application's calls; UnreachableError ``counters-missing``."""
        return counters.read(self._mesh, application)

    def shifting(self, application: str) -> AbstractContextManager[ShiftRecord]:
        """Hold the record of the application's shift; ConflictError ``shift-running`` while another command does."""
        return shiftrecord.held(self._mesh.paths, application)

    def check(self) -> tuple[Check, ...]:
        """Look at everything the target needs and at what is left over."""
        return doctor.checks(self._mesh)

    @contextmanager
    def _up(self) -> Iterator[None]:
        """Hold the namespace, with a mesh that was stopped started again: its next change needs it."""
        with self.exclusive():
            if not self._mesh.load().running:
                for line in recover(self._mesh, start=True):
                    self._mesh.say(line)
            yield

    def _end(self) -> tuple[str, ...]:
        programs = view.programs_of(self._mesh)
        names = {one.pid: name for name, one in programs.items()} | {self._mesh.supervisor.pid(): "supervisord"}
        pids = sorted(one.pid for one in processes.ours(self.folder))
        self._mesh.supervisor.shutdown()
        return tuple(f"{names.get(pid, 'left over')} (pid {pid})" for pid in pids)

    def _need(self) -> None:
        need("local")
