"""`traffic mirror|timeout|retries|fault`: what else happens to calls on their way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from dubbopy_cli.cli.traffic import traffic
from dubbopy_cli.cli.traffic.change import ChangingOne, change_one, versions
from dubbopy_cli.cli.verb import verb
from dubbopy_cli.console import Console
from dubbopy_cli.errors import UsageError

if TYPE_CHECKING:
    from dubbopy_cli.targets.base import Application
    from dubbopy_cli.traffic.model import RuleSet

OFF = "off"
Route = Annotated[str, typer.Option("--route", metavar="NAME", help="Only this route; default: all of them.")]
Percent = Annotated[float, typer.Option("--percent", min=0.0001, max=100, help="Of how many calls in a hundred.")]


@verb(traffic, "mirror")
def mirror(
    console: Console,
    *,
    version: Annotated[str, typer.Argument(metavar="VERSION|off", help="Who gets the copies; off: nobody.")],
    percent: Percent = 100.0,
    route: Route = "",
    options: ChangingOne,
) -> None:
    """Send copies of calls to a version whose answers nobody waits for."""
    from dubbopy_cli.traffic import actions

    def change(rules: RuleSet, application: Application) -> RuleSet:
        to = "" if version == OFF else version
        return actions.mirror(rules, application.service, to, versions(application), percent=percent, route=route)

    change_one(console, options, change)


@verb(traffic, "timeout")
def timeout(
    console: Console,
    *,
    limit: Annotated[str, typer.Argument(metavar="DURATION|off", help="Such as 500ms or 2s; off: no limit.")],
    route: Route = "",
    options: ChangingOne,
) -> None:
    """End calls that take longer: the caller sees UNAVAILABLE, upstream request timeout."""
    from dubbopy_cli.traffic import actions, words

    wanted = "" if limit == OFF else words.duration(limit)
    change_one(
        console, options, lambda rules, application: actions.timeout(rules, application.service, wanted, route=route)
    )


@verb(traffic, "retries")
def retries(
    console: Console,
    *,
    attempts: Annotated[
        str, typer.Argument(metavar="N|default", help="How often to try again; 0: never; default: Istio's 2.")
    ],
    per_try: Annotated[str, typer.Option("--per-try", metavar="DURATION", help="Limit of each try.")] = "",
    on: Annotated[str, typer.Option("--on", metavar="CONDITIONS", help="Such as unavailable,reset.")] = "",
    route: Route = "",
    options: ChangingOne,
) -> None:
    """Say how often a call that failed is tried again; without a rule Istio tries twice more."""
    from dubbopy_cli.traffic import actions, words

    if attempts != "default" and not re.fullmatch(r"[0-9]{1,2}", attempts):
        raise UsageError("usage", f"'{attempts}' is no number of retries", hint="dubbopy-cli traffic retries 0")
    count = None if attempts == "default" else int(attempts)
    if not count and (per_try or on):
        raise UsageError(
            "usage", "--per-try and --on need at least one retry", hint="dubbopy-cli traffic retries 1 --per-try 500ms"
        )
    limit = words.duration(per_try) if per_try else ""

    def change(rules: RuleSet, application: Application) -> RuleSet:
        return actions.retries(rules, application.service, count, per_try=limit, on=on, route=route)

    change_one(console, options, change)


@verb(traffic, "fault")
def fault(
    console: Console,
    *,
    off: Annotated[str, typer.Argument(metavar="[off]", help="Make no more faults.")] = "",
    abort: Annotated[str, typer.Option("--abort", metavar="STATUS", help="Answer with it: 503, or UNAVAILABLE.")] = "",
    delay: Annotated[str, typer.Option("--delay", metavar="DURATION", help="Wait first, such as 2s.")] = "",
    percent: Percent = 100.0,
    route: Route = "",
    options: ChangingOne,
) -> None:
    """Make calls fail or wait on purpose, to see how callers take it."""
    from dubbopy_cli.traffic import actions, words

    if off not in {"", OFF} or bool(off) == bool(abort or delay):
        raise UsageError(
            "usage",
            "say which fault: --abort STATUS, --delay DURATION or both; or off",
            hint="dubbopy-cli traffic fault --abort 503 --percent 1",
        )
    wanted = None
    if not off:
        wanted = actions.Fault(percent, words.status(abort) if abort else "", words.duration(delay) if delay else "")
    change_one(
        console, options, lambda rules, application: actions.fault(rules, application.service, wanted, route=route)
    )
