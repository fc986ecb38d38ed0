"""`traffic show`: who gets the calls, and by which rules."""

from __future__ import annotations

from dubbopy_cli.cli.traffic import traffic, views
from dubbopy_cli.cli.traffic.change import OneApp, open_application
from dubbopy_cli.cli.verb import verb
from dubbopy_cli.console import Console


@verb(traffic, "show")
def show(console: Console, *, where: OneApp) -> None:
    """Show who gets the calls, and the rules that say so."""
    _, application = open_application(console, where, changing=False)
    console.result(views.shown(application), views.text(application))
