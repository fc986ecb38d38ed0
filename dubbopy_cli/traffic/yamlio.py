"""YAML text <-> rules: comments, order and unknown fields survive; hostile or broken text is one clear error."""

from __future__ import annotations

import copy
import io
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from dubbopy_cli.names import did_you_mean
from dubbopy_cli.traffic.model import DESTINATION_RULE, GROUP, VIRTUAL_SERVICE, Rule, mapping
from dubbopy_cli.traffic.yamlguard import guard, refuse

KINDS = (DESTINATION_RULE, VIRTUAL_SERVICE)
_VERSIONS = ("v1", "v1beta1", "v1alpha3")


def parse(
    text: str, *, source: str = "<stdin>", namespace: str = "default", kinds: Collection[str] = KINDS
) -> tuple[Rule, ...]:
    """Return the rules in ``text``, which may hold several documents and lists.

    ``source`` names the text in errors, ``namespace`` is that of objects that name none. UsageError
    ``rules-invalid`` with file and line for anything but rules of ``kinds``.
    """
    guard(text, source)
    found: list[Rule] = []
    for document in _documents(text, source):
        for node in _flatten(document, source):
            rule = _rule(node, source, namespace, kinds)
            if any(rule.key == one.key for one in found):
                raise refuse(f"{_place(source, node)}: {rule.title} stands here a second time", "keep one of the two")
            found.append(rule)
    if not found:
        raise refuse(f"{source} holds no rule", f"it should hold objects of kind {' or '.join(kinds)}")
    return tuple(found)


def dump(rules: Iterable[Rule]) -> str:
    """Return the rules as YAML, one document each; a rule that was parsed keeps its comments and its indentation."""
    return "---\n".join(_dump(rule.document) for rule in rules)


def _documents(text: str, source: str) -> Iterator[Any]:
    from ruamel.yaml.error import YAMLError

    try:
        yield from (_unshare(one) for one in _yaml().load_all(text) if one is not None)
    except YAMLError as error:
        raise refuse(f"{source}: {error}", "mend the YAML") from error


def _flatten(document: Any, source: str) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - YAML may hold anything
    if not isinstance(document, Mapping):
        raise refuse(f"{_place(source, document)}: expected a Kubernetes object, found {_what(document)}")
    if str(document.get("kind", "")).endswith("List") and isinstance(document.get("items"), list):
        for item in document["items"]:
            yield from _flatten(item, source)
    else:
        yield document


def _rule(node: Mapping[str, Any], source: str, namespace: str, kinds: Collection[str]) -> Rule:
    place = _place(source, node)
    kind = node.get("kind")
    if not isinstance(kind, str) or not isinstance(node.get("apiVersion"), str):
        raise refuse(f"{place}: this object has no apiVersion and kind", f"begin with `apiVersion: {GROUP}/v1`")
    if kind not in kinds:
        raise refuse(
            f"{place}: {kind} is no kind of traffic rule, expected {' or '.join(kinds)}."
            + did_you_mean(kind, list(kinds)),
            "correct it, or take it out of this file",
        )
    group, _, version = node["apiVersion"].rpartition("/")
    if kind in KINDS and (group != GROUP or version not in _VERSIONS):
        raise refuse(f"{place}: {kind} has apiVersion {node['apiVersion']}, expected {GROUP}/v1 (or v1beta1, v1alpha3)")
    metadata = node.get("metadata")
    name = mapping(metadata).get("name")
    if not isinstance(name, str) or not name:
        raise refuse(f"{place}: this {kind} has no metadata.name", "give it one, in quotes if it looks like a number")
    own = mapping(metadata).get("namespace")
    if own is not None and not isinstance(own, str):
        raise refuse(f"{place}: {kind} {name} has no usable metadata.namespace", "write it as a text")
    if kind in KINDS and not isinstance(node.get("spec"), Mapping):
        raise refuse(f"{place}: {kind} {name} has no spec")
    return Rule(kind, own or namespace, name, node)


def _dump(document: Mapping[str, Any]) -> str:
    writer = _yaml()
    offset = _offset(document)
    writer.indent(mapping=2, sequence=2 + offset, offset=offset)
    out = io.StringIO()
    writer.dump(document, out)
    return out.getvalue()


def _yaml() -> Any:  # noqa: ANN401 - ruamel's own types say nothing more
    from ruamel.yaml import YAML
    from ruamel.yaml.resolver import VersionedResolver

    class Resolver(VersionedResolver):
        """Take a date for a text, as Kubernetes does."""

        def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:  # noqa: ANN401 - as its parent
            tag = super().resolve(kind, value, implicit)
            return self.DEFAULT_SCALAR_TAG if str(tag).endswith("timestamp") else tag

    yaml = YAML(typ="rt", pure=True)
    yaml.Resolver = Resolver
    yaml.preserve_quotes = True
    yaml.width = 1 << 20
    return yaml


def _offset(node: object, parent: int = 0) -> int:
    """Return how far lists are indented in the text the document was read from: 2 or 0 columns."""
    children = node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ()
    for child in children:
        start = getattr(getattr(child, "lc", None), "col", None)
        flow = getattr(getattr(child, "fa", None), "flow_style", bool)()
        if isinstance(child, list) and isinstance(node, Mapping) and isinstance(start, int) and not flow:
            return 2 if start - parent >= 2 else 0
        found = _offset(child, start if isinstance(start, int) else parent + 2)
        if found:
            return found
    return 0


def _unshare(document: Any, seen: set[int] | None = None) -> Any:  # noqa: ANN401 - YAML may hold anything
    """Give every alias a copy of its own: an edit of one place must not change another."""
    seen = set() if seen is None else seen
    if not isinstance(document, dict | list):
        return document
    if id(document) in seen:
        document = copy.deepcopy(document)
    seen.add(id(document))
    anchor = getattr(document, "anchor", None)
    if anchor is not None and anchor.value:
        document.yaml_set_anchor(None)
    if getattr(document, "merge", None):
        # `<<:` is a reference too.
        document = type(document)(document.items())
    for key, value in list(document.items() if isinstance(document, dict) else enumerate(document)):
        document[key] = _unshare(value, seen)
    return document


def _place(source: str, node: object) -> str:
    line = getattr(getattr(node, "lc", None), "line", None)
    return f"{source}:{line + 1}" if isinstance(line, int) else source


def _what(node: object) -> str:
    return "a list" if isinstance(node, list) else f"'{str(node)[:40]}'"
