"""`traffic explain`: what happens to one call, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from dubbopy_cli.cli.options import Headers, Where, application_name, find_server, headers, read_file
from dubbopy_cli.cli.place import chosen, open_target
from dubbopy_cli.cli.traffic import traffic, views
from dubbopy_cli.cli.traffic.change import ready
from dubbopy_cli.cli.traffic.decision import decision_text, request_dict
from dubbopy_cli.cli.verb import verb
from dubbopy_cli.console import Console
from dubbopy_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dubbopy_cli.traffic.explaining import Decision, Request
    from dubbopy_cli.traffic.findings import Finding
    from dubbopy_cli.traffic.model import RuleSet

    Answer = tuple[Decision, list[Finding]]

Files = Annotated[
    list[str] | None,
    typer.Option("-f", "--file", metavar="FILE", help="Objects of any kinds, instead of what runs; - is stdin."),
]
Named = Annotated[
    str | None, typer.Argument(metavar="[APP]", help="Application that is called; default: that of the project here.")
]


@dataclass(frozen=True)
class Called:
    """What is called, and how."""

    host: Annotated[str, typer.Option("--host", help="Name that the caller uses; default: the application's.")] = ""
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Default: that of the Service.")] = 0
    method: Annotated[str, typer.Option("--method", help="Method that is called: M, or pkg.Service/M.")] = ""
    path: Annotated[str, typer.Option("--path", help="Path, for what is no Dubbo; default: /.")] = ""
    http_method: Annotated[str, typer.Option("--http-method", help="HTTP method, for what is no Dubbo.")] = "POST"
    header: Headers = None


@dataclass(frozen=True)
class Calling:
    """Who calls."""

    labels: Annotated[
        list[str] | None, typer.Option("--from", metavar="K=V", help="A label of the caller; repeatable.")
    ] = None
    origin: Annotated[str, typer.Option("--from-namespace", help="The caller's; default: that of --namespace.")] = ""
    gateway: Annotated[str, typer.Option("--gateway", metavar="NS/NAME", help="Gateway that the call comes by.")] = (
        "mesh"
    )


@verb(traffic, "explain")
def explain(
    console: Console, *, name: Named = None, called: Called, calling: Calling, file: Files = None, where: Where
) -> None:
    """Explain what happens to one call: the route that takes it, why none before, where it goes, what is done to it."""
    asked = _request(called, calling, where)
    decision, found = _by_files(file, name, asked) if file else _by_target(console, where, name, asked)
    if called.method and "/" not in called.method:
        found.append(_partial())
    console.result(
        {
            "request": request_dict(decision.request),
            **decision.document(),
            "findings": [views.finding_dict(one) for one in found],
        },
        decision_text(decision, [f"{one.severity}: {one} [{one.code}]" for one in found]),
    )


def _by_target(console: Console, where: Where, name: str | None, asked: Request) -> Answer:
    from dubbopy_cli.traffic.explaining import Explainer
    from dubbopy_cli.traffic.explaining.registry import Registry
    from dubbopy_cli.traffic.unmodelled import unmodelled

    target = open_target(console, where, changing=False)
    if name or not asked.host:
        application = find_server(target, application_name(name, called=True))
        asked = replace(asked, host=asked.host or application.name, port=asked.port or application.port)
    asked = replace(asked, namespace=target.namespace)
    rules, known = target.rules(), ready(target)
    if not known:
        find_server(target, asked.host)
    asked = replace(asked, port=asked.port or next((one.port for one in known if _names(one.name, asked)), 20000))
    decision = Explainer(rules, Registry.of_applications(known)).decide(asked)
    found = list(_refused(decision, rules))
    if target.name == "local":
        found += [one for rule in rules if rule.title in _objects(decision) for one in unmodelled(rule)]
    return decision, found


def _by_files(file: list[str], name: str | None, asked: Request) -> Answer:
    from dubbopy_cli.traffic.documents import read
    from dubbopy_cli.traffic.explaining import Explainer, files

    here = asked.namespace
    docs = [one.document for path in file for one in read(read_file(path), source=path, namespace=here)]
    rules = files.rules_in(docs, here)
    host = asked.host or name or _only_host(files.hosts_in(rules))
    port = asked.port or files.port_of(docs, host, here)
    docs, found = files.with_service(docs, host, here, port)
    decision = Explainer.of(docs).decide(replace(asked, host=host, port=port))
    return decision, [*found, *_refused(decision, rules)]


def _request(called: Called, calling: Calling, where: Where) -> Request:
    """Return the call as far as the words typed say it; an empty host and a port of 0 are yet to be found."""
    from dubbopy_cli import names
    from dubbopy_cli.traffic.explaining import Request

    if called.method and called.path:
        raise UsageError(
            "usage", "--method and --path exclude each other", hint="for Dubbo: --method greet.Greeter/SayHello"
        )
    method = called.method if "/" in called.method or not called.method else f"*/{called.method}"
    path = called.path or f"/{method}"
    return Request(
        called.host,
        called.port,
        path if path.startswith("/") else f"/{path}",
        called.http_method,
        headers(called.header),
        dict(_label(one) for one in calling.labels or ()),
        names.namespace(calling.origin) if calling.origin else "",
        calling.gateway,
        chosen(where)["namespace"].value,
    )


def _partial() -> Finding:
    from dubbopy_cli.traffic.findings import Finding

    return Finding("info", "method-partial", "no service is named with the method: * stands for it in the path")


def _label(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or not name:
        raise UsageError("usage", f"'{word}' is no label: write it as NAME=VALUE", hint="--from app=checkout")
    return name, value


def _names(application: str, asked: Request) -> bool:
    return asked.host.partition(".")[0] == application


def _only_host(hosts: list[str]) -> str:
    """Return the only host that files name, else the application of the project here."""
    if len(hosts) == 1:
        return hosts[0]
    if not hosts:
        return application_name(None, called=True)
    raise UsageError(
        "usage",
        f"the files have rules for several hosts, {', '.join(hosts)}: say which one is called",
        hint=f"add --host {hosts[0]}",
    )


def _objects(decision: Decision) -> set[str]:
    return {decision.object, *(one.rule for one in (*decision.destinations, *decision.mirrors))}


def _refused(decision: Decision, rules: RuleSet) -> Iterator[Finding]:
    """Yield what makes Istio refuse an object that has a part in the decision."""
    from dubbopy_cli.traffic.validation import validate

    for rule in rules:
        if rule.title in _objects(decision):
            for one in validate(rule.document):
                if one.severity == "error":
                    yield replace(one, object=rule.title, message=f"Istio refuses it: {one.message}")
