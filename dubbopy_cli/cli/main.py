"""The application: every verb is registered here, usage errors become exit code 2."""

from __future__ import annotations

import signal
import sys
from importlib import import_module
from io import TextIOWrapper
from itertools import zip_longest
from typing import Annotated, NoReturn

import typer

from dubbopy_cli import __version__
from dubbopy_cli.cli.verb import group, help_without_verb
from dubbopy_cli.console import Console, Format
from dubbopy_cli.errors import ExitCode, UsageError

app = group("dubbopy-cli", "Take a Dubbo service from an empty folder to several versions behind traffic rules.")

# In the order in which --help shows them.
_VERBS = (
    "new",
    "generate",
    "build",
    "deploy",
    "status",
    "logs",
    "call",
    "traffic",
    "remove",
    "rollback",
    "local",
    "config",
    "context",
    "doctor",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dubbopy-cli {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take a Dubbo service from an empty folder to several versions behind traffic rules."""
    help_without_verb(context)


def main() -> NoReturn:
    """Run the command line and end with its exit code."""
    # SIGTERM must leave as little behind as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        # A locale may lack the bars and tree lines that are drawn; a question mark is better than no answer.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    from importlib.util import find_spec

    for name in _VERBS:
        if find_spec(f"dubbopy_cli.cli.{name}"):
            import_module(f"dubbopy_cli.cli.{name}")
    try:
        code = app(standalone_mode=False, prog_name="dubbopy-cli")
    except typer.TyperException as refused:
        _refuse(refused)
        code = refused.exit_code
    except (typer.Abort, KeyboardInterrupt):
        code = ExitCode.INTERRUPTED
    sys.exit(code or 0)


def _refuse(refused: typer.TyperException) -> None:
    context = getattr(refused, "ctx", None)
    path = context.command_path if context is not None else "dubbopy-cli"
    Console("", _wanted_format(sys.argv[1:])).error(
        UsageError("usage", refused.format_message(), hint=f"{path} --help")
    )


def _wanted_format(words: list[str]) -> Format:
    """Return the format that the words ask for; the parser gave up before it could say."""
    for word, following in zip_longest(words, words[1:], fillvalue=""):
        name, _, value = word.partition("=")
        asked = following if word in {"-o", "--output"} else value if name == "--output" else word[2:]
        if (word in {"-o", "--output"} or name == "--output" or word.startswith("-o")) and asked in set(Format):
            return Format(asked)
    return Format.HUMAN
