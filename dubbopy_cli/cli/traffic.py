"""`traffic`: steer calls between versions."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dubbopy_cli import names
from dubbopy_cli.cli import trafficviews, views
from dubbopy_cli.cli.main import app
from dubbopy_cli.cli.options import (
    App,
    DryRun,
    Headers,
    Namespace,
    application_name,
    apply,
    find_server,
    open_target,
    unreadable,
)
from dubbopy_cli.cli.verb import group, verb
from dubbopy_cli.console import Console
from dubbopy_cli.errors import ConflictError, ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from fractions import Fraction

    from dubbopy_cli.targets.base import Application, Target
    from dubbopy_cli.traffic.compose import HeaderKind
    from dubbopy_cli.traffic.hosts import Service
    from dubbopy_cli.traffic.model import RuleSet

traffic = group("traffic", "Steer calls between versions.")
app.add_typer(traffic)

Force = Annotated[bool, typer.Option("--force", help="Even when calls would go where nothing is ready.")]


@verb(traffic, "show")
def show(console: Console, app_name: App = None, namespace: Namespace = "default") -> None:
    """Show who gets the calls, and the rules that say so."""
    _, application = _open(console, app_name, namespace, changing=False)
    console.result(trafficviews.shown(application), trafficviews.text(application))


@verb(traffic, "set")
def set_weights(
    console: Console,
    *,
    weights: Annotated[list[str], typer.Argument(metavar="VERSION[=PERCENT]...", help="v1=90 v2=10; one name: all.")],
    force: Force = False,
    dry_run: DryRun = False,
    app_name: App = None,
    namespace: Namespace = "default",
) -> None:
    """Share the calls out by weight; header routes stay as they are."""
    from dubbopy_cli.traffic import edit, words

    target, application = _open(console, app_name, namespace)
    versions = _versions(application)
    shares = words.weights(weights, versions)

    def change(rules: RuleSet) -> RuleSet:
        return edit.set_weights(rules, application.service, shares, versions)

    _change(console, target, change, application.name, force=force, dry_run=dry_run)


@verb(traffic, "match")
def match(
    console: Console,
    *,
    header: Annotated[list[str] | None, typer.Argument(metavar="HEADER=VALUE...", help="All have to be there.")] = None,
    to: Annotated[str, typer.Option("--to", metavar="VERSION", help="Version that gets these calls.")] = "",
    method: Annotated[str, typer.Option("--method", help="Only calls of this method: M, or pkg.Service/M.")] = "",
    prefix: Annotated[bool, typer.Option("--prefix", help="Header values need only start so.")] = False,
    regex: Annotated[bool, typer.Option("--regex", help="Header values are RE2 patterns of the whole value.")] = False,
    name: Annotated[str, typer.Option("--name", help="Name of the route; default: made from the headers.")] = "",
    force: Force = False,
    dry_run: DryRun = False,
    app_name: App = None,
    namespace: Namespace = "default",
) -> None:
    """Send the calls that carry these headers to one version."""
    from dubbopy_cli.traffic import edit, words

    if not to or not (header or method) or (prefix and regex):
        raise UsageError(
            "usage",
            "say which calls, by a header or --method, and --to which version; --prefix and --regex exclude each other",
            hint="dubbopy-cli traffic match user=admin --to v2",
        )
    target, application = _open(console, app_name, namespace)
    wanted = words.headers(header or [])
    kind: HeaderKind = "prefix" if prefix else "regex" if regex else "exact"

    def change(rules: RuleSet) -> RuleSet:
        versions = _versions(application)
        return edit.match(rules, application.service, wanted, to, versions, name=name, method=method, kind=kind)

    _change(console, target, change, application.name, force=force, dry_run=dry_run)


@verb(traffic, "unmatch")
def unmatch(
    console: Console,
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A route's name, as `traffic show` has it.")],
    force: Force = False,
    dry_run: DryRun = False,
    app_name: App = None,
    namespace: Namespace = "default",
) -> None:
    """Take a route before the default one away."""
    from dubbopy_cli.traffic import edit

    target, application = _open(console, app_name, namespace)

    def change(rules: RuleSet) -> RuleSet:
        return edit.unmatch(rules, application.service, name)

    _change(console, target, change, application.name, force=force, dry_run=dry_run)


@verb(traffic, "reset")
def reset(
    console: Console,
    *,
    force: Force = False,
    dry_run: DryRun = False,
    app_name: App = None,
    namespace: Namespace = "default",
) -> None:
    """Take the application's rules away: all ready versions share the calls again."""
    from dubbopy_cli.traffic import edit

    target, application = _open(console, app_name, namespace)

    def change(rules: RuleSet) -> RuleSet:
        return edit.reset(rules, application.service)

    _change(console, target, change, application.name, force=force, dry_run=dry_run)


@verb(traffic, "apply")
def apply_files(
    console: Console,
    *,
    file: Annotated[list[str], typer.Option("-f", "--file", metavar="FILE", help="YAML file, - is stdin; repeatable.")],
    force: Force = False,
    dry_run: DryRun = False,
    namespace: Namespace = "default",
) -> None:
    """Apply DestinationRules and VirtualServices from files, in an order that loses no call."""
    from dubbopy_cli.traffic import yamlio

    # Read and refused before the target is touched.
    rules = [rule for one in file for rule in yamlio.parse(_read(one), source=one, namespace=namespace)]
    if strangers := sorted({rule.namespace for rule in rules} - {namespace}):
        raise UsageError(
            "usage",
            f"the rules are for namespace {', '.join(strangers)}, and this command works in {namespace}",
            hint=f"dubbopy-cli traffic apply --namespace {strangers[0]} -f {file[0]}",
        )
    target = open_target(console, namespace, changing=True)
    _change(console, target, lambda seen: seen.put(*rules), "", force=force, dry_run=dry_run)


