"""A generated program while it runs: its process, its log, its ports."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

import psutil

T = TypeVar("T")

LIMIT = 30.0  # what a pod gets at its end, and more than anything here needs to start


class App(Protocol):
    """A project that can be run."""

    @property
    def folder(self) -> Path: ...

    def argv(self, *arguments: str) -> list[str]: ...

    def env(self) -> dict[str, str]: ...


def eventually(condition: Callable[[], T], what: str, limit: float = LIMIT) -> T:
    """Return the first true value of the condition, or fail with what was waited for."""
    end = time.monotonic() + limit
    while True:
        if value := condition():
            return value
        assert time.monotonic() < end, f"not within {limit:g} s: {what}"
        time.sleep(0.01)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(env: dict[str, str]) -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(("DUBBO", "GRPC"))} | env


class Program:
    """A running application; stdout and stderr are one log, as in a pod."""

    def __init__(self, app: App, log: Path, arguments: tuple[str, ...], env: dict[str, str]) -> None:
        self._log = log
        with log.open("w") as stream:
            self.process = subprocess.Popen(
                app.argv(*arguments), cwd=app.folder, env=environment(app.env() | env), stdout=stream, stderr=stream
            )

    def lines(self) -> list[str]:
        return self._log.read_text().splitlines()

    def line(self, pattern: str, after: int = 0) -> int:
        """Wait for a line that holds the pattern; return the number of lines up to and with it."""

        def found() -> int:
            ended = self.process.poll() is not None  # asked first: what is read after the end is all there is
            for number, text in enumerate(self.lines()[after:], after + 1):
                if re.search(pattern, text):
                    return number
            assert not ended, f"ended without {pattern!r}: {self.lines()}"
            return 0

        return eventually(found, f"a line with {pattern!r} in {self.lines()}")

    def listening(self) -> list[tuple[str, int]]:
        connections = psutil.Process(self.process.pid).net_connections("inet")
        # gRPC binds an IPv4 address by an IPv6 socket: ::ffff:127.0.0.1 is 127.0.0.1.
        return [
            (c.laddr.ip.removeprefix("::ffff:"), c.laddr.port) for c in connections if c.status == psutil.CONN_LISTEN
        ]

    def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LIMIT)


@contextmanager
def running(app: App, log: Path, *arguments: str, **env: str) -> Iterator[Program]:
    program = Program(app, log, arguments, env)
    try:
        yield program
    finally:
        program.process.kill()
        program.process.wait()


@contextmanager
def started(app: App, log: Path, port: int, env: dict[str, str]) -> Iterator[tuple[Program, int]]:
    """Run a server on loopback, on any free port for 0, until the end of the block; it may still be starting."""
    port = port or free_port()
    with running(app, log, **{"DUBBO_HOST": "127.0.0.1", "DUBBO_PORT": str(port)} | env) as program:
        yield program, port


def run(app: App, *arguments: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a program that ends by itself."""
    return subprocess.run(
        app.argv(*arguments),
        cwd=cwd or app.folder,
        env=environment(app.env() | env),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
