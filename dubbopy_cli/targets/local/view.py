"""What runs, as the commands show it."""

from __future__ import annotations

from collections.abc import Mapping

from dubbopy_cli.targets.base import Application, Instance, InstanceState, Release
from dubbopy_cli.targets.local import health
from dubbopy_cli.targets.local.logs import last_lines
from dubbopy_cli.targets.local.mesh import Mesh
from dubbopy_cli.targets.local.ports import LOOPBACK
from dubbopy_cli.targets.local.programs import ProgramInfo
from dubbopy_cli.targets.local.rpc import RpcError
from dubbopy_cli.targets.local.state import AppRecord, InstanceRecord, ReleaseRecord, State
from dubbopy_cli.traffic import lookup
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import RuleSet

_ASK_SECONDS = 0.5


def applications(mesh: Mesh) -> tuple[Application, ...]:
    """Return every application with a release, sorted by name; servers are asked whether they are ready."""
    state = mesh.load()
    programs = programs_of(mesh)
    rules = mesh.rules() if state.deployed else RuleSet()
    looker = _Looker(mesh, programs, _health(state, programs))
    return tuple(looker.application(app, rules) for app in state.applications if app.releases)


def programs_of(mesh: Mesh) -> Mapping[str, ProgramInfo]:
    """Return what the supervisor runs; nothing when it does not answer."""
    try:
        return mesh.supervisor.programs()
    except RpcError:
        return {}


def ready_ports(mesh: Mesh, application: str) -> tuple[int, ...]:
    """Return the ports of the ready instances of an application, one of each version first."""
    state = mesh.load()
    app = state.app(application)
    if app is None or app.role != "server":
        return ()
    troubles = _health(State(applications=(app,)), programs_of(mesh))
    ranked = sorted(
        (index, one.port)
        for release in app.releases
        for index, one in enumerate(release.phase("serving"))
        if troubles.get(one.port) == ""
    )
    return tuple(port for _, port in ranked)


def acting(rules: RuleSet, service: Service) -> RuleSet:
    """Return the rules that act on calls to ``service``."""
    found = lookup.destination(rules, service.fqdn, service.namespace).rules
    return RuleSet.of([*found, *lookup.rivals(rules, service.fqdn, service.namespace)])


def _health(state: State, programs: Mapping[str, ProgramInfo]) -> Mapping[int, str]:
    asked = [
        one.port
        for app in state.applications
        if app.role == "server"
        for one in app.instances
        if one.phase == "serving" and one.name in programs and programs[one.name].pid
    ]
    return health.troubles(asked, _ASK_SECONDS)


class _Looker:
    def __init__(self, mesh: Mesh, programs: Mapping[str, ProgramInfo], troubles: Mapping[int, str]) -> None:
        self._mesh = mesh
        self._programs = programs
        self._troubles = troubles

    def application(self, app: AppRecord, rules: RuleSet) -> Application:
        service = Service(app.name, self._mesh.namespace, app.port)
        return Application(
            name=app.name,
            namespace=self._mesh.namespace,
            role=app.role,
            port=app.port,
            address=f"{LOOPBACK}:{app.listener}" if app.listener else "",
            releases=tuple(self._release(app, one) for one in app.releases),
            rules=acting(rules, service) if app.role == "server" else RuleSet(),
        )

    def _release(self, app: AppRecord, release: ReleaseRecord) -> Release:
        # Before the first one serves, the one on its way stands for the release.
        now = release.revision(release.current) or release.revisions[-1]
        return Release(
            application=app.name,
            version=release.version,
            revision=now.number,
            tag=now.tag,
            digest=now.digest,
            role=app.role,
            replicas=now.replicas,
            deployed=now.deployed,
            instances=tuple(self._instance(app, one) for one in release.instances if not self._ended(one)),
        )

    def _instance(self, app: AppRecord, one: InstanceRecord) -> Instance:
        info = self._programs.get(one.name)
        state, reason = self._state(app, one, info)
        up = info is not None and info.pid > 0
        return Instance(
            name=one.name,
            state=state,
            pid=info.pid if info else 0,
            address=f"{LOOPBACK}:{one.port}" if one.port else "",
            started=info.started if info and up else 0.0,
            restarts=max(0, self._mesh.supervisor.starts(one.name) - 1),
            reason=reason,
        )

    def _ended(self, one: InstanceRecord) -> bool:
        info = self._programs.get(one.name)
        return one.phase == "draining" and (info is None or info.down)

    def _state(self, app: AppRecord, one: InstanceRecord, info: ProgramInfo | None) -> tuple[InstanceState, str]:
        if info is None or info.state == "STOPPED":
            return "stopped", ""
        if info.down or info.state == "BACKOFF":
            last = last_lines(self._mesh.paths.log(one.name), 1)
            return "crashed", last or info.state.lower()
        if one.phase != "serving":
            return ("starting" if one.phase == "starting" else "draining"), ""
        if app.role == "client" and info.state == "STARTING":
            return "starting", ""
        trouble = self._troubles.get(one.port, "") if app.role == "server" else ""
        return ("unready", trouble) if trouble else ("ready", "")
