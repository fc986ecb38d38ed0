"""`newApp` and `newDemo`: make a project, or a server and a client beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dubbopy_cli import process
from dubbopy_cli.cli.main import app
from dubbopy_cli.cli.verb import verb
from dubbopy_cli.console import Console
from dubbopy_cli.errors import UsageError

if TYPE_CHECKING:
    from dubbopy_cli.scaffold.create import Made

NewPath = Annotated[Path, typer.Argument(metavar="PATH", help="Folder to make, or `.` for this one.")]
Lang = Annotated[str | None, typer.Option(metavar="go|python", help="Language of the program.  [default: go]")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the tree and write nothing.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that differ, and keep a copy of each.")]


def _option(text: str, metavar: str = "TEXT") -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(metavar=metavar, help=text)
    return option


@verb(app, "newApp")
@verb(app, "new", hidden=True)
def new_app(
    console: Console,
    *,
    path: NewPath,
    name: Annotated[str | None, _option("Application.  [default: the folder's name]")] = None,
    lang: Lang = None,
    role: Annotated[str | None, _option("What the program does.  [default: server]", "server|client")] = None,
    mesh: Annotated[
        str | None, _option("How Istio steers the calls; proxyless: Go only.  [default: sidecar]", "sidecar|proxyless")
    ] = None,
    module: Annotated[str | None, _option("Go module path or Python package.  [default: by git, or the name]")] = None,
    image: Annotated[str | None, _option("Image without tag.  [default: localhost:5000/NAME]", "REPO")] = None,
    app_version: Annotated[str | None, _option("Version of the application.  [default: v1]")] = None,
    tag: Annotated[str | None, _option("Tag of the image.  [default: 1.0.0]")] = None,
    port: Annotated[str | None, _option("Port of the Service.  [default: 20000]", "NUMBER")] = None,
    server: Annotated[str | None, _option("Application a client calls.  [default: dubbo-go-server]", "APP")] = None,
    data: Annotated[list[str] | None, typer.Option(metavar="K=V", help="Answer a question; repeatable.")] = None,
    data_file: Annotated[Path | None, typer.Option(metavar="FILE", help="YAML file of answers.")] = None,
    interactive: Annotated[bool, typer.Option("--interactive", help="Ask what is not given.")] = False,
    dry_run: DryRun = False,
    force: Force = False,
    template: Annotated[
        str, typer.Option(metavar="SRC", help="Folder, git source or builtin:LANG-ROLE.", show_default=False)
    ] = "",
    ref: Annotated[str, typer.Option(metavar="REF", help="Tag or branch of a git template.", show_default=False)] = "",
    trust: Annotated[bool, typer.Option("--trust", help="Let the template run its own code.")] = False,
) -> None:
    """Make a project that builds, tests and deploys as it is."""
    from dubbopy_cli.scaffold import answers, create
    from dubbopy_cli.scaffold.interrupts import interruptible

    flags = {
        "name": name,
        "lang": lang,
        "role": role,
        "mesh": mesh,
        "module": module,
        "image": image,
        "app_version": app_version,
        "tag": tag,
        "port": port,
        "server": server,
    }
    given = answers.gather(flags, data or [], data_file)
    request = create.Request(path, given, template, ref, trust, force, dry_run)
    prompter = _Terminal(console) if interactive else None
    with interruptible():
        made = create.new_app(request, process.SubprocessRunner(console.trace), prompter)
    only = made.applications[0]
    _show(console, made, only.to_dict() | made.to_dict(), dry_run=dry_run)
    here = made.path == Path.cwd()
    steps = ["dubbopy-cli build", "dubbopy-cli deploy"] if made.is_project else []
    if made.is_project and only.answers.get("mesh") == "proxyless":
        console.say(_PROXYLESS)
        steps = ["make compile", "make build deploy"]
    _next(console, path, steps if here else steps[1:], dry_run=dry_run)


_PROXYLESS = """
Proxyless: rules by weight work; header rules cannot, dubbo-go's route parser does not know istiod's string_match.
It runs in a cluster only, with istiod's DEBUG_ENDPOINT_AUTH_ALLOWED_NAMESPACES naming its namespace; the local target
does not run it."""


@verb(app, "newDemo")
def new_demo(
    console: Console,
    *,
    path: NewPath,
    lang: Lang = None,
    dry_run: DryRun = False,
    force: Force = False,
) -> None:
    """Make a server and a client beside each other that run at once."""
    from dubbopy_cli.scaffold import answers, create
    from dubbopy_cli.scaffold.interrupts import interruptible

    request = create.Request(path, answers.gather({"lang": lang}, [], None), force=force, dry_run=dry_run)
    with interruptible():
        made = create.new_demo(request, process.SubprocessRunner(console.trace))
    applications = {"path": str(made.path), "applications": [one.to_dict() for one in made.applications]}
    _show(console, made, applications | made.to_dict(), dry_run=dry_run)
    _next(console, path, ["make run"], dry_run=dry_run)


class _Terminal:
    """Ask on the terminal."""

    def __init__(self, console: Console) -> None:
        if not console.interactive:
            raise UsageError(
                "usage",
                "--interactive needs a terminal to ask on, and there is none or CI is set",
                hint="leave it out and answer by flags: --name, --lang, --role, --module, --image, --tag, --data",
            )
        self._console = console
        self._complaint = ""

    def ask(self, question: str, default: str) -> str:
        complaint, self._complaint = self._complaint, ""
        return self._console.prompt(complaint + question + (f" [{default}]: " if default else ": "))

    def complain(self, text: str) -> None:
        # Told with the question that follows it: an answer that is refused is no progress that -q silences.
        self._complaint = f"  {text}\n"


def _show(console: Console, made: Made, data: dict[str, object], *, dry_run: bool) -> None:
    from dubbopy_cli.scaffold.place import State
    from dubbopy_cli.scaffold.tree import drawn

    for warning in made.warnings:
        console.warn(warning)
    console.result(data | {"dry_run": dry_run}, drawn(str(made.path), made.files))
    counts = {state: sum(file.state is state for file in made.files) for state in State}
    text = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    whom = " and ".join(one.name for one in made.applications)
    console.say(f"\n{whom}: {text or 'no files'}" + (" (dry run, nothing was written)" if dry_run else ""))
    if made.backups:
        console.say("Copies of the replaced files:\n" + "\n".join(f"  {made.path / kept}" for kept in made.backups))


def _next(console: Console, path: Path, steps: list[str], *, dry_run: bool) -> None:
    if dry_run:
        return
    here = path.expanduser().resolve() == Path.cwd()
    console.next_steps(([] if here else [process.shown(["cd", str(path)])]) + steps)
