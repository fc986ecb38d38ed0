"""`build`: compile a project and make its image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dubbopy_cli import names, project, settings
from dubbopy_cli.build.images.request import BuilderChoice, ImageRequest, ImageResult, Loader, platforms
from dubbopy_cli.cli.main import app
from dubbopy_cli.cli.options import DryRun, ProjectPath, Where
from dubbopy_cli.cli.place import locate, open_target
from dubbopy_cli.cli.verb import verb
from dubbopy_cli.console import Console
from dubbopy_cli.errors import DubbopyError, PreflightError, UsageError
from dubbopy_cli.process import SubprocessRunner, shown

if TYPE_CHECKING:
    from dubbopy_cli.build.builder import BuildResult
    from dubbopy_cli.build.images.make import ImagePlan
    from dubbopy_cli.targets.base import Target

Tag = Annotated[str | None, typer.Option("--tag", help="Tag to build; default: image.tag of chart/app/values.yaml.")]
Builder = Annotated[
    BuilderChoice | None, typer.Option("--builder", help="What makes the image; auto: the first of them that can.")
]
Platforms = Annotated[
    str | None,
    typer.Option(
        "--platform",
        metavar="OS/ARCH,...",
        help="Platforms of the image; default: those of the chosen cluster's nodes, else this machine's.",
    ),
]


@verb(app, "build")
def build(
    console: Console,
    *,
    path: ProjectPath = Path(),
    tag: Tag = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Build even if nothing has changed; replace a tag that holds something else."),
    ] = False,
    image: Annotated[bool, typer.Option("--image", help="Make the image too; so do the five options below.")] = False,
    builder: Builder = None,
    platform: Platforms = None,
    push: Annotated[
        bool | None, typer.Option("--push/--no-push", help="Push it to its registry; default: unless it is loaded.")
    ] = None,
    load: Annotated[Loader | None, typer.Option("--load", help="Load it into a cluster of this machine.")] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Use a registry without TLS that is trusted; on loopback any is used.")
    ] = False,
    dry_run: DryRun = False,
    where: Where,
) -> None:
    """Compile the project into its build folder, if its sources have changed; with --image make its image too."""
    from dubbopy_cli.build import lock

    here = project.load(path)
    wanted = image or insecure or any(one is not None for one in (builder, platform, push, load))
    # What is loaded goes into a cluster of this machine.
    asked = wanted and not load
    request = ImageRequest(
        tag=names.tag(tag) if tag else None,
        builder=builder or (settings.builder(here.root) if wanted else "auto"),
        platforms=platforms(platform) if platform else _chosen_platforms(console, where, path) if asked else (),
        push=not load if push is None else push,
        load=load,
        force=force,
        insecure=insecure,
    )
    if dry_run:
        _show(console, plan_image(console, here, request) if wanted else None, here, request)
        return
    with lock.held(here, console.say):
        if wanted:
            made = make_image(console, here, request)
            data = {"application": here.name, "tag": made.tag, "state": made.state, "image": made.to_dict()}
            console.result(data, said_of_image(made))
        else:
            done = run_build(console, here, request.tag, force=force)
            console.result(done.to_dict(), said(done))
    console.next_steps([shown(["dubbopy-cli", "deploy", *([] if path == Path() else [str(path)])])])


def node_platforms(console: Console, target: Target) -> tuple[str, ...]:
    """Return the platforms of a cluster's nodes; none, which means this machine's, where they do not say."""
    try:
        return target.platforms()
    except DubbopyError as error:
        return _own_platform(console, error)


def _chosen_platforms(console: Console, where: Where, path: Path) -> tuple[str, ...]:
    """Return the platforms for what was chosen to run the image; none, which is this machine's, without a cluster."""
    try:
        if locate(where, path).target == "local":
            return ()
        target = open_target(console, where, changing=False, start=path)
    except (PreflightError, UsageError) as error:
        # A machine that only builds need not know the cluster that the project is pinned to.
        if where.context or error.code not in {"tool-missing", "context-missing", "context-unknown"}:
            raise
        return _own_platform(console, error)
    return node_platforms(console, target)


def _own_platform(console: Console, error: DubbopyError) -> tuple[str, ...]:
    console.say(f"  the platforms of the nodes are not known, so this machine's is taken: {error.message}")
    return ()


def run_build(console: Console, here: project.Project, tag: str | None, *, force: bool = False) -> BuildResult:
    """Build ``here``, saying each command."""
    from dubbopy_cli.build import builder

    return builder.build(
        here,
        SubprocessRunner(console.trace),
        tag=names.tag(tag) if tag else None,
        force=force,
        announce=lambda line: console.say(f"  {line}"),
    )


def make_image(console: Console, here: project.Project, request: ImageRequest) -> ImageResult:
    """Make the image of ``here``, saying each command; the build folder is held by the caller."""
    from dubbopy_cli.build.images import make

    return make.make(
        here,
        request,
        _runner(console),
        announce=lambda step: console.say(f"  {step.command or step.title}"),
        warn=console.warn,
    )


def plan_image(console: Console, here: project.Project, request: ImageRequest) -> ImagePlan:
    """Return what ``make_image`` would do."""
    from dubbopy_cli.build.images import make

    return make.plan(here, request, _runner(console))


def said(done: BuildResult) -> str:
    """Return what a build did as one line."""
    what = f"{done.project.name} {done.tag}"
    if done.state == "up-to-date":
        return f"{what} is up to date in {done.project.build_dir}"
    return f"{what} built in {done.seconds:.1f} s into {done.project.build_dir}"


def said_of_image(made: ImageResult) -> str:
    """Return what became of an image as one line or two."""
    where = "pushed" if made.pushed else f"loaded into {made.loaded}" if made.loaded else f"in {made.builder}'s store"
    if made.state == "up-to-date":
        where = "is in the registry already"
    digest = f"\n{made.pinned}" if made.digest else ""
    return f"{made.reference} {where} ({', '.join(made.platforms)}){digest}"


def _show(console: Console, planned: ImagePlan | None, here: project.Project, request: ImageRequest) -> None:
    """Say the lines of a build that is not run."""
    if planned:
        for text in planned.warnings:
            console.warn(text)
        steps = [step.to_dict() for step in planned.steps.steps]
    else:
        from dubbopy_cli.build import builder

        lines = builder.preview(here, _runner(console), tag=request.tag, force=request.force)
        steps = [{"title": f"compile {here.name} {request.tag or here.tag}", "command": line} for line in lines]
    for step in steps:
        console.say(f"  {step.get('command') or step['title']}")
    console.result({"dry_run": True, "steps": steps}, "Nothing was changed." if steps else "Nothing is to be done.")


def _runner(console: Console) -> SubprocessRunner:
    from dubbopy_cli.build.images.failures import redact

    return SubprocessRunner(lambda line: console.trace(redact(line)))
