"""The only module that runs programs."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dubbopy_cli.errors import DubbopyError, PreflightError

Trace = Callable[[str], None]


@dataclass(frozen=True)
class Completed:
    """What a finished program left: its exit status and its text."""

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str

    @property
    def ok(self) -> bool:
        """Tell whether the program ended with status 0."""
        return self.returncode == 0


class CommandError(DubbopyError):
    """Report a program that ended with a status other than 0; its stderr is in ``details``."""

    def __init__(self, done: Completed, *, hint: str = "") -> None:
        super().__init__(
            "tool-failed",
            f"`{shown(done.argv)}` ended with exit status {done.returncode}",
            hint=hint or "run that command by hand",
            details=(done.stderr or done.stdout).rstrip(),
        )
        self.done = done


class Runner(Protocol):
    """Run a program to its end; tests put a strict fake in its place."""

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        check: bool = True,
    ) -> Completed:
        """Run ``argv`` for at most ``timeout`` seconds, with ``env`` added to the environment.

        Raises CommandError when ``check`` is set and the status is not 0, PreflightError when the program is
        missing, DubbopyError (``tool-timeout``) when the time is up.
        """
        ...


class SubprocessRunner:
    """Run programs for real, without a shell, and end the whole process group when the time is up."""

    def __init__(self, trace: Trace | None = None) -> None:
        self._trace = trace

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        check: bool = True,
    ) -> Completed:
        """Run ``argv``; see Runner."""
        if self._trace:
            self._trace(shown(argv))
        process = _start(argv, cwd, env, stdin is not None)
        try:
            out, err = process.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired as late:
            _end_group(process)
            raise DubbopyError(
                "tool-timeout",
                f"`{shown(argv)}` did not end within {timeout:g} s and was stopped",
                hint="run it by hand to see what it waits for",
            ) from late
        except BaseException:
            _end_group(process)
            raise
        done = Completed(tuple(argv), process.returncode, out, err)
        if check and not done.ok:
            raise CommandError(done)
        return done


def find(program: str, *, override: str = "") -> Path | None:
    """Return the program's path from the environment variable ``override``, else from PATH, else None."""
    named = os.environ.get(override, "") if override else ""
    found = shutil.which(named or program)
    return Path(found) if found else None


def shown(argv: Sequence[str]) -> str:
    """Return ``argv`` as a line that a user can paste into a shell."""
    return shlex.join(argv)


def _start(argv: Sequence[str], cwd: Path | None, env: Mapping[str, str] | None, piped: bool) -> subprocess.Popen[str]:
    try:
        # A group of its own, so that a timeout also ends what the program started.
        return subprocess.Popen(
            list(argv),
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise PreflightError(
            "tool-missing",
            f"`{argv[0]}` cannot be started: {error.strerror}",
            hint="dubbopy-cli doctor",
        ) from error


def _end_group(process: subprocess.Popen[str]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.communicate(timeout=5)
            break
        except subprocess.TimeoutExpired:
            continue
