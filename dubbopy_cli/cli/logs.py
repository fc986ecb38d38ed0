"""`logs`: what the instances write."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from dubbopy_cli.cli.main import app
from dubbopy_cli.cli.options import App, Where, application_name, find_application, seconds
from dubbopy_cli.cli.place import open_target
from dubbopy_cli.cli.verb import verb
from dubbopy_cli.console import Console

if TYPE_CHECKING:
    from dubbopy_cli.targets.base import Application, LogLine


@verb(app, "logs")
def logs(
    console: Console,
    *,
    version: Annotated[str | None, typer.Argument(metavar="[VERSION]", help="Only this version.")] = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on as lines come.")] = False,
    since: Annotated[str | None, typer.Option("--since", metavar="DURATION", help="Only newer lines: 5m.")] = None,
    tail: Annotated[int | None, typer.Option("--tail", min=0, help="Only so many last lines an instance.")] = None,
    app_name: App = None,
    where: Where,
) -> None:
    """Show the log lines of an application's instances in the order of time."""
    target = open_target(console, where, changing=False)
    application = find_application(target, application_name(app_name))
    if version:
        version = known_version(application, version)
    back = seconds(since) if since else None
    many = sum(len(release.instances) for release in application.releases) > 1
    for line in target.logs(application.name, version, follow=follow, since=back, tail=tail):
        console.stream(_data(line), f"{line.instance} | {line.text}" if many or follow else line.text)


def known_version(application: Application, version: str) -> str:
    """Return the version that is named by itself or as a release; UsageError ``version-unknown`` if it is not there."""
    from dubbopy_cli.targets import named

    known = [release.version for release in application.releases]
    return named.version(application.name, known, version, application.namespace)


def _data(line: LogLine) -> dict[str, object]:
    moment = datetime.fromtimestamp(line.time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"instance": line.instance, "version": line.version, "time": moment, "text": line.text}
