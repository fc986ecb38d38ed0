"""The files of a project as a tree for people."""

from __future__ import annotations

from collections.abc import Sequence

from dubbopy_cli.scaffold.place import File, State

_Node = dict[str, "_Node | File"]


def drawn(title: str, files: Sequence[File]) -> str:
    """Return ``files`` as a tree below ``title``; a file that is not new says what became of it."""
    root: _Node = {}
    for file in files:
        *folders, name = file.path.split("/")
        node = root
        for folder in folders:
            below = node.setdefault(folder, {})
            assert isinstance(below, dict)  # noqa: S101 - no file has the name of a folder beside it
            node = below
        node[name] = file
    return "\n".join([title, *_lines(root, "")])


def _lines(node: _Node, indent: str) -> list[str]:
    lines = []
    entries = sorted(node.items())
    for place, (name, entry) in enumerate(entries, 1):
        last = place == len(entries)
        branch, below = ("└── ", "    ") if last else ("├── ", "│   ")
        if isinstance(entry, File):
            note = "" if entry.state is State.CREATED else f"  ({entry.state.value})"
            lines.append(f"{indent}{branch}{name}{note}")
        else:
            lines.append(f"{indent}{branch}{name}/")
            lines += _lines(entry, indent + below)
    return lines
