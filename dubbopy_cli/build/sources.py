"""The hash of a project's sources, by which a build knows that nothing has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

# Neither compiled nor packed: outputs, what only a cluster reads, and caches, which are found anywhere.
_SKIPPED_AT_TOP = frozenset({"venv", "build", "chart", "tests"})
_SKIPPED_FOLDERS = frozenset(
    {".git", ".venv", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", "node_modules", ".idea", ".vscode"}
)
_SKIPPED_FILES = frozenset({"_tag.txt", ".DS_Store", "README.md", ".gitignore", ".dockerignore", "Makefile"})


def sources(root: Path) -> Iterator[Path]:
    """Yield the files that a build reads, in a fixed order."""
    yield from _below(root, _SKIPPED_FOLDERS | _SKIPPED_AT_TOP)


def _below(folder: Path, skipped: frozenset[str]) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.is_symlink() or entry.is_file():
            if entry.name not in _SKIPPED_FILES and not entry.name.endswith((".pyc", ".swp", "~")):
                yield entry
        elif entry.name not in skipped:
            yield from _below(entry, _SKIPPED_FOLDERS)


def digest(root: Path, *facts: str) -> str:
    """Return the sha256 (hex) of the sources below ``root`` and of ``facts``, such as the tag."""
    total = hashlib.sha256()
    for fact in facts:
        total.update(fact.encode() + b"\0")
    for path in sources(root):
        content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
        name = path.relative_to(root).as_posix().encode()
        # Lengths keep two files from being read as one.
        total.update(f"{len(name)} {len(content)} ".encode() + name + content)
    return total.hexdigest()
