"""What `traffic shift` is asked for, and what is refused before it begins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dubbopy_cli.cli import views
from dubbopy_cli.cli.options import seconds
from dubbopy_cli.cli.traffic.change import ChangingOne, ready, versions
from dubbopy_cli.console import Console
from dubbopy_cli.errors import ConflictError, UsageError

if TYPE_CHECKING:
    from dubbopy_cli.targets.base import Application, ShiftRecord, Target
    from dubbopy_cli.traffic.shift.record import Progress, Shift


@dataclass(frozen=True)
class Steps:
    """How the calls are moved."""

    to: Annotated[str, typer.Option("--to", metavar="VERSION", help="Version that gets more calls by each step.")] = ""
    steps: Annotated[
        str, typer.Option("--steps", metavar="P,P,...", help="Percentages that it gets; default: 5,25,50,100.")
    ] = ""
    interval: Annotated[
        str, typer.Option("--interval", metavar="DURATION", help="How long each step is watched; default: 30s.")
    ] = ""
    abort_if: Annotated[
        list[str] | None,
        typer.Option("--abort-if", metavar="CONDITION", help="errors>1%, errors>5 or p99>200ms; repeatable."),
    ] = None
    min_calls: Annotated[
        int | None, typer.Option("--min-calls", min=1, help="Calls of a step that are enough to judge by.")
    ] = None
    patience: Annotated[
        str, typer.Option("--patience", metavar="DURATION", help="How long to wait for them; default: 10m.")
    ] = ""
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a shift that was cut off.")] = False


def shares(application: Application) -> dict[str, float]:
    """Return each version's part of the calls, in percent, by the rules; without any, ready instances share."""
    from dubbopy_cli.traffic.shares import shares

    # A weight is a weight, whether its version is ready or not.
    count = {one.version: one.ready or (1 if application.rules else 0) for one in application.releases}
    routes = shares(application.rules, application.service, count)
    found = next((one for one in routes if one.is_default), None)
    return {version: views.percent(part) for version, part in found.versions.items()} if found else {}


def left_out(application: Application, how: Steps, shift: Shift) -> str:
    """Return in words which of the steps that were asked for are not taken."""
    from dubbopy_cli.traffic.shift import steps

    asked = () if how.resume else steps.percentages(how.steps or steps.DEFAULT)
    gone = [str(one) for one in asked if one < shift.moves[0].percent]
    has = shares(application).get(how.to, 0)
    why = f"{how.to} has {has:g} % of the calls already" if has else "no other version is there to keep the rest"
    return f"{why}: the steps to {', '.join(gone)} % are left out" if gone else ""


def check_words(how: Steps, report: str) -> None:
    """Refuse options that contradict each other, or a report for which there is no folder; UsageError."""
    given = [how.to, how.steps, how.interval, how.abort_if, how.min_calls, how.patience]
    if how.resume and any(given):
        raise UsageError(
            "usage",
            "--resume goes on as the shift was begun, so nothing else about it can be said",
            hint="dubbopy-cli traffic shift --resume",
        )
    if not how.resume and not how.to:
        raise UsageError(
            "usage", "say which version gets the calls", hint="dubbopy-cli traffic shift --to v2 --abort-if 'errors>1%'"
        )
    if report and not Path(report).absolute().parent.is_dir():
        folder = Path(report).parent
        raise UsageError("usage", f"{report} cannot be written: there is no folder {folder}", hint=f"mkdir -p {folder}")


def begun(application: Application, how: Steps) -> Shift:
    """Return the shift that the options mean, from the shares there are; UsageError for what cannot be meant."""
    from dubbopy_cli.traffic import words
    from dubbopy_cli.traffic.shift import steps
    from dubbopy_cli.traffic.shift.conditions import condition
    from dubbopy_cli.traffic.shift.record import Shift

    words.known(how.to, versions(application))
    conditions = tuple(condition(one) for one in how.abort_if or ())
    wanted = steps.percentages(how.steps or steps.DEFAULT)
    count = {one.version: one.ready for one in application.releases}
    moves = steps.moves(wanted, how.to, shares(application), count)
    interval, patience = seconds(how.interval or "30s"), seconds(how.patience or "10m")
    if interval <= 0:
        raise UsageError("usage", "a step of no time cannot be watched", hint="--interval 30s")
    return Shift(application.name, how.to, moves, interval, patience, conditions, how.min_calls)


def refuse_unfinished(target: Target, application: Application, record: ShiftRecord, *, force: bool) -> None:
    """Refuse to begin where a shift was cut off and its rules still act; one whose rules are gone is forgotten."""
    from dubbopy_cli.traffic.shift.record import loads

    text = record.read()
    if not text or force:
        return
    former = loads(text)
    rules = target.rules()
    if former.undone(rules) or former.foreign(rules):
        record.write("")
        return
    where = application.service.options
    raise ConflictError(
        "shift-unfinished",
        f"a shift of {application.name} to {former.shift.to} was cut off at {former.percent} %",
        hint=f"go on with it: dubbopy-cli traffic shift --resume {where}, or go back: dubbopy-cli traffic undo {where}",
    )


def resumed(target: Target, application: Application, record: ShiftRecord) -> Progress:
    """Return where a shift that was cut off goes on; UsageError without one, ConflictError if rules changed since."""
    from dubbopy_cli.traffic.shift.record import loads

    text = record.read()
    found = loads(text) if text else None
    rules = target.rules()
    if found is None or found.undone(rules):
        raise UsageError(
            "usage",
            f"no shift of {application.name} was cut off",
            hint=f"dubbopy-cli traffic shift --to VERSION {application.service.options}",
        )
    changed = found.foreign(rules)
    if changed:
        raise ConflictError(
            "rules-refused",
            f"{changed} is not as the shift to {found.shift.to} left it: somebody else has changed it since",
            hint=f"begin a new one: dubbopy-cli traffic shift --to {found.shift.to} {application.service.options}",
        )
    return found


def check_steps(
    console: Console, target: Target, application: Application, progress: Progress, options: ChangingOne
) -> str:
    """Refuse what `traffic set` would refuse, for every step, and return how the first one changes the rules."""
    from dubbopy_cli.traffic import edit, findings, owners
    from dubbopy_cli.traffic.check import check
    from dubbopy_cli.traffic.difference import difference

    seen = target.rules()
    steps = [
        edit.set_weights(seen, application.service, one.weights, versions(application)) for one in progress.shift.moves
    ]
    there = ready(target)
    found = dict.fromkeys(one for wanted in steps for one in (*owners.check(seen, wanted), *check(wanted, there)))
    findings.enforce(tuple(found), force=options.force)
    for one in found:
        console.warn(str(one))
    return difference(seen, steps[progress.step]) if options.diff else ""
