"""Finding what a crash or a killed command left behind, and mending it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from dubbopy_cli.errors import DubbopyError
from dubbopy_cli.targets.local import artifacts, envoy, ports, processes
from dubbopy_cli.targets.local.converge import READY_SECONDS, clear, converge
from dubbopy_cli.targets.local.envoy import AdminError
from dubbopy_cli.targets.local.instances import await_serving
from dubbopy_cli.targets.local.mesh import Mesh
from dubbopy_cli.targets.local.programs import ProgramInfo
from dubbopy_cli.targets.local.rpc import RpcError
from dubbopy_cli.targets.local.state import InstanceRecord, ReleaseRecord, State
from dubbopy_cli.targets.local.waiting import wait_until
from dubbopy_cli.targets.local.wanted import ENVOY

Note = Callable[[str], None]


def recover(mesh: Mesh, *, start: bool = False) -> tuple[str, ...]:
    """Make the machine what the state says and return a line for each thing that was not so.

    A mesh that was stopped on purpose stays so unless ``start`` is set.
    """
    notes: list[str] = []
    with mesh.store.locked():
        state, said = mesh.store.load()
        notes += said
        if not state.running and not (start and state.deployed):
            _end_leftovers(mesh, notes.append)
            return tuple(notes)
        programs = _programs(mesh)
        mended = _finished(replace(state, running=True), programs or {}, notes.append)
        if not mended.deployed:
            clear(mesh)
            mesh.store.save(State())
            return tuple(notes)
        if programs is None:
            if state.running:
                notes.append("the supervisor was not running: everything was started again")
            processes.end_all(mesh.paths.root)
            mended = replace(mended, envoy=str(envoy.binary()))
            names = [one.name for app in mended.applications for one in app.instances]
            mended = _free_ports(mended, notes.append, ports.stays_taken, names)
        else:
            mended = _warm(mesh, mended, programs, notes.append)
        if mended != state:
            mesh.store.save(mended)
        _converge(mesh, mended, notes)
        if mended != state or notes or programs is None:
            await_serving(mended)
        artifacts.prune(mesh.paths, mended)
    return tuple(notes)


def _finished(state: State, programs: Mapping[str, ProgramInfo], note: Note) -> State:
    """Return the state without what a killed command had begun: instances that never served or were to end.

    One that has been asked to end and still finishes its calls stays, and is forgotten without a word when it has.
    """
    result = state
    for app in state.applications:
        for release in app.releases:
            seen = {one.name: programs[one.name].state for one in release.instances if one.name in programs}
            ending = [one for one in release.phase("draining") if seen.get(one.name) == "STOPPING"]
            dropped = tuple(one for one in release.phase("starting", "draining") if one not in ending)
            for one in dropped:
                what = "had not served yet" if one.phase == "starting" else "was to end"
                if one.phase == "starting" or seen.get(one.name) in {"STARTING", "RUNNING", "BACKOFF"}:
                    note(f"an interrupted command left {one.name}, which {what}: it was ended")
            result = _without(result, app.name, release, dropped)
    return result.without_idle()


def _without(state: State, name: str, release: ReleaseRecord, dropped: tuple[InstanceRecord, ...]) -> State:
    app = state.app(name)
    if app is None:
        return state
    left = replace(release, instances=tuple(one for one in release.instances if one not in dropped)).pruned()
    serves = bool(left.phase("serving"))
    return state.with_app(app.with_release(left) if serves else app.without_release(release.version))


def _programs(mesh: Mesh) -> Mapping[str, ProgramInfo] | None:
    """Return what the supervisor runs, or None when there is none that can be talked to."""
    try:
        return mesh.supervisor.programs()
    except RpcError:
        return None


def _warm(mesh: Mesh, state: State, programs: Mapping[str, ProgramInfo], note: Note) -> State:
    """Mend single programs under a supervisor that runs."""
    down = []
    for app in state.applications:
        for one in app.instances:
            info = programs.get(one.name)
            if one.phase == "draining":
                continue
            if info and (
                info.down or (info.state == "BACKOFF" and app.role == "server" and not ports.is_free(one.port))
            ):
                down.append(one.name)
                note(f"{one.name} was not running ({info.state.lower()}): it was started again")
            elif info is None:
                note(f"{one.name} was missing: it was started")
    if _envoy_up(mesh, state):
        lost = _unbound(mesh, state)
        mesh.supervisor.drop(down)
        state = _free_ports(state, note, lambda port: port in lost, down)
    else:
        note("Envoy was not running: it was started again")
        mesh.supervisor.drop([*down, ENVOY])
        state = replace(state, envoy=str(envoy.binary()))
        state = _free_ports(state, note, lambda port: not ports.is_free(port), down)
    return state


def _envoy_up(mesh: Mesh, state: State) -> bool:
    """Wait for an Envoy that is being started again, but not for one that cannot start."""
    up = False

    def settled() -> bool:
        nonlocal up
        # Asked second: on its port may listen another program that never answers.
        up = _trying(mesh) and mesh.admin(state).ready()
        return up or not _trying(mesh)

    wait_until(settled, READY_SECONDS)
    return up


def _trying(mesh: Mesh) -> bool:
    info = (_programs(mesh) or {}).get(ENVOY)
    return info is not None and info.state in {"STARTING", "RUNNING"}


def _unbound(mesh: Mesh, state: State) -> frozenset[int]:
    """Return the ports on which Envoy should listen and does not, because another program does."""
    try:
        bound = set(mesh.admin(state).listeners().values())
    except AdminError:
        return frozenset()
    wanted = {one.listener for one in state.applications if one.listener}
    return frozenset(port for port in wanted if f"{ports.LOOPBACK}:{port}" not in bound and not ports.is_free(port))


def _free_ports(state: State, note: Note, taken: Callable[[int], bool], names: Sequence[str]) -> State:
    """Move what lost its port to another one: Envoy's ports that are ``taken``, and the instances ``names``."""
    if taken(state.admin):
        state = replace(state, admin=ports.choose(state.ports))
    for app in state.applications:
        if app.listener and taken(app.listener):
            moved = ports.choose(state.ports)
            note(
                f"port {app.listener} of {app.name} has been taken by another program: "
                f"it is now at {ports.LOOPBACK}:{moved}, and its clients were told"
            )
            state = state.with_app(replace(app, listener=moved))
    return _move_instances(state, note, names)


