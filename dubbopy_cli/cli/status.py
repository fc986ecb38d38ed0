"""`status`: what runs and who gets the calls."""

from __future__ import annotations

from collections.abc import Iterator
from time import sleep
from typing import TYPE_CHECKING, Annotated

import typer

from dubbopy_cli.cli import views
from dubbopy_cli.cli.main import app
from dubbopy_cli.cli.options import App, Where, find_application
from dubbopy_cli.cli.place import open_target
from dubbopy_cli.cli.verb import verb
from dubbopy_cli.console import Console

if TYPE_CHECKING:
    from rich.console import RenderableType

    from dubbopy_cli.targets.base import Application, Target


@verb(app, "status")
def status(
    console: Console,
    *,
    watch: Annotated[bool, typer.Option("-w", "--watch", help="Show it again whenever it changes.")] = False,
    app_name: App = None,
    where: Where,
) -> None:
    """Show applications, their versions with their share of the calls, and their instances."""
    target = open_target(console, where, changing=False)
    if watch and console.human:
        console.live(_frames(target, app_name))
        return
    applications = _wanted(target, app_name)
    console.result(
        {
            "target": target.name,
            "namespace": target.namespace,
            "applications": [views.application_dict(one) for one in applications],
        },
        views.tree(target, applications),
    )
    if not applications:
        console.next_steps(["dubbopy-cli newApp my-service", "dubbopy-cli deploy my-service"])


def _wanted(target: Target, app_name: str | None) -> tuple[Application, ...]:
    return (find_application(target, app_name),) if app_name else target.applications()


def _frames(target: Target, app_name: str | None) -> Iterator[RenderableType]:
    while True:
        yield views.tree(target, _wanted(target, app_name))
        sleep(1)
