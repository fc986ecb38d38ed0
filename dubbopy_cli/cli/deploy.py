"""`deploy`: release a version beside the others."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Annotated

import typer

from dubbopy_cli import names, project, settings
from dubbopy_cli.cli import build, views
from dubbopy_cli.cli.chartoptions import ChartOptions
from dubbopy_cli.cli.main import app
from dubbopy_cli.cli.options import DryRun, ProjectPath, Timeout, Where, apply, find_application, patience
from dubbopy_cli.cli.place import chosen, open_target
from dubbopy_cli.cli.verb import verb
from dubbopy_cli.console import Console

if TYPE_CHECKING:
    from dubbopy_cli.artifact import Artifact
    from dubbopy_cli.plan import Plan
    from dubbopy_cli.targets.base import ReleaseRequest, Target

Version = Annotated[
    str | None, typer.Option("--version", help="Version to release; default: that of chart/app/values.yaml.")
]


Replicas = Annotated[
    int | None,
    typer.Option("--replicas", min=1, max=50, help="How many instances; default: 1, on a cluster as the chart says."),
]


@verb(app, "deploy")
def deploy(
    console: Console,
    *,
    path: ProjectPath = Path(),
    version: Version = None,
    tag: build.Tag = None,
    replicas: Replicas = None,
    no_traffic: Annotated[bool, typer.Option("--no-traffic", help="Keep calls from the new version for now.")] = False,
    timeout: Timeout = None,
    dry_run: DryRun = False,
    chart: ChartOptions,
    where: Where,
) -> None:
    """Build if needed, then release one version beside the others without losing a call."""
    from dubbopy_cli.build import lock

    here = project.load(path)
    here = replace(here, version=names.version(version) if version else here.version)
    local = chosen(where, path)["target"].value == "local"
    if local:
        chart.refuse()
    chart.check(here)
    target = open_target(console, where, changing=True, start=path)
    target.preflight(here.name, "none" if chart.no_mesh else here.mesh)
    dry_run = dry_run or chart.diff
    # Until the release has its copy: another build of this folder would be released in this one's place.
    with nullcontext() if dry_run else lock.held(here, console.say):
        make = _built if local else partial(_imaged, chart=chart, replicas=replicas, target=target)
        request = make(console, here, tag, dry_run=dry_run)
        request = replace(request, replicas=replicas or 1, no_traffic=no_traffic, timeout=patience(target, timeout))
        with target.exclusive():
            # Planned under the lock too: another command may have changed the rules while this one waited.
            plan = target.deploy(request)
            steps = apply(console, plan, dry_run=dry_run)
    if dry_run:
        _show(console, plan, steps, diff=chart.diff)
        return
    application = find_application(target, here.name)
    console.result(
        {"steps": steps, "application": views.application_dict(application), "version": here.version},
        views.deployed(application, here.version),
    )
    console.next_steps(views.after_deploy(application, here.version, here))


def _show(console: Console, plan: Plan, steps: list[dict[str, str]], *, diff: bool) -> None:
    """Show a plan that was not applied: its objects, or with ``diff`` what differs in them."""
    text = plan.difference() if diff else plan.preview()
    kind = "diff" if diff else "objects"
    nothing = "Nothing would change but the pods, which are made anew." if diff and not text else ""
    console.result(
        {"dry_run": True, "steps": steps, **({kind: text} if text else {})},
        text or nothing or "Nothing was changed.",
    )


def _built(console: Console, here: project.Project, tag: str | None, *, dry_run: bool) -> ReleaseRequest:
    """Return the request for a program that was built into the project's folder."""
    from dubbopy_cli.artifact import Artifact

    if dry_run:
        # What would be built is not known before it is built; the steps do not depend on it.
        console.say(f"  build {here.name} {names.tag(tag or here.tag)} if its sources have changed")
        return _request(here, names.tag(tag or here.tag), Artifact({}, (), "0" * 64))
    done = build.run_build(console, here, tag)
    console.say(f"  {build.said(done)}")
    return _request(here, done.tag, done.artifact)


def _imaged(
    console: Console,
    here: project.Project,
    tag: str | None,
    *,
    dry_run: bool,
    chart: ChartOptions,
    replicas: int | None,
    target: Target,
) -> ReleaseRequest:
    """Return the request for an image that is in its registry."""
    from dubbopy_cli.artifact import Artifact
    from dubbopy_cli.build.images.request import ImageRequest

    wanted = names.tag(tag or here.tag)
    digest = ""
    if not chart.no_build:
        platforms = build.node_platforms(console, target)
        image = ImageRequest(wanted, settings.builder(here.root), platforms, insecure=chart.insecure)
        if dry_run:
            planned = build.plan_image(console, here, image)
            digest = planned.expected.digest
            for step in planned.steps.steps:
                console.say(f"  {step.command or step.title}")
        else:
            made = build.make_image(console, here, image)
            console.say(indent(build.said_of_image(made), "  "))
            digest = made.digest
    request = _request(here, wanted, Artifact({}, (), ""))
    return replace(request, chart=chart.request(here, digest, replicas))


def _request(here: project.Project, tag: str, artifact: Artifact) -> ReleaseRequest:
    from dubbopy_cli.targets.base import Reference, ReleaseRequest

    return ReleaseRequest(
        application=here.name,
        version=here.version,
        tag=tag,
        role=here.role,
        port=here.port,
        artifact=artifact,
        references=tuple(Reference(name, port) for name, port in here.references),
    )
