"""The only module that runs programs."""

from __future__ import annotations

import os
import selectors
import shlex
import shutil
import signal
import subprocess
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dubbopy_cli import atonce
from dubbopy_cli.errors import DubbopyError, PreflightError

Trace = Callable[[str], None]
_PIECE = 1 << 16
# What poll(2) takes: milliseconds in a C int, less than 25 days.
_LONGEST_SECONDS = 2_000_000.0


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

    def stream(self, argv: Sequence[str]) -> Stream:
        """Start ``argv`` and return its output as it comes; PreflightError when the program is missing."""
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
        process = _start(argv, cwd, env, piped=stdin is not None)
        try:
            with atonce.running(process):
                out, err = process.communicate(stdin, timeout=min(timeout, _LONGEST_SECONDS))
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

    def stream(self, argv: Sequence[str]) -> Stream:
        """Start ``argv``; see Runner."""
        if self._trace:
            self._trace(shown(argv))
        return Stream(_start(argv, None, None, piped=False, watched=True))


class Stream:
    """The lines of a program that runs until it is closed; what it says on stderr is passed over.

    It ends with this process, or when nobody holds it any more, too.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._half = b""
        self.ended = False
        self.close = weakref.finalize(self, _end_group, process)

    def fileno(self) -> int:
        """Return the descriptor that has something to read when `ready` says so."""
        return self._process.stdout.fileno() if self._process.stdout else -1

    def lines(self) -> list[str]:
        """Return the whole lines that have come, waiting for the first piece; at the end the last one, whole or not."""
        piece = os.read(self.fileno(), _PIECE)
        self.ended = not piece
        *whole, self._half = (self._half + piece).split(b"\n")
        if self.ended and self._half:
            whole, self._half = [*whole, self._half], b""
        return [one.decode("utf-8", "replace").rstrip("\r") for one in whole]

    def succeeded(self) -> bool:
        """Tell whether the program, which has `ended`, did so with status 0."""
        return self._process.wait() == 0


def ready(streams: Iterable[Stream], timeout: float) -> list[Stream]:
    """Return the streams that have lines or have ended, after at most ``timeout`` seconds."""
    with selectors.DefaultSelector() as selector:
        for one in streams:
            selector.register(one, selectors.EVENT_READ)
        return [key.fileobj for key, _ in selector.select(timeout) if isinstance(key.fileobj, Stream)]


def find(program: str) -> Path | None:
    """Return the program's path from PATH, else None."""
    found = shutil.which(program)
    return Path(found) if found else None


def needed(program: str, override: str, install: str) -> Path:
    """Return the program that the environment variable ``override`` names, else the one of PATH.

    PreflightError ``tool-missing`` with what there is to ``install``.
    """
    named = os.environ.get(override, "")
    found = find(named or program)
    if found is None and named:
        raise PreflightError(
            "tool-missing", f"{override} names {named}, which is no program", hint=f"unset {override}, or mend it"
        )
    if found is None:
        raise PreflightError(
            "tool-missing", f"{program} is not installed", hint=f"install {install}, or set {override}"
        )
    return found


def shown(argv: Sequence[str]) -> str:
    """Return ``argv`` as a line that a user can paste into a shell."""
    return shlex.join(argv)


def _start(
    argv: Sequence[str], cwd: Path | None, env: Mapping[str, str] | None, *, piped: bool, watched: bool = False
) -> subprocess.Popen[str]:
    try:
        # A group of its own, so that a timeout also ends what the program started.
        return subprocess.Popen(
            list(argv),
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            # Nobody reads it while the program is watched, and a full pipe would stop it.
            stderr=subprocess.DEVNULL if watched else subprocess.PIPE,
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
            # Once it was waited for, its number may be another one's.
            if process.returncode is None:
                os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.communicate(timeout=5)
            break
        except subprocess.TimeoutExpired:
            continue
