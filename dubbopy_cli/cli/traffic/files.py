"""`traffic apply`: rules from files."""

from __future__ import annotations

from typing import Annotated

import typer

from dubbopy_cli.cli.options import open_target, read_file
from dubbopy_cli.cli.traffic import traffic
from dubbopy_cli.cli.traffic.change import Changing, change
from dubbopy_cli.cli.verb import verb
from dubbopy_cli.console import Console
from dubbopy_cli.errors import UsageError

File = Annotated[list[str], typer.Option("-f", "--file", metavar="FILE", help="YAML file, - is stdin; repeatable.")]


@verb(traffic, "apply")
def apply_files(console: Console, *, file: File, options: Changing) -> None:
    """Apply DestinationRules and VirtualServices from files, in an order that loses no call."""
    from dubbopy_cli.traffic import yamlio

    # Read and refused before the target is touched.
    here = options.namespace
    rules = [rule for one in file for rule in yamlio.parse(read_file(one), source=one, namespace=here)]
    if strangers := sorted({rule.namespace for rule in rules} - {here}):
        raise UsageError(
            "usage",
            f"the rules are for namespace {', '.join(strangers)}, and this command works in {here}",
            hint=f"dubbopy-cli traffic apply --namespace {strangers[0]} -f {file[0]}",
        )
    target = open_target(console, options, changing=True)
    change(console, target, options, lambda seen: seen.put(*rules))
