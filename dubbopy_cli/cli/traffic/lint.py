"""`traffic lint`: what speaks against rules, in files or where they act."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dubbopy_cli.cli.options import Where, read_file
from dubbopy_cli.cli.place import chosen, open_target
from dubbopy_cli.cli.traffic import traffic, views
from dubbopy_cli.cli.traffic.change import counts, proxyless
from dubbopy_cli.cli.verb import verb
from dubbopy_cli.console import Console
from dubbopy_cli.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dubbopy_cli.traffic.documents import Item
    from dubbopy_cli.traffic.findings import Finding

_ENDINGS = {".yaml", ".yml", ".json"}


class Level(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


_LEVELS = list(Level)
Files = Annotated[
    list[str] | None, typer.Option("-f", "--file", metavar="FILE", help="YAML or JSON, - is stdin; repeatable.")
]
Folders = Annotated[
    list[Path] | None,
    typer.Option("-R", "--recursive", metavar="DIR", help="Every YAML and JSON file below; repeatable."),
]


@dataclass(frozen=True)
class Looked:
    """What was looked at: objects with their places, findings, and how much it was."""

    items: Sequence[Item]
    findings: Sequence[Finding]
    where: str


@dataclass(frozen=True)
class Shown:
    """A finding, its place in a file if it has one, and whether it was suppressed."""

    finding: Finding
    place: str
    suppressed: bool


@verb(traffic, "lint")
def lint(
    console: Console,
    *,
    file: Files = None,
    folder: Folders = None,
    severity: Annotated[Level, typer.Option("--severity", help="From which on a finding counts.")] = Level.WARNING,
    suppress: Annotated[
        list[str] | None,
        typer.Option("--suppress", metavar="CODE[=KIND/NS/NAME]", help="Findings to pass over; * for any; repeatable."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Show what does not count too.")] = False,
    where: Where,
) -> None:
    """Say what speaks against the rules, where they act or in files; exit code 6 if a finding counts."""
    from dubbopy_cli.traffic.lint import suppression

    passed = [suppression(word) for word in suppress or ()]
    looked = _in_files(console, file or [], folder or [], where) if file or folder else _in_target(console, where)
    places = _places(looked.items)
    found = [
        Shown(one, _place(one, places), any(each.takes(one) for each in passed))
        for one in sorted(looked.findings, key=_order)
    ]
    counting = [
        one
        for one in found
        if not one.suppressed and _LEVELS.index(Level(one.finding.severity)) <= _LEVELS.index(severity)
    ]
    shown = found if everything else counting
    console.result(
        {
            "findings": [_data(one) for one in shown],
            "counts": {level.value: sum(one.finding.severity == level for one in counting) for level in _LEVELS},
            "hidden": len(found) - len(shown),
        },
        _text(shown, looked.where, hidden=len(found) - len(shown)),
    )
    if counting:
        raise typer.Exit(ExitCode.CONFLICT)


def _in_target(console: Console, where: Where) -> Looked:
    from dubbopy_cli.traffic.lint import of_namespace

    target = open_target(console, where, changing=False)
    rules = target.rules()
    running = target.applications()
    found = of_namespace(
        rules,
        counts(running),
        namespace=target.namespace,
        local=target.name == "local",
        proxyless=proxyless(running),
    )
    return Looked((), found, f"{_count(len(rules), 'rule')} of namespace {target.namespace}")


def _in_files(console: Console, file: list[str], folder: list[Path], where: Where) -> Looked:
    from dubbopy_cli.traffic import documents
    from dubbopy_cli.traffic.findings import Finding
    from dubbopy_cli.traffic.lint import of_objects, twice

    here = chosen(where)["namespace"].value
    items: list[Item] = []
    unread: list[Item] = []
    broken: list[Finding] = []
    files = [(name, documents.read) for name in file]
    files += [(str(path), documents.objects) for path in _below(console, folder)]
    for name, read in files:
        content = read_file(name)
        try:
            items += read(content, source=name, namespace=here)
        except UsageError as error:
            # One broken file does not keep the others from being read.
            line = re.match(rf"{re.escape(name)}:(\d+): ", error.message)
            said = error.message[line.end() if line else 0 :]
            broken.append(Finding("error", error.code, said, object=f"File {name}"))
            unread.append(documents.Item({}, name, int(line[1]) if line else 1))
    found = [*of_objects([one.document for one in items], here), *twice(items)]
    return Looked(
        [*items, *unread], [*broken, *found], f"{_count(len(items), 'object')} in {_count(len(files), 'file')}"
    )


def _below(console: Console, folders: Iterable[Path]) -> Iterator[Path]:
    """Yield the files to read below folders; templates of Helm charts are no YAML yet and are left out."""
    for folder in folders:
        if not folder.is_dir():
            raise UsageError("usage", f"{folder} is no folder", hint=f"for a file: -f {folder}")
        for root, below, files in os.walk(folder):
            if "templates" in below and "Chart.yaml" in files:
                below.remove("templates")
                console.say(f"left out: {Path(root, 'templates')}, templates of a Helm chart")
            below[:] = sorted(one for one in below if not one.startswith("."))
            yield from (Path(root, one) for one in sorted(files) if Path(one).suffix in _ENDINGS)


def _places(items: Sequence[Item]) -> dict[str, Item]:
    found: dict[str, Item] = {}
    for one in items:
        if not one.document:
            # A file that could not be read: the line where the reader gave up.
            found[f"File {one.source}"] = one
            continue
        meta = one.document.get("metadata")
        meta = meta if isinstance(meta, dict) else {}
        found.setdefault(f"{one.document['kind']} {meta.get('namespace')}/{meta.get('name')}", one)
        # Objects that belong to no namespace are named without one.
        found.setdefault(f"{one.document['kind']} {meta.get('name')}", one)
    return found


def _place(one: Finding, places: dict[str, Item]) -> str:
    return places[one.object].place(one.path) if one.object in places else ""


def _order(one: Finding) -> tuple[object, ...]:
    return (_LEVELS.index(Level(one.severity)), one.object, one.code, one.path, one.message)


def _data(one: Shown) -> dict[str, object]:
    file, _, line = one.place.rpartition(":")
    return {
        **views.finding_dict(one.finding),
        "parameters": list(one.finding.parameters),
        "file": file or None,
        "line": int(line) if file else None,
        "suppressed": one.suppressed,
    }


def _text(shown: Sequence[Shown], where: str, *, hidden: int) -> str:
    """Return the findings by object, those with the worst first."""
    groups: dict[str, list[Shown]] = {}
    for one in shown:
        groups.setdefault(one.finding.object, []).append(one)
    lines: list[str] = []
    for name, found in groups.items():
        lines.append(name or "Everything")
        for one in found:
            at = " ".join(filter(None, (one.place, one.finding.path)))
            mark = " (suppressed)" if one.suppressed else ""
            lines.append(f"  {one.finding.severity} {one.finding.code}{mark}" + (f" at {at}" if at else ""))
            lines.append(f"    {one.finding.message}")
    told = [one.finding.severity for one in shown if not one.suppressed]
    counts = [_count(told.count(level.value), level) for level in _LEVELS if level.value in told]
    counts += [f"{len(shown) - len(told)} suppressed"] if len(shown) > len(told) else []
    said = ", ".join(counts) or "no findings"
    more = f" ({hidden} more with --all)" if hidden else ""
    return "\n".join([*lines, *([""] if lines else []), f"{said} about {where}{more}"])


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 or word == "info" else "s")
