"""`traffic shift`: move the calls to a version step by step, and go back if something speaks against it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from dubbopy_cli.cli import views
from dubbopy_cli.cli.options import application_name, find_server, seconds
from dubbopy_cli.cli.place import open_target, origin, target_for
from dubbopy_cli.cli.traffic import shiftviews, traffic
from dubbopy_cli.cli.traffic.change import ChangingOne, ready, versions
from dubbopy_cli.cli.verb import verb
from dubbopy_cli.console import Console
from dubbopy_cli.errors import ConflictError, DubbopyError, ExitCode, UsageError
from dubbopy_cli.scaffold.interrupts import held, interruptible

if TYPE_CHECKING:
    from dubbopy_cli.cli.traffic.shiftrun import Run
    from dubbopy_cli.targets.base import Application, ShiftRecord, Target
    from dubbopy_cli.traffic.shift.record import Progress, Shift
    from dubbopy_cli.traffic.shift.story import Story

_HEARTBEAT_SECONDS = 10.0


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


@verb(traffic, "shift")
def shift(
    console: Console,
    *,
    how: Steps,
    report: Annotated[str, typer.Option("--report", metavar="FILE.html", help="Write a report with plots.")] = "",
    options: ChangingOne,
) -> None:
    """Move calls to a version step by step; back to the former rules on errors, slowness or Ctrl-C (exit code 5)."""
    _check_words(how, report)
    by = origin()
    target = open_target(console, options, changing=True, by=by)
    application = find_server(target, application_name(options.app_name, called=True))
    with target.shifting(application.name) as record:
        if how.resume:
            progress = _resumed(target, application, record)
            target = target_for(console, options, progress.origin)
        else:
            from dubbopy_cli.traffic.shift.record import Progress

            _refuse_unfinished(target, application, record, force=options.force)
            progress = Progress(_shift(application, how), by)
        if not progress.shift.moves:
            text = f"{how.to} has {_shares(application).get(how.to, 0):g} % of the calls already"
            console.result({"dry_run": options.dry_run, "result": "done", "steps": [], "reason": text}, text)
            return
        left_out = _left_out(application, how, progress.shift)
        if left_out:
            console.warn(left_out)
        lines = _check(console, target, application, progress, options)
        if options.dry_run:
            _show_plan(console, progress, lines)
            return
        from dubbopy_cli.cli.traffic.shiftrun import Run

        _run(console, Run(target, application, progress, record), target, report)


def _shares(application: Application) -> dict[str, float]:
    """Return each version's part of the calls, in percent, by the rules; without any, ready instances share."""
    from dubbopy_cli.traffic.shares import shares

    # A weight is a weight, whether its version is ready or not.
    count = {one.version: one.ready or (1 if application.rules else 0) for one in application.releases}
    routes = shares(application.rules, application.service, count)
    found = next((one for one in routes if one.is_default), None)
    return {version: views.percent(part) for version, part in found.versions.items()} if found else {}


def _left_out(application: Application, how: Steps, shift: Shift) -> str:
    """Return in words which of the steps that were asked for are not taken."""
    from dubbopy_cli.traffic.shift import steps

    asked = () if how.resume else steps.percentages(how.steps or steps.DEFAULT)
    gone = [str(one) for one in asked if one < shift.moves[0].percent]
    has = _shares(application).get(how.to, 0)
    why = f"{how.to} has {has:g} % of the calls already" if has else "no other version is there to keep the rest"
    return f"{why}: the steps to {', '.join(gone)} % are left out" if gone else ""


def _check_words(how: Steps, report: str) -> None:
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


def _shift(application: Application, how: Steps) -> Shift:
    from dubbopy_cli.traffic import words
    from dubbopy_cli.traffic.shift import steps
    from dubbopy_cli.traffic.shift.conditions import condition
    from dubbopy_cli.traffic.shift.record import Shift

    words.known(how.to, versions(application))
    conditions = tuple(condition(one) for one in how.abort_if or ())
    wanted = steps.percentages(how.steps or steps.DEFAULT)
    count = {one.version: one.ready for one in application.releases}
    moves = steps.moves(wanted, how.to, _shares(application), count)
    interval, patience = seconds(how.interval or "30s"), seconds(how.patience or "10m")
    if interval <= 0:
        raise UsageError("usage", "a step of no time cannot be watched", hint="--interval 30s")
    return Shift(application.name, how.to, moves, interval, patience, conditions, how.min_calls)


