"""`build`: compile a project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dubbopy_cli import names, project
from dubbopy_cli.cli.main import app
from dubbopy_cli.cli.options import ProjectPath
from dubbopy_cli.cli.verb import verb
from dubbopy_cli.console import Console
from dubbopy_cli.process import SubprocessRunner, shown

if TYPE_CHECKING:
    from dubbopy_cli.build.builder import BuildResult

Tag = Annotated[str | None, typer.Option("--tag", help="Tag to build; default: image.tag of chart/app/values.yaml.")]


@verb(app, "build")
def build(
    console: Console,
    *,
    path: ProjectPath = Path(),
    tag: Tag = None,
    force: Annotated[bool, typer.Option("--force", help="Build even when nothing has changed.")] = False,
) -> None:
    """Compile the project into its build folder, if its sources have changed."""
    from dubbopy_cli.build import lock

    here = project.load(path)
    with lock.held(here, console.say):
        done = run_build(console, here, tag, force=force)
    console.result(done.to_dict(), said(done))
    console.next_steps([shown(["dubbopy-cli", "deploy", *([] if path == Path() else [str(path)])])])


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


def said(done: BuildResult) -> str:
    """Return what a build did as one line."""
    what = f"{done.project.name} {done.tag}"
    if done.state == "up-to-date":
        return f"{what} is up to date in {done.project.build_dir}"
    return f"{what} built in {done.seconds:.1f} s into {done.project.build_dir}"
