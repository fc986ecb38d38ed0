"""A Python server while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.programs import Program, started

from ._project import App


@contextmanager
def serving(app: App, log: Path, port: int = 0, **env: str) -> Iterator[tuple[Program, int]]:
    """Run a server on loopback until the end of the block; it is healthy when the block begins."""
    with started(app, log, port, env) as (program, found):
        program.line(" INFO .* serves ")
        yield program, found
