"""Traffic rules as values: whole Kubernetes objects, of which no field is ever lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DESTINATION_RULE = "DestinationRule"
VIRTUAL_SERVICE = "VirtualService"
GROUP = "networking.istio.io"
API_VERSION = f"{GROUP}/v1"

VERSION_LABEL = "dubbogoAppVersion"


@dataclass(frozen=True)
class Rule:
    """One rule object; ``document`` is the parsed object as it was written, never changed in place."""

    kind: str
    namespace: str
    name: str
    document: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, str, str]:
        """Return what identifies the object: kind, namespace and name."""
        return (self.kind, self.namespace, self.name)

    @property
    def title(self) -> str:
        """Return the object as messages name it: ``VirtualService NAMESPACE/NAME``."""
        return f"{self.kind} {self.namespace}/{self.name}"

    @property
    def spec(self) -> Mapping[str, Any]:
        """Return the object's spec; empty where it has none."""
        return mapping(self.document.get("spec"))

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Return the object's metadata; empty where it has none."""
        return mapping(self.document.get("metadata"))


@dataclass(frozen=True)
class RuleSet:
    """The rule objects of a namespace, or of one application, in the order of their keys."""

    rules: tuple[Rule, ...] = ()

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> RuleSet:
        """Return the set of ``rules``; of two with one key the later one stands."""
        by_key = {rule.key: rule for rule in rules}
        return cls(tuple(by_key[key] for key in sorted(by_key)))

    def __bool__(self) -> bool:
        return bool(self.rules)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    def __len__(self) -> int:
        return len(self.rules)

    def of_kind(self, kind: str) -> tuple[Rule, ...]:
        """Return the objects of one kind."""
        return tuple(rule for rule in self.rules if rule.kind == kind)

    def get(self, key: tuple[str, str, str]) -> Rule | None:
        """Return the object with this key, or None."""
        return next((rule for rule in self.rules if rule.key == key), None)

    def put(self, *rules: Rule) -> RuleSet:
        """Return the set with these objects added or replaced."""
        return RuleSet.of((*self.rules, *rules))

    def drop(self, *keys: tuple[str, str, str]) -> RuleSet:
        """Return the set without the objects of these keys."""
        return RuleSet(tuple(rule for rule in self.rules if rule.key not in keys))


def version_labels(application: str, version: str) -> dict[str, str]:
    """Return the labels that every instance of a version carries, on any target."""
    return {
        "app": application,
        "app.kubernetes.io/name": application,
        "app.kubernetes.io/version": version,
        VERSION_LABEL: version,
        "version": version,
    }


_SCALARS = frozenset({str, int, float, bool, type(None)})


def mapping(node: object) -> Mapping[str, Any]:
    """Return ``node`` if it is a mapping, else an empty one: a foreign object may hold anything anywhere."""
    # Asking for the type itself first is many times as fast as asking an abstract class.
    return node if type(node) is dict or isinstance(node, Mapping) else {}


def sequence(node: object) -> Sequence[Any]:
    """Return ``node`` if it is a list, else an empty one."""
    return node if isinstance(node, list | tuple) else ()


def text(node: object) -> str:
    """Return ``node`` if it is a text, else an empty one."""
    return node if isinstance(node, str) else ""


def number(node: object) -> int:
    """Return ``node`` if it is a whole number, else 0."""
    return node if isinstance(node, int) and not isinstance(node, bool) else 0


def plain(node: object) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Return a copy of ``node`` made of dict, list and scalars alone, as JSON takes it."""
    kind = type(node)
    if kind in _SCALARS:
        return node
    if isinstance(node, Mapping):
        return {key if type(key) is str else str(key): plain(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [plain(value) for value in node]
    for base in (str, int, float):
        # The YAML reader's scalars are subclasses that remember quotes and digits.
        if isinstance(node, base):
            return base(node)
    return node.isoformat() if hasattr(node, "isoformat") else str(node)
