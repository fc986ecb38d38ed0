"""The image tag this program was built with."""

from __future__ import annotations

from importlib import resources

NOT_BUILT = "dev"


def read() -> str:
    """Return what the build wrote into _tag.txt, or dev where there was no build."""
    file = resources.files(__package__) / "_tag.txt"
    return file.read_text(encoding="utf-8").strip() if file.is_file() else NOT_BUILT
