"""`traffic set|match|unmatch|reset`: which calls go to which version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dubbopy_cli.cli.traffic import traffic
from dubbopy_cli.cli.traffic.change import ChangingOne, change_one, versions
from dubbopy_cli.cli.verb import verb
from dubbopy_cli.console import Console
from dubbopy_cli.errors import UsageError

if TYPE_CHECKING:
    from dubbopy_cli.targets.base import Application
    from dubbopy_cli.traffic.compose import HeaderKind
    from dubbopy_cli.traffic.model import RuleSet


@verb(traffic, "set")
def set_weights(
    console: Console,
    *,
    weights: Annotated[list[str], typer.Argument(metavar="VERSION[=PERCENT]...", help="v1=90 v2=10; one name: all.")],
    options: ChangingOne,
) -> None:
    """Share the calls out by weight; header routes stay as they are."""
    from dubbopy_cli.traffic import edit, words

    def change(rules: RuleSet, application: Application) -> RuleSet:
        known = versions(application)
        return edit.set_weights(rules, application.service, words.weights(weights, known), known)

    change_one(console, options, change)


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
    options: ChangingOne,
) -> None:
    """Send the calls that carry these headers to one version."""
    from dubbopy_cli.traffic import edit, words

    if not to or not (header or method) or (prefix and regex):
        raise UsageError(
            "usage",
            "say which calls, by a header or --method, and --to which version; --prefix and --regex exclude each other",
            hint="dubbopy-cli traffic match user=admin --to v2",
        )
    wanted = words.headers(header or [])
    kind: HeaderKind = "prefix" if prefix else "regex" if regex else "exact"

    def change(rules: RuleSet, application: Application) -> RuleSet:
        known = versions(application)
        return edit.match(rules, application.service, wanted, to, known, name=name, method=method, kind=kind)

    change_one(console, options, change)


@verb(traffic, "unmatch")
def unmatch(
    console: Console,
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A route's name, as `traffic show` has it.")],
    options: ChangingOne,
) -> None:
    """Take a route before the default one away."""
    from dubbopy_cli.traffic import edit

    change_one(console, options, lambda rules, application: edit.unmatch(rules, application.service, name))


@verb(traffic, "reset")
def reset(console: Console, *, options: ChangingOne) -> None:
    """Take the application's rules away: all ready versions share the calls again."""
    from dubbopy_cli.traffic import edit

    change_one(console, options, lambda rules, application: edit.reset(rules, application.service))
