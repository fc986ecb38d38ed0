"""Make a project's stubs, compare them with what is there, and write those that differ."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, Protocol

from dubbopy_cli.errors import ConflictError
from dubbopy_cli.process import Runner, shown
from dubbopy_cli.scaffold.interrupts import held
from dubbopy_cli.scaffold.stubs.model import Made
from dubbopy_cli.scaffold.stubs.protoc import Protoc, sources

State = Literal["created", "updated", "unchanged"]


class Maker(Protocol):
    """Make the stubs of one language."""

    @property
    def folder(self) -> Path:
        """Return the folder below which all stubs lie."""
        ...

    def make(self, protoc: Protoc, protos: tuple[str, ...], staging: Path) -> Made:
        """Return the stubs of the .proto files, made in ``staging``."""
        ...

    def owns(self, path: Path) -> bool:
        """Tell whether a file of the project is a stub, by its name and its first lines."""
        ...


@dataclass(frozen=True)
class Stub:
    """One stub: its path in the project, its content, and how that compares with the file there."""

    path: str
    content: bytes
    state: State


@dataclass(frozen=True)
class Stubs:
    """All stubs of a project; ``orphans`` are stubs there whose .proto file is gone."""

    root: Path
    files: tuple[Stub, ...]
    orphans: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def changed(self) -> tuple[Stub, ...]:
        """Return the stubs that are to be written."""
        return tuple(file for file in self.files if file.state != "unchanged")

    @property
    def fresh(self) -> bool:
        """Tell whether the project's stubs are those of its .proto files."""
        return not self.changed and not self.orphans

    def to_dict(self) -> dict[str, object]:
        """Return the data of `generate -o json`."""
        return {
            "files": [{"path": file.path, "state": file.state} for file in self.files],
            "orphans": list(self.orphans),
        }

    def write(self) -> None:
        """Put the changed stubs in place; until all are on the disk, none is."""
        staged: list[tuple[Path, Path]] = []
        try:
            for file in self.changed:
                target = (self.root / file.path).resolve()
                target.parent.mkdir(parents=True, exist_ok=True)
                temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
                staged.append((temporary, target))
                temporary.write_bytes(file.content)
            with held():
                for temporary, target in staged:
                    temporary.replace(target)
        finally:
            for temporary, _ in staged:
                temporary.unlink(missing_ok=True)


def make(root: Path, maker: Maker, runner: Runner) -> Stubs:
    """Make the stubs of the project at ``root`` and compare them with its files; nothing is written.

    Raises PreflightError without .proto files or tools, DubbopyError ``proto-invalid`` with file, line and column,
    ConflictError ``stubs-foreign`` when a file that somebody wrote by hand is in the way.
    """
    protos = sources(root)
    with TemporaryDirectory(prefix="dubbopy-stubs-") as staging:
        made = maker.make(Protoc(runner, root), protos, Path(staging))
    initial = {path: content for path, content in made.initial.items() if not (root / path).exists()}
    wanted = {**initial, **made.files}
    files = tuple(Stub(path, wanted[path], _state(root / path, wanted[path])) for path in sorted(wanted))
    _refuse_foreign([root / file.path for file in files if file.state == "updated"], maker)
    return Stubs(root, files, tuple(_orphans(root, maker, wanted)), made.warnings)


def _state(path: Path, content: bytes) -> State:
    if not path.exists():
        return "created"
    return "unchanged" if path.read_bytes() == content else "updated"


def _orphans(root: Path, maker: Maker, wanted: Iterable[str]) -> list[str]:
    there = sorted(path for path in maker.folder.rglob("*") if path.is_file() and maker.owns(path))
    return [name for path in there if (name := path.relative_to(root).as_posix()) not in wanted]


def _refuse_foreign(paths: list[Path], maker: Maker) -> None:
    foreign = [path for path in paths if not maker.owns(path)]
    if foreign:
        raise ConflictError(
            "stubs-foreign",
            f"{foreign[0]} is in the way of a stub of the same name, and was not generated",
            hint=f"{shown(['mv', str(foreign[0]), f'{foreign[0]}.mine'])}, then: dubbopy-cli generate",
            details="\n".join(map(str, foreign)),
        )
