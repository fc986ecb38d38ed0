"""How the rules of this package report: small makers of findings, and readers that take anything for an answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from dubbopy_cli.traffic.findings import Finding
from dubbopy_cli.traffic.model import mapping, sequence

Faults = Iterator[Finding]
Node = Mapping[str, Any]


def error(code: str, path: str, message: str) -> Finding:
    """Return an error at a place."""
    return Finding("error", code, message, path)


def warning(code: str, path: str, message: str) -> Finding:
    """Return a warning at a place."""
    return Finding("warning", code, message, path)


def info(code: str, path: str, message: str) -> Finding:
    """Return what is good to know about a place."""
    return Finding("info", code, message, path)


def refused(code: str, path: str, reason: str) -> Faults:
    """Yield an error if there is a reason for one."""
    if reason:
        yield error(code, path, reason)


def unheard(faults: Iterable[Finding]) -> Faults:
    """Yield the findings with warnings made infos: Istio has these warnings, but drops them on the way to the user."""
    for one in faults:
        yield replace(one, severity="info") if one.severity == "warning" else one


def has(node: Node, key: str) -> bool:
    """Tell whether a field of a message type is there; an empty message is, a null or an empty list is not."""
    return node.get(key) not in (None, [])


def items(node: Node, key: str, path: str) -> Iterator[tuple[str, Any]]:
    """Yield place and value of each element of a list."""
    for index, value in enumerate(sequence(node.get(key))):
        yield f"{path}.{key}[{index}]", value


def entries(node: Node, key: str, path: str) -> Iterator[tuple[str, str, Any]]:
    """Yield place, key and value of each entry of a map."""
    for name, value in mapping(node.get(key)).items():
        yield f"{path}.{key}.{name}", str(name), value


def amount(value: object) -> float:
    """Return a number, 0 for anything else."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else 0
