"""`traffic apply` and `traffic export`: rules from files, and into files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dubbopy_cli.cli.options import read_file
from dubbopy_cli.cli.place import locate, open_target
from dubbopy_cli.cli.traffic import traffic
from dubbopy_cli.cli.traffic.change import Changing, OneApp, change, open_application
from dubbopy_cli.cli.verb import verb
from dubbopy_cli.console import Console
from dubbopy_cli.errors import UsageError

File = Annotated[list[str], typer.Option("-f", "--file", metavar="FILE", help="YAML file, - is stdin; repeatable.")]


@verb(traffic, "apply")
def apply_files(console: Console, *, file: File, options: Changing) -> None:
    """Apply DestinationRules and VirtualServices from files, in an order that loses no call."""
    from dubbopy_cli.traffic import yamlio

    # Read and refused before the target is touched.
    here = locate(options).namespace
    rules = [rule for one in file for rule in yamlio.parse(read_file(one), source=one, namespace=here)]
    if strangers := sorted({rule.namespace for rule in rules} - {here}):
        raise UsageError(
            "usage",
            f"the rules are for namespace {', '.join(strangers)}, and this command works in {here}",
            hint=f"dubbopy-cli traffic apply --namespace {strangers[0]} -f {file[0]}",
        )
    target = open_target(console, options, changing=True)
    change(console, target, options, lambda seen: seen.put(*rules))


@verb(traffic, "export")
def export(
    console: Console,
    *,
    folder: Annotated[
        Path | None, typer.Option("--dir", metavar="DIR", help="Write a file for each object there; default: stdout.")
    ] = None,
    where: OneApp,
) -> None:
    """Write the application's rules as they are, for a repository or another cluster; `traffic apply` reads them."""
    from dubbopy_cli.traffic import yamlio
    from dubbopy_cli.traffic.model import plain

    _, application = open_application(console, where, changing=False)
    rules = application.rules
    if not rules:
        console.warn(f"{application.name} has no traffic rules: all ready instances share the calls")
    files = []
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for rule in rules:
            path = folder / f"{rule.kind.lower()}.{rule.namespace}.{rule.name}.yaml"
            path.write_text(yamlio.dump([rule]), encoding="utf-8")
            files.append(str(path))
    console.result(
        {"application": application.name, "rules": [plain(one.document) for one in rules], "files": files},
        ("\n".join(files) if folder is not None else yamlio.dump(rules)) if rules else None,
    )
