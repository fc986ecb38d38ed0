"""`traffic show`: who gets the calls, and by which rules."""

from __future__ import annotations

from typing import Annotated

import typer

from dubbopy_cli.cli.traffic import traffic, views
from dubbopy_cli.cli.traffic.change import OneApp, open_application
from dubbopy_cli.cli.verb import verb
from dubbopy_cli.console import Console


@verb(traffic, "show")
def show(
    console: Console,
    *,
    watch: Annotated[bool, typer.Option("-w", "--watch", help="Follow who really gets the calls.")] = False,
    where: OneApp,
) -> None:
    """Show who gets the calls, and the rules that say so."""
    target, application = open_application(console, where, changing=False)
    if not watch:
        console.result(views.shown(application), views.text(application))
        return
    from dubbopy_cli.cli.traffic.watch import data, looks, text

    seen = looks(target, application)
    if console.human:
        console.live(text(one) for one in seen)
    for one in seen:
        console.stream(data(one), "")
