"""YAML text -> Kubernetes objects of any kinds, fast, with the line of each; for reading alone.

`yamlio` keeps comments and order for rules that are written back, which takes more than ten times as long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dubbopy_cli.traffic import quick
from dubbopy_cli.traffic.model import mapping, sequence, text
from dubbopy_cli.traffic.yamlguard import Counter, guard_size, refuse, syntax

# The core schema of YAML 1.2, which `yamlio` reads by too.
_WORDS = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?(?:0x[0-9a-fA-F][0-9a-fA-F_]*|0o[0-7][0-7_]*|0b[01][01_]*|[0-9][0-9_]*)")
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*|[0-9][0-9_]*(?=[eE]))(?:[eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
# A dump of a cluster's objects is much larger than a file of rules.
MAX_BYTES = 64 * 1024 * 1024
# What a file can only have with anchors, tags or merged mappings; in all others nothing can grow.
_INVOLVED = re.compile("[&!]|<<")
_STEP = re.compile(r"\.?([^.\[]+)|\[(\d+)\]")


@dataclass(frozen=True)
class Item:
    """One object of a text: ``line`` is its first line, counted from 1; ``lines`` those of its keys and entries."""

    document: Mapping[str, Any]
    source: str
    line: int
    lines: Mapping[int, Mapping[object, int]] = field(default_factory=dict, repr=False, compare=False)

    def place(self, path: str = "") -> str:
        """Return FILE:LINE of a path such as ``spec.http[0].route``, or of the nearest place around it."""
        node: Any = self.document
        found = self.line
        for step in _STEP.finditer(path):
            key: object = int(step[2]) if step[2] else step[1]
            known = self.lines.get(id(node), {})
            if key not in known:
                break
            found = known[key]
            node = node[key]
        return f"{self.source}:{found}"


def read(content: str, *, source: str, namespace: str = "") -> tuple[Item, ...]:
    """Return the objects in ``content``, which may hold several documents and lists.

    ``namespace`` is given to objects that name none. UsageError ``rules-invalid`` with file and line for text that
    is no YAML, a key given twice, a text that aliases would blow up, and for what is no Kubernetes object.
    """
    return tuple(one for one in _items(content, source, namespace) if _checked(one))


def objects(content: str, *, source: str, namespace: str = "") -> tuple[Item, ...]:
    """Return what `read` does, but pass over documents that are no Kubernetes objects."""
    return tuple(one for one in _items(content, source, namespace) if _is_object(one.document))


def _checked(one: Item) -> bool:
    if not _is_object(one.document):
        raise refuse(
            f"{one.place()}: this is no Kubernetes object: it has no apiVersion and kind",
            "take it out, or begin with `apiVersion: networking.istio.io/v1`",
        )
    return True


def _is_object(document: object) -> bool:
    node = mapping(document)
    return bool(text(node.get("kind")) and text(node.get("apiVersion")))


def _items(content: str, source: str, namespace: str) -> Iterator[Item]:
    guard_size(content, source, MAX_BYTES)
    builder = _Builder(source)
    for document, line in builder.documents(content):
        for node, start in _flat(document, line, builder.lines):
            if namespace and isinstance(node, dict):
                metadata = node.get("metadata")
                if isinstance(metadata, dict) and not metadata.get("namespace"):
                    metadata["namespace"] = namespace
            yield Item(node, source, start, builder.lines)


def _flat(
    document: Any,  # noqa: ANN401 - YAML may hold anything
    line: int,
    lines: Mapping[int, Mapping[object, int]],
) -> Iterator[tuple[Any, int]]:
    if text(mapping(document).get("kind")).endswith("List") and sequence(document.get("items")):
        places = lines.get(id(document["items"]), {})
        for index, item in enumerate(document["items"]):
            yield from _flat(item, places.get(index, line), lines)
    elif document is not None:
        yield document, line


class _Builder:
    """Build plain values from the parser's events, so that depth and size are known before anything grows."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.lines: dict[int, dict[object, int]] = {}

    def documents(self, content: str) -> Iterator[tuple[Any, int]]:
        """Yield each document that is not empty, and its first line."""
        found = None if _INVOLVED.search(content) else quick.documents(_events(content), _plain, self.lines)
        yield from self._careful(content) if found is None else found

    def _careful(self, content: str) -> Iterator[tuple[Any, int]]:
        counter = Counter(self._source)
        take = counter.take
        open_nodes: list[_Open] = []
        anchors: dict[str, Any] = {}
        try:
            for event in _events(content):
                take(event)
                kind = type(event).__name__
                if kind == "ScalarEvent" and open_nodes and not event.anchor:
                    open_nodes[-1].add(_scalar(event), event.start_mark.line + 1, event)
                    continue
                if kind == "DocumentStartEvent":
                    anchors.clear()
                    continue
                if kind in {"MappingStartEvent", "SequenceStartEvent"}:
                    value: Any = {} if kind == "MappingStartEvent" else []
                    open_nodes.append(_Open(value, event.start_mark.line + 1, event.anchor))
                    continue
                if kind in {"MappingEndEvent", "SequenceEndEvent"}:
                    done = open_nodes.pop()
                    value, line, anchor = done.close(), done.line, done.anchor
                    self.lines[id(value)] = done.lines
                elif kind == "ScalarEvent":
                    value, line, anchor = _scalar(event), event.start_mark.line + 1, event.anchor
                elif kind == "AliasEvent":
                    value, line, anchor = anchors[event.anchor], event.start_mark.line + 1, None
                else:
                    continue
                if anchor:
                    anchors[anchor] = value
                if open_nodes:
                    open_nodes[-1].add(value, line, event)
                elif value is not None:
                    yield value, line
        except _parse_errors() as error:
            raise syntax(error, content, self._source) from error


