"""A first pass over YAML text, before anything is built from it: faults with file and line, and bombs."""

from __future__ import annotations

from typing import Any

from dubbopy_cli.errors import UsageError

# Kubernetes itself takes no object beyond 1.5 MB.
MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 60
MAX_NODES = 200_000
_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "map", "seq")}


def guard(text: str, source: str) -> None:
    """Refuse text that is no YAML, holds a key twice, or would grow beyond all use; UsageError ``rules-invalid``."""
    guard_size(text, source)
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    counter = Counter(source)
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            counter.take(event)
    except YAMLError as error:
        raise syntax(error, text, source) from error


def guard_size(text: str, source: str, most: int = MAX_BYTES) -> None:
    """Refuse text of more than ``most`` bytes; UsageError ``rules-invalid``."""
    if len(text.encode("utf-8", "surrogateescape")) > most:
        raise refuse(f"{source} is larger than {most // 1024 // 1024} MiB", "split it into several files")


def refuse(message: str, hint: str = "") -> UsageError:
    """Return the error for text that cannot be rules."""
    return UsageError("rules-invalid", message, hint=hint or "mend it, then the same command again")


class Counter:
    """Follow the events of a parse: depth, keys seen in each mapping, nodes with every alias counted in full."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._frames: list[_Frame] = []
        self._sizes: dict[str, int] = {}
        self._total = 0
        self._written = 0

    def take(self, event: Any) -> None:  # noqa: ANN401 - the events of ruamel and PyYAML share no type, only names
        """Follow one event; UsageError ``rules-invalid`` for what no rule may hold."""
        kind = type(event).__name__
        if kind == "ScalarEvent" and event.tag is None and event.anchor is None and self._frames:
            self._text(event)
            return
        tag = str(getattr(event, "tag", None) or "")
        if tag and tag not in _TAGS:
            raise refuse(f"{self._place(event)}: the tag {tag} has no meaning in a rule", "take it out")
        if kind == "DocumentStartEvent":
            self._sizes.clear()
        elif kind in {"MappingStartEvent", "SequenceStartEvent"}:
            if self._frames and self._frames[-1].mapping and self._frames[-1].at_key:
                raise refuse(f"{self._place(event)}: a key is a text, not a mapping or a list")
            self._key(event, "")
            self._frames.append(_Frame(event.anchor, mapping=kind == "MappingStartEvent"))
            if len(self._frames) > MAX_DEPTH:
                raise refuse(f"{self._place(event)}: nested deeper than {MAX_DEPTH} levels")
        elif kind in {"MappingEndEvent", "SequenceEndEvent"}:
            frame = self._frames.pop()
            self._add(event, frame.size, frame.anchor)
        elif kind == "ScalarEvent":
            self._key(event, event.value)
            self._add(event, 1, event.anchor)
        elif kind == "AliasEvent":
            self._key(event, "")
            if event.anchor not in self._sizes:
                # An anchor is only known here once its node has ended, so this also finds a node within itself.
                raise refuse(f"{self._place(event)}: *{event.anchor} refers to nothing that stands before it")
            self._add(event, self._sizes[event.anchor], None)

    def _text(self, event: Any) -> None:  # noqa: ANN401
        """Follow a scalar within something, which nearly every event is."""
        frame = self._frames[-1]
        if frame.mapping:
            if frame.at_key:
                value = event.value
                if value in frame.keys:
                    raise self._repeated(event, value)
                if value:
                    frame.keys.add(value)
            frame.at_key = not frame.at_key
        self._written += 1
        frame.size += 1

    def _add(self, event: Any, size: int, anchor: str | None) -> None:  # noqa: ANN401
        self._written += 1
        if anchor:
            self._sizes[anchor] = size
        if self._frames:
            self._frames[-1].size += size
            total = self._frames[-1].size
        else:
            self._total += size
            total = self._total
        # A large file is no bomb: what counts is what its aliases add to what is written.
        if total > MAX_NODES + self._written:
            raise refuse(f"{self._place(event)}: aliases would expand this to more than {MAX_NODES} values")

    def _key(self, event: Any, value: str) -> None:  # noqa: ANN401
        frame = self._frames[-1] if self._frames else None
        if frame is None or not frame.mapping:
            return
        if frame.at_key and value:
            if value in frame.keys:
                raise self._repeated(event, value)
            frame.keys.add(value)
        frame.at_key = not frame.at_key

    def _repeated(self, event: Any, key: str) -> UsageError:  # noqa: ANN401
        return refuse(f"{self._place(event)}: the key '{key}' stands here a second time", "keep one of them")

    def _place(self, event: Any) -> str:  # noqa: ANN401
        return f"{self._source}:{event.start_mark.line + 1}"


class _Frame:
    """One open mapping or list."""

    __slots__ = ("anchor", "at_key", "keys", "mapping", "size")

    def __init__(self, anchor: str | None, *, mapping: bool) -> None:
        self.anchor = anchor
        self.mapping = mapping
        self.at_key = True
        self.keys: set[str] = set()
        self.size = 1


def syntax(error: Exception, text: str, source: str) -> UsageError:
    """Return the error for text that a YAML parser gave up on, with the line where it did."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
    if mark is None:
        return refuse(f"{source} is not valid YAML: {problem}", "mend it")
    place = f"{source}:{mark.line + 1}"
    lines = text.split("\n")
    line = lines[mark.line] if mark.line < len(lines) else ""
    indent = line[: len(line) - len(line.lstrip())]
    if "\t" in indent or "'\\t'" in str(problem):
        return refuse(f"{place}: a tab; YAML is indented by spaces alone", "replace the tab by spaces")
    return refuse(f"{place}: not valid YAML: {problem}", "mend that line")
