"""Options that several verbs share, and the target that they name."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dubbopy_cli import names, project
from dubbopy_cli.console import Console
from dubbopy_cli.errors import ConflictError, PreflightError, UsageError

if TYPE_CHECKING:
    from dubbopy_cli.plan import Plan, Step
    from dubbopy_cli.targets.base import Application, Target

# Not by typer's own envvar: which of the two said it decides about a pinned context, and `config list` shows it.
TargetName = Annotated[
    str | None,
    typer.Option("--target", metavar="local|kubernetes", help="Where releases run.  [env var: DUBBOPY_TARGET]"),
]
Context = Annotated[
    str | None, typer.Option("--context", help="Context of the kubeconfig to work in.  [env var: DUBBOPY_CONTEXT]")
]
Namespace = Annotated[
    str | None, typer.Option("--namespace", help="Namespace to work in.  [env var: DUBBOPY_NAMESPACE]")
]


@dataclass(frozen=True)
class Where:
    """Where a command works; what is not said is settled by dubbopy_cli.settings."""

    target: TargetName = None
    context: Context = None
    namespace: Namespace = None


ProjectPath = Annotated[Path, typer.Argument(metavar="[PATH]", help="A project's folder, or one inside it.")]
App = Annotated[
    str | None, typer.Option("--app", envvar="DUBBOPY_APP", help="Application; default: that of the project here.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the steps and change nothing.")]
Yes = Annotated[bool, typer.Option("-y", "--yes", help="Ask nothing.")]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", min=0.1, help="Seconds to wait until it is ready; default: 60, on a cluster 180."),
]
Headers = Annotated[list[str] | None, typer.Option("-H", "--header", metavar="K=V", help="Send a header; repeatable.")]


def application_name(app: str | None, *, called: bool = False) -> str:
    """Return the named application, else that of the project here; ``called`` means the one that a client calls."""
    if app:
        return names.application(app)
    try:
        here = project.load(Path.cwd())
    except PreflightError as error:
        if error.code == "project-not-found":
            error.hint = "cd into its project, or add --app NAME with one of the names of: dubbopy-cli status"
        raise
    if called and here.role == "client" and here.references:
        return here.references[0][0]
    return here.name


def find_application(target: Target, name: str) -> Application:
    """Return the application as it runs; UsageError ``application-unknown`` with the nearest name."""
    running = {one.name: one for one in target.applications()}
    if name in running:
        return running[name]
    raise UsageError(
        "application-unknown",
        f"no application '{name}' is deployed in namespace {target.namespace}."
        + names.did_you_mean(name, list(running)),
        hint=f"dubbopy-cli status{names.in_namespace(target.namespace)}"
        if running
        else "dubbopy-cli deploy in its project's folder",
    )


def find_server(target: Target, name: str) -> Application:
    """Return the application as ``find_application`` does; UsageError ``client-traffic`` for one that nobody calls."""
    found = find_application(target, name)
    if found.role == "server":
        return found
    servers = [one.name for one in target.applications() if one.role == "server"]
    raise UsageError(
        "client-traffic",
        f"{found.name} is a client: nobody calls it",
        hint=f"name a server: --app {servers[0]}" if servers else "deploy a server first: dubbopy-cli deploy",
    )


def apply(console: Console, plan: Plan, *, dry_run: bool) -> list[dict[str, str]]:
    """Apply ``plan``, each step said before it starts, or with ``dry_run`` only say it; return the steps as data."""

    def announce(step: Step) -> None:
        console.say(f"  {step.title}")

    if dry_run:
        for step in plan.steps:
            announce(step)
            if step.command:
                console.say(f"    {step.command}")
    else:
        plan.apply(announce)
    return [step.to_dict() for step in plan.steps]


def patience(target: Target, timeout: float | None) -> float:
    """Return the seconds within which a release has to become ready; in a cluster an image may have to be pulled."""
    return timeout or (60.0 if target.name == "local" else 180.0)


def confirm(console: Console, question: str, *, yes: bool) -> None:
    """Ask before something is taken away; without a terminal ``--yes`` must be given."""
    if yes:
        return
    if not console.interactive:
        raise UsageError("needs-yes", f"there is no terminal to ask on: {question}", hint="add --yes")
    if not console.ask(question):
        raise ConflictError("declined", "nothing was changed: the answer was no", hint="answer y, or add --yes")


def unreadable(name: str, error: OSError | UnicodeDecodeError) -> UsageError:
    """Return the error for a file that was named and cannot be read."""
    if isinstance(error, UnicodeDecodeError):
        return UsageError("usage", f"{name} cannot be read: it is not UTF-8 text", hint="save it as UTF-8")
    return UsageError("usage", f"{name} cannot be read: {error.strerror}", hint=f"ls -l {shlex.quote(name)}")


def read_file(name: str) -> str:
    """Return the text of a file that was named; ``-`` is stdin."""
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(name, error) from error


def headers(pairs: list[str] | None) -> tuple[tuple[str, str], ...]:
    """Return the K=V words as pairs; UsageError for another form or for a name that no header can have."""
    found = []
    for pair in pairs or ():
        name, separator, value = pair.partition("=")
        if not separator or not re.fullmatch(r"[a-z0-9_.-]+", name.lower()):
            raise UsageError("usage", f"'{pair}' is no header: write it as NAME=VALUE", hint="--header user=admin")
        found.append((name.lower(), value))
    return tuple(found)


def seconds(text: str) -> float:
    """Return a duration such as 90, 30s, 5m or 1h in seconds."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|)", text)
    if not match:
        raise UsageError("usage", f"'{text}' is no duration: write 30s, 5m or 1h", hint="--since 5m")
    return float(match[1]) * {"ms": 0.001, "s": 1, "": 1, "m": 60, "h": 3600}[match[2]]
