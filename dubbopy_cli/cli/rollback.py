"""`rollback` and `history`: the revisions that a version has had, and the way back to one."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from dubbopy_cli.cli import views
from dubbopy_cli.cli.logs import known_version
from dubbopy_cli.cli.main import app
from dubbopy_cli.cli.options import App, DryRun, Timeout, Where, application_name, apply, find_application, patience
from dubbopy_cli.cli.place import open_target
from dubbopy_cli.cli.verb import verb
from dubbopy_cli.console import Console
from dubbopy_cli.errors import UsageError

if TYPE_CHECKING:
    from dubbopy_cli.targets.base import Application, ReleaseRevision

_Version = Annotated[
    str | None, typer.Argument(metavar="[VERSION]", help="Version; default: the only one, else it must be said.")
]


@verb(app, "rollback")
def rollback(
    console: Console,
    *,
    version: _Version = None,
    revision: Annotated[
        int | None, typer.Argument(metavar="[REV]", min=1, help="Revision of `history`; default: the one before.")
    ] = None,
    timeout: Timeout = None,
    dry_run: DryRun = False,
    app_name: App = None,
    where: Where,
) -> None:
    """Make a version what it was in a former revision; the traffic rules stay."""
    target = open_target(console, where, changing=True)
    application = find_application(target, application_name(app_name))
    meant = _meant(application, version)
    with target.exclusive():
        plan = target.rollback(application.name, meant, revision, timeout=patience(target, timeout))
        steps = apply(console, plan, dry_run=dry_run)
    if dry_run:
        console.result({"dry_run": True, "steps": steps}, "Nothing was changed.")
        return
    application = find_application(target, application.name)
    console.result(
        {"steps": steps, "application": views.application_dict(application), "version": meant},
        views.deployed(application, meant),
    )


@verb(app, "history")
def history(console: Console, *, version: _Version = None, app_name: App = None, where: Where) -> None:
    """Show the revisions of a version that are kept; `traffic history` shows those of the rules."""
    target = open_target(console, where, changing=False)
    application = find_application(target, application_name(app_name))
    meant = _meant(application, version)
    found = target.revisions(application.name, meant)
    console.result(
        {"application": application.name, "version": meant, "revisions": [_data(one) for one in found]},
        "\n".join(_line(one) for one in found) or f"no revision of {application.name}-{meant} is kept",
    )


def _meant(application: Application, version: str | None) -> str:
    known = [one.version for one in application.releases]
    if version is None and len(known) == 1:
        return known[0]
    if version is None and known:
        raise UsageError(
            "usage",
            f"{application.name} has the versions {', '.join(known)}: say which",
            hint=f"dubbopy-cli history {known[-1]}",
        )
    return known_version(application, version or "")


def _data(one: ReleaseRevision) -> dict[str, object]:
    return {
        "number": one.number,
        "status": one.status,
        "deployed": one.deployed,
        "description": one.description,
    }


def _line(one: ReleaseRevision) -> str:
    moment = datetime.fromtimestamp(one.deployed).astimezone().isoformat(sep=" ", timespec="seconds")
    return f"{one.number:>3}  {moment}  {one.status:<10}  {one.description}"
