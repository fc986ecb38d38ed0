"""An object against its CRD: what the API server says before Istio's webhook is asked."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

from dubbopy_cli.names import did_you_mean
from dubbopy_cli.traffic import units
from dubbopy_cli.traffic.findings import Finding
from dubbopy_cli.traffic.validation import names
from dubbopy_cli.traffic.validation.accept import Test, acceptor
from dubbopy_cli.traffic.validation.faults import Faults, error, info, warning

Schema = dict[str, Any]
_EMPTY: dict[str, Any] = {"string": "", "object": {}, "array": [], "integer": 0, "number": 0, "boolean": False}
_INT32 = {"minimum": -(2**31), "maximum": 2**31 - 1}
# Durations that the CRDs do not mark as such; the webhook reads them all the same.
_TIMES = {"idleTimeout", "ttl", "budgetInterval"}
_NEEDED = {
    "string": "a text is needed",
    "object": "a mapping is needed",
    "array": "a list is needed",
    "integer": "a whole number is needed",
    "number": "a number is needed",
    "boolean": "true or false is needed",
}


def judge(kind: str, spec: object) -> tuple[list[Finding], Any]:
    """Return what the CRD of a kind says against a spec, and the spec as it reaches the webhook: without nulls."""
    root, validator, accepts = _loaded(kind)
    found: list[Finding] = []
    clean = _clean(spec, root, "spec", found)
    if accepts(clean):
        return found, clean
    # A null in a list or as the value of a map is left, for Istio's rules know what it means.
    faults = list(validator.iter_errors(clean))
    wrong = {tuple(fault.absolute_path): fault.validator_value for fault in faults if fault.validator == "type"}
    found += (
        one
        for fault in faults
        if fault.validator == "type" or tuple(fault.absolute_path) not in wrong
        for one in _finding(fault)
    )
    for path, needed in wrong.items():
        clean = _emptied(clean, path, needed)
    return found, clean


def known(kind: str, spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a spec without the fields that its CRD does not know: Istio reads none of them."""
    found: Mapping[str, Any] = _clean(spec, _loaded(kind)[0], "spec", [])
    return found


def _emptied(node: Any, path: tuple[str | int, ...], kind: str) -> Any:  # noqa: ANN401 - any YAML
    """Return the spec with an empty value of the right type in a place, so that the other rules can read it."""
    if not path:
        return _EMPTY[kind]
    copied = node.copy()
    copied[path[0]] = _emptied(node[path[0]], path[1:], kind)
    return copied


def _clean(node: Any, schema: Schema, path: str, found: list[Finding]) -> Any:  # noqa: ANN401 - any YAML
    if isinstance(node, dict):
        return dict(_fields(node, schema, path, found))
    if isinstance(node, list):
        inner = schema.get("items", {})
        nulls = (index for index, value in enumerate(node) if value is None and inner.get("type") == "object")
        found += (info("null", f"{path}[{index}]", "the API server takes no null here") for index in nulls)
        return [_clean(value, inner, f"{path}[{index}]", found) for index, value in enumerate(node)]
    return node


def _fields(node: Mapping[str, Any], schema: Schema, path: str, found: list[Finding]) -> Iterator[tuple[str, Any]]:
    known: Mapping[str, Schema] = schema.get("properties", {})
    other: Schema | None = schema.get("additionalProperties")
    for key, value in node.items():
        inner = known.get(key, other)
        if inner is None:
            if schema.get("type") == "object":
                message = f"there is no field '{key}'; it is ignored." + did_you_mean(key, list(known))
                found.append(warning("unknown-field", f"{path}.{key}", message))
        elif value is not None or (other is not None and inner.get("type") == "object"):
            yield key, _clean(value, inner, f"{path}.{key}", found)


@cache
def _loaded(kind: str) -> tuple[Schema, Any, Test]:
    from jsonschema import Draft202012Validator, validators

    text = resources.files("dubbopy_cli.traffic").joinpath("crds", f"{kind}.json").read_text(encoding="utf-8")
    root: Schema = json.loads(text, object_hook=_translated)
    rules = {"items": _items, "additionalProperties": _values, "x-duration": _duration, "x-base64": _base64}
    extended: Any = validators.extend(Draft202012Validator, rules)  # type: ignore[no-untyped-call]
    texts = {
        "x-duration": lambda positive, node: not any(_duration(None, positive, node, None)),
        "x-base64": lambda _, node: _is_base64(node),
    }
    return root, extended(root), acceptor(root, texts)


