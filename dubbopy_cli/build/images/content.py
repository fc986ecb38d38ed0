"""What an image is made of, as one hash: the generated Makefile counts the same with find and sha256sum."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

# In the project's own folder: what was built, and what only people, tests, a cluster or dubbopy-cli read.
TOP = ("build", "chart", "tests", "venv", ".dubbopy.yaml", ".dockerignore", ".gitignore", "Makefile", "README.md")
# Wherever they are: caches, and the tag, which the image's own name holds.
ANYWHERE = (
    *(".git", ".idea", ".vscode", ".venv", "node_modules", "__pycache__", ".mypy_cache", ".ruff_cache"),
    *(".pytest_cache", "*.egg-info", "_tag.txt", ".DS_Store", "*.pyc", "*.swp", "*~"),
)
# Of the build folder only what was written.
RECIPE = ("build/Dockerfile", "build/.dockerignore")


def digest(root: Path) -> str:
    """Return the sha256 (hex) of the lines that `sha256sum` writes for all that the image is made of.

    The lines are in the order of their paths as bytes; a link counts as the file that it leads to.
    """
    found = [*_sources(root, TOP), *(root / name for name in RECIPE if (root / name).is_file())]
    total = hashlib.sha256()
    for name, path in sorted((f"./{path.relative_to(root).as_posix()}".encode(), path) for path in found):
        total.update(hashlib.sha256(path.read_bytes()).hexdigest().encode() + b"  " + name + b"\n")
    return total.hexdigest()


def _sources(folder: Path, skipped: tuple[str, ...] = ()) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name in skipped or any(path.match(pattern) for pattern in ANYWHERE):
            continue
        if path.is_file():
            yield path
        elif path.is_dir() and not path.is_symlink():
            yield from _sources(path)
