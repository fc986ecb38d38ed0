"""A quick answer to what most objects are, which is good: a schema made into functions, many times as fast."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Test = Callable[[Any], bool]
Schema = Mapping[str, Any]
# What says nothing about a value.
_SILENT = {"type", "nullable"}


def acceptor(schema: Schema, texts: Mapping[str, Callable[[Any, str], bool]]) -> Test:
    """Return a test of values; those it refuses, and nulls, are for the validator to judge and to explain.

    ``texts`` judges keywords that are not of JSON schema. A keyword that is not known here refuses everything.
    """
    tests = [_keyword(key, value, schema, texts) for key, value in schema.items() if key not in _SILENT]
    kind = _KINDS.get(schema.get("type", ""))
    if kind is None:
        return _all(tests)
    if schema["type"] in {"object", "array"} or tests:
        return _typed(kind, tests)
    return lambda value: type(value) in kind


_KINDS: dict[str, frozenset[type]] = {
    "string": frozenset({str}),
    "object": frozenset({dict}),
    "array": frozenset({list}),
    "integer": frozenset({int}),
    "number": frozenset({int, float}),
    "boolean": frozenset({bool}),
}


def _typed(kind: frozenset[type], tests: list[Test]) -> Test:
    def test(value: Any) -> bool:  # noqa: ANN401 - any YAML
        if type(value) not in kind:
            return False
        for one in tests:  # noqa: SIM110 - a generator takes twice as long
            if not one(value):
                return False
        return True

    return test


def _all(tests: list[Test]) -> Test:
    return lambda value: all(one(value) for one in tests)


def _keyword(key: str, value: Any, schema: Schema, texts: Mapping[str, Callable[[Any, str], bool]]) -> Test:  # noqa: ANN401 - any JSON
    if key in texts:
        judge = texts[key]
        return lambda node: judge(value, node)
    if key in {"properties", "additionalProperties"}:
        # The first of the two looks at all fields.
        first = key == "properties" or "properties" not in schema
        return _fields(schema, texts) if first else lambda _: True
    if key in {"anyOf", "oneOf", "allOf"}:
        branches = [acceptor(one, texts) for one in value]
        least, most = {"anyOf": (1, len(branches)), "oneOf": (1, 1), "allOf": (len(branches), len(branches))}[key]
        return lambda node: least <= sum(one(node) for one in branches) <= most
    if key in {"not", "items"}:
        inner = acceptor(value, texts)
        return (lambda node: not inner(node)) if key == "not" else lambda node: all(inner(one) for one in node)
    return _SIMPLE.get(key, lambda _: lambda _: False)(value)


_SIMPLE: dict[str, Callable[[Any], Test]] = {
    "required": lambda names: lambda node: all(one in node for one in names),
    "enum": lambda known: lambda node: node in known,
    "minimum": lambda least: lambda node: node >= least,
    "maximum": lambda most: lambda node: node <= most,
    "minItems": lambda least: lambda node: len(node) >= least,
    "maxItems": lambda most: lambda node: len(node) <= most,
    "maxLength": lambda most: lambda node: len(node) <= most,
    "maxProperties": lambda most: lambda node: len(node) <= most,
}


def _fields(schema: Schema, texts: Mapping[str, Callable[[Any, str], bool]]) -> Test:
    known = {key: acceptor(one, texts) for key, one in schema.get("properties", {}).items()}
    rest = schema.get("additionalProperties")
    other = acceptor(rest, texts) if isinstance(rest, Mapping) else None

    def test(node: Any) -> bool:  # noqa: ANN401 - any YAML
        for key, value in node.items():
            one = known.get(key, other)
            if one is not None and not one(value):
                return False
        return True

    return test
