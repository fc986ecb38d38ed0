"""`remove`: take one version or the whole application away."""

from __future__ import annotations

from typing import Annotated

import typer

from dubbopy_cli.cli.logs import known_version
from dubbopy_cli.cli.main import app
from dubbopy_cli.cli.options import App, DryRun, Where, Yes, application_name, apply, confirm, find_application
from dubbopy_cli.cli.place import open_target
from dubbopy_cli.cli.verb import verb
from dubbopy_cli.console import Console
from dubbopy_cli.errors import UsageError


@verb(app, "remove")
def remove(
    console: Console,
    *,
    version: Annotated[
        str | None, typer.Argument(metavar="[VERSION]", help="Version, or its release APP-VERSION.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Remove every version, the rules and the address.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Remove a version even while it gets calls.")] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    app_name: App = None,
    where: Where,
) -> None:
    """Take one version away, or with --all the whole application; drains before it ends."""
    if bool(version) == everything:
        raise UsageError("usage", "say what to remove: one VERSION, or --all", hint="dubbopy-cli remove v1")
    target = open_target(console, where, changing=True)
    name = application_name(app_name)
    try:
        application = find_application(target, name)
    except UsageError:
        # A removal that was killed at its very end left nothing but its lock, which goes when it is typed again.
        with target.exclusive():
            raise
    if everything and not dry_run:
        going = ", ".join(release.name for release in application.releases) or "its address and its rules"
        confirm(console, f"Remove {application.name} with {going}?", yes=yes)
    with target.exclusive():
        # Under the lock, so that a removal that was killed at its end leaves no lock behind when it is typed again.
        version = known_version(application, version) if version else None
        # Planned under the lock too: another command may have given the version calls while this one waited.
        steps = apply(console, target.remove(application.name, version, force=force), dry_run=dry_run)
    gone = [version] if version else [release.version for release in application.releases]
    console.result(
        {"dry_run": dry_run, "application": application.name, "removed": [] if dry_run else gone, "steps": steps},
        "Nothing was changed." if dry_run else f"removed {version or 'all'} of {application.name}",
    )
