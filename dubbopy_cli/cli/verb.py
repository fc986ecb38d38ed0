"""Turn a function into a command: common options, a console, and errors into exit codes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_type_hints

import typer

from dubbopy_cli.console import Console, Format
from dubbopy_cli.errors import DubbopyError, ExitCode

_Output = Annotated[Format, typer.Option("-o", "--output", envvar="DUBBOPY_OUTPUT", help="How to write data.")]
_Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Only data, warnings and errors.")]
_Verbose = Annotated[int, typer.Option("-v", "--verbose", count=True, help="Show child commands.")]


def verb(app: typer.Typer, name: str, *, hidden: bool = False) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as the command ``name``; its first parameter is the console.

    The common options are added behind the function's own, so that every command has them and none repeats them.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        title = " ".join(filter(None, (app.info.name if isinstance(app.info.name, str) else "", name)))

        def command(*, output: Format, quiet: bool, verbose: int, **options: Any) -> None:
            console = Console(title, output, -1 if quiet else verbose)
            run(console, lambda: function(console, **options))

        own = list(inspect.signature(function).parameters.values())[1:]
        hints = get_type_hints(function, include_extras=True)
        common = {"output": (_Output, Format.HUMAN), "quiet": (_Quiet, False), "verbose": (_Verbose, 0)}
        command.__name__ = function.__name__
        command.__doc__ = function.__doc__
        command.__annotations__ = {
            **{one.name: hints[one.name] for one in own},
            **{key: kind for key, (kind, _) in common.items()},
            "return": type(None),
        }
        keyword = inspect.Parameter.KEYWORD_ONLY
        setattr(  # noqa: B010 - a plain assignment is no attribute mypy knows of a function
            command,
            "__signature__",
            inspect.Signature(
                [one.replace(kind=keyword, annotation=hints[one.name]) for one in own]
                + [
                    inspect.Parameter(key, keyword, default=default, annotation=kind)
                    for key, (kind, default) in common.items()
                ]
            ),
        )
        app.command(name, hidden=hidden)(command)
        return function

    return register


def run(console: Console, action: Callable[[], None]) -> None:
    """Run a command's action; a known error is reported once and becomes the exit code."""
    try:
        action()
    except DubbopyError as error:
        console.error(error)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        console.error(
            DubbopyError("interrupted", "interrupted", hint="the same command again goes on from here")
        )
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except BrokenPipeError:
        # The reader of our output has gone, as with `| head`; there is nobody to tell.
        raise typer.Exit(ExitCode.FAILED) from None
    except OSError as error:
        console.error(
            DubbopyError(
                "io",
                f"the system refused: {error.strerror or error}" + (f" ({error.filename})" if error.filename else ""),
                hint="dubbopy-cli doctor",
            )
        )
        raise typer.Exit(ExitCode.FAILED) from None