def _translated(node: Schema) -> Schema:
    """Say in JSON schema what OpenAPI says by ``format``; a null that a field may hold never comes here."""
    for key in _TIMES & node.keys():
        if isinstance(node[key], dict):
            node[key].setdefault("x-duration", False)
    shape = node.get("format")
    if isinstance(shape, str):
        node.pop("format")
        if shape == "int32":
            node.update({**_INT32, **{key: node[key] for key in _INT32 if key in node}})
        elif shape == "byte":
            node["x-base64"] = True
    return node


def _items(validator: Any, schema: Schema, value: object, _: Schema) -> Iterator[Any]:  # noqa: ANN401 - jsonschema's
    for index, one in enumerate(value if isinstance(value, list) else ()):
        if one is not None or schema.get("type") != "object":
            yield from validator.descend(one, schema, path=index)


def _values(validator: Any, schema: Schema, value: object, _: Schema) -> Iterator[Any]:  # noqa: ANN401 - jsonschema's
    for key, one in value.items() if isinstance(value, dict) else ():
        if one is not None:
            yield from validator.descend(one, schema, path=key)


def _duration(_: object, positive: bool, value: object, __: object) -> Iterator[Any]:
    from jsonschema import ValidationError

    nanos = units.nanoseconds(value)
    if isinstance(value, str) and (nanos is None or (positive and nanos < 10**6)):
        yield ValidationError(names.duration(value))


def _base64(_: object, __: object, value: object, ___: object) -> Iterator[Any]:
    from jsonschema import ValidationError

    if isinstance(value, str) and not _is_base64(value):
        yield ValidationError("no base64")


def _is_base64(value: str) -> bool:
    try:
        base64.b64decode(value, validate=True)
    except ValueError:
        return False
    return True


def _finding(fault: Any) -> Faults:  # noqa: ANN401 - jsonschema's error
    path = "spec" + "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in fault.absolute_path)
    if fault.validator == "required":
        for key in fault.validator_value:
            if key not in fault.instance:
                yield error("required", f"{path}.{key}", "this field is needed")
    elif fault.validator in {"x-duration", "x-base64"}:
        yield error(fault.validator[2:], path, fault.message)
    else:
        say = _MESSAGES.get(fault.validator)
        message = say(fault) if say else str(fault.message)
        yield error("type" if fault.validator == "type" else "schema", path, message)


def _type(fault: Any) -> str:  # noqa: ANN401 - jsonschema's error
    value, kind = fault.instance, fault.validator_value
    if kind == "string" and not isinstance(value, dict | list) and value is not None:
        return f"{json.dumps(value)} is no text; write it in quotes"
    if kind == "object" and isinstance(value, str) and "exact" in fault.schema.get("properties", {}):
        return f"write a kind of match, such as exact: {value}"
    shown = json.dumps(value, default=str)
    return f"{_NEEDED[kind]}, not {shown if len(shown) < 60 else shown[:57] + '...'}"


def _one_of(fault: Any) -> str:  # noqa: ANN401 - jsonschema's error
    known = sorted({key for branch in fault.validator_value for key in branch.get("required", ())})
    there = [key for key in known if key in fault.instance]
    return f"only one of {', '.join(there)} can be given" if len(there) > 1 else f"one of {', '.join(known)} is needed"


def _enum(fault: Any) -> str:  # noqa: ANN401 - jsonschema's error
    known = [str(one) for one in fault.validator_value]
    return f"'{fault.instance}' is none of {', '.join(known)}." + did_you_mean(str(fault.instance), known)


_MESSAGES: dict[str, Callable[[Any], str]] = {
    "type": _type,
    "oneOf": _one_of,
    "anyOf": _one_of,
    "enum": _enum,
    "minimum": lambda one: f"{one.instance} is below {one.validator_value}",
    "maximum": lambda one: f"{one.instance} is above {one.validator_value}",
    "maxLength": lambda one: f"longer than {one.validator_value} characters",
    "maxItems": lambda one: f"more than {one.validator_value} elements",
    "minItems": lambda one: f"at least {one.validator_value} is needed",
    "maxProperties": lambda one: f"more than {one.validator_value} entries",
}
