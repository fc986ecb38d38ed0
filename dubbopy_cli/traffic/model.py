"""Traffic rules as values: whole Kubernetes objects, of which no field is ever lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

DESTINATION_RULE = "DestinationRule"
VIRTUAL_SERVICE = "VirtualService"


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
