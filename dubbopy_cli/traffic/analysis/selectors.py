"""Label selectors, and indexes that find what they select without looking at everything."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from dubbopy_cli.traffic.model import mapping, sequence, text

T = TypeVar("T")
Labels = Mapping[str, Any]


def contains(labels: Labels, selector: Labels) -> bool:
    """Tell whether ``labels`` have every pair of ``selector``; no pair at all selects everything."""
    return all(key in labels and labels[key] == value for key, value in selector.items())


def written(selector: Labels) -> str:
    """Return a selector as Kubernetes writes it: ``app=greeter,version=v1``."""
    return ",".join(f"{key}={selector[key]}" for key in sorted(selector))


def expression_selects(node: object, labels: Labels) -> bool:
    """Tell whether a selector with matchLabels and matchExpressions selects ``labels``; none selects everything."""
    if node is None:
        return True
    selector = mapping(node)
    if not contains(labels, mapping(selector.get("matchLabels"))):
        return False
    return all(_holds(mapping(one), labels) for one in sequence(selector.get("matchExpressions")))


def _holds(expression: Mapping[str, Any], labels: Labels) -> bool:
    key = text(expression.get("key"))
    values = sequence(expression.get("values"))
    match expression.get("operator"):
        case "In":
            return key in labels and labels[key] in values
        case "NotIn":
            return bool(values) and (key not in labels or labels[key] not in values)
        case "Exists":
            return key in labels and not values
        case "DoesNotExist":
            return key not in labels and not values
    return False


class LabelIndex(Generic[T]):
    """Labelled things, found by a selector at the cost of the rarest pair in it."""

    def __init__(self, things: Iterable[tuple[str, Labels, T]]) -> None:
        self._every: list[tuple[Labels, T]] = []
        self._within: defaultdict[str, list[tuple[Labels, T]]] = defaultdict(list)
        self._by_pair: defaultdict[tuple[str, str], list[tuple[Labels, T]]] = defaultdict(list)
        self._by_place: defaultdict[tuple[str, str, str], list[tuple[Labels, T]]] = defaultdict(list)
        for namespace, labels, thing in things:
            entry = (labels, thing)
            self._every.append(entry)
            self._within[namespace].append(entry)
            for key, value in labels.items():
                self._by_pair[key, str(value)].append(entry)
                self._by_place[namespace, key, str(value)].append(entry)

    def select(self, selector: Labels, namespace: str | None = None) -> Iterator[T]:
        """Yield what ``selector`` selects, in one namespace or in all of them."""
        for labels, thing in self._candidates(selector, namespace):
            if contains(labels, selector):
                yield thing

    def any(self, selector: Labels, namespace: str | None = None) -> bool:
        """Tell whether ``selector`` selects anything."""
        return next(self.select(selector, namespace), None) is not None

    def _candidates(self, selector: Labels, namespace: str | None) -> list[tuple[Labels, T]]:
        pairs = [(key, str(value)) for key, value in selector.items()]
        if namespace is None:
            lists = [self._by_pair.get(pair, []) for pair in pairs]
            return min(lists, key=len) if lists else self._every
        lists = [self._by_place.get((namespace, *pair), []) for pair in pairs]
        return min(lists, key=len) if lists else self._within.get(namespace, [])


class SelectorIndex(Generic[T]):
    """Things that have a selector, found by the labels that they select."""

    def __init__(self, things: Iterable[tuple[str, Labels, T]]) -> None:
        entries = list(enumerate(things))
        rarity = Counter((space, key, str(value)) for _, (space, one, _) in entries for key, value in one.items())
        self._all_selecting: defaultdict[str, list[tuple[int, Labels, T]]] = defaultdict(list)
        self._by_pair: defaultdict[tuple[str, str, str], list[tuple[int, Labels, T]]] = defaultdict(list)
        for order, (space, selector, thing) in entries:
            pairs = [(space, key, str(value)) for key, value in selector.items()]
            if pairs:
                self._by_pair[min(pairs, key=rarity.__getitem__)].append((order, selector, thing))
            else:
                self._all_selecting[space].append((order, selector, thing))

    def selecting(self, labels: Labels, namespace: str = "", *, empty: bool = True) -> list[T]:
        """Return what selects ``labels``, in the order it was given; ``empty``: also what selects everything."""
        found = list(self._all_selecting.get(namespace, [])) if empty else []
        for key, value in labels.items():
            found += [one for one in self._by_pair.get((namespace, key, str(value)), []) if contains(labels, one[1])]
        return [thing for _, _, thing in sorted(found, key=lambda one: one[0])]
