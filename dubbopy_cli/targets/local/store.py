"""The state on disk and the lock that one command at a time holds."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dubbopy_cli.errors import ConflictError, PreflightError
from dubbopy_cli.targets.local.files import disk_errors, read_text, write_atomic
from dubbopy_cli.targets.local.paths import Paths
from dubbopy_cli.targets.local.state import SCHEMA, State
from dubbopy_cli.targets.local.statejson import from_dict

if TYPE_CHECKING:
    from filelock import FileLock

BUSY_SECONDS = 30.0


class Store:
    """Read and write the state of one namespace."""

    def __init__(self, paths: Paths, say: Callable[[str], None], busy_seconds: float = BUSY_SECONDS) -> None:
        self._paths = paths
        self._say = say
        self._busy_seconds = busy_seconds
        self._lock: FileLock | None = None

    @contextmanager
    def locked(self, *, wait: bool = True) -> Iterator[None]:
        """Hold the namespace's lock; a command that already holds it may enter again.

        Raises ConflictError ``busy`` when another command holds it for longer than the bound, or at all without
        ``wait``.
        """
        lock = self._enter(self._busy_seconds if wait else 0.0)
        try:
            yield
        finally:
            lock.release()

    def load(self) -> tuple[State, tuple[str, ...]]:
        """Return the state and what had to be said about the file; a corrupt file is kept aside."""
        text = read_text(self._paths.state)
        if text is None:
            return State(), ()
        try:
            document = json.loads(text)
            schema = document["schema"]
            if isinstance(schema, int) and schema > SCHEMA:
                raise PreflightError(
                    "state-newer",
                    f"{self._paths.state} was written by a newer dubbopy-cli (schema {schema}, known {SCHEMA})",
                    hint="pip install --upgrade dubbopy-cli, or give the namespace up: "
                    f"dubbopy-cli local reset --namespace {self._paths.root.name}",
                )
            return from_dict(document), ()
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            aside = self._keep_aside()
            return State(), (
                f"the state file was damaged ({_brief(error)}) and is kept as {aside}; "
                "what it described was ended and has to be deployed again",
            )

    def save(self, state: State) -> None:
        """Write the state so that a crash leaves the old or the new one, whole."""
        write_atomic(self._paths.state, json.dumps(state.to_dict(), indent=1) + "\n", self._paths.scratch)

    def _enter(self, seconds: float) -> FileLock:
        from filelock import FileLock, Timeout

        if self._lock is None:
            with disk_errors(self._paths.root):
                self._paths.make()
            self._lock = FileLock(self._paths.lock, mode=0o600)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            self._wait(self._lock, seconds)
        if self._lock.lock_counter == 1:
            # Only for the message of a command that waits; the lock itself is the kernel's and dies with us.
            with suppress(OSError):
                self._paths.holder.write_text(str(os.getpid()), encoding="utf-8")
        return self._lock

    def _wait(self, lock: FileLock, seconds: float) -> None:
        from filelock import Timeout

        holder = read_text(self._paths.holder) or "unknown"
        if seconds:
            self._say(f"waiting for another dubbopy-cli (pid {holder}) to finish, at most {seconds:g} s")
        try:
            lock.acquire(timeout=seconds, poll_interval=0.05)
        except Timeout:
            holder = read_text(self._paths.holder) or "unknown"
            raise ConflictError(
                "busy",
                f"another dubbopy-cli (pid {holder}) has been changing this namespace for {seconds:g} s",
                hint=f"wait for it to finish, or look at it: ps -p {holder}",
            ) from None

    def _keep_aside(self) -> Path:
        aside = self._paths.state.with_name(f"state.damaged-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.json")
        with disk_errors(self._paths.root):
            self._paths.state.replace(aside)
        return aside


def _brief(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else str(error)
