"""`local`: the local target itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubbopy_cli.cli.main import app
from dubbopy_cli.cli.options import Namespace, Where, Yes, confirm
from dubbopy_cli.cli.place import chosen
from dubbopy_cli.cli.verb import group, verb
from dubbopy_cli.console import Console
from dubbopy_cli.process import SubprocessRunner

if TYPE_CHECKING:
    from dubbopy_cli.targets.local.target import LocalTarget

local = group("local", "Look at, stop or clear the local target.")
app.add_typer(local)


@verb(local, "status")
def status(console: Console, namespace: Namespace = None) -> None:
    """Show the supervisor, Envoy and the addresses it listens on."""
    state = _target(console, namespace).mesh()
    console.result(state.to_dict(), state.text())


@verb(local, "stop")
def stop(console: Console, namespace: Namespace = None) -> None:
    """End every process of the local target; the next deploy or `local start` brings them back."""
    target = _target(console, namespace)
    ended = target.stop()
    console.result({"ended": list(ended)}, f"ended {len(ended)} processes" if ended else "nothing was running")


@verb(local, "start")
def start(console: Console, namespace: Namespace = None) -> None:
    """Start again what `local stop` ended."""
    target = _target(console, namespace)
    for line in target.start():
        console.say(line)
    state = target.mesh()
    console.result(state.to_dict(), state.text())


@verb(local, "reset")
def reset(console: Console, yes: Yes = False, namespace: Namespace = None) -> None:
    """End every process of the local target and delete its state, its rules and its logs."""
    target = _target(console, namespace)
    confirm(console, f"Delete all releases, rules and logs of namespace {target.namespace}?", yes=yes)
    ended = target.reset()
    console.result({"ended": list(ended)}, f"ended {len(ended)} processes and deleted the state")


def _target(console: Console, namespace: str | None) -> LocalTarget:
    from dubbopy_cli.targets.local.target import LocalTarget

    here = chosen(Where(namespace=namespace))["namespace"].value
    return LocalTarget(here, SubprocessRunner(console.trace), say=console.say)
