"""One request, and whether a match of a VirtualService takes it, as Envoy 1.39 and later decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dubbopy_cli.traffic.matching import View, conditions, words
from dubbopy_cli.traffic.model import mapping


@dataclass(frozen=True)
class Request:
    """One call as the caller's sidecar sees it; ``headers`` keeps repeated names, ``path`` may carry a query.

    ``host`` is the authority as the caller wrote it, with or without a port. ``namespace`` completes a bare name, and
    is the caller's own unless ``source_namespace`` says another. ``gateway`` is ``mesh`` or a Gateway's name, whose
    ``source_labels`` are then the labels of the gateway's own instances.
    """

    host: str = ""
    port: int = 20000
    path: str = "/"
    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = ()
    source_labels: Mapping[str, str] = field(default_factory=dict)
    source_namespace: str = ""
    gateway: str = "mesh"
    namespace: str = "default"
    scheme: str = "http"

    @property
    def origin(self) -> str:
        """Return the namespace of the caller."""
        return self.source_namespace or self.namespace

    def view(self) -> View:
        """Return the request as conditions read it."""
        return View(self.method, self.host, self.path, self.scheme, headers=self.headers)


def mismatch(match: Mapping[str, Any], request: Request) -> str:
    """Return the first condition that the request fails, in words, or an empty text if the match takes it."""
    view = request.view()
    return next((one.failure(view) for one in conditions(match) if not one.test(view)), "")


def describe(match: Mapping[str, Any]) -> str:
    """Return a match in words, such as ``header user is 'admin', path starts with '/api.Greeter/'``."""
    parts = [
        f"{word} {words(match[key])}"
        for key, word in (("uri", "path"), ("method", "method"), ("authority", "authority"), ("scheme", "scheme"))
        if isinstance(match.get(key), Mapping)
    ]
    for key, word in (("headers", "header"), ("withoutHeaders", "no header"), ("queryParams", "query")):
        parts += [f"{word} {name} {words(mapping(node))}" for name, node in mapping(match.get(key)).items()]
    return ", ".join(parts) or "every call"