def _refuse_unfinished(target: Target, application: Application, record: ShiftRecord, *, force: bool) -> None:
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


def _resumed(target: Target, application: Application, record: ShiftRecord) -> Progress:
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


def _check(console: Console, target: Target, application: Application, progress: Progress, options: ChangingOne) -> str:
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


def _show_plan(console: Console, progress: Progress, lines: str) -> None:
    shift = progress.shift
    console.result(
        {
            "dry_run": True,
            "application": shift.application,
            "to": shift.to,
            "conditions": [one.text for one in shift.conditions],
            "steps": [{"percent": one.percent, "weights": dict(one.weights)} for one in shift.moves],
            **({"diff": lines} if lines else {}),
        },
        f"{lines}{shiftviews.planned(shift)}\nNothing was changed.",
    )


def _run(console: Console, run: Run, target: Target, report: str) -> None:
    with held():
        try:
            # Only here does a signal end anything: what follows is not to be stopped half-way.
            with interruptible():
                _follow(console, run)
        except (DubbopyError, KeyboardInterrupt) as stopped:
            _went_wrong(console, run, stopped, report)
        except Exception:
            run.back()
            raise
        story = replace(run.story, result="done")
        _report(console, story, report, run.command)
    shown = find_server(target, story.shift.application)
    routes = "\n".join([shown.name, *(f"  {views.route_line(one)}" for one in views.routes(shown))])
    console.result(
        _data(story, report) | {"routes": [views.route_dict(one) for one in views.routes(shown)]},
        routes if console.on_terminal else f"{shiftviews.table(story)}\n{routes}",
    )
    console.next_steps([f"dubbopy-cli traffic {what} {shown.service.options}" for what in ("show", "undo")])


def _follow(console: Console, run: Run) -> None:
    """Let the shift go on to its end and show how it stands: in place on a terminal, else by lines."""
    if console.on_terminal:
        console.live(_frames(run))
        return
    to = run.story.shift.to
    told, percent = time.monotonic(), 0
    for stage in run.go():
        if stage.move.percent != percent:
            percent = stage.move.percent
            console.say(f"  {percent} %: {stage.move.text}")
            told = time.monotonic()
        elif stage.over or time.monotonic() - told >= _HEARTBEAT_SECONDS:
            console.say(f"    {shiftviews.line(stage, to)}")
            told = time.monotonic()


def _frames(run: Run) -> Iterator[str]:
    for _ in run.go():
        yield shiftviews.frame(run.story)


def _went_wrong(console: Console, run: Run, stopped: DubbopyError | KeyboardInterrupt, report: str) -> NoReturn:
    """Put the former rules back, tell, and end the command."""
    interrupted = isinstance(stopped, KeyboardInterrupt)
    error = _interrupted(run) if isinstance(stopped, KeyboardInterrupt) else stopped
    if error.code == "rules-refused":
        run.leave()
    else:
        error = _back(run, error)
    aborted = error.code == "shift-aborted"
    result: Story = replace(
        run.story,
        result="interrupted" if interrupted else "aborted" if aborted else "failed",
        reason=error.message,
    )
    if console.human and not console.on_terminal and result.stages:
        error.details = error.details or shiftviews.table(result)
    _report(console, result, report, run.command)
    console.error(error, _data(result, report))
    raise typer.Exit(ExitCode.INTERRUPTED if interrupted else error.exit_code)


def _interrupted(run: Run) -> DubbopyError:
    return DubbopyError(
        "interrupted",
        f"the shift to {run.story.shift.to} was interrupted at {run.percent} %",
        hint="the same command again begins anew",
    )


def _back(run: Run, error: DubbopyError) -> DubbopyError:
    """Put the former rules back and return the error with what became of that."""
    from dubbopy_cli.cli.traffic.shiftrun import BACK

    try:
        run.back()
    except DubbopyError as failed:
        if failed.code == "rules-refused":
            run.leave()
        failed.message = f"{error.message}; the former rules could not be put back: {failed.message}"
        failed.args = (failed.message,)
        return failed
    error.message = f"{error.message}; {BACK}"
    return error


def _report(console: Console, story: Story, report: str, command: str) -> None:
    if report:
        from dubbopy_cli.cli.traffic.shiftreport import write

        write(console, story, Path(report), command)


def _data(story: Story, report: str) -> dict[str, object]:
    from dubbopy_cli.traffic.shift.story import data

    return data(story) | {"report": report}
