"""Changes of headers: names that may be changed, and values in Envoy's form."""

from __future__ import annotations

import re

from dubbopy_cli.traffic.model import mapping, text
from dubbopy_cli.traffic.validation.faults import Faults, Node, entries, error, items, refused

# Control characters but the tab, as Envoy refuses them.
_TEXT = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
# How Envoy reads a value (`header_parser.cc`): %NAME%, %NAME(argument)% and %NAME(["a", "b"])%. A state has the signs
# that lead on; any other sign leads to what `_ELSE` says, and to a refusal where that says nothing.
_NEXT = {
    "literal": {"%": "name"},
    "name": {"%": "literal", "(": "argument"},
    "argument": {"[": "quote", " ": "argument"},
    "quote": {'"': "string", " ": "quote"},
    "string": {")": "closed", '"': "separator"},
    "separator": {",": "quote", "]": "list-end", " ": "separator"},
    "list-end": {")": "closed", " ": "list-end"},
    "closed": {"%": "literal", " ": "closed"},
}
_ELSE = {"literal": "literal", "name": "name", "argument": "string", "string": "string"}
# A doubled percent sign is the sign itself, and a backslash takes the sign behind it.
_PAIRS = {"literal": "%%", "string": "\\"}


def operations(node: Node, path: str) -> Faults:
    """Judge the changes of request and response headers."""
    headers = mapping(node.get("headers"))
    for side in ("request", "response"):
        change, place = mapping(headers.get(side)), f"{path}.headers.{side}"
        judge = request_name if side == "request" else response_name
        for key in ("add", "set"):
            for spot, name, value in entries(change, key, place):
                yield from refused("header", spot, judge(name))
                yield from refused("header-value", spot, header_value(text(value)))
        for spot, name in items(change, "remove", place):
            yield from refused("header", spot, response_name(text(name)))


def request_name(name: str) -> str:
    """Judge the name of a header that is set in a request (`ValidateHTTPHeaderWithAuthorityOperationName`)."""
    return "" if is_authority(name) else response_name(name)


def response_name(name: str) -> str:
    """Judge the name of a header that is removed, or set in a response (`ValidateHTTPHeaderOperationName`)."""
    if not name:
        return "the name of a header is needed"
    return f"'{name}' cannot be changed here" if name.startswith(":") or is_authority(name) else ""


def header_value(value: str) -> str:
    """Judge a header's value, in which percent signs enclose what Envoy fills in (`validateHeaderValue`)."""
    if not _TEXT.fullmatch(value):
        return "a control character is not allowed in a header's value"
    state, place = "literal", 0
    while place < len(value):
        pair = _PAIRS.get(state, "")
        if pair and value.startswith(pair, place) and place + 1 < len(value):
            place += 2
            continue
        following = _NEXT[state].get(value[place]) or _ELSE.get(state)
        if following is None:
            return f"'{value}' is no value that Envoy can fill in: '{value[place]}' is out of place"
        state, place = following, place + 1
    return "" if state == "literal" else f"'{value}' opens with % what it does not close; write %% for the sign itself"


def is_authority(name: str) -> bool:
    """Tell whether a header is the host that a call is for."""
    return name.casefold() in {":authority", "host"}


def authority_once(route: Node, path: str) -> Faults:
    """Judge that only one place says which host a call gets (`validateAuthorityRewrite`)."""
    current = text(mapping(route.get("rewrite")).get("authority"))
    request = mapping(mapping(route.get("headers")).get("request"))
    for key in ("set", "add"):
        for spot, name, value in entries(request, key, f"{path}.headers.request"):
            if is_authority(name):
                if current:
                    yield error("header", spot, f"the host of the call is set to '{current}' already")
                    return
                current = text(value)
