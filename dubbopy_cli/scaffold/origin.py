"""What git knows about the place of a new project."""

from __future__ import annotations

import re
from pathlib import Path

from dubbopy_cli import process
from dubbopy_cli.errors import DubbopyError
from dubbopy_cli.scaffold.staging import anchor

_SECONDS = 5
_URL = re.compile(r"(?:[a-z+]+://)?(?:[^@/]+@)?(?P<host>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)(?::\d+)?[:/]+(?P<path>.+)")


def go_module(folder: Path, runner: process.Runner) -> str:
    """Return the Go module path of ``folder`` by its repository's remote ``origin``, or an empty text."""
    if process.find("git") is None:
        return ""
    start = anchor(folder)
    try:
        top = _git(runner, start, "rev-parse", "--show-toplevel")
        remote = _git(runner, start, "config", "--get", "remote.origin.url")
    except DubbopyError:
        return ""
    found = _URL.fullmatch(remote)
    if not found or not top or not folder.is_relative_to(Path(top).resolve()):
        return ""
    below = folder.relative_to(Path(top).resolve()).parts
    path = found["path"].rstrip("/").removesuffix(".git").strip("/")
    return "/".join((found["host"], path, *below))


def _git(runner: process.Runner, folder: Path, *words: str) -> str:
    done = runner.run(["git", "-C", str(folder), *words], timeout=_SECONDS, check=False)
    return done.stdout.strip() if done.ok else ""
