"""What the verbs that change rules have in common: their options, the check, the plan and what they show."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from dubbopy_cli import names
from dubbopy_cli.cli import views
from dubbopy_cli.cli.options import App, DryRun, Where, application_name, apply, find_server
from dubbopy_cli.cli.place import open_target
from dubbopy_cli.cli.traffic import views as trafficviews
from dubbopy_cli.console import Console

if TYPE_CHECKING:
    from dubbopy_cli.targets.base import Application, Target
    from dubbopy_cli.traffic.hosts import Service
    from dubbopy_cli.traffic.model import RuleSet

    Edit = Callable[[RuleSet, Application], RuleSet]


@dataclass(frozen=True)
class Changing(Where):
    """How the rules of a namespace are changed."""

    force: Annotated[
        bool,
        typer.Option("--force", help="Even when calls would go where nothing is ready, or others manage the rules."),
    ] = False
    dry_run: DryRun = False
    diff: Annotated[bool, typer.Option("--diff", help="Show what changes in the rules, as a unified diff.")] = False


@dataclass(frozen=True)
class OneApp(Where):
    """The application whose rules are looked at."""

    app_name: App = None


@dataclass(frozen=True)
class ChangingOne(Changing):
    """How the rules of one application are changed."""

    app_name: App = None


def open_application(console: Console, where: OneApp | ChangingOne, *, changing: bool) -> tuple[Target, Application]:
    """Return the target and the application as it runs there."""
    target = open_target(console, where, changing=changing)
    return target, find_server(target, application_name(where.app_name, called=True))


def versions(application: Application) -> list[str]:
    """Return the versions that are deployed."""
    return [release.version for release in application.releases]


def change_one(console: Console, options: ChangingOne, edit: Edit) -> None:
    """Make the rules what ``edit`` returns for those seen and the application."""
    target, application = open_application(console, options, changing=True)
    change(console, target, options, lambda seen: edit(seen, application), application.name)


def change(
    console: Console,
    target: Target,
    options: Changing,
    edit: Callable[[RuleSet], RuleSet],
    application: str = "",
) -> None:
    """Make the rules what ``edit`` returns for those seen, if nothing speaks against it, and show who gets calls."""
    from dubbopy_cli.traffic import findings, owners
    from dubbopy_cli.traffic.check import check
    from dubbopy_cli.traffic.difference import difference

    with target.exclusive():
        seen = target.rules()
        wanted = edit(seen)
        running = target.applications()
        found = (*owners.check(seen, wanted), *check(wanted, counts(running), proxyless(running)))
        findings.enforce(found, force=options.force)
        for one in found:
            console.warn(str(one))
        lines = difference(seen, wanted) if options.diff else ""
        steps = apply(console, target.apply_rules(wanted, force=options.force), dry_run=options.dry_run)
    shown = [one for one in target.applications() if one.role == "server" and application in {"", one.name}]
    console.result(
        {
            "dry_run": options.dry_run,
            "steps": steps,
            "findings": [trafficviews.finding_dict(one) for one in found],
            **({"diff": lines} if options.diff else {}),
            "applications": [trafficviews.shown(one) for one in shown],
        },
        lines + ("Nothing was changed." if options.dry_run else _summary(shown, changed=bool(steps))),
    )
    where = shown[0].service.options if len(shown) == 1 else f"--app NAME{names.in_namespace(target.namespace)}"
    console.next_steps(
        [] if options.dry_run else [f"dubbopy-cli traffic {what} {where}" for what in ("verify", "show")]
    )


def ready(target: Target) -> dict[Service, dict[str, int]]:
    """Return how many instances of each version are ready, by the Service that rules name."""
    return counts(target.applications())


def counts(running: Iterable[Application]) -> dict[Service, dict[str, int]]:
    """Return the same of the applications that run."""
    return {one.service: {r.version: r.ready for r in one.releases} for one in running if one.address}


def proxyless(running: Iterable[Application]) -> tuple[str, ...]:
    """Return the applications that call others and have no sidecar to route their calls."""
    return tuple(one.name for one in running if one.role == "client" and one.mesh == "proxyless")


def _summary(applications: list[Application], *, changed: bool) -> str:
    lines = [] if changed else ["the rules say so already"]
    for one in applications:
        lines += [one.name, *(f"  {views.route_line(route)}" for route in views.routes(one))]
    return "\n".join(lines)
