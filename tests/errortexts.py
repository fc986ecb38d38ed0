"""What a user is told when something fails: the whole text on stderr and the exit code."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import pytest
import typer

from dubbopy_cli.cli.main import main
from dubbopy_cli.cli.verb import run
from dubbopy_cli.console import Console
from dubbopy_cli.targets.local.state import AppRecord, InstanceRecord, ReleaseRecord, Revision, State
from tests.scaffolding import write

# The files of a project that every command reads.
PROJECT = {
    ".dubbopy.yaml": "template: builtin:go-server\nanswers: {lang: go, role: server, mesh: sidecar, module: shop}\n",
    "chart/app/Chart.yaml": "name: shop\n",
    "chart/app/values.yaml": (
        'image: {repository: x/shop, tag: "1.0.0"}\nversion: {labels: {dubbogoAppVersion: v1}}\n'
    ),
    "chart/service/values.yaml": "service: {port: 20000}\n",
    "conf/dubbogo.yaml": "dubbo: {}\n",
}
CLIENT = {**PROJECT, ".dubbopy.yaml": PROJECT[".dubbopy.yaml"].replace("server", "client")}


@dataclass(frozen=True)
class Told:
    """The exit code and what stood on stderr, with the test's own folder as TMP; ``out`` is what stood on stdout."""

    code: int
    text: str
    out: str = field(default="", compare=False)


class Desk:
    """A folder to work in, a local target of its own that starts nothing, and the command line."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._patch = patch
        self.namespace = folder / "state/local/default"
        patch.chdir(folder)
        patch.setenv("DUBBOPY_STATE_DIR", str(folder / "state"))
        patch.setenv("XDG_STATE_HOME", str(folder / "xdg"))

    def write(self, files: dict[str, str]) -> None:
        """Write files below the folder."""
        write(self.folder, files)

    def go(self, version: str) -> None:
        """Let a program that says this version, and does nothing else, stand for the Go toolchain."""
        self.write({"bin/go": f"#!/bin/sh\n[ $1 = env ] && echo {version}\n"})
        (self.folder / "bin/go").chmod(0o755)
        self._patch.setenv("DUBBOPY_GO", str(self.folder / "bin/go"))

    def deployed(
        self, *versions: str, client: bool = False, namespace: str = "default", tags: tuple[str, ...] = ()
    ) -> None:
        """Let the stopped local target hold these versions of `shop`, and with ``client`` a `caller` of it."""
        apps = [_app("shop", "server", versions, tags)] if versions else []
        apps += [_app("caller", "client", ["v1"])] if client else []
        state = State(running=False, admin=21000, applications=tuple(apps))
        write(self.folder / "state/local" / namespace, {"state.json": json.dumps(state.to_dict())})

    def rules(self, *documents: str) -> None:
        """Store rules of the namespace."""
        write(self.namespace, {f"rules/{number}.yaml": text for number, text in enumerate(documents)})

    def cli(self, *words: str, stdin: str = "") -> Told:
        """Run the command line in this process, as `python -m dubbopy_cli WORDS` does in one of its own."""
        former = signal.getsignal(signal.SIGTERM)
        out, err = io.StringIO(), io.StringIO()
        code = 0
        try:
            with (
                redirect_stdout(out),
                redirect_stderr(err),
                mock.patch.object(sys, "argv", ["dubbopy-cli", *words]),
                mock.patch.object(sys, "stdin", io.StringIO(stdin)),
            ):
                main()
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            signal.signal(signal.SIGTERM, former)
        return Told(code, self.plain(err.getvalue()), self.plain(out.getvalue()))

    def told(self, action: Callable[[], object]) -> Told:
        """Return what a user is told of the error that ``action`` raises, for what no cheap command provokes."""
        err = io.StringIO()
        with redirect_stderr(err):
            try:
                run(Console("test"), lambda: action() and None)
            except typer.Exit as end:
                return Told(end.exit_code, self.plain(err.getvalue()))
        return Told(0, self.plain(err.getvalue()))

    def plain(self, text: str) -> str:
        """Return the text with what differs from run to run replaced."""
        pid = re.compile(rf"\b(pid|kill) {os.getpid()}\b")
        return pid.sub(r"\1 PID", text.replace(str(self.folder), "TMP"))


def _app(name: str, role: str, versions: list[str] | tuple[str, ...], tags: tuple[str, ...] = ()) -> AppRecord:
    releases = tuple(
        ReleaseRecord(
            one,
            1,
            (Revision(1, tag, "0" * 64, ("{release}/app",), {}, (), 1, 1.0),),
            (InstanceRecord(f"{name}-{one}-r1-0", 21001 + at, "serving", 1),),
        )
        for at, (one, tag) in enumerate(zip(versions, tags or ["1.0.0"] * len(versions), strict=True))
    )
    return AppRecord(name, role, 20000, 20000 if role == "server" else 0, releases)  # type: ignore[arg-type]
