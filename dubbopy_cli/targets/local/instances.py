"""Starting new instances, waiting until they are ready, and letting old ones go."""

from __future__ import annotations

from collections.abc import Sequence

from dubbopy_cli.errors import RolloutError
from dubbopy_cli.targets.base import Role
from dubbopy_cli.targets.local import health, ports, processes
from dubbopy_cli.targets.local.logs import last_lines
from dubbopy_cli.targets.local.mesh import Mesh
from dubbopy_cli.targets.local.state import InstanceRecord, State
from dubbopy_cli.targets.local.waiting import wait_until
from dubbopy_cli.targets.local.wanted import ENVOY

LOG_LINES = 20
# How long calls in flight may hold an instance that gets no new ones, before it is asked to end them itself.
LET_GO_SECONDS = 2.0
# How long a command waits for an instance that was asked to end; a server may take its whole time to drain.
ENDING_SECONDS = 2.0
RETURN_SECONDS = 15.0
_POLL_SECONDS = 0.05


def records(state: State, release: str, revision: int, count: int, role: Role) -> tuple[InstanceRecord, ...]:
    """Return ``count`` new instances with ports that nobody has; clients get none."""
    taken = set(state.ports)
    made = []
    for index in range(count):
        port = ports.choose(taken) if role == "server" else 0
        taken.add(port)
        made.append(InstanceRecord(f"{release}-r{revision}-{index}", port, "starting", revision))
    return tuple(made)


def await_ready(mesh: Mesh, instances: Sequence[InstanceRecord], role: Role, timeout: float) -> None:
    """Wait until every server answers SERVING, or every client has stayed up for a second.

    Raises RolloutError ``rollout-failed`` with the last log lines as soon as one ends, or when the time is up.
    """
    waiting = {one.name: one for one in instances}
    trouble: dict[str, str] = {}

    def ready() -> bool:
        programs = mesh.supervisor.programs()
        for name, one in list(waiting.items()):
            info = programs.get(name)
            if info is None or info.down or info.state == "BACKOFF" or mesh.supervisor.starts(name) > 1:
                raise _failed(mesh, name, f"{name} ended while it was starting")
            if role == "server":
                trouble[name] = health.trouble(one.port)
            else:
                trouble[name] = "" if info.state == "RUNNING" else "it has just been started"
            if not trouble[name]:
                del waiting[name]
        return not waiting

    if not wait_until(ready, timeout, _POLL_SECONDS):
        name = next(iter(waiting))
        late = f"{name} did not become ready within {timeout:g} s: {trouble.get(name, '')}"
        raise _failed(mesh, name, late, f", or give it longer: dubbopy-cli deploy --timeout {max(60, timeout * 2):g}")


def await_serving(state: State) -> None:
    """Give instances that were started again the time to become ready; what is not by then shows in the status."""
    apps = [app for app in state.applications if app.role == "server"]
    asked = [one.port for app in apps for one in app.instances if one.phase == "serving"]
    wait_until(lambda: not any(health.troubles(asked).values()), RETURN_SECONDS, _POLL_SECONDS)


def await_let_go(mesh: Mesh, leaving: Sequence[InstanceRecord]) -> None:
    """Wait until Envoy has no connection to the instances any more, or the bound for calls in flight has passed."""
    envoy = mesh.supervisor.programs().get(ENVOY)
    places = [one.port for one in leaving if one.port]
    if envoy and envoy.pid and places:
        wait_until(lambda: not processes.connections(envoy.pid, places), LET_GO_SECONDS)


def end(mesh: Mesh, leaving: Sequence[InstanceRecord]) -> tuple[InstanceRecord, ...]:
    """Ask the instances to end and return those that still finish their calls; supervisord sees to their end."""
    mesh.supervisor.stop([one.name for one in leaving], ENDING_SECONDS)
    programs = mesh.supervisor.programs()
    return tuple(one for one in leaving if one.name in programs and not programs[one.name].down)


def _failed(mesh: Mesh, name: str, message: str, more: str = "") -> RolloutError:
    return RolloutError(
        "rollout-failed",
        f"{message}; the new instances were taken away, what served before still does",
        hint=f"mend the cause in the log above, then: dubbopy-cli deploy{more}",
        details=last_lines(mesh.paths.log(name), LOG_LINES),
    )
