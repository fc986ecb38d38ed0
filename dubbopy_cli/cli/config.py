"""`config`: where commands work, who said so, and to say so once for a project or a user."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dubbopy_cli import project, settings
from dubbopy_cli.cli.main import app
from dubbopy_cli.cli.options import Where
from dubbopy_cli.cli.place import chosen
from dubbopy_cli.cli.verb import group, verb
from dubbopy_cli.console import Console
from dubbopy_cli.errors import UsageError
from dubbopy_cli.names import did_you_mean

if TYPE_CHECKING:
    from dubbopy_cli.settings import Key, Setting

config = group("config", "Look at and change the settings of a project or a user.")
app.add_typer(config)

KeyName = Annotated[str, typer.Argument(metavar="KEY", help="One of: target, context, namespace, builder.")]
User = Annotated[bool, typer.Option("--user", help="In the user's own file, not in that of the project here.")]


@verb(config, "list")
def show(
    console: Console,
    *,
    show_origin: Annotated[bool, typer.Option("--show-origin", help="Show what said each value.")] = False,
    where: Where,
) -> None:
    """Show every setting as a command here would have it."""
    found = chosen(where)
    width = max(len(one.key) for one in found.values())
    console.result(
        {"settings": [_data(one) for one in found.values()]},
        "\n".join(
            f"{one.key:<{width}}  {one.value or '-'}" + (f"  ({_said(one)})" if show_origin else "")
            for one in found.values()
        ),
    )


@verb(config, "set")
def change(
    console: Console,
    *,
    key: KeyName,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="Its value.")],
    user: User = False,
) -> None:
    """Write a setting into the project's .dubbopy.yaml, such as the context that releases go to."""
    known = _key(key)
    _write(console, known, settings.check(known, value, "the command line"), user=user)


@verb(config, "unset")
def forget(console: Console, *, key: KeyName, user: User = False) -> None:
    """Take a setting out of the project's .dubbopy.yaml."""
    _write(console, _key(key), None, user=user)


def _write(console: Console, key: Key, value: str | None, *, user: bool) -> None:
    path = settings.user_file() if user else project.locate(Path.cwd()) / project.MARKER
    changed = settings.write(path, key, value)
    now = f"{key}: {value}" if value is not None else f"no {key}"
    console.result(
        {"file": str(path), "key": key, "value": value, "changed": changed},
        f"{path} says {now}" + ("" if changed else " already"),
    )


def _key(word: str) -> Key:
    for key in settings.KEYS:
        if key == word:
            return key
    raise UsageError(
        "usage",
        f"there is no setting '{word}', only {', '.join(settings.KEYS)}." + did_you_mean(word, list(settings.KEYS)),
        hint="dubbopy-cli config list --show-origin",
    )


def _data(one: Setting) -> dict[str, str]:
    return {"key": one.key, "value": one.value, "origin": one.origin, "source": one.source}


def _said(one: Setting) -> str:
    if one.origin in {"project", "user"}:
        return f"{one.origin}: {shlex.quote(one.source)}"
    return f"{one.origin}: {one.source}" if one.source else one.origin
