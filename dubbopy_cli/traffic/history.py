"""What was done to rules, by whom and by which command, and the way back; kept as text beside the rules."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from dubbopy_cli.errors import ConflictError, DubbopyError, UsageError
from dubbopy_cli.traffic import yamlio
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.lookup import hosts_of
from dubbopy_cli.traffic.model import Rule, RuleSet
from dubbopy_cli.traffic.plan import same

KEPT = 50
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Origin:
    """Who changes rules: the command's line, user@host, and a word that only this run of the command has."""

    command: str = ""
    who: str = ""
    run: str = ""


@dataclass(frozen=True)
class Changed:
    """One object before and after a change, as YAML; an empty text where it was not there."""

    kind: str
    namespace: str
    name: str
    before: str
    after: str

    @property
    def key(self) -> Key:
        """Return what identifies the object."""
        return (self.kind, self.namespace, self.name)

    @property
    def former(self) -> Rule | None:
        """Return the object as it was before, None where it was not there."""
        return _parsed(self.before, self.namespace)

    @property
    def latter(self) -> Rule | None:
        """Return the object as it was afterwards, None where it was deleted."""
        return _parsed(self.after, self.namespace)

    def only(self, service: Service) -> bool:
        """Tell whether the object was never about anything but ``service``."""
        hosts = {host for rule in (self.former, self.latter) if rule for host in hosts_of(rule)}
        return hosts == {service.fqdn}

    @property
    def what(self) -> str:
        """Return what was done to the object, in words."""
        done = "changed" if self.before and self.after else "made" if self.after else "deleted"
        return f"{self.kind} {self.namespace}/{self.name} {done}"


@dataclass(frozen=True)
class Change:
    """What one command did to the rules; ``time`` is in seconds since the epoch, numbers only ever grow."""

    number: int
    time: float
    origin: Origin
    objects: tuple[Changed, ...]

    def touches(self, service: Service) -> bool:
        """Tell whether an object of the change is about ``service``."""
        rules = (rule for one in self.objects for rule in (one.former, one.latter) if rule)
        return any(service.fqdn in hosts_of(rule) for rule in rules)


def changed(former: RuleSet, wanted: RuleSet) -> tuple[Changed, ...]:
    """Return the objects in which two sets of rules differ."""
    found = []
    for key in sorted({rule.key for rule in (*former, *wanted)}):
        before, after = former.get(key), wanted.get(key)
        if not same(before, after):
            kind, namespace, name = key
            found.append(Changed(kind, namespace, name, _text(before), _text(after)))
    return tuple(found)


def record(
    changes: Sequence[Change], origin: Origin, former: RuleSet, wanted: RuleSet, time: float
) -> tuple[Change, ...]:
    """Return the history with the step from ``former`` to ``wanted`` in it, the newest 50 changes.

    The steps of one run are one change; a run that ends where it began leaves none.
    """
    own = next((one for one in changes if origin.run and one.origin.run == origin.run), None)
    others = tuple(one for one in changes if one is not own)
    objects = {one.key: one for one in own.objects} if own else {}
    for one in changed(former, wanted):
        objects[one.key] = replace(one, before=objects[one.key].before) if one.key in objects else one
    real = tuple(one for _, one in sorted(objects.items()) if one.before != one.after)
    if not real:
        return others
    number = own.number if own else max((one.number for one in changes), default=0) + 1
    return (*others, Change(number, time, origin, real))[-KEPT:]


def without(changes: Sequence[Change], service: Service) -> tuple[Change, ...]:
    """Return the history without the objects that were about ``service`` alone; numbers stay."""
    left = (replace(one, objects=tuple(item for item in one.objects if not item.only(service))) for one in changes)
    return tuple(one for one in left if one.objects)


def undo(
    rules: RuleSet, changes: Sequence[Change], service: Service, number: int | None = None, *, force: bool = False
) -> RuleSet:
    """Return the rules as they were before change ``number`` of the Service, by default its last one.

    Later changes of the Service are undone as well. UsageError for a number that is not there, ConflictError
    ``rules-refused`` where somebody else has changed an object since, unless forced.
    """
    own = [one for one in changes if one.touches(service)]
    if not own or number not in {None, *(one.number for one in own)}:
        raise UsageError(
            "usage",
            f"no change of the rules of {service.name} is recorded"
            if not own
            else f"change {number} is none of {service.name}: {', '.join(str(one.number) for one in own)} are kept",
            hint=f"dubbopy-cli traffic history {service.options}",
        )
    first = own[-1].number if number is None else number
    before: dict[Key, Rule | None] = {}
    after: dict[Key, Rule | None] = {}
    for one in own:
        if one.number >= first:
            for item in one.objects:
                before.setdefault(item.key, item.former)
                after[item.key] = item.latter
    for key, wanted in before.items():
        now = rules.get(key)
        if not force and not same(now, wanted) and not same(now, after[key]):
            raise ConflictError(
                "rules-refused",
                f"{key[0]} {key[1]}/{key[2]} is not as the last change left it: somebody else has changed it since",
                hint=f"look at it with dubbopy-cli traffic show {service.options}, then go on with --force",
            )
        rules = rules.put(wanted) if wanted else rules.drop(key)
    return rules


def dumps(changes: Sequence[Change]) -> str:
    """Return the history as JSON text; ``loads`` reads it."""
    return json.dumps({"schema": 1, "changes": [asdict(one) for one in changes]}, indent=1, ensure_ascii=False) + "\n"


def loads(text: str, source: str) -> tuple[Change, ...]:
    """Return the history that ``dumps`` wrote; DubbopyError ``rules-damaged`` for anything else."""
    try:
        return tuple(_change(one) for one in json.loads(text)["changes"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DubbopyError(
            "rules-damaged",
            f"the history of the rules cannot be read: {source}: {error}",
            hint=f"move {source} away: the rules themselves are not touched by that",
        ) from error


def _change(node: Mapping[str, Any]) -> Change:
    objects = tuple(Changed(**one) for one in node["objects"])
    return Change(int(node["number"]), float(node["time"]), Origin(**node["origin"]), objects)


def _text(rule: Rule | None) -> str:
    return yamlio.dump([rule]) if rule else ""


def _parsed(text: str, namespace: str) -> Rule | None:
    return yamlio.parse(text, source="the history", namespace=namespace)[0] if text else None
