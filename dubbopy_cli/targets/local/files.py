"""Writing files so that a crash, a kill or a full disk leaves the old content."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dubbopy_cli.errors import DubbopyError


@contextmanager
def disk_errors(where: Path) -> Iterator[None]:
    """Turn an error of the disk into DubbopyError: ``disk-full`` or ``io``."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DubbopyError(
                "disk-full",
                f"the disk that holds {where} is full; what was there before is unchanged",
                hint=f"make room (df -h {where}), then run the same command again",
            ) from error
        raise DubbopyError(
            "io",
            f"{error.filename or where} cannot be used: {error.strerror or error}",
            hint=f"ls -ld {error.filename or where}",
        ) from error


def write_atomic(path: Path, text: str, scratch: Path) -> None:
    """Replace ``path`` in one step with ``text``, written in the folder ``scratch`` of the same file system first.

    Envoy watches folders, so that a file may only ever be moved into one. Raises DubbopyError ``disk-full``.
    """
    draft = scratch / f"{path.name}.{os.getpid()}"
    with disk_errors(path.parent):
        try:
            with draft.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)


def read_text(path: Path) -> str | None:
    """Return the text of ``path``, or None if there is no such file."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def copy_tree(source: Path, target: Path) -> None:
    """Copy a file or a whole folder.

    Hard links would be cheaper and wrong: a build that writes a file in place would change what runs.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True)
    else:
        shutil.copy2(source, target)


def remove_tree(path: Path) -> None:
    """Remove a folder and all in it; nothing happens when it is not there."""
    shutil.rmtree(path, ignore_errors=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
