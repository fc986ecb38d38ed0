"""The mesh itself: its supervisor, its Envoy and the addresses it listens on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dubbopy_cli.targets.local.envoy import AdminError
from dubbopy_cli.targets.local.mesh import Mesh
from dubbopy_cli.targets.local.ports import LOOPBACK
from dubbopy_cli.targets.local.view import programs_of
from dubbopy_cli.targets.local.wanted import ENVOY


@dataclass(frozen=True)
class Listener:
    """The address that stands for an application's Service; ``bound`` says whether Envoy listens there."""

    application: str
    service_port: int
    address: str
    bound: bool


@dataclass(frozen=True)
class MeshStatus:
    """The mesh of one namespace; process ids and the admin port are 0 for what does not run."""

    namespace: str
    folder: str
    running: bool
    supervisor_pid: int
    envoy_pid: int
    envoy_version: str
    admin_port: int
    programs: int
    listeners: tuple[Listener, ...]

    def to_dict(self) -> Mapping[str, Any]:
        """Return the status as data."""
        return asdict(self)

    def text(self) -> str:
        """Return the status for people."""
        if not self.running:
            return f"the mesh of namespace {self.namespace} does not run\nstate       {self.folder}"
        lines = [
            f"supervisor  pid {self.supervisor_pid or '-'}, {self.programs} programs",
            f"envoy       pid {self.envoy_pid or '-'}, {self.envoy_version or 'not answering'}, "
            f"admin http://{LOOPBACK}:{self.admin_port}",
        ]
        for one in self.listeners:
            missing = "" if one.bound else "  not listening"
            lines.append(f"listener    {one.address}  {one.application}:{one.service_port}{missing}")
        lines.append(f"state       {self.folder}")
        return "\n".join(lines)


def status(mesh: Mesh) -> MeshStatus:
    """Return what runs now."""
    state = mesh.load()
    pid = mesh.supervisor.pid()
    programs = programs_of(mesh) if pid else {}
    envoy = programs.get(ENVOY)
    version, bound = "", set[str]()
    if envoy and envoy.pid:
        try:
            version = str(mesh.admin(state).info().get("version", "")).split("/")[1]
            bound = set(mesh.admin(state).listeners().values())
        except (AdminError, IndexError):
            pass  # shown as not answering
    listeners = tuple(
        Listener(app.name, app.port, address, address in bound)
        for app in state.applications
        if app.listener and (address := f"{LOOPBACK}:{app.listener}")
    )
    return MeshStatus(
        namespace=mesh.namespace,
        folder=str(mesh.paths.root),
        running=pid > 0,
        supervisor_pid=pid,
        envoy_pid=envoy.pid if envoy else 0,
        envoy_version=version,
        admin_port=state.admin if pid else 0,
        programs=len(programs),
        listeners=listeners,
    )
