"""The application: every verb is registered here, usage errors become exit code 2."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dubbopy_cli import __version__

app = typer.Typer(
    name="dubbopy-cli",
    help="Take a Dubbo service from an empty folder to several versions behind traffic rules.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dubbopy-cli {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take a Dubbo service from an empty folder to several versions behind traffic rules."""


def main() -> None:
    """Run the command line."""
    app()
    sys.exit(0)
