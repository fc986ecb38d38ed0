"""A staging folder on the file system of the place that it will be moved to; nothing of it outlives the command."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir, mkdtemp

from dubbopy_cli.errors import UsageError
from dubbopy_cli.scaffold.interrupts import held

PREFIX = ".dubbopy-new-"
# A folder this young may be another command's that has not taken its lock yet.
_SETTLED_SECONDS = 60


@dataclass(frozen=True)
class Stage:
    """A folder that is rendered into (``tree``, named as the project will be) inside one that is thrown away."""

    folder: Path
    tree: Path


def destination(path: Path) -> Path:
    """Return the absolute folder that ``path`` means, links in it followed; UsageError if it cannot be a folder."""
    try:
        target = path.expanduser().resolve()
        missing = not target.exists()
    except (OSError, RuntimeError) as error:
        raise UsageError("path-invalid", f"{path} cannot be used: {error}", hint="choose another folder") from error
    if missing and (path.is_symlink() or target.is_symlink()):
        raise UsageError("path-invalid", f"{path} is a link to nothing", hint=f"rm {path}")
    if not missing and not target.is_dir():
        raise UsageError("path-invalid", f"{target} is not a folder", hint="choose another folder")
    if missing and not anchor(target).is_dir():
        raise UsageError("path-invalid", f"{anchor(target)} is not a folder", hint="choose another folder")
    return target


def anchor(target: Path) -> Path:
    """Return the nearest of ``target`` and its parents that exists."""
    return next(folder for folder in (target, *target.parents) if os.path.lexists(folder))


@contextmanager
def staged(target: Path, *, keep_away: bool = False) -> Iterator[Stage]:
    """Make a staging folder for ``target`` and remove it in the end; with ``keep_away`` in the system's own place.

    A target that exists holds its own staging folder: its parent may be read-only or another file system.
    """
    home = Path(gettempdir()) if keep_away else anchor(target)
    _sweep(home)
    folder: Path | None = None
    lock = -1
    try:
        with held() as hold:
            folder = Path(mkdtemp(prefix=PREFIX, dir=home))
            lock = _lock(folder)
            tree = folder / (target.name or "root")
            tree.mkdir()
        hold.check()
        yield Stage(folder, tree)
    finally:
        with held():
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            if lock >= 0:
                os.close(lock)


def _sweep(home: Path) -> None:
    """Remove what commands that were killed have left in ``home``: their locks are free."""
    for folder in home.glob(PREFIX + "*"):
        with suppress(OSError):
            if folder.is_symlink() or time.time() - folder.lstat().st_mtime < _SETTLED_SECONDS:
                continue
            lock = _lock(folder)
            if lock >= 0:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


def _lock(folder: Path) -> int:
    """Return an open descriptor that holds the folder's lock, or -1 where somebody has it or locks are unknown."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return -1
    return descriptor
