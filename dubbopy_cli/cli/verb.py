"""Turn a function into a command: common options, a console, and errors into exit codes."""

from __future__ import annotations

import errno
import inspect
import shlex
import traceback
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from dubbopy_cli.console import Console, Format
from dubbopy_cli.errors import DubbopyError, ExitCode

_Output = Annotated[Format, typer.Option("-o", "--output", envvar="DUBBOPY_OUTPUT", help="How to write data.")]
_Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Only data, warnings and errors.")]
_Verbose = Annotated[
    int, typer.Option("-v", "--verbose", count=True, show_default=False, help="Show the programs that are run.")
]


def group(name: str, summary: str) -> typer.Typer:
    """Return a group of verbs; called without one it shows its help."""
    app = typer.Typer(
        name=name,
        help=summary,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True, help=summary)(help_without_verb)
    return app


def help_without_verb(context: typer.Context) -> None:
    """Show a group's help when no verb was given."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def verb(app: typer.Typer, name: str, *, hidden: bool = False) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as the command ``name``; its first parameter is the console.

    The common options are added behind the function's own, so that every command has them and none repeats them. A
    parameter that is a dataclass stands for a group of options, one for each of its fields.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        group = app.info.name if isinstance(app.info.name, str) and app.info.name != "dubbopy-cli" else ""
        title = f"{group} {name}".strip()

        hints = get_type_hints(function, include_extras=True)
        declared = list(inspect.signature(function).parameters.values())[1:]
        groups = {one.name: hints[one.name] for one in declared if is_dataclass(hints[one.name])}

        def command(*, output: Format, quiet: bool, verbose: int, **options: Any) -> None:  # noqa: ANN401 - whatever it takes
            console = Console(title, output, -1 if quiet else verbose)
            for key, kind in groups.items():
                options[key] = kind(**{one.name: options.pop(one.name) for one in fields(kind)})
            run(console, lambda: function(console, **options))

        own = [
            two
            for one in declared
            for two in (_members(hints[one.name]) if one.name in groups else [_option(one, hints[one.name])])
        ]
        parameters = own + [
            inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
            for key, kind, default in (
                ("output", _Output, Format.HUMAN),
                ("quiet", _Quiet, False),
                ("verbose", _Verbose, 0),
            )
        ]
        command.__name__ = function.__name__
        command.__doc__ = function.__doc__
        command.__annotations__ = {one.name: one.annotation for one in parameters}
        vars(command)["__signature__"] = inspect.Signature(parameters)
        app.command(name, hidden=hidden)(command)
        return function

    return register


def _option(parameter: inspect.Parameter, kind: object) -> inspect.Parameter:
    return parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=kind)


def _members(group: type) -> list[inspect.Parameter]:
    """Return the options that a group declares as its fields."""
    hints = get_type_hints(group, include_extras=True)
    return [_option(one, hints[one.name]) for one in inspect.signature(group).parameters.values()]


def run(console: Console, action: Callable[[], None]) -> None:
    """Run a command's action; an error is reported once and becomes the exit code."""
    try:
        action()
    except KeyboardInterrupt:
        if not console.watched:
            console.error(DubbopyError("interrupted", "interrupted", hint="the same command again goes on from here"))
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except BrokenPipeError:
        # The reader of our output has gone, as with `| head`; there is nobody to tell.
        raise typer.Exit(ExitCode.FAILED) from None
    except typer.Exit:
        raise
    except Exception as raised:  # noqa: BLE001 - a user must never see a traceback
        error = _known(raised)
        console.error(error)
        raise typer.Exit(error.exit_code) from None


def _known(raised: Exception) -> DubbopyError:
    """Return the error that a user is told: the one raised, or what it means."""
    if isinstance(raised, DubbopyError):
        return raised
    if isinstance(raised, OSError):
        where = f": {raised.filename}" if raised.filename else ""
        return DubbopyError("io", f"the system refused with '{raised.strerror or raised}'{where}", hint=_look(raised))
    return DubbopyError(
        "internal",
        f"a fault in dubbopy-cli itself: {type(raised).__name__}: {raised}",
        hint=f"report it with {_keep(raised)}",
    )


def _look(raised: OSError) -> str:
    if raised.filename is None:
        return "dubbopy-cli doctor"
    place = str(raised.filename)
    if raised.errno in {errno.ENOSPC, errno.EDQUOT}:
        return f"make room: df -h {shlex.quote(place)}"
    # What is not there has nothing to show; the folder that should hold it has.
    return f"ls -ld {shlex.quote(str(Path(place).parent) if raised.errno == errno.ENOENT else place)}"


def _keep(raised: Exception) -> str:
    from platformdirs import user_log_path

    text = "".join(traceback.format_exception(raised))
    try:
        path = user_log_path("dubbopy-cli", ensure_exists=True) / "last-fault.log"
        path.write_text(text, encoding="utf-8")
    except OSError:
        # A full disk may be what it is all about.
        return f"the command that you ran and this:\n{text}"
    return str(path)
