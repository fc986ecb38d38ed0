"""`deploy`: release a version beside the others."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dubbopy_cli import names, project
from dubbopy_cli.cli import build, views
from dubbopy_cli.cli.main import app
from dubbopy_cli.cli.options import DryRun, ProjectPath, Timeout, Where, apply, find_application
from dubbopy_cli.cli.place import open_target
from dubbopy_cli.cli.verb import verb
from dubbopy_cli.console import Console
from dubbopy_cli.errors import PreflightError

if TYPE_CHECKING:
    from dubbopy_cli.targets.base import ReleaseRequest

Version = Annotated[
    str | None, typer.Option("--version", help="Version to release; default: that of chart/app/values.yaml.")
]


@verb(app, "deploy")
def deploy(
    console: Console,
    *,
    path: ProjectPath = Path(),
    version: Version = None,
    tag: build.Tag = None,
    replicas: Annotated[int, typer.Option("--replicas", min=1, max=50, help="How many instances.")] = 1,
    no_traffic: Annotated[bool, typer.Option("--no-traffic", help="Keep calls from the new version for now.")] = False,
    timeout: Timeout = 60.0,
    dry_run: DryRun = False,
    where: Where,
) -> None:
    """Build if needed, then release one version beside the others without losing a call."""
    from dubbopy_cli.build import lock

    here = project.load(path)
    if here.mesh == "proxyless":
        raise PreflightError(
            "proxyless-local",
            f"{here.name} is proxyless: it asks istiod for its rules, and the local target has no istiod",
            hint=f"dubbopy-cli newApp ../{here.name}-sidecar --mesh sidecar",
        )
    here = replace(here, version=names.version(version) if version else here.version)
    target = open_target(console, where, changing=True, start=path)
    # Until the release has its copy: another build of this folder would be released in this one's place.
    with nullcontext() if dry_run else lock.held(here, console.say):
        request = _request(console, here, tag, dry_run=dry_run)
        request = replace(request, replicas=replicas, no_traffic=no_traffic, timeout=timeout)
        with target.exclusive():
            # Planned under the lock too: another command may have changed the rules while this one waited.
            steps = apply(console, target.deploy(request), dry_run=dry_run)
    if dry_run:
        console.result({"dry_run": True, "steps": steps}, "Nothing was changed.")
        return
    application = find_application(target, here.name)
    console.result(
        {"steps": steps, "application": views.application_dict(application), "version": here.version},
        views.deployed(application, here.version),
    )
    console.next_steps(views.after_deploy(application, here.version))


def _request(console: Console, here: project.Project, tag: str | None, *, dry_run: bool) -> ReleaseRequest:
    from dubbopy_cli.artifact import Artifact
    from dubbopy_cli.targets.base import Reference, ReleaseRequest

    if dry_run:
        # What would be built is not known before it is built; the steps do not depend on it.
        built_tag, artifact = names.tag(tag or here.tag), Artifact({}, (), "0" * 64)
        console.say(f"  build {here.name} {built_tag} if its sources have changed")
    else:
        done = build.run_build(console, here, tag)
        console.say(f"  {build.said(done)}")
        built_tag, artifact = done.tag, done.artifact
    return ReleaseRequest(
        application=here.name,
        version=here.version,
        tag=built_tag,
        role=here.role,
        port=here.port,
        artifact=artifact,
        references=tuple(Reference(name, port) for name, port in here.references),
    )
