"""`traffic verify`: who answers, against what the rules say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from dubbopy_cli.cli.options import Headers
from dubbopy_cli.cli.traffic import traffic, views
from dubbopy_cli.cli.traffic.change import OneApp, open_application, versions
from dubbopy_cli.cli.verb import verb
from dubbopy_cli.console import Console
from dubbopy_cli.errors import ConflictError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

    from dubbopy_cli.targets.base import Application


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
    where: OneApp,
) -> None:
    """Make calls, count who answers and compare with what the rules say; exit code 6 unless it fits."""
    from dubbopy_cli.cli.call import body
    from dubbopy_cli.targets.base import CallRequest
    from dubbopy_cli.traffic.verify import calls_needed
    from dubbopy_cli.traffic.verify import verify as compare
    from dubbopy_cli.traffic.words import headers

    target, application = open_application(console, where, changing=False)
    sent = tuple(headers(header or []).items())
    request = CallRequest(application.name, method, body(data), sent, count or 1, concurrency)
    report = target.call(request)
    expected = _expected(application, expect, report.method, sent)
    if count is None:
        # That call was to learn the method, and so what is expected and how many calls can tell.
        report = target.call(replace(request, count=calls_needed(expected, confidence=confidence)))
    verdict = compare(report.versions, expected, confidence=confidence)
    console.result(
        views.verdict_dict(verdict) | {"failed": report.failed, "errors": dict(report.errors)},
        views.verdict_text(verdict),
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
