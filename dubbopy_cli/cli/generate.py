"""`generate`: make the stubs of api/*.proto anew."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dubbopy_cli import project
from dubbopy_cli.cli.main import app
from dubbopy_cli.cli.options import ProjectPath
from dubbopy_cli.cli.verb import verb
from dubbopy_cli.console import Console
from dubbopy_cli.errors import ConflictError
from dubbopy_cli.process import Runner, SubprocessRunner

if TYPE_CHECKING:
    from dubbopy_cli.scaffold.stubs.make import Maker, Stubs


@verb(app, "generate")
def generate(
    console: Console,
    path: ProjectPath = Path(),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit code 6 if stubs are stale.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing; say what would be written.")] = False,
) -> None:
    """Make the stubs of api/*.proto anew; no protoc is needed."""
    from dubbopy_cli.scaffold.stubs.make import make

    found = project.load(path)
    runner = SubprocessRunner(console.trace)
    stubs = make(found.root, _maker(found, runner), runner)
    for warning in stubs.warnings:
        console.warn(warning)
    if check and not stubs.fresh:
        error = _stale(stubs, path)
        console.error(error, stubs.to_dict())
        raise typer.Exit(error.exit_code)
    for orphan in stubs.orphans:
        console.warn(f"{orphan} has no .proto any more; if nothing uses it: rm {shlex.quote(str(found.root / orphan))}")
    write = not check and not dry_run
    if write:
        stubs.write()
    console.result(stubs.to_dict(), _view(stubs, written=write))
    if write and stubs.changed:
        console.next_steps(["dubbopy-cli build"])


def _maker(found: project.Project, runner: Runner) -> Maker:
    if found.lang == "python":
        from dubbopy_cli.scaffold.stubs.python import PythonStubs

        return PythonStubs(found.root, found.module)
    from dubbopy_cli.build import toolchain
    from dubbopy_cli.scaffold import catalogue
    from dubbopy_cli.scaffold.stubs.golang import OLD_TRIPLE, TRIPLE, GoStubs

    template = OLD_TRIPLE if found.mesh == catalogue.PROXYLESS else TRIPLE
    return GoStubs(runner, found.root, toolchain.go(runner).path, catalogue.root() / "_stubs", template)


def _stale(stubs: Stubs, path: Path) -> ConflictError:
    lines = [f"{file.state:9} {file.path}" for file in stubs.changed]
    lines += [f"{'orphan':9} {orphan}" for orphan in stubs.orphans]
    return ConflictError(
        "stubs-stale",
        f"{len(lines)} of the stubs in {stubs.root} are not those of its .proto files",
        hint=" ".join(["dubbopy-cli generate", *([shlex.quote(str(path))] if path != Path() else [])]),
        details="\n".join(lines),
    )


def _view(stubs: Stubs, *, written: bool) -> str:
    if not stubs.changed:
        return f"{len(stubs.files)} stubs are up to date"
    if written:
        return "\n".join(f"{file.state:9} {file.path}" for file in stubs.files)
    return "\n".join(f"would be {file.state:9} {file.path}" for file in stubs.changed)
