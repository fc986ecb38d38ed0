"""`traffic history` and `traffic undo`: what was done to the rules, and the way back."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from dubbopy_cli.cli.traffic import traffic
from dubbopy_cli.cli.traffic.change import ChangingOne, OneApp, change, open_application
from dubbopy_cli.cli.verb import verb
from dubbopy_cli.console import Console

if TYPE_CHECKING:
    from dubbopy_cli.traffic.history import Change


@verb(traffic, "history")
def history(console: Console, *, where: OneApp) -> None:
    """Show what was done to the application's rules: when, by which command and by whom."""
    target, application = open_application(console, where, changing=False)
    changes = [one for one in target.history() if one.touches(application.service)]
    console.result(
        {"application": application.name, "changes": [_data(one) for one in changes]},
        "\n".join(_text(one) for one in changes) or f"no change of the rules of {application.name} is recorded",
    )


@verb(traffic, "undo")
def undo(
    console: Console,
    *,
    number: Annotated[
        int | None,
        typer.Argument(metavar="[N]", help="Go back to before change N of `traffic history`; default: the last one."),
    ] = None,
    options: ChangingOne,
) -> None:
    """Make the rules what they were before a change; later changes of the application are undone with it."""
    from dubbopy_cli.traffic.history import undo as former

    target, application = open_application(console, options, changing=True)
    service = application.service
    change(
        console,
        target,
        options,
        lambda seen: former(seen, target.history(), service, number, force=options.force),
        application.name,
    )


def _data(one: Change) -> dict[str, object]:
    return {
        "number": one.number,
        "time": one.time,
        "command": one.origin.command,
        "who": one.origin.who,
        "objects": [asdict(item) for item in one.objects],
    }


def _text(one: Change) -> str:
    moment = datetime.fromtimestamp(one.time).astimezone().isoformat(sep=" ", timespec="seconds")
    lines = [f"{one.number:>3}  {moment}  {one.origin.who}", f"     {one.origin.command}"]
    return "\n".join([*lines, *(f"     {item.what}" for item in one.objects)])