def _move_instances(state: State, note: Note, names: Sequence[str]) -> State:
    """Give those of the instances another port whose own is held by another program."""
    for app in state.applications:
        for release in app.releases:
            for one in release.instances:
                if app.role == "server" and one.name in names and ports.stays_taken(one.port):
                    moved = replace(one, port=ports.choose(state.ports))
                    note(f"port {one.port} of {one.name} has been taken by another program: it moved to {moved.port}")
                    state = _with_instance(state, app.name, release.version, moved)
    return state


def _with_instance(state: State, name: str, version: str, instance: InstanceRecord) -> State:
    app = state.app(name)
    release = app.release(version) if app else None
    if app is None or release is None:
        return state
    instances = tuple(instance if one.name == instance.name else one for one in release.instances)
    return state.with_app(app.with_release(replace(release, instances=instances)))


def _converge(mesh: Mesh, state: State, notes: list[str]) -> None:
    already = bool(notes)
    try:
        if converge(mesh, state, mesh.rules()) and not already:
            notes.append("Envoy did not have the stored rules yet: it has them now")
    except DubbopyError as error:
        if error.code not in {"rules-damaged", "envoy-refused"}:
            raise
        # The command that follows may be the one that mends the rules.
        notes.append(f"{error.message}; {error.hint}")


def _end_leftovers(mesh: Mesh, note: Note) -> None:
    """End what runs although nothing should; looked for only where there is a trace, as looking takes a while."""
    traces = (mesh.paths.supervisor_pid, mesh.paths.socket())
    if any(one.exists() for one in traces):
        mesh.supervisor.shutdown()
        note("processes of a mesh that should not run were ended")