@verb(traffic, "verify")
def verify(
    console: Console,
    *,
    count: Annotated[
        int | None,
        typer.Option("-n", "--count", min=1, max=1_000_000, help="Calls to make; default: as many as it takes."),
    ] = None,
    expect: Annotated[str, typer.Option("--expect", metavar="V=PERCENT,...", help="Default: what the rules say.")] = "",
    header: Headers = None,
    method: Annotated[str, typer.Option("--method", metavar="SERVICE/METHOD", help="Method to call.")] = "",
    data: Annotated[str, typer.Option("-d", "--data", metavar="JSON", help="Request as JSON.")] = "{}",
    concurrency: Annotated[int, typer.Option("-c", "--concurrency", min=1, max=256, help="Calls at a time.")] = 8,
    confidence: Annotated[float, typer.Option("--confidence", min=0.5, max=0.999999, help="How sure to be.")] = 0.999,
    app_name: App = None,
    namespace: Namespace = "default",
) -> None:
    """Make calls, count who answers and compare with what the rules say; exit code 6 unless it fits."""
    from dubbopy_cli.cli.call import body
    from dubbopy_cli.targets.base import CallRequest
    from dubbopy_cli.traffic.verify import calls_needed
    from dubbopy_cli.traffic.verify import verify as compare
    from dubbopy_cli.traffic.words import headers

    target, application = _open(console, app_name, namespace, changing=False)
    sent = tuple(headers(header or []).items())
    request = CallRequest(application.name, method, body(data), sent, count or 1, concurrency)
    report = target.call(request)
    expected = _expected(application, expect, report.method, sent)
    if count is None:
        # That call was to learn the method, and so what is expected and how many calls can tell.
        report = target.call(replace(request, count=calls_needed(expected, confidence=confidence)))
    verdict = compare(report.versions, expected, confidence=confidence)
    console.result(
        trafficviews.verdict_dict(verdict) | {"failed": report.failed, "errors": dict(report.errors)},
        trafficviews.verdict_text(verdict),
    )
    if report.failed:
        console.warn(f"{report.failed} of {report.calls} calls failed: {report.error_message}")
    if not verdict or report.failed:
        raise typer.Exit(ExitCode.CONFLICT)


def _expected(
    application: Application, expect: str, method: str, headers: tuple[tuple[str, str], ...]
) -> Mapping[str, Fraction | float]:
    from dubbopy_cli.traffic import shares, words
    from dubbopy_cli.traffic.request import Request

    versions = _versions(application)
    if expect:
        return {version: share / 100 for version, share in words.weights(expect.split(","), versions).items()}
    ready = {release.version: release.ready for release in application.releases}
    request = Request(application.service.fqdn, application.port, f"/{method}", headers=headers)
    route = shares.share_for(application.rules, application.service, ready, request)
    if not route.answered:
        raise ConflictError(
            "nothing-expected",
            f"by the rules no version answers these calls: {route.losses[0].text if route.losses else route.condition}",
            hint=f"dubbopy-cli traffic show {application.service.options}",
        )
    return route.answered


def _open(
    console: Console, app_name: str | None, namespace: str, *, changing: bool = True
) -> tuple[Target, Application]:
    target = open_target(console, namespace, changing=changing)
    return target, find_server(target, application_name(app_name, called=True))


def _versions(application: Application) -> list[str]:
    return [release.version for release in application.releases]


def _change(
    console: Console,
    target: Target,
    change: Callable[[RuleSet], RuleSet],
    application: str,
    *,
    force: bool,
    dry_run: bool,
) -> None:
    """Make the rules what ``change`` returns for those seen, if nothing speaks against it, and show who gets calls."""
    from dubbopy_cli.traffic import findings
    from dubbopy_cli.traffic.check import check

    with target.exclusive():
        wanted = change(target.rules())
        found = check(wanted, _ready(target))
        findings.enforce(found, force=force)
        for one in found:
            console.warn(str(one))
        steps = apply(console, target.apply_rules(wanted), dry_run=dry_run)
    shown = [one for one in target.applications() if one.role == "server" and application in {"", one.name}]
    console.result(
        {
            "dry_run": dry_run,
            "steps": steps,
            "findings": [trafficviews.finding_dict(one) for one in found],
            "applications": [trafficviews.shown(one) for one in shown],
        },
        "Nothing was changed." if dry_run else _summary(shown, changed=bool(steps)),
    )
    where = shown[0].service.options if len(shown) == 1 else f"--app NAME{names.in_namespace(target.namespace)}"
    console.next_steps([] if dry_run else [f"dubbopy-cli traffic {what} {where}" for what in ("verify", "show")])


def _ready(target: Target) -> dict[Service, dict[str, int]]:
    return {one.service: {r.version: r.ready for r in one.releases} for one in target.applications() if one.address}


def _summary(applications: list[Application], *, changed: bool) -> str:
    lines = [] if changed else ["the rules say so already"]
    for one in applications:
        lines += [one.name, *(f"  {views.route_line(route)}" for route in views.routes(one))]
    return "\n".join(lines)


def _read(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(name, error) from error
