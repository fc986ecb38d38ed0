"""What doctor looks at: the tools of the local target, its ports, and what is left over."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

from dubbopy_cli import extras
from dubbopy_cli.errors import DubbopyError
from dubbopy_cli.targets.base import Check
from dubbopy_cli.targets.local import envoy, ports, processes
from dubbopy_cli.targets.local.mesh import Mesh
from dubbopy_cli.targets.local.state import State
from dubbopy_cli.targets.local.status import status
from dubbopy_cli.targets.local.view import programs_of

_LITTLE_SPACE = 200 * 1024 * 1024
_VERSION_SECONDS = 10.0


def checks(mesh: Mesh) -> tuple[Check, ...]:
    """Return every check, in the order in which a trouble would cause the next one."""
    return (*_tools(mesh), *_disk(mesh), *_running(mesh))


def _tools(mesh: Mesh) -> Iterator[Check]:
    missing = extras.missing("local")
    if missing:
        yield Check("local packages", "error", f"missing: {', '.join(missing)}", extras.install("local"))
    else:
        yield Check("local packages", "ok", ", ".join(extras.MODULES["local"]))
    try:
        path = envoy.binary()
        done = mesh.runner.run([str(path), "--version"], timeout=_VERSION_SECONDS)
    except DubbopyError as error:
        yield Check("envoy", "error", error.message, error.hint)
        return
    words = done.stdout.split("version:")[-1].strip().split("/")
    yield Check("envoy", "ok", f"{words[1] if len(words) > 1 else done.stdout.strip()} at {path}")


def _disk(mesh: Mesh) -> Iterator[Check]:
    folder = mesh.paths.root
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if not os.access(folder, os.W_OK):
        yield Check("state folder", "error", f"{folder} cannot be written", "set DUBBOPY_STATE_DIR")
    elif free < _LITTLE_SPACE:
        yield Check("state folder", "warning", f"{free // 2**20} MiB free at {folder}", f"df -h {folder}")
    else:
        yield Check("state folder", "ok", f"{mesh.paths.root}, {free // 2**20} MiB free")
    damaged = sorted(mesh.paths.root.glob("state.damaged-*.json"))
    if damaged:
        yield Check("state file", "warning", f"a damaged one was kept as {damaged[-1]}", f"rm {damaged[-1]}")


def _running(mesh: Mesh) -> Iterator[Check]:
    if extras.missing("local"):
        return
    state, _ = mesh.store.load()
    seen = status(mesh)
    ours = {one.pid for one in processes.ours(mesh.paths.root)}
    known = {one.pid for one in programs_of(mesh).values()} | {seen.supervisor_pid}
    strangers = sorted(ours - known) if seen.running else sorted(ours)
    if strangers and not (state.running and seen.running):
        pids = ", ".join(map(str, strangers))
        yield Check("leftovers", "warning", f"processes of an earlier mesh: pid {pids}", "dubbopy-cli local stop")
    else:
        yield Check("leftovers", "ok", "none")
    if not state.running:
        yield Check("mesh", "ok", "not running: nothing is deployed" if not state.deployed else "stopped")
        return
    yield from _mesh(state, seen.supervisor_pid, seen.envoy_version)
    for one in seen.listeners:
        if not one.bound:
            busy = (
                "another program holds it" if not ports.is_free(int(one.address.rpartition(":")[2])) else "it is free"
            )
            yield Check(
                f"address of {one.application}", "error", f"Envoy does not listen on {one.address}; {busy}", _START
            )


_START = "dubbopy-cli local start"


def _mesh(state: State, supervisor: int, version: str) -> Iterator[Check]:
    if not supervisor:
        yield Check("mesh", "error", "the supervisor does not run although releases are deployed", _START)
    elif not version:
        yield Check("mesh", "error", f"Envoy does not answer on its admin port {state.admin}", _START)
    else:
        yield Check("mesh", "ok", f"supervisor pid {supervisor}, Envoy {version}")
