"""What a build hands to a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Artifact:
    """Files to copy, and the command to start in the copy.

    ``files`` maps a path relative to the release's folder to its source; a source that is a folder is taken whole.
    ``command`` is an argv; ``{release}`` in its words and in the values of ``env`` stands for the release's folder.
    ``digest`` is a sha256 in hex.
    """

    files: Mapping[str, Path]
    command: tuple[str, ...]
    digest: str
    env: Mapping[str, str] = field(default_factory=dict)
