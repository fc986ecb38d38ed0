"""Making the machine what the state and the rules say; doing it twice changes nothing."""

from __future__ import annotations

from dubbopy_cli.errors import DubbopyError
from dubbopy_cli.targets.local.envoyfiles import EnvoyConfig
from dubbopy_cli.targets.local.files import read_text, remove_tree
from dubbopy_cli.targets.local.logs import last_lines
from dubbopy_cli.targets.local.mesh import Mesh
from dubbopy_cli.targets.local.programs import spec_text
from dubbopy_cli.targets.local.state import State
from dubbopy_cli.targets.local.validation import check
from dubbopy_cli.targets.local.waiting import wait_until
from dubbopy_cli.targets.local.wanted import ENVOY, Wanted, wanted
from dubbopy_cli.traffic.model import RuleSet

READY_SECONDS = 15.0


def converge(mesh: Mesh, state: State, rules: RuleSet) -> bool:
    """Start what is missing, take Envoy to its new files, end what is too much; return whether Envoy changed.

    Raises DubbopyError ``envoy-refused`` before anything is touched when the rules do not translate.
    """
    want = wanted(mesh.paths, mesh.namespace, state, rules)
    config = EnvoyConfig(mesh.paths, mesh.runner, mesh.admin(state))
    if config.on_disk() != want.files:
        check(mesh.paths, mesh.runner, want.bootstrap, want.files)
    if mesh.supervisor.pid():
        _adjust(mesh, want, config)
    else:
        _start(mesh, want, config)
    _await_envoy(mesh, state)
    changed = config.move(want.files)
    extra = _known(mesh) - {one.name for one in want.programs}
    if extra:
        mesh.supervisor.forget(sorted(extra))
    return changed


def shut_down(mesh: Mesh) -> None:
    """End everything of the namespace; the state stays."""
    mesh.supervisor.shutdown()


def clear(mesh: Mesh) -> None:
    """End everything and forget Envoy's files and the programs, for a namespace in which nothing is deployed."""
    shut_down(mesh)
    for name in mesh.supervisor.written():
        mesh.supervisor.discard(name)
    remove_tree(mesh.paths.envoy)
    mesh.paths.make()


def _start(mesh: Mesh, want: Wanted, config: EnvoyConfig) -> None:
    config.write_all(want.bootstrap, want.files)
    names = {one.name for one in want.programs}
    for name in mesh.supervisor.written() - names:
        mesh.supervisor.discard(name)
    for program in want.programs:
        mesh.supervisor.write(program)
    mesh.supervisor.start()


def _adjust(mesh: Mesh, want: Wanted, config: EnvoyConfig) -> None:
    """Start new programs, and those anew whose arguments or environment have changed."""
    running = mesh.supervisor.programs()
    changed = [
        one
        for one in want.programs
        if one.name in running and read_text(mesh.paths.spec(one.name)) != spec_text(mesh.paths, one)
    ]
    fresh = [one for one in want.programs if one.name not in running]
    if not changed and not fresh:
        return
    config.write_bootstrap(want.bootstrap)
    mesh.supervisor.stop([one.name for one in changed])
    for program in (*changed, *fresh):
        mesh.supervisor.write(program)
    mesh.supervisor.add([one.name for one in (*changed, *fresh)])


def _await_envoy(mesh: Mesh, state: State) -> None:
    if not wait_until(mesh.admin(state).ready, READY_SECONDS):
        raise DubbopyError(
            "mesh-failed",
            f"Envoy does not become ready on its admin port {state.admin}",
            hint="dubbopy-cli doctor",
            details=last_lines(mesh.paths.log(ENVOY), 10),
        )


def _known(mesh: Mesh) -> frozenset[str]:
    return frozenset(mesh.supervisor.programs()) | mesh.supervisor.written()
