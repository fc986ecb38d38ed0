"""`traffic shift`: move the calls to a version step by step, and go back if something speaks against it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from dubbopy_cli.cli import views
from dubbopy_cli.cli.options import application_name, find_server
from dubbopy_cli.cli.place import open_target, origin, target_for
from dubbopy_cli.cli.traffic import shiftbegin, shiftviews, traffic
from dubbopy_cli.cli.traffic.change import ChangingOne
from dubbopy_cli.cli.traffic.shiftbegin import Steps
from dubbopy_cli.cli.verb import verb
from dubbopy_cli.console import Console
from dubbopy_cli.errors import DubbopyError, ExitCode
from dubbopy_cli.scaffold.interrupts import held, interruptible

if TYPE_CHECKING:
    from dubbopy_cli.cli.traffic.shiftrun import Run
    from dubbopy_cli.targets.base import Target
    from dubbopy_cli.traffic.shift.record import Progress
    from dubbopy_cli.traffic.shift.story import Story

_HEARTBEAT_SECONDS = 10.0


@verb(traffic, "shift")
def shift(
    console: Console,
    *,
    how: Steps,
    report: Annotated[str, typer.Option("--report", metavar="FILE.html", help="Write a report with plots.")] = "",
    options: ChangingOne,
) -> None:
    """Move calls to a version step by step; back to the former rules on errors, slowness or Ctrl-C (exit code 5)."""
    shiftbegin.check_words(how, report)
    by = origin()
    target = open_target(console, options, changing=True, by=by)
    application = find_server(target, application_name(options.app_name, called=True))
    with target.shifting(application.name) as record:
        if how.resume:
            progress = shiftbegin.resumed(target, application, record)
            target = target_for(console, options, progress.origin)
        else:
            from dubbopy_cli.traffic.shift.record import Progress

            shiftbegin.refuse_unfinished(target, application, record, force=options.force)
            progress = Progress(shiftbegin.begun(application, how), by)
        if not progress.shift.moves:
            text = f"{how.to} has {shiftbegin.shares(application).get(how.to, 0):g} % of the calls already"
            console.result({"dry_run": options.dry_run, "result": "done", "steps": [], "reason": text}, text)
            return
        left_out = shiftbegin.left_out(application, how, progress.shift)
        if left_out:
            console.warn(left_out)
        lines = shiftbegin.check_steps(console, target, application, progress, options)
        if options.dry_run:
            _show_plan(console, progress, lines)
            return
        from dubbopy_cli.cli.traffic.shiftrun import Run

        _run(console, Run(target, application, progress, record), target, report)


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
