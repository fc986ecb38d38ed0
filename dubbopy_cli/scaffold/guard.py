"""What a template may not do: run its own code unasked, or reach anything but the project."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dubbopy_cli.errors import DubbopyError, UsageError

# Copier settings that run a template's own code.
_CODE = {"tasks": "tasks", "jinja_extensions": "Jinja extensions", "migrations": "migrations"}


def check_settings(url: str, settings: Mapping[str, Any], *, trusted: bool) -> None:
    """Raise UsageError if the template would run code of its own and nobody said that it may."""
    code = [text for key, text in _CODE.items() if settings.get(key)]
    if code and not trusted:
        raise UsageError(
            "template-untrusted",
            f"the template {url} wants to run its own code: it has {' and '.join(code)}",
            hint="read it, and if you trust its author add --trust",
        )


def check_source(root: Path) -> None:
    """Refuse a template with pipes and devices in it: reading them never ends."""
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name != ".git"]
        for name in files:
            path = Path(folder, name)
            mode = path.lstat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
                raise unsafe(str(path.relative_to(root)), "is neither a file nor a folder")


def clean(tree: Path, *, trusted: bool) -> None:
    """Refuse what must not reach a project, and give files the permissions that the user's own would have."""
    usual = tree.stat().st_mode & 0o777
    for path in sorted(tree.rglob("*")):
        relative = path.relative_to(tree)
        if any(unicodedata.category(letter) == "Cc" for letter in str(relative)):
            raise unsafe(repr(str(relative)), "has a control character in its name")
        if not trusted and any(part.lower() == ".git" for part in relative.parts):
            # A hook or a configuration in there is code that git would run.
            raise unsafe(str(relative), "is inside a .git folder")
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            goal = path.readlink()
            if goal.is_absolute() or not path.resolve().is_relative_to(tree.resolve()):
                raise unsafe(str(relative), f"is a link that leads out of the project, to {goal}")
        elif stat.S_ISDIR(mode):
            path.chmod(usual)
        elif stat.S_ISREG(mode):
            path.chmod(usual if mode & stat.S_IXUSR else usual & 0o666)
        else:
            raise unsafe(str(relative), "is neither a file nor a folder")


def unsafe(path: str, why: str) -> DubbopyError:
    """Return the error for a template that reaches out of its place."""
    return DubbopyError(
        "template-unsafe",
        f"the template is not safe to use: {path} {why}",
        hint="ask the template's author, or choose another template; nothing was written",
    )
