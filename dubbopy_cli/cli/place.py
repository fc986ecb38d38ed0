"""Where a command works: the settings that say it, and the target made of them."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from dubbopy_cli import settings
from dubbopy_cli.process import SubprocessRunner

if TYPE_CHECKING:
    from dubbopy_cli.cli.options import Where
    from dubbopy_cli.console import Console
    from dubbopy_cli.settings import Key, Setting
    from dubbopy_cli.targets.base import Target
    from dubbopy_cli.traffic.history import Origin


@dataclass(frozen=True)
class Place:
    """A target's kind, the context of the kubeconfig where it is a cluster, and the namespace."""

    target: str
    context: str
    namespace: str


def chosen(where: Where, start: Path | None = None) -> dict[Key, Setting]:
    """Return every setting for a command at ``start``, which is the working directory unless it is said."""
    typed: dict[Key, str | None] = {
        "target": where.target,
        "context": where.context,
        "namespace": where.namespace,
    }
    return settings.resolve({key: value for key, value in typed.items() if value}, start or Path.cwd())


def locate(where: Where, start: Path | None = None) -> Place:
    """Return where a command works; nothing is asked but the kubeconfig."""
    found = chosen(where, start)
    target, context, namespace = (found[key] for key in ("target", "context", "namespace"))
    if target.value == "local":
        return Place("local", "", namespace.value)
    from dubbopy_cli.targets.kubernetes import contexts

    here = contexts.find(SubprocessRunner(), context.value)
    return Place("kubernetes", here.name, namespace.value if namespace.chosen else here.namespace)


def target_for(console: Console, where: Where, by: Origin) -> Target:
    """Return the target as it is, for what ``by`` does to its rules."""
    return _made(console, locate(where), by)


def open_target(
    console: Console, where: Where, *, changing: bool, start: Path | None = None, by: Origin | None = None
) -> Target:
    """Return the target, mended where a crash or a killed command left something; each thing mended is a warning.

    A command that changes something names the target first and waits for another command to end. ``start`` is the
    folder whose project may say where to work.
    """
    place = locate(where, start)
    console.repeat = _repeated(where, place)
    target = _made(console, place, by or origin())
    if changing:
        console.say(target.title)
    for line in target.recover(wait=changing):
        console.warn(line)
    return target


def without_context(console: Console) -> Target:
    """Return the target of whatever cluster kubectl finds by itself, for who asks what is missing."""
    return _made(console, Place("kubernetes", "", ""), origin())


def _made(console: Console, place: Place, by: Origin) -> Target:
    runner = SubprocessRunner(console.trace)
    if place.target == "local":
        from dubbopy_cli.targets.local.target import LocalTarget

        return LocalTarget(place.namespace, runner, say=console.say, origin=by)
    from dubbopy_cli.targets.kubernetes.target import KubernetesTarget

    return KubernetesTarget.of(place.context, place.namespace, runner, say=console.say, origin=by)


def _repeated(where: Where, place: Place) -> str:
    """Return the options that a suggested command has to repeat to work in the same place, behind a space."""
    words = [f"--target {place.target}"] if where.target and not where.context else []
    words += [f"--context {shlex.quote(where.context)}"] if where.context else []
    return "".join(f" {word}" for word in words)


def origin() -> Origin:
    """Return who runs this command, and its line."""
    import getpass
    import os
    import socket

    from dubbopy_cli.traffic.history import Origin

    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that no name belongs to.
        user = str(os.getuid())
    line = shlex.join(["dubbopy-cli", *sys.argv[1:]])
    return Origin(line, f"{user}@{socket.gethostname()}", uuid4().hex)
