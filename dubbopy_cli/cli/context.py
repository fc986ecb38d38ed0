"""`context`: the clusters that there are, the one in which commands work, and to pin another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dubbopy_cli import project, settings
from dubbopy_cli.cli.main import app
from dubbopy_cli.cli.options import Where
from dubbopy_cli.cli.place import chosen
from dubbopy_cli.cli.verb import verb
from dubbopy_cli.console import Console
from dubbopy_cli.process import SubprocessRunner


@verb(app, "context")
def context(
    console: Console,
    *,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Pin this one for the project here, and work in a cluster.")
    ] = None,
    where: Where,
) -> None:
    """Show the contexts of the kubeconfig and the one that commands here work in, or pin another."""
    from dubbopy_cli.targets.kubernetes import contexts

    runner = SubprocessRunner(console.trace)
    if name is not None:
        contexts.find(runner, name)
        marker = project.locate(Path.cwd()) / project.MARKER
        settings.write(marker, "target", "kubernetes")
        settings.write(marker, "context", name)
        console.result({"file": str(marker), "context": name}, f"{marker} pins context {name}")
        return
    found = chosen(where)
    known, current = contexts.known(runner)
    here = found["context"].value or current
    at_work = here if found["target"].value == "kubernetes" else ""
    console.result(
        {
            "target": found["target"].value,
            "context": at_work,
            "contexts": [
                {"name": one.name, "namespace": one.namespace, "current": one.name == current} for one in known
            ],
        },
        "\n".join(
            [
                f"{'*' if one.name == at_work else ' '} {one.name}  namespace {one.namespace}"
                + ("  (kubectl's current one)" if one.name == current else "")
                for one in known
            ]
            + ([] if at_work else ["commands here work on the local target"])
        ),
    )
