"""Match conditions and header operations of a VirtualService in Envoy's form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dubbopy_cli.traffic.model import mapping, sequence, text


def route_match(match: Mapping[str, Any]) -> dict[str, Any]:
    """Return Envoy's route match (`route.TranslateRouteMatch`); without a path condition every path matches."""
    out: dict[str, Any] = {"prefix": "/"}
    uri = mapping(match.get("uri"))
    if "exact" in uri:
        out = {"path": text(uri["exact"])}
    elif "prefix" in uri:
        out = {"prefix": text(uri["prefix"])}
    elif "regex" in uri:
        out = {"safe_regex": {"regex": text(uri["regex"])}}
    out["case_sensitive"] = match.get("ignoreUriCase") is not True
    headers = [_matcher(name, node) for name, node in mapping(match.get("headers")).items()]
    headers += [_inverted(name, node) for name, node in mapping(match.get("withoutHeaders")).items()]
    headers.sort(key=lambda one: str(one["name"]))
    for key in ("method", "authority", "scheme"):
        if isinstance(match.get(key), Mapping):
            headers.append(_matcher(f":{key}", match[key]))
    if headers:
        out["headers"] = headers
    queries = [_matcher(name, node) for name, node in mapping(match.get("queryParams")).items()]
    if queries:
        out["query_parameters"] = queries
    return out


def header_operations(node: object) -> tuple[dict[str, Any], str]:
    """Return Envoy's header operations and the authority they set, if any (`TranslateHeadersOperations`)."""
    out: dict[str, Any] = {}
    authority = ""
    for side in ("request", "response"):
        operations = mapping(mapping(node).get(side))
        added = []
        for verb, action in (("set", "OVERWRITE_IF_EXISTS_OR_ADD"), ("add", "APPEND_IF_EXISTS_OR_ADD")):
            for name, value in sorted(mapping(operations.get(verb)).items()):
                if side == "request" and name.lower() in {":authority", "host"}:
                    authority = authority or text(value)
                if not _internal(name):
                    added.append({"header": {"key": name, "value": text(value)}, "append_action": action})
        removed = [text(name) for name in sequence(operations.get("remove")) if not _internal(text(name))]
        if added:
            out[f"{side}_headers_to_add"] = added
        if removed:
            out[f"{side}_headers_to_remove"] = removed
    return out, authority


def _matcher(name: str, node: object) -> dict[str, Any]:
    condition = mapping(node)
    for key, form in (("exact", "exact"), ("prefix", "prefix"), ("regex", "safe_regex")):
        # `*` is no RE2; Istio takes it for "present".
        if key in condition and condition[key] != "*":
            value = text(condition[key])
            return {"name": name, "string_match": {form: {"regex": value} if key == "regex" else value}}
        if key in condition and key != "regex":
            return {"name": name, "string_match": {form: text(condition[key])}}
    return {"name": name, "present_match": True}


def _inverted(name: str, node: object) -> dict[str, Any]:
    matcher = {**_matcher(name, node), "invert_match": True}
    if "present_match" not in matcher:
        # Envoy takes a missing header as an empty one, and does not allow it with a presence test.
        matcher["treat_missing_header_as_empty"] = True
    return matcher


def _internal(name: str) -> bool:
    """Tell whether Envoy does not let a route change this header."""
    return name.startswith(":") or name.lower() == "host"
