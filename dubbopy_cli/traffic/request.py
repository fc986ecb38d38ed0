"""One request, and whether a match of a VirtualService takes it, as Envoy 1.39 and later decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dubbopy_cli.traffic import regex
from dubbopy_cli.traffic.model import mapping, text


@dataclass(frozen=True)
class Request:
    """One call as the caller's sidecar sees it; ``headers`` keeps repeated names, ``path`` may carry a query."""

    host: str = ""
    port: int = 20000
    path: str = "/"
    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = ()
    source_labels: Mapping[str, str] = field(default_factory=dict)
    source_namespace: str = "default"
    gateway: str = "mesh"
    namespace: str = "default"
    scheme: str = "http"

    def values(self, name: str) -> tuple[str, ...]:
        """Return every value of a header, pseudo headers included; names are compared without case."""
        wanted = name.lower()
        pseudo = {":method": self.method, ":authority": self.host, ":path": self.path, ":scheme": self.scheme}
        if wanted in pseudo:
            return (pseudo[wanted],)
        return tuple(value for key, value in self.headers if key.lower() == wanted)


def mismatch(match: Mapping[str, Any], request: Request) -> str:
    """Return the first condition that the request fails, in words, or an empty text if the match takes it."""
    return next(_failures(match, request), "")


def _failures(match: Mapping[str, Any], request: Request) -> Iterator[str]:
    uri = mapping(match.get("uri"))
    path = request.path.partition("?")[0].partition("#")[0]
    if uri and not _string(uri, path, fold=match.get("ignoreUriCase") is True):
        yield f"path {_words(uri)}, but it is {path}"
    for name, node in mapping(match.get("headers")).items():
        if not _header(mapping(node), request.values(name)):
            yield f"header {name} {_words(mapping(node))}, but it {_shown(request.values(name))}"
    for name, node in mapping(match.get("withoutHeaders")).items():
        # Envoy takes a missing header as an empty one here, except for a mere presence test.
        values = request.values(name) or (() if _is_presence(mapping(node)) else ("",))
        if _header(mapping(node), values):
            yield f"no header {name} {_words(mapping(node))}, but it {_shown(request.values(name))}"
    for key, value in (("method", request.method), ("authority", request.host), ("scheme", request.scheme)):
        node = match.get(key)
        if isinstance(node, Mapping) and not _header(node, (value,)):
            yield f"{key} {_words(node)}, but it is {value}"
    yield from _query(mapping(match.get("queryParams")), request.path)


def _query(conditions: Mapping[str, Any], path: str) -> Iterator[str]:
    if not conditions:
        return
    # Envoy compares what stands in the path, without decoding it, and the first of a repeated name.
    given: dict[str, str] = {}
    for pair in path.partition("?")[2].partition("#")[0].split("&"):
        key, _, value = pair.partition("=")
        given.setdefault(key, value)
    for name, node in conditions.items():
        values = (given[name],) if name in given else ()
        if not _header(mapping(node), values):
            yield f"query parameter {name} {_words(mapping(node))}, but it {_shown(values)}"


def _is_presence(node: Mapping[str, Any]) -> bool:
    """Tell whether only presence is asked for: no kind of match, or the regex ``*``, which RE2 does not know."""
    return not any(key in node for key in ("exact", "prefix", "regex")) or node.get("regex") == "*"


def _header(node: Mapping[str, Any], values: tuple[str, ...]) -> bool:
    return bool(values) if _is_presence(node) else any(_string(node, value) for value in values)


def _string(node: Mapping[str, Any], value: str, *, fold: bool = False) -> bool:
    if "regex" in node:
        return regex.matches(text(node["regex"]), value)
    for key, test in (("exact", str.__eq__), ("prefix", str.startswith)):
        if key in node:
            wanted = text(node[key])
            return test(value.lower(), wanted.lower()) if fold else test(value, wanted)
    return True


def _words(node: Mapping[str, Any]) -> str:
    for key, word in (("exact", "is"), ("prefix", "starts with"), ("regex", "matches")):
        if key in node and not _is_presence(node):
            return f"{word} '{node[key]}'"
    return "is present"


def _shown(values: tuple[str, ...]) -> str:
    return "is " + " and ".join(f"'{one}'" for one in values) if values else "is absent"


def describe(match: Mapping[str, Any]) -> str:
    """Return a match in words, such as ``header user is 'admin', path starts with '/api.Greeter/'``."""
    parts = [
        f"{word} {_words(match[key])}"
        for key, word in (("uri", "path"), ("method", "method"), ("authority", "authority"), ("scheme", "scheme"))
        if isinstance(match.get(key), Mapping)
    ]
    for key, word in (("headers", "header"), ("withoutHeaders", "no header"), ("queryParams", "query")):
        parts += [f"{word} {name} {_words(mapping(node))}" for name, node in mapping(match.get(key)).items()]
    return ", ".join(parts) or "every call"
