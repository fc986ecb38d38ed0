"""`doctor`: look at everything the commands need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from dubbopy_cli.cli.main import app
from dubbopy_cli.cli.options import Where
from dubbopy_cli.cli.place import locate, open_target, without_context
from dubbopy_cli.cli.verb import verb
from dubbopy_cli.console import Console
from dubbopy_cli.errors import DubbopyError, ExitCode, PreflightError
from dubbopy_cli.process import SubprocessRunner

if TYPE_CHECKING:
    from dubbopy_cli.targets.base import Check, Target

_SIGNS = {"ok": "ok     ", "warning": "warning", "error": "ERROR  "}


@verb(app, "doctor")
def doctor(console: Console, *, where: Where) -> None:
    """Check toolchains, Envoy, ports and leftovers; exit code 3 when something needed is missing."""
    checks = (*_toolchains(console), *_target(console, where).check())
    console.result(
        {"checks": [{"name": one.name, "state": one.state, "detail": one.detail, "hint": one.hint} for one in checks]},
        "\n".join(
            f"{_SIGNS[one.state]} {one.name}: {one.detail}" + (f"\n        Try: {one.hint}" if one.hint else "")
            for one in checks
        ),
    )
    if any(one.state == "error" for one in checks):
        raise typer.Exit(ExitCode.PREFLIGHT)


def _target(console: Console, where: Where) -> Target:
    try:
        locate(where)
    except PreflightError:
        # Without kubectl, or a context, there is no place to name; what is missing can be named all the same.
        return without_context(console)
    return open_target(console, where, changing=False)


def _toolchains(console: Console) -> tuple[Check, ...]:
    from dubbopy_cli.build import toolchain
    from dubbopy_cli.targets.base import Check

    try:
        go = toolchain.go(SubprocessRunner(console.trace))
        found = Check("go", "ok", f"Go {go.shown} at {go.path}")
    except DubbopyError as error:
        # Python projects need no Go.
        found = Check("go", "warning", error.message, error.hint)
    uv = toolchain.uv()
    packer = Check("uv", "ok", str(uv)) if uv else Check("uv", "ok", "not found: venv and pip do its work")
    return (found, packer)