class _Open:
    """A mapping or list that is being filled; a key is kept as it is written, as JSON has only texts for keys."""

    __slots__ = ("_key", "_line", "_merged", "anchor", "line", "lines", "value")

    def __init__(self, value: Any, line: int, anchor: str | None) -> None:  # noqa: ANN401 - a dict or a list
        self.value = value
        self.line = line
        self.anchor = anchor
        self.lines: dict[object, int] = {}
        self._key: str | None = None
        self._line = line
        self._merged: list[Any] = []

    def add(self, value: Any, line: int, event: Any) -> None:  # noqa: ANN401 - any value, any event
        """Take the next key, value or entry."""
        if type(self.value) is list:
            self.lines[len(self.value)] = line
            self.value.append(value)
        elif self._key is None:
            self._key = str(getattr(event, "value", value))
            self._line = line
        else:
            key, self._key = self._key, None
            if key == "<<" and isinstance(value, dict | list):
                self._merged += value if isinstance(value, list) else [value]
            else:
                self.lines[key] = self._line
                self.value[key] = value

    def close(self) -> Any:  # noqa: ANN401 - a dict or a list
        """Return the whole node; what ``<<`` names is added where the mapping does not say otherwise."""
        for one in self._merged:
            for key, value in mapping(one).items():
                self.value.setdefault(key, value)
        return self.value


def _events(content: str) -> Iterator[Any]:
    import yaml

    # The parser in C is there wherever PyYAML comes as a wheel.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(content)
    try:
        yield from iter(loader.get_event, None)
    finally:
        loader.dispose()


def _parse_errors() -> tuple[type[Exception], ...]:
    import yaml

    return (yaml.YAMLError,)


def _scalar(event: Any) -> object:  # noqa: ANN401 - PyYAML's events have no types
    value: str = event.value
    if event.tag is None:
        return _plain(value) if event.implicit[0] else value
    return value if str(event.tag).rpartition(":")[2] == "str" else _plain(value)


def _plain(value: str) -> object:
    """Return what a scalar without quotes means."""
    if value in _WORDS:
        return _WORDS[value]
    if value[0] in "+-.0123456789":
        return _number(value)
    return value


def _number(value: str) -> object:
    if _INTEGER.fullmatch(value):
        base = {"0x": 16, "0o": 8, "0b": 2}.get(value.lstrip("+-")[:2], 10)
        return int(value.replace("_", ""), base)
    if _FLOAT.fullmatch(value):
        return float(value.replace("_", ""))
    if _SPECIAL.fullmatch(value):
        return float(value.replace(".", ""))
    return value
