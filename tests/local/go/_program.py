"""A compiled program while it runs, told by its project's folder."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import programs
from tests.programs import Program, eventually


@dataclass(frozen=True)
class App:
    """A project with its program in build/app."""

    folder: Path

    def argv(self, *arguments: str) -> list[str]:
        return [str(self.folder / "build/app"), *arguments]

    def env(self) -> dict[str, str]:
        return {}


def running(folder: Path, log: Path, *arguments: str, **env: str) -> AbstractContextManager[Program]:
    return programs.running(App(folder), log, *arguments, **env)


@contextmanager
def serving(folder: Path, log: Path, port: int = 0, **env: str) -> Iterator[tuple[Program, int]]:
    """Run a server on loopback until the end of the block; it accepts calls when the block begins."""
    with programs.started(App(folder), log, port, env) as (program, found):
        eventually(lambda: program.process.poll() is not None or program.listening(), "a listening port")
        assert program.process.poll() is None, program.lines()
        yield program, found


def run(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a program that ends by itself."""
    return programs.run(App(folder), *arguments, **env)
