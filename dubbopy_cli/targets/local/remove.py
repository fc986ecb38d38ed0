"""Taking a version or a whole application away: out of the rules, out of Envoy, then ended."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial

from dubbopy_cli.plan import Plan, Step
from dubbopy_cli.targets import named
from dubbopy_cli.targets.local import artifacts, rulehistory
from dubbopy_cli.targets.local.converge import clear, converge
from dubbopy_cli.targets.local.instances import await_let_go
from dubbopy_cli.targets.local.mesh import Mesh
from dubbopy_cli.targets.local.rulechange import change
from dubbopy_cli.targets.local.state import AppRecord, InstanceRecord, State
from dubbopy_cli.traffic import edit, leaving
from dubbopy_cli.traffic.hosts import Service


class Removal:
    """One removal; ``version`` None means the whole application."""

    def __init__(
        self, mesh: Mesh, application: str, version: str | None, guard: Callable[[], AbstractContextManager[object]]
    ) -> None:
        self._mesh = mesh
        self._name = application
        self._version = version
        self._guard = guard

    def plan(self, *, force: bool) -> Plan:
        """Return the steps; ConflictError ``traffic-remains`` while the rules give the version calls."""
        state = self._mesh.load()
        app = self._known(state)
        service = self._service(app)
        what = f"{app.name}-{self._version}" if self._version else f"every version of {app.name}"
        steps = []
        if not self._whole(app) and app.role == "server":
            steps += self._version_steps(app, service, force=force)
        steps.append(Step(f"let no more calls through to {what}", self._drain))
        if self._whole(app) and app.role == "server":
            # After the instances are out of reach: without rules every version would get calls for a moment.
            steps.append(Step(f"delete the rules of {app.name}", self._drop_rules))
            steps += self._forgetting(service)
        steps.append(Step(f"let {what} finish its calls and end it", self._end))
        if not self._left(state).deployed:
            steps.append(Step("end Envoy and the supervisor: nothing is deployed any more", self._close))
        return Plan(tuple(steps), self._guard)

    def _version_steps(self, app: AppRecord, service: Service, *, force: bool) -> list[Step]:
        version = self._version or ""
        rules = self._mesh.rules()
        if not force:
            leaving.check(rules, service, version, next(one.version for one in app.releases if one.version != version))
        steps = []
        if leaving.without_routes(rules, service, version) != rules:
            steps.append(
                Step(
                    f"take {version} out of the VirtualService",
                    lambda: change(self._mesh, leaving.without_routes(self._mesh.rules(), service, version)),
                )
            )
        if edit.subsets(rules, service, (), [version]) != rules:
            steps.append(
                Step(
                    f"take the subset {version} out of the DestinationRule",
                    lambda: change(self._mesh, edit.subsets(self._mesh.rules(), service, (), [version])),
                )
            )
        return steps

    def _forgetting(self, service: Service) -> list[Step]:
        paths, rules = self._mesh.paths, self._mesh.rules()
        known = leaving.without_application(rules, [service]) != rules
        known = known or any(one.touches(service) for one in rulehistory.read(paths))
        if self._version is not None or not known:
            return []
        title = f"forget what was done to the rules of {service.name}"
        return [Step(title, partial(rulehistory.forget, paths, service))]

    def _known(self, state: State) -> AppRecord:
        app = state.app(self._name)
        if app is None or not app.releases:
            running = [one.name for one in state.applications if one.releases]
            raise named.unknown(self._name, running, self._mesh.namespace)
        if self._version is not None:
            self._version = named.version(
                app.name, [one.version for one in app.releases], self._version, self._mesh.namespace
            )
        return app

    def _whole(self, app: AppRecord) -> bool:
        return self._version is None or [one.version for one in app.releases] == [self._version]

    def _service(self, app: AppRecord) -> Service:
        return Service(app.name, self._mesh.namespace, app.port)

    def _drain(self) -> None:
        state = self._mesh.load()
        app = self._known(state)
        for release in app.releases:
            if self._version in {None, release.version}:
                draining = tuple(replace(one, phase="draining") for one in release.instances)
                app = app.with_release(replace(release, instances=draining))
        state = state.with_app(app)
        self._mesh.store.save(state)
        self._converge(state)
        await_let_go(self._mesh, self._going(app))

    def _drop_rules(self) -> None:
        app = self._known(self._mesh.load())
        change(self._mesh, leaving.without_application(self._mesh.rules(), [self._service(app)]))

    def _end(self) -> None:
        before = self._mesh.load()
        # Envoy has to outlive their last calls, also where it ends next.
        self._mesh.supervisor.stop([one.name for one in self._going(self._known(before))])
        state = self._left(before)
        if state.deployed:
            self._mesh.store.save(state)
            self._converge(state)
            artifacts.prune(self._mesh.paths, state)

    def _close(self) -> None:
        clear(self._mesh)
        self._mesh.store.save(State())
        artifacts.prune(self._mesh.paths, State())

    def _left(self, state: State) -> State:
        app = self._known(state)
        gone = [one.version for one in app.releases] if self._version is None else [self._version]
        for version in gone:
            app = app.without_release(version)
        return state.with_app(app).without_idle()

    def _going(self, app: AppRecord) -> tuple[InstanceRecord, ...]:
        return tuple(
            one for release in app.releases if self._version in {None, release.version} for one in release.instances
        )

    def _converge(self, state: State) -> None:
        converge(self._mesh, state, self._mesh.rules())
