"""Objects of the corpus with one more field, which their CRD knows and no example may have."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from importlib import resources
from typing import Any

from dubbopy_cli.traffic import validate
from tests.corpus.mutations import Mutator

TEXTS = (
    "a",
    "",
    "*",
    "a.b",
    "example.com",
    "*.example.com",
    "10.0.0.1",
    "10.0.0.0/8",
    "::1",
    "fe80::1%eth0",
    "/a",
    "1s",
    "1ms",
    "0s",
    "1.5s",
    "100us",
    "-1s",
    "1h1m",
    "v1",
    "a/b",
    "*/a",
    "./a",
    "~",
    "mesh",
    "HTTP",
    "TCP",
    "x-a",
    ":path",
    "host",
    "%REQ(a)%",
    "a%",
    "5xx,503",
    "5xx, 503",
    "unix:///run/a",
    "kubernetes://a",
    "(a",
    "a|b",
    "\\p{L}+",
    "region/zone/subzone",
    "region/*",
    "ä",
    "A_b",
    "1",
    "x" * 64,
    "a." * 130,
)
INTEGERS = (0, 1, 2, 10, 80, 99, 100, 200, 503, 599, 600, 1000, 4096, 65535, 65536, -1, 2**31 - 1)
NUMBERS = (0, 0.1, 50, 100, 100.5, 101, -1, 0.00001)


_TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict}


class Fields:
    """One seeded source of such objects."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.known = Mutator(seed)
        # An object that is bad already is so with any further field.
        self.good = [doc for doc in self.known.docs if all(one.severity != "error" for one in validate(doc))]
        self.schemas = {
            path.name.removesuffix(".json"): json.loads(path.read_text(encoding="utf-8"))
            for path in resources.files("dubbopy_cli.traffic").joinpath("crds").iterdir()
            if path.name.endswith(".json")
        }

    def doc(self) -> dict[str, Any]:
        """Return an object with one to three more fields."""
        doc = copy.deepcopy(self.random.choice(self.good))
        for _ in range(self.random.choice((1, 1, 2, 3))):
            room = [
                (node, key, inner)
                for node, schema in self._mappings(doc["spec"], self.schemas[doc["kind"]])
                for key, inner in schema["properties"].items()
                if key not in node
            ]
            if room:
                node, key, inner = self.random.choice(room)
                node[key] = self.value(key, inner)
        return doc if "null" not in json.dumps(doc) else self.doc()

    def _mappings(self, node: Any, schema: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Yield each mapping in an object whose fields the CRD names."""
        if isinstance(node, list):
            for one in node:
                yield from self._mappings(one, schema.get("items", {}))
        if not isinstance(node, dict):
            return
        if "properties" in schema:
            yield node, schema
        for key, value in node.items():
            inner = schema.get("properties", {}).get(key, schema.get("additionalProperties", {}))
            yield from self._mappings(value, inner)

    def value(self, key: str, schema: dict[str, Any]) -> Any:
        """Return a value of the type that the field has, mostly a good one."""
        dice, pick = self.random.random(), self.random.choice
        kind = schema.get("type")
        examples = [one for one in self.known.values[key] if isinstance(one, _TYPES.get(kind, object))]
        if examples and dice < 0.5:
            return copy.deepcopy(pick(examples))
        simple: dict[str, Any] = {
            "string": schema.get("enum") or TEXTS,
            "integer": INTEGERS,
            "number": NUMBERS,
            "boolean": (True, False),
        }
        if kind in simple:
            return pick(simple[kind])
        if kind == "array":
            return [self.value(key, schema["items"]) for _ in range(pick((1, 1, 1, 2)))]
        return self._mapping(schema)

    def _mapping(self, schema: dict[str, Any]) -> dict[str, Any]:
        inner = schema.get("additionalProperties")
        if isinstance(inner, dict):
            return {self.random.choice(TEXTS): self.value("", inner)}
        needed = schema.get("required", ())
        wanted = self.random.choice((0.1, 0.3, 0.3, 0.6))
        return {
            key: self.value(key, inner)
            for key, inner in schema.get("properties", {}).items()
            if key in needed or self.random.random() < wanted
        }
