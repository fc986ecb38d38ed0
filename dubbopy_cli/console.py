"""The only writer: data on stdout, talk on stderr, for people or as JSON or YAML."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from dubbopy_cli.errors import DubbopyError

if TYPE_CHECKING:
    from rich.console import Console as RichConsole
    from rich.console import RenderableType

SCHEMA = "dubbopy.cli/v1"
# Wider than any line: without a terminal nothing is cut to a width.
_UNCUT = 10_000
# The verbs that take the options of a place, as they stand in a suggested command.
_PLACED = re.compile(
    r"dubbopy-cli (?:traffic \w+|deploy|status|logs|call|remove|rollback|history|doctor)\b(?! --(?:help|target))"
)


class Format(StrEnum):
    """How a command's data is written."""

    HUMAN = "human"
    JSON = "json"
    YAML = "yaml"


class Console:
    """Speak for one command: talk as it goes, one result or one error at its end."""

    def __init__(self, command: str, output: Format = Format.HUMAN, verbosity: int = 0) -> None:
        self.command = command
        self.output = output
        self.verbosity = verbosity
        # A person who watches ends it by Ctrl-C; that is no failure to tell of.
        self.watched = False
        # What suggested commands repeat of the options that say where to work, behind a space.
        self.repeat = ""
        self._warnings: list[str] = []

    @property
    def human(self) -> bool:
        """Tell whether a person reads the data."""
        return self.output is Format.HUMAN

    @property
    def on_terminal(self) -> bool:
        """Tell whether a person watches the data come."""
        return self.human and sys.stdout.isatty()

    @property
    def interactive(self) -> bool:
        """Tell whether a question may be asked: a terminal at both ends and no CI."""
        return sys.stdin.isatty() and sys.stderr.isatty() and not os.environ.get("CI")

    def say(self, text: str) -> None:
        """Tell progress on stderr; silent with ``-q``."""
        if self.verbosity >= 0:
            self._write_err(text)

    def trace(self, line: str) -> None:
        """Show a child command, with ``-v``."""
        if self.verbosity >= 1:
            self._write_err(f"$ {line}")

    def warn(self, text: str) -> None:
        """Warn on stderr and in the envelope."""
        self._warnings.append(text)
        self._write_err(f"Warning: {text}")

    def next_steps(self, commands: Sequence[str]) -> None:
        """Suggest commands to run next; left out with ``-q`` and for programs."""
        if self.human and self.verbosity >= 0 and commands:
            self._write_err("\nNext:\n" + "\n".join(f"  {self._placed(command)}" for command in commands))

    def result(self, data: Mapping[str, Any], view: RenderableType | None = None) -> None:
        """Write the command's data: ``view`` for people, the envelope for programs."""
        if self.human:
            if view is not None:
                self.show(view)
            return
        self._write_out(self._envelope("ok", data, None))

    def show(self, view: RenderableType) -> None:
        """Write a text or a rich view on stdout for people."""
        if isinstance(view, str):
            sys.stdout.write(view if view.endswith("\n") else view + "\n")
            sys.stdout.flush()
            return
        self._rich().print(view)

    def stream(self, data: Mapping[str, Any], text: str) -> None:
        """Write one record of an open-ended result: a line for people, one JSON document a line for programs."""
        self.watched = True
        if self.output is Format.YAML:
            sys.stdout.write("---\n" + _yaml(data))
        else:
            sys.stdout.write((text if self.human else json.dumps(data, ensure_ascii=False)) + "\n")
        sys.stdout.flush()

    def error(self, error: DubbopyError, data: Mapping[str, Any] | None = None) -> None:
        """Report the error that ends the command."""
        if not self.human:
            self._write_out(self._envelope("error", data or {}, error))
            return
        lines = [f"Error: {error.message}"]
        if error.details:
            lines += ["", *("  " + line for line in error.details.splitlines())]
        if error.hint:
            lines += ["", f"Try: {self._placed(error.hint)}"]
        self._write_err("\n".join([*lines, f"[{error.code}]"]))

    def live(self, frames: Iterable[RenderableType]) -> None:
        """Show each frame in place of the one before on a terminal; else write each one that differs."""
        self.watched = True
        if not sys.stdout.isatty():
            last = None
            for frame in frames:
                text = self._plain(frame)
                if text != last:
                    sys.stdout.write(text)
                    sys.stdout.flush()
                    last = text
            return
        from rich.live import Live

        with Live(console=self._rich(), auto_refresh=False, screen=False) as live:
            for frame in frames:
                live.update(frame, refresh=True)

    def ask(self, question: str) -> bool:
        """Ask a yes-or-no question on the terminal; the caller has made sure that there is one."""
        sys.stderr.write(f"{question} [y/N] ")
        sys.stderr.flush()
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    def prompt(self, text: str) -> str:
        """Return the line typed after ``text``; the end of the input counts as Ctrl-C."""
        sys.stderr.write(text)
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise KeyboardInterrupt
        return line.strip()

    def _placed(self, text: str) -> str:
        return _PLACED.sub(lambda found: found[0] + self.repeat, text)

    def _envelope(self, status: str, data: Mapping[str, Any], error: DubbopyError | None) -> str:
        envelope: dict[str, Any] = {
            "schema": SCHEMA,
            "command": self.command,
            "status": status,
            "data": data,
            "warnings": self._warnings,
            "errors": [],
        }
        if error is not None:
            envelope["errors"] = [
                {
                    "code": error.code,
                    "message": error.message,
                    "hint": self._placed(error.hint),
                    **({"details": error.details} if error.details else {}),
                }
            ]
        if self.output is Format.YAML:
            return _yaml(envelope)
        return json.dumps(envelope, indent=2, ensure_ascii=False) + "\n"

    def _rich(self) -> RichConsole:
        from rich.console import Console

        # No markup, emoji or highlighting: a user's `[v1]` must come out as it is.
        width = None if sys.stdout.isatty() else _UNCUT
        return Console(markup=False, emoji=False, highlight=False, soft_wrap=width is not None, width=width)

    def _plain(self, frame: RenderableType) -> str:
        if isinstance(frame, str):
            return frame if frame.endswith("\n") else frame + "\n"
        from io import StringIO

        from rich.console import Console as RichConsole

        text = StringIO()
        RichConsole(file=text, markup=False, emoji=False, highlight=False, width=_UNCUT).print(frame)
        return text.getvalue()

    @staticmethod
    def _write_err(text: str) -> None:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    @staticmethod
    def _write_out(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


def _yaml(data: Mapping[str, Any]) -> str:
    from io import StringIO

    from ruamel.yaml import YAML

    text = StringIO()
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # ruamel has no type for it
    writer.dump(json.loads(json.dumps(data)), text)
    return text.getvalue()
