"""The conditions of a match, compiled: the one place that says which request a condition takes.

`request.mismatch` asks them one by one to say what failed; `explaining` compiles them once for many requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from dubbopy_cli.traffic import regex
from dubbopy_cli.traffic.model import mapping, text
from dubbopy_cli.traffic.paths import normalized

# What a condition on the path needs, among header names, of which none is like it.
PATH = ":path"
# Envoy keeps these once, whatever the caller sent: repeated lines are joined before any rule sees them, empty ones
# left out. Found by asking it (tests/corpus/test_envoy_differential.py).
JOINED = frozenset(
    {
        "accept",
        "accept-encoding",
        "access-control-request-headers",
        "access-control-request-method",
        "authentication",
        "authorization",
        "cache-control",
        "cdn-loop",
        "content-encoding",
        "content-type",
        "expect",
        "grpc-accept-encoding",
        "grpc-timeout",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "origin",
        "pragma",
        "proxy-status",
        "referer",
        "user-agent",
        "via",
        "x-client-trace-id",
        "x-envoy-attempt-count",
        "x-envoy-decorator-operation",
        "x-envoy-downstream-service-cluster",
        "x-envoy-external-address",
        "x-envoy-original-path",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-proto",
        "x-request-id",
    }
)
# The name that HTTP/1.1 has for a pseudo header; Envoy looks it up under either.
_ALIASES = {"host": ":authority"}


class View:
    """What a match sees of one request, prepared once."""

    __slots__ = ("_query", "authority", "headers", "method", "path", "scheme", "target")

    def __init__(
        self, method: str, authority: str, target: str, scheme: str, *, headers: tuple[tuple[str, str], ...]
    ) -> None:
        self.method = method
        self.authority = authority
        self.scheme = scheme
        self.target = target
        self._query: dict[str, str] | None = None
        self.path = normalized(target.partition("#")[0].partition("?")[0])
        found: dict[str, tuple[str, ...]] = {}
        for name, value in headers:
            key = name.lower()
            if key not in found:
                found[key] = (value,)
            elif key in JOINED:
                found[key] = (",".join(filter(None, (found[key][0], value))),)
            else:
                found[key] = (*found[key], value)
        self.headers = found

    def values(self, name: str) -> tuple[str, ...]:
        """Return every value of a header, pseudo headers included; ``name`` is in lower case."""
        name = _ALIASES.get(name, name)
        if name.startswith(":"):
            known = {
                ":method": self.method,
                ":authority": self.authority,
                ":path": self.path + self.target[len(self.target.partition("?")[0]) :],
                ":scheme": self.scheme,
            }
            return (known[name],) if name in known else ()
        return self.headers.get(name, ())

    @property
    def query(self) -> dict[str, str]:
        """Return the parameters as they stand in the path, not decoded; of a repeated name the first value."""
        if self._query is None:
            found: dict[str, str] = {}
            for pair in self.target.partition("#")[0].partition("?")[2].split("&"):
                key, _, value = pair.partition("=")
                found.setdefault(key, value)
            self._query = found
        return self._query


Test = Callable[[View], bool]
Values = Callable[[View], tuple[str, ...]]


@dataclass(frozen=True)
class Condition:
    """One condition: ``test`` takes a request or not, ``words`` says what it asks for, ``seen`` what a request has.

    ``needs`` is a header, or PATH, and the one value without which no request is taken.
    """

    test: Test
    words: str
    seen: Values
    quoted: bool = True
    needs: tuple[str, str] | None = None

    def failure(self, view: View) -> str:
        """Return in words why the condition does not take the request."""
        values = self.seen(view)
        if not self.quoted:
            return f"{self.words}, but it is {values[0]}"
        shown = " and ".join(f"'{one}'" for one in values)
        return f"{self.words}, but it {'is ' + shown if values else 'is absent'}"


def conditions(match: Mapping[str, Any]) -> tuple[Condition, ...]:
    """Return the conditions of a match, all of which must hold (`route.TranslateRouteMatch`)."""
    return tuple(_conditions(match))


def is_presence(node: Mapping[str, Any]) -> bool:
    """Tell whether only presence is asked for: no kind of match, or the regex ``*``, which RE2 does not know."""
    return not any(key in node for key in ("exact", "prefix", "regex")) or node.get("regex") == "*"


def words(node: Mapping[str, Any]) -> str:
    """Return a string match in words."""
    for key, word in (("exact", "is"), ("prefix", "starts with"), ("regex", "matches")):
        if key in node and not is_presence(node):
            return f"{word} '{node[key]}'"
    return "is present"


def _conditions(match: Mapping[str, Any]) -> Iterator[Condition]:
    uri = mapping(match.get("uri"))
    if uri:
        test = _string(uri, fold=match.get("ignoreUriCase") is True)
        exact = set(uri) == {"exact"} and match.get("ignoreUriCase") is not True
        yield Condition(
            lambda view: test(view.path),
            f"path {words(uri)}",
            lambda view: (view.path,),
            quoted=False,
            needs=(PATH, text(uri["exact"])) if exact else None,
        )
    for key in ("method", "authority", "scheme"):
        node = match.get(key)
        if isinstance(node, Mapping):
            yield _pseudo(key, node)
    for name, given in mapping(match.get("headers")).items():
        yield _header(str(name), mapping(given))
    for name, given in mapping(match.get("withoutHeaders")).items():
        yield _without(str(name), mapping(given))
    for name, given in mapping(match.get("queryParams")).items():
        yield _parameter(str(name), mapping(given))


def _pseudo(key: str, node: Mapping[str, Any]) -> Condition:
    read = attrgetter(key)
    holds = _string(node)
    always = is_presence(node)
    return Condition(
        lambda view: always or holds(read(view)),
        f"{key} {words(node)}",
        lambda view: (read(view),),
        quoted=False,
    )


def _header(name: str, node: Mapping[str, Any]) -> Condition:
    key, values = name.lower(), _lookup(name)
    test = _any(values, node)
    needs = None
    if set(node) == {"exact"} and not key.startswith(":") and key not in _ALIASES:
        wanted = text(node["exact"])
        needs = (key, wanted)

        def test(view: View) -> bool:
            return wanted in view.headers.get(key, ())

    return Condition(test, f"header {name} {words(node)}", values, needs=needs)


def _without(name: str, node: Mapping[str, Any]) -> Condition:
    values = _lookup(name.lower())
    said = f"no header {name} {words(node)}"
    if is_presence(node):
        return Condition(lambda view: not values(view), said, values)
    holds = _string(node)
    # Envoy takes a missing header as an empty one here, except for a mere presence test.
    return Condition(lambda view: not any(holds(one) for one in values(view) or ("",)), said, values)


def _parameter(name: str, node: Mapping[str, Any]) -> Condition:
    def values(view: View) -> tuple[str, ...]:
        return (view.query[name],) if name in view.query else ()

    return Condition(_any(values, node), f"query parameter {name} {words(node)}", values)


def _any(values: Values, node: Mapping[str, Any]) -> Test:
    """Return the test whether any of the values fits."""
    if is_presence(node):
        return lambda view: bool(values(view))
    holds = _string(node)
    return lambda view: any(holds(one) for one in values(view))


def _lookup(name: str) -> Values:
    key = name.lower()
    if key.startswith(":") or key in _ALIASES:
        return lambda view: view.values(key)
    return lambda view: view.headers.get(key, ())


def _string(node: Mapping[str, Any], *, fold: bool = False) -> Callable[[str], bool]:
    """Return the test of one text; a regular expression must take the whole of it, and knows no ``fold``."""
    if "regex" in node:
        return regex.matcher(text(node["regex"]))
    wanted = text(node.get("exact", node.get("prefix", "")))
    if fold:
        wanted = _lower(wanted)
        if "exact" in node:
            return lambda value: _lower(value) == wanted
        return lambda value: _lower(value).startswith(wanted)
    if "exact" in node:
        return wanted.__eq__
    return lambda value: value.startswith(wanted)


def _lower(value: str) -> str:
    """Return ``value`` with the letters A to Z made small: Envoy knows no others."""
    return value.lower() if value.isascii() else "".join(one.lower() if one.isascii() else one for one in value)
