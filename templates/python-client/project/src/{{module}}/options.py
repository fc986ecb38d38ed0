"""The command line, which takes -name and --name alike, as Go programs do."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from . import parse as values

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .settings import Settings

OUTPUTS: Final = ("text", "json")

_MOST: Final = 999_999_999
_DESCRIPTION: Final = "Call the server once a second and log what it answers, or with -n count it."


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for; 0 calls stand for the endless loop."""

    calls: int
    concurrency: int
    attachments: dict[str, str]
    output: str
    name: str
    timeout: float | None

    def over(self, settings: Settings) -> Settings:
        """Return the settings with what the command line changes in them."""
        return replace(
            settings,
            attachments=settings.attachments | self.attachments,
            timeout=settings.timeout if self.timeout is None else self.timeout,
        )


def parse(arguments: Sequence[str] | None) -> Options:
    """Read the arguments, by default the program's own; exits with code 2 for wrong ones."""
    found = _parser().parse_args(arguments)
    return Options(
        calls=found.n,
        concurrency=found.c,
        attachments=dict(found.header),
        output=found.o,
        name=found.name,
        timeout=found.timeout,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m {__package__}", description=_DESCRIPTION, allow_abbrev=False
    )
    add = parser.add_argument
    add("-n", type=_number, default=0, metavar="CALLS", help="make so many calls, report and exit")
    add("-c", type=_number, default=1, metavar="CALLS", help="so many at a time, with -n (1)")
    add("-o", choices=OUTPUTS, default="text", help="form of the report, with -n (text)")
    add(
        "-header",
        "--header",
        type=_checked(values.attachment),
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="attachment to send, may be repeated",
    )
    add("-name", "--name", default="laurence", help="name to greet (laurence)")
    add(
        "-timeout",
        "--timeout",
        type=_checked(values.timeout),
        metavar="DURATION",
        help="longest time for one call, such as 3s",
    )
    return parser


def _checked(parser: Callable[[str], object]) -> Callable[[str], object]:
    """Let argparse show the text of a ValueError instead of its own."""

    def check(text: str) -> object:
        try:
            return parser(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return check


_number = _checked(lambda text: values.integer(text, 1, _MOST))
