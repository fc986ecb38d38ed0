"""Releasing a version: new instances beside the old ones, calls switched over, old ones ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

from dubbopy_cli.errors import DubbopyError
from dubbopy_cli.plan import Plan, Step
from dubbopy_cli.targets.admission import There, admit
from dubbopy_cli.targets.base import ReleaseRequest
from dubbopy_cli.targets.local import artifacts, envoy, ports
from dubbopy_cli.targets.local.converge import clear, converge
from dubbopy_cli.targets.local.instances import await_let_go, await_ready, end, records
from dubbopy_cli.targets.local.mesh import Mesh
from dubbopy_cli.targets.local.rulechange import change
from dubbopy_cli.targets.local.state import AppRecord, InstanceRecord, ReleaseRecord, Revision, State
from dubbopy_cli.traffic import edit, lookup
from dubbopy_cli.traffic.hosts import Service

_ATTEMPTS = 3


class Deployment:
    """One deploy; its steps hand the instances they started from one to the next."""

    def __init__(
        self, mesh: Mesh, request: ReleaseRequest, guard: Callable[[], AbstractContextManager[object]]
    ) -> None:
        self._mesh = mesh
        self._request = request
        self._guard = guard
        self._service = Service(request.application, mesh.namespace, request.port)
        self._revision = 0
        self._new: tuple[InstanceRecord, ...] = ()

    def plan(self) -> Plan:
        """Return the steps; UsageError or ConflictError for what cannot be meant."""
        request, name = self._request, self._name
        state = self._mesh.load()
        admit(request, _there(state.app(request.application)))
        many = f"{request.replicas} instance{'s' if request.replicas > 1 else ''}"
        ready = "answer SERVING" if request.role == "server" else "stay up"
        steps = [
            Step(f"copy what was built to release {name}", self._stage),
            Step(f"start {many} of {name}", self._start),
            Step(f"wait at most {request.timeout:g} s until they {ready}", self._undoing(self._wait)),
        ]
        title = self._rules_title()
        if title:
            steps.append(Step(title, self._undoing(self._rules)))
        steps.append(Step(self._switch_title(), self._undoing(self._switch)))
        app = state.app(request.application)
        if app and app.release(request.version):
            steps.append(Step(f"let the former instances of {name} finish their calls and end them", self._retire))
        return Plan(tuple(steps), self._guard)

    @property
    def _name(self) -> str:
        return f"{self._request.application}-{self._request.version}"

    @property
    def _steered(self) -> bool:
        rules = self._mesh.rules()
        return lookup.virtual_service(rules, self._service.fqdn, self._service.namespace) is not None

    def _rules_title(self) -> str:
        request = self._request
        if request.role == "client":
            return ""
        if self._steered:
            return f"define the subset {request.version} in the rules, which give it no call by themselves"
        return f"write rules that keep calls from {request.version}" if request.no_traffic else ""

    def _switch_title(self) -> str:
        if self._request.role == "client":
            return f"count {self._name} as deployed"
        return f"let Envoy reach the new instances of {self._name}"

    def _stage(self) -> None:
        artifacts.stage(self._mesh.paths, self._name, self._request.artifact)

    def _start(self) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._begin()
            except DubbopyError as error:
                # Somebody took a port between our look at it and Envoy's.
                if error.code != "port-taken" or attempt == _ATTEMPTS:
                    raise
                self._stage()
            else:
                return

    def _begin(self) -> None:
        request, mesh = self._request, self._mesh
        state = self._addressed(mesh.load())
        app = self._app(state)
        release = app.release(request.version) or ReleaseRecord(request.version)
        self._revision = release.newest + 1
        self._new = records(state, self._name, self._revision, request.replicas, request.role)
        for one in self._new:
            mesh.supervisor.discard(one.name)
        revision = Revision(
            number=self._revision,
            tag=request.tag,
            digest=request.artifact.digest,
            command=request.artifact.command,
            env={**request.artifact.env, **request.env},
            references=request.references,
            replicas=request.replicas,
        )
        release = replace(release, revisions=(*release.revisions, revision), instances=(*release.instances, *self._new))
        mesh.store.save(state.with_app(app.with_release(release)))
        self._undoing(self._converge)()

    def _wait(self) -> None:
        await_ready(self._mesh, self._new, self._request.role, self._request.timeout)

    def _rules(self) -> None:
        rules = self._mesh.rules()
        if self._request.no_traffic:
            rules = edit.freeze(rules, self._service, self._serving())
        change(self._mesh, edit.subsets(rules, self._service, [self._request.version]))

    def _switch(self) -> None:
        state, app, release = self._found()
        instances = tuple(
            replace(one, phase="serving" if one.revision == self._revision else "draining") for one in release.instances
        )
        revisions = tuple(
            replace(one, deployed=time.time()) if one.number == self._revision else one for one in release.revisions
        )
        switched = replace(release, current=self._revision, revisions=revisions, instances=instances)
        self._mesh.store.save(state.with_app(app.with_release(switched)))
        try:
            self._converge()
        except BaseException:
            self._mesh.store.save(state)
            raise

    def _retire(self) -> None:
        state, app, release = self._found()
        leaving = release.phase("draining")
        await_let_go(self._mesh, leaving)
        ending = end(self._mesh, leaving)
        for one in ending:
            self._mesh.say(f"{one.name} still finishes calls; it is out of the mesh and ends by itself")
        left = replace(release, instances=(*release.phase("starting", "serving"), *ending)).pruned()
        state = state.with_app(app.with_release(left)).without_idle()
        self._mesh.store.save(state)
        self._converge()
        artifacts.prune(self._mesh.paths, state)

    def _undoing(self, action: Callable[[], None]) -> Callable[[], None]:
        """Return ``action`` such that its failure takes the new instances away."""

        def run() -> None:
            try:
                action()
            except BaseException:
                self._undo()
                raise

        return run

    def _undo(self) -> None:
        state, app, release = self._found()
        left = replace(
            release, instances=tuple(one for one in release.instances if one.revision != self._revision)
        ).pruned()
        app = app.with_release(left) if left.instances else app.without_release(left.version)
        state = state.with_app(app).without_idle()
        self._mesh.store.save(state)
        # Interrupted in its own start, the supervisor does not answer, and what follows starts or ends it without them.
        if self._mesh.supervisor.pid():
            self._mesh.supervisor.forget([one.name for one in self._new])
        artifacts.prune(self._mesh.paths, state)
        if state.deployed:
            self._converge()
        else:
            clear(self._mesh)
            self._mesh.store.save(State())

    def _converge(self) -> None:
        converge(self._mesh, self._mesh.load(), self._mesh.rules())

    def _found(self) -> tuple[State, AppRecord, ReleaseRecord]:
        state = self._mesh.load()
        app = self._app(state)
        return state, app, app.release(self._request.version) or ReleaseRecord(self._request.version)

    def _app(self, state: State) -> AppRecord:
        request = self._request
        app = state.app(request.application)
        if app is None or not app.releases:
            # Its address was given out when the first client that calls it was deployed.
            listener = app.listener if app and request.role == "server" else 0
            return AppRecord(request.application, request.role, request.port, listener)
        return app

    def _serving(self) -> dict[str, int]:
        """Return how many instances of each version get calls now."""
        _, app, _ = self._found()
        return {one.version: len(one.phase("serving")) for one in app.releases if one.phase("serving")}

    def _addressed(self, state: State) -> State:
        """Return the state with an address for the application and for those it refers to, and one for Envoy."""
        request = self._request
        state = replace(
            state,
            running=True,
            admin=state.admin or ports.choose(state.ports),
            envoy=state.envoy or str(envoy.binary()),
        )
        wanted = [(one.application, one.port) for one in request.references]
        if request.role == "server":
            wanted.insert(0, (request.application, request.port))
        for name, port in wanted:
            app = state.app(name)
            if app is None or (not app.listener and not app.releases):
                listener = ports.choose(state.ports, wish=port)
                if listener != port:
                    self._mesh.say(f"port {port} is taken on this machine: {name} is at {ports.LOOPBACK}:{listener}")
                state = state.with_app(AppRecord(name, "server", port, listener))
        return state


def _there(app: AppRecord | None) -> There | None:
    return There(app.role, app.port, [one.version for one in app.releases]) if app and app.releases else None
