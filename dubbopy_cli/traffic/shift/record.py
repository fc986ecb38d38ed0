"""What a shift is to do and how far it has come: kept beside the rules, so that one that was killed can go on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from dubbopy_cli.errors import DubbopyError
from dubbopy_cli.traffic.history import Changed, Origin, changed
from dubbopy_cli.traffic.model import RuleSet
from dubbopy_cli.traffic.plan import same
from dubbopy_cli.traffic.shift.conditions import Condition, condition
from dubbopy_cli.traffic.shift.steps import Move


@dataclass(frozen=True)
class Shift:
    """What is to be done; ``interval`` and ``patience`` are in seconds."""

    application: str
    to: str
    moves: tuple[Move, ...]
    interval: float
    patience: float
    conditions: tuple[Condition, ...] = ()
    minimum: int | None = None


@dataclass(frozen=True)
class Progress:
    """A shift and how far it is; written before a step is taken.

    ``aimed`` are the objects before the shift began and as the step it is at makes them, ``reached`` as the step
    before left them: what was killed between them may have left some of both.
    """

    shift: Shift
    origin: Origin
    step: int = 0
    aimed: tuple[Changed, ...] = ()
    reached: tuple[Changed, ...] = ()

    @property
    def percent(self) -> int:
        """Return the percentage of the step it is at."""
        return self.shift.moves[self.step].percent

    def at(self, step: int, now: RuleSet, wanted: RuleSet) -> Progress:
        """Return the progress with the rules on their way from ``now`` to what the step makes of them."""
        return replace(self, step=step, aimed=changed(self.former(now), wanted), reached=self.aimed)

    def former(self, rules: RuleSet) -> RuleSet:
        """Return the rules with the objects of the shift as they were before it, whatever they are now."""
        for one in (*self.reached, *self.aimed):
            before = one.former
            rules = rules.put(before) if before else rules.drop(one.key)
        return rules

    def undone(self, rules: RuleSet) -> bool:
        """Tell whether the rules are as they were before the shift."""
        return all(same(rules.get(one.key), one.former) for one in (*self.reached, *self.aimed))

    def foreign(self, rules: RuleSet) -> str:
        """Return the name of an object that is as the shift never made it; an empty text where there is none."""
        every = (*self.reached, *self.aimed)
        for key in sorted({one.key for one in every}):
            known = [rule for one in every if one.key == key for rule in (one.former, one.latter)]
            # An object that only one of the two steps changes is as before in the other.
            if not any(same(rules.get(key), rule) for rule in known):
                return _title(key)
        return ""

    def moved(self, rules: RuleSet) -> str:
        """Return the name of an object that is not as the step made it; an empty text where there is none.

        An undo by somebody else makes one that `foreign` takes for the shift's own.
        """
        return next((_title(one.key) for one in self.aimed if not same(rules.get(one.key), one.latter)), "")


def _title(key: tuple[str, str, str]) -> str:
    return f"{key[0]} {key[1]}/{key[2]}"


def dumps(progress: Progress) -> str:
    """Return the progress as JSON text; ``loads`` reads it."""
    shift = progress.shift
    document = {
        "schema": 1,
        "application": shift.application,
        "to": shift.to,
        "moves": [{"percent": one.percent, "weights": dict(one.weights)} for one in shift.moves],
        "interval": shift.interval,
        "patience": shift.patience,
        "conditions": [one.text for one in shift.conditions],
        "minimum": shift.minimum,
        "origin": asdict(progress.origin),
        "step": progress.step,
        "aimed": [asdict(one) for one in progress.aimed],
        "reached": [asdict(one) for one in progress.reached],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def loads(text: str) -> Progress:
    """Return the progress that ``dumps`` wrote; DubbopyError ``rules-damaged`` for anything else."""
    try:
        node: dict[str, Any] = json.loads(text)
        shift = Shift(
            str(node["application"]),
            str(node["to"]),
            tuple(Move(int(one["percent"]), dict(one["weights"])) for one in node["moves"]),
            float(node["interval"]),
            float(node["patience"]),
            tuple(condition(one) for one in node["conditions"]),
            node["minimum"],
        )
        aimed, reached = (tuple(Changed(**one) for one in node[key]) for key in ("aimed", "reached"))
        return Progress(shift, Origin(**node["origin"]), int(node["step"]), aimed, reached)
    except (ValueError, KeyError, TypeError, AttributeError, DubbopyError) as error:
        raise DubbopyError(
            "rules-damaged",
            f"the record of a shift that was cut off cannot be read: {error}",
            hint="dubbopy-cli traffic undo if need be, then the shift from its beginning with --force",
        ) from error
