"""`traffic verify`: who answers, against what the rules say."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from dubbopy_cli.cli.options import Headers, find_application, seconds
from dubbopy_cli.cli.traffic import traffic, views
from dubbopy_cli.cli.traffic.change import OneApp, open_application, versions
from dubbopy_cli.cli.verb import verb
from dubbopy_cli.console import Console
from dubbopy_cli.errors import ConflictError, ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from fractions import Fraction

    from dubbopy_cli.targets.base import Application, CallRequest, Target

    Shares = Mapping[str, Fraction | float]


@dataclass(frozen=True)
class Calls:
    """The calls to make."""

    count: Annotated[
        int | None,
        typer.Option("-n", "--count", min=1, max=1_000_000, help="Calls to make; default: as many as it takes."),
    ] = None
    header: Headers = None
    method: Annotated[str, typer.Option("--method", metavar="SERVICE/METHOD", help="Method to call.")] = ""
    data: Annotated[str, typer.Option("-d", "--data", metavar="JSON", help="Request as JSON.")] = "{}"
    concurrency: Annotated[int, typer.Option("-c", "--concurrency", min=1, max=256, help="Calls at a time.")] = 8


@dataclass(frozen=True)
class Logged:
    """The calls that a client has made."""

    client: Annotated[
        str, typer.Option("--from-logs", metavar="CLIENT", help="Make no calls: count those that this client logged.")
    ] = ""
    since: Annotated[
        str, typer.Option("--since", metavar="DURATION", help="With --from-logs: how far back; default: 5m.")
    ] = ""


@dataclass(frozen=True)
class Seen:
    """What was counted: answers by version, failures by their code, and what is expected."""

    versions: Mapping[str, int]
    expected: Shares
    failed: int
    errors: Mapping[str, int]
    message: str


@verb(traffic, "verify")
def verify(
    console: Console,
    *,
    expect: Annotated[str, typer.Option("--expect", metavar="V=PERCENT,...", help="Default: what the rules say.")] = "",
    confidence: Annotated[float, typer.Option("--confidence", min=0.5, max=0.999999, help="How sure to be.")] = 0.999,
    calls: Calls,
    logged: Logged,
    where: OneApp,
) -> None:
    """Count who answers, by calls or by a client's log, and compare with the rules; exit code 6 unless it fits."""
    from dubbopy_cli.cli.call import body
    from dubbopy_cli.targets.base import CallRequest
    from dubbopy_cli.traffic.verify import verify as compare
    from dubbopy_cli.traffic.words import headers

    back = _back(calls, logged)
    sent = tuple(headers(calls.header or []).items())
    target, application = open_application(console, where, changing=False)

    def expected(method: str) -> Shares:
        return _expected(application, expect, method, sent)

    if logged.client:
        seen = _by_logs(console, target, application, logged.client, back)
        seen = replace(seen, expected=expected(calls.method))
    else:
        request = CallRequest(
            application.name, calls.method, body(calls.data), sent, calls.count or 1, calls.concurrency
        )
        seen = _by_calls(target, request, expected, confidence, learn=calls.count is None)
    verdict = compare(seen.versions, seen.expected, confidence=confidence)
    console.result(
        views.verdict_dict(verdict) | {"failed": seen.failed, "errors": dict(seen.errors)},
        views.verdict_text(verdict),
    )
    if seen.failed:
        console.warn(f"{seen.failed} of {seen.failed + verdict.calls} calls failed: {seen.message}")
    if not verdict or seen.failed:
        raise typer.Exit(ExitCode.CONFLICT)


def _back(calls: Calls, logged: Logged) -> float:
    """Return how many seconds of logs count; UsageError for options that belong to the other way."""
    if not logged.client:
        if logged.since:
            raise UsageError("usage", "--since is for logs, and calls are made here", hint="add --from-logs CLIENT")
        return 0
    if calls.count or calls.data != "{}":
        raise UsageError(
            "usage",
            "with --from-logs no calls are made, so --count and --data mean nothing",
            hint=f"dubbopy-cli traffic verify --from-logs {logged.client} --since 5m",
        )
    return seconds(logged.since or "5m")


def _by_calls(
    target: Target, request: CallRequest, expected: Callable[[str], Shares], confidence: float, *, learn: bool
) -> Seen:
    from dubbopy_cli.traffic.verify import calls_needed

    report = target.call(request)
    shares = expected(report.method)
    if learn:
        # That call was to learn the method, and so what is expected and how many calls can tell.
        report = target.call(replace(request, count=calls_needed(shares, confidence=confidence)))
    return Seen(report.versions, shares, report.failed, report.errors, report.error_message)


def _by_logs(console: Console, target: Target, application: Application, name: str, back: float) -> Seen:
    from dubbopy_cli.traffic import answers

    tags = {release.version: release.tag for release in application.releases}
    ids = answers.ids(application.name, tags, otherwise=", or count by calls, without --from-logs")
    client = find_application(target, name)
    now = time.time()
    lines = target.logs(client.name, None, follow=False, since=back, tail=None)
    found = answers.count((line.text for line in lines), ids)
    changed = [one.time for one in target.history() if one.touches(application.service) and one.time > now - back]
    if changed:
        age = max(int(now - max(changed)), 1)
        console.warn(f"the rules were changed {age} s ago, so older lines are of other rules: --since {age}s")
    if not found.versions and not found.failed:
        console.warn(f"no log line of {client.name} within that time tells of a call to {application.name}")
    return Seen(found.versions, {}, found.failed, {"logged": found.failed} if found.failed else {}, found.last_failure)


def _expected(application: Application, expect: str, method: str, headers: tuple[tuple[str, str], ...]) -> Shares:
    from dubbopy_cli.traffic import shares, words
    from dubbopy_cli.traffic.request import Request

    known = versions(application)
    if expect:
        return {version: share / 100 for version, share in words.weights(expect.split(","), known).items()}
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
