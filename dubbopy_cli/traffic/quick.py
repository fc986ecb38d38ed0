"""Plain values from the events of a YAML parser, for the text that most files hold: no anchors, tags or faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from dubbopy_cli.traffic.yamlguard import MAX_DEPTH


def documents(
    events: Iterator[Any], plain: Callable[[str], object], lines: dict[int, dict[object, int]]
) -> list[tuple[Any, int]] | None:
    """Return each document that is not empty with its first line, or None where a slower reader has to look.

    ``plain`` is what a scalar without quotes means; ``lines`` gets the line of each key and entry by the id of what
    holds it.
    """
    import yaml

    read: dict[int, dict[object, int]] = {}
    try:
        found = _built(events, plain, read)
    except yaml.YAMLError:
        return None
    if found is not None:
        lines.update(read)
    return found


# One loop over hundreds of thousands of events: each call in it would be felt.
def _built(  # noqa: PLR0912 - as said
    events: Iterator[Any], plain: Callable[[str], object], lines: dict[int, dict[object, int]]
) -> list[tuple[Any, int]] | None:
    found: list[tuple[Any, int]] = []
    outer: list[tuple[Any, Any, int, dict[object, int], int]] = []
    node: Any = None
    key: Any = None
    line = start = 0
    places: dict[object, int] = {}
    for event in events:
        kind = type(event).__name__
        if kind == "ScalarEvent":
            value: Any = event.value
            if key is None and type(node) is dict:
                if value in node:
                    return None
                key, line = value, event.start_mark.line + 1
                continue
            if event.implicit[0]:
                value = plain(value)
            here = event.start_mark.line + 1
        elif kind in {"MappingStartEvent", "SequenceStartEvent"}:
            if (key is None and type(node) is dict) or len(outer) == MAX_DEPTH:
                return None
            outer.append((node, key, line, places, start))
            node, key, places = {} if kind == "MappingStartEvent" else [], None, {}
            start = event.start_mark.line + 1
            continue
        elif kind in {"MappingEndEvent", "SequenceEndEvent"}:
            value, here = node, start
            lines[id(node)] = places
            node, key, line, places, start = outer.pop()
        elif kind == "AliasEvent":
            return None
        else:
            continue
        if key is not None:
            node[key] = value
            places[key] = line
            key = None
        elif node is not None:
            places[len(node)] = here
            node.append(value)
        elif value is not None:
            found.append((value, here))
    return found
