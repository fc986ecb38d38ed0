"""The record of a shift on disk, and the lock that its command holds; the kernel lets go of that when it dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dubbopy_cli.errors import ConflictError
from dubbopy_cli.targets.local.files import disk_errors, read_text, write_atomic
from dubbopy_cli.targets.local.paths import Paths


@dataclass(frozen=True)
class FileRecord:
    """The record of one application's shift; see ShiftRecord."""

    path: Path
    scratch: Path

    def read(self) -> str:
        """Return the text, an empty one where there is none."""
        return read_text(self.path) or ""

    def write(self, text: str) -> None:
        """Keep another text; an empty one takes the record away."""
        if text:
            write_atomic(self.path, text, self.scratch)
        else:
            self.path.unlink(missing_ok=True)


@contextmanager
def held(paths: Paths, application: str) -> Iterator[FileRecord]:
    """Hold the record; ConflictError ``shift-running`` while another command does."""
    from filelock import FileLock, Timeout

    with disk_errors(paths.root):
        paths.make()
    holder = paths.shifts / f"{application}.holder"
    lock = FileLock(paths.shifts / f"{application}.lock", mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        pid = read_text(holder) or "unknown"
        raise ConflictError(
            "shift-running",
            f"another dubbopy-cli (pid {pid}) shifts the calls of {application}",
            hint=f"wait for it to finish, or have it go back to the former rules: kill {pid}",
        ) from None
    with suppress(OSError):
        holder.write_text(str(os.getpid()), encoding="utf-8")
    try:
        yield FileRecord(paths.shifts / f"{application}.json", paths.scratch)
    finally:
        lock.release()
