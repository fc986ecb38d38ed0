"""Seeded random VirtualServices, and requests that come near to what they ask for."""

from __future__ import annotations

import random
import string
from typing import Any

from dubbopy_cli.traffic.request import Request

NAMES = ("user", "x-group", "User", "REGION", "tri-unit-info", "grpc-timeout", "user-agent", "x-a", "content-type")
VALUES = ("admin", "guest", "a", "", "Admin", "admin2", "a,b", "x y", "v1.0", "ADMIN", "0", "ab-01", "a=b;c", "ä")
PATHS = (
    "/api.Greeter/SayHello",
    "/api.Greeter/Other",
    "/api.GreeterX/SayHello",
    "/a",
    "/a/",
    "/a/b",
    "/",
    "/API.greeter/sayhello",
    "/%41pi",
    "//a",
    "/a;b=c",
    "/a/../b/./c",
    "/%7E/%2e%2E/a",
    "/a|{b}\\c",
    "/..%2fa/",
)
METHODS = ("GET", "POST", "PUT", "PATCH")
QUERIES = ("1", "", "x%20y", "a+b", "A", "10")
SUBSETS = ("v1", "v2", "v3", "empty", "missing", "")


class Chance:
    """One seeded source of rules and requests."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        # What each expression takes, so that requests can be made that match it.
        self.samples: dict[str, list[str]] = {"*": ["x"], ".*": ["", "x"], ".+": ["x"]}

    def rule(self, host: str, backend: str) -> dict[str, Any]:
        http = [self._http(index, backend) for index in range(self.random.randint(1, 8))]
        if self.random.random() < 0.5:
            http.append({"name": "last", **self._action(9, backend)})
        return {"hosts": [host], "http": http}

    def request(self, rule: dict[str, Any], host: str) -> Request:
        pick = self.random
        near: dict[str, Any] = {}
        matches = [one for http in rule["http"] for one in http.get("match", ())]
        if matches and pick.random() < 0.85:
            near = pick.choice(matches)
        headers = [
            (self._cased(name), self._like(node, VALUES))
            for name, node in near.get("headers", {}).items()
            if name != "Host"
        ]
        headers += [
            (self._cased(pick.choice(NAMES)), pick.choice(VALUES)) for _ in range(pick.choice((0, 0, 1, 1, 2, 3)))
        ]
        if near.get("withoutHeaders") and pick.random() < 0.4:
            headers += [(name, self._like(node, VALUES)) for name, node in near["withoutHeaders"].items()]
        pick.shuffle(headers)
        # HTTP/1.1 carries no spaces around a value.
        headers = [(name, value.strip()) for name, value in headers]
        headers.append(("x-weight", str(pick.randrange(1000))))
        path = self._like(near["uri"], PATHS) if near.get("uri") else pick.choice(PATHS)
        path = path if path.startswith("/") else f"/{path}"
        if near.get("ignoreUriCase") and pick.random() < 0.5:
            path = path.swapcase()
        query = [f"{name}={self._like(node, QUERIES)}" for name, node in near.get("queryParams", {}).items()]
        query += [
            f"{pick.choice('abcA')}{pick.choice(('', '='))}{pick.choice(QUERIES)}"
            for _ in range(pick.choice((0, 0, 1, 2)))
        ]
        pick.shuffle(query)
        method = self._like(near["method"], METHODS) if near.get("method") else pick.choice(METHODS)
        authority = pick.choice((host, host.partition(".")[0], f"{host}:20000", f"{host}.", host.upper(), host))
        return Request(
            authority,
            20000,
            path + ("?" + "&".join(query) if query else ""),
            # Envoy answers others with 400 before it looks at any rule.
            method if method in METHODS else "POST",
            tuple(headers),
            namespace="default",
        )

    def _http(self, index: int, backend: str) -> dict[str, Any]:
        matches = [self._match(place) for place in range(self.random.randint(1, 3))]
        return {"name": f"r{index}", "match": matches, **self._action(index, backend)}

    def _action(self, index: int, backend: str) -> dict[str, Any]:
        pick = self.random
        kind = pick.random()
        if kind < 0.3:
            return {"directResponse": {"status": 210 + index}}
        if kind < 0.4:
            return {"redirect": {"uri": f"/to/{index}", "redirectCode": pick.choice((301, 302, 303, 307, 308))}}
        count = pick.choice((1, 1, 2, 3))
        weights = [pick.choice((0, 1, 1, 3, 10, 33, 90)) for _ in range(count)]
        if count > 1 and not sum(weights):
            weights[0] = 1
        route = [
            {
                "destination": {"host": backend, **({"subset": subset} if subset else {})},
                **({"weight": weight} if weight or pick.random() < 0.5 else {}),
            }
            for weight, subset in zip(weights, pick.sample(SUBSETS, count), strict=True)
        ]
        out: dict[str, Any] = {"route": route}
        if pick.random() < 0.05:
            percent = pick.choice((None, 0, 100))
            abort = {"httpStatus": 418, **({} if percent is None else {"percentage": {"value": percent}})}
            out["fault"] = {"abort": abort}
        return out

    def _match(self, place: int) -> dict[str, Any]:
        pick = self.random
        match: dict[str, Any] = {"name": f"m{place}"}
        if pick.random() < 0.6:
            names = pick.sample(NAMES, pick.choice((1, 1, 2)))
            match["headers"] = {name: self._text(VALUES) for name in names}
        if pick.random() < 0.05:
            match.setdefault("headers", {})["Host"] = self._text(("s1", "S1", "s"))
        if pick.random() < 0.25:
            match["withoutHeaders"] = {pick.choice(NAMES): self._text(VALUES)}
        if pick.random() < 0.5:
            match["uri"] = self._text(PATHS, start="/", kinds=("exact", "prefix", "prefix", "regex"))
            if pick.random() < 0.3:
                match["ignoreUriCase"] = True
        if pick.random() < 0.15:
            match["method"] = self._text(METHODS)
        if pick.random() < 0.1:
            match["authority"] = self._text(("s1", "S1", "s"))
        if pick.random() < 0.05:
            match["scheme"] = {"exact": pick.choice(("http", "https"))}
        if pick.random() < 0.2:
            match["queryParams"] = {pick.choice("abcA"): self._text(QUERIES) for _ in range(pick.choice((1, 1, 2)))}
        return match | self._caller()

    def _caller(self) -> dict[str, Any]:
        """Return conditions on who calls, mostly none."""
        pick = self.random
        match: dict[str, Any] = {}
        if pick.random() < 0.05:
            match["port"] = pick.choice((20000, 80))
        if pick.random() < 0.05:
            match["sourceNamespace"] = pick.choice(("default", "other"))
        if pick.random() < 0.03:
            match["gateways"] = pick.choice((["mesh"], ["public"], ["public", "mesh"]))
        if pick.random() < 0.03:
            match["sourceLabels"] = {"app": "x"}
        return match

    def _text(self, pool, *, start="", kinds=("exact", "exact", "prefix", "regex", "")) -> dict[str, Any]:
        kind = self.random.choice(kinds)
        if not kind:
            return {}
        if kind == "regex":
            if not start and self.random.random() < 0.15:
                return {"regex": self.random.choice(("*", ".*", ".+"))}
            pattern, sample = self._regex(self.random.randint(1, 4))
            self.samples.setdefault(start + pattern, []).append(start + sample)
            return {"regex": start + pattern}
        value = self.random.choice(pool)
        if kind == "prefix":
            value = value[: self.random.randint(1, 6)] or "a"
        return {kind: value}

    def _regex(self, size: int) -> tuple[str, str]:
        """Return an expression of RE2 and a text it takes (almost always)."""
        pick = self.random
        pattern, sample = "", ""
        for _ in range(size):
            piece, text = pick.choice(
                (
                    ("a", "a"),
                    ("[a-c]", "b"),
                    ("[^a]", "z"),
                    (r"\d", "7"),
                    (r"\w+", "w_1"),
                    ("(?i:admin)", "AdMin"),
                    ("(?:x|yy)", "yy"),
                    ("[[:alpha:]]", "q"),
                    (r"\.", "."),
                    (".", "-"),
                    ("(a|b)?", ""),
                    ("[0-9]{1,2}", "42"),
                    (r"\x41", "A"),
                    (r"\pL", "L"),
                    ("b*?", "bb"),
                    (r"\b", ""),
                    ("^", ""),
                    ("$", ""),
                )
            )
            times = pick.choice(("", "", "", "*", "+", "?")) if piece not in {r"\b", "^", "$", "b*?", "(a|b)?"} else ""
            pattern += f"(?:{piece}){times}" if times else piece
            sample += text
        if pick.random() < 0.2:
            other, _ = self._regex(1)
            pattern = f"{pattern}|{other}"
        return pattern, sample

    def _like(self, node: dict[str, Any], pool: tuple[str, ...]) -> str:
        """Return a text that the match takes, mostly."""
        pick = self.random
        if "regex" in node:
            value = pick.choice(self.samples.get(node["regex"], ["x"]))
        elif "exact" in node:
            value = node["exact"]
        elif "prefix" in node:
            value = node["prefix"] + pick.choice(("", "a", "/x"))
        else:
            value = pick.choice(pool)
        change = pick.random()
        if change < 0.08:
            value = value.swapcase()
        elif change < 0.14:
            value += pick.choice(string.ascii_letters)
        elif change < 0.18:
            value = pick.choice(pool)
        return value

    def _cased(self, name: str) -> str:
        return self.random.choice((name, name, name.upper(), name.lower()))
