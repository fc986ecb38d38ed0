"""`call`: call a service from inside the mesh and count who answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from dubbopy_cli.cli.main import app
from dubbopy_cli.cli.options import App, Headers, Where, application_name, find_server, headers, read_file
from dubbopy_cli.cli.place import open_target
from dubbopy_cli.cli.verb import verb
from dubbopy_cli.console import Console
from dubbopy_cli.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from dubbopy_cli.targets.base import CallReport

Body = Annotated[str, typer.Option("-d", "--data", metavar="JSON", help="Request as JSON; @FILE or @- reads it.")]


@verb(app, "call")
def call(
    console: Console,
    *,
    method: Annotated[str, typer.Argument(metavar="[SERVICE/METHOD]", help="Default: the only unary method.")] = "",
    data: Body = "{}",
    header: Headers = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=1_000_000, help="How many calls to make.")] = 1,
    concurrency: Annotated[int, typer.Option("-c", "--concurrency", min=1, max=256, help="Calls at a time.")] = 1,
    timeout: Annotated[float, typer.Option("--timeout", min=0.001, help="Seconds for each call.")] = 5.0,
    app_name: App = None,
    where: Where,
) -> None:
    """Call a service through the mesh, by the traffic rules, and count the answers of each version."""
    from dubbopy_cli.targets.base import CallRequest

    target = open_target(console, where, changing=False)
    application = find_server(target, application_name(app_name, called=True))
    report = target.call(
        CallRequest(application.name, method, body(data), headers(header), count, concurrency, timeout)
    )
    console.result(report_dict(report), report_text(report))
    if report.failed:
        raise typer.Exit(ExitCode.FAILED)


def body(data: str) -> str:
    """Return the JSON text that ``data`` is or points to; UsageError if it is no JSON object."""
    if data.startswith("@"):
        data = read_file(data[1:])
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UsageError("usage", f"the request is no JSON: {error}", hint='-d \'{"name": "laurence"}\'') from error
    if not isinstance(parsed, dict):
        raise UsageError("usage", "the request is no JSON object", hint='-d \'{"name": "laurence"}\'')
    return data


def report_dict(report: CallReport) -> dict[str, object]:
    """Return the data of `call -o json`."""
    return {
        "method": report.method,
        "calls": report.calls,
        "ok": report.ok,
        "failed": report.failed,
        "versions": dict(report.versions),
        "errors": dict(report.errors),
        "error_message": report.error_message,
        "latency_ms": dict(report.latency_ms),
        "seconds": report.seconds,
        "answer": json.loads(report.answer) if report.answer else None,
    }


def report_text(report: CallReport) -> str:
    """Return the report for people: the answer of a single call, the counts of many."""
    lines = [report.answer] if report.answer and report.calls == 1 else []
    lines += [f"{version:<8} {number:>7}  {number / report.calls:7.2%}" for version, number in report.versions.items()]
    lines += [f"{code:<8} {number:>7}  {number / report.calls:7.2%}" for code, number in report.errors.items()]
    if report.error_message:
        lines.append(f"last error: {report.error_message}")
    if report.calls > 1:
        latency = "  ".join(f"{name} {value:.2f}" for name, value in report.latency_ms.items())
        lines.append(f"{report.calls} calls in {report.seconds:.2f} s, latency in ms: {latency}")
    return "\n".join(lines)
