"""Move a staged tree to its place: all of it or nothing, and nothing of the user's is lost."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from filecmp import cmp
from pathlib import Path

from dubbopy_cli.errors import ConflictError, UsageError
from dubbopy_cli.scaffold.interrupts import Held, held
from dubbopy_cli.scaffold.staging import Stage, anchor

# A folder of its own: a copy left beside a file in chart/app/templates would be rendered by helm.
BACKUPS = ".dubbopy-orig"


class State(StrEnum):
    """What became, or would become, of a file."""

    CREATED = "created"
    UNCHANGED = "unchanged"
    REPLACED = "replaced"


@dataclass(frozen=True)
class File:
    """One file of a project, by its path inside the project with ``/`` between parts."""

    path: str
    state: State

    def to_dict(self) -> dict[str, str]:
        """Return the file for ``-o json``."""
        return {"path": self.path, "state": self.state.value}


def compare(tree: Path, target: Path, *, force: bool = False) -> tuple[File, ...]:
    """Return what placing ``tree`` at ``target`` would do to each file.

    ConflictError, with the whole list, when files exist and differ and there is no ``force``; when something is in
    the way that even ``force`` does not move; DubbopyError when a link would lead a file out of ``target``.
    """
    files, differ, blocked = [], [], []
    for staged in sorted(tree.rglob("*")):
        relative = staged.relative_to(tree)
        _refuse_links(relative, target)
        if staged.is_dir() and not staged.is_symlink():
            continue
        wanted = target / relative
        obstacle = _obstacle(relative, target)
        if obstacle:
            blocked.append(obstacle)
        elif not os.path.lexists(wanted):
            files.append(File(relative.as_posix(), State.CREATED))
        elif _same(staged, wanted):
            files.append(File(relative.as_posix(), State.UNCHANGED))
        else:
            files.append(File(relative.as_posix(), State.REPLACED))
            differ.append(relative.as_posix())
    if blocked:
        raise ConflictError(
            "path-conflict",
            f"{target} holds what is in the way of the project, nothing was written",
            details="\n".join(dict.fromkeys(blocked)),
            hint="move it away, or choose another folder",
        )
    if differ and not force:
        raise ConflictError(
            "path-conflict",
            f"{target} holds {_count(len(differ))} already that {'differs' if len(differ) == 1 else 'differ'}"
            " from the project's, nothing was written",
            details="\n".join(differ),
            hint="the same command with --force, which keeps a copy of each",
        )
    return tuple(files)


def place(stage: Stage, target: Path, files: tuple[File, ...], *, now: datetime) -> tuple[str, ...]:
    """Move the staged tree to ``target`` as ``compare`` found it; return the copies kept, relative to ``target``.

    On any failure, and on Ctrl-C, everything is as it was before.
    """
    with held() as hold:
        hold.check()
        if not target.exists():
            _move_whole(stage, target)
            return ()
        return _Moves(target, hold).run(stage.tree, files, now)


def _move_whole(stage: Stage, target: Path) -> None:
    """Move a tree to where nothing is: one rename brings it and the parent folders it needs."""
    home = anchor(target)
    parts = target.relative_to(home).parts
    top = stage.tree
    if len(parts) > 1:
        top = stage.folder / "parents" / parts[0]
        inner = top.joinpath(*parts[1:])
        inner.parent.mkdir(parents=True)
        stage.tree.rename(inner)
    try:
        top.rename(home / parts[0])
    except OSError as error:
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
            raise _appeared(home / parts[0]) from error
        raise


class _Moves:
    """Moves of single files into a folder that exists, each of which can be undone."""

    def __init__(self, target: Path, hold: Held) -> None:
        self._target = target
        self._hold = hold
        self._undo: list[Callable[[], object]] = []

    def run(self, tree: Path, files: tuple[File, ...], now: datetime) -> tuple[str, ...]:
        backups = []
        folder = _free(self._target / BACKUPS / f"{now:%Y%m%dT%H%M%SZ}")
        try:
            for file in files:
                self._hold.check()
                wanted = self._target / file.path
                if file.state is State.REPLACED:
                    kept = folder / file.path
                    self._make_folder(kept.parent)
                    self._rename(wanted, kept)
                    backups.append(kept.relative_to(self._target).as_posix())
                if file.state is not State.UNCHANGED:
                    self._make_folder(wanted.parent)
                    self._bring(tree / file.path, wanted)
            for empty in (path for path in sorted(tree.rglob("*")) if path.is_dir() and not path.is_symlink()):
                self._make_folder(self._target / empty.relative_to(tree))
        except BaseException:
            for action in reversed(self._undo):
                with suppress(OSError):
                    action()
            raise
        return tuple(backups)

    def _make_folder(self, folder: Path) -> None:
        missing = [one for one in (folder, *folder.parents) if not one.exists()]
        for one in reversed(missing):
            one.mkdir()
            self._undo.append(one.rmdir)

    def _rename(self, old: Path, new: Path) -> None:
        old.rename(new)
        self._undo.append(lambda: new.rename(old))

    def _bring(self, staged: Path, wanted: Path) -> None:
        try:
            # A link, unlike a rename, fails if something has come there since the comparison.
            os.link(staged, wanted, follow_symlinks=False)
        except FileExistsError as error:
            raise _appeared(wanted) from error
        except OSError as error:
            # Not every file system has hard links, and a folder inside can be another one's.
            if error.errno not in {errno.EPERM, errno.EXDEV, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS}:
                raise
            self._undo.append(lambda: wanted.unlink(missing_ok=True))
            shutil.copy2(staged, wanted, follow_symlinks=False)
        else:
            self._undo.append(wanted.unlink)


def _refuse_links(relative: Path, target: Path) -> None:
    for parent in list(relative.parents)[:-1]:
        if (target / parent).is_symlink():
            raise UsageError(
                "path-invalid",
                f"{target / parent} is a link to {(target / parent).readlink()}: {relative} would be written there,"
                " outside the project",
                hint=f"rm {target / parent}, or choose another folder; nothing was written",
            )


def _obstacle(relative: Path, target: Path) -> str:
    for parent in list(relative.parents)[-2::-1]:
        if os.path.lexists(target / parent) and not (target / parent).is_dir():
            return f"{parent.as_posix()} (a file, where the project has a folder)"
    wanted = target / relative
    if os.path.lexists(wanted):
        mode = wanted.lstat().st_mode
        if stat.S_ISDIR(mode):
            return f"{relative.as_posix()} (a folder, where the project has a file)"
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            return f"{relative.as_posix()} (neither a file nor a folder)"
    return ""


def _same(staged: Path, wanted: Path) -> bool:
    if staged.is_symlink() or wanted.is_symlink():
        return staged.is_symlink() and wanted.is_symlink() and staged.readlink() == wanted.readlink()
    return cmp(staged, wanted, shallow=False)


def _free(folder: Path) -> Path:
    """Return ``folder``, or the first of its numbered sisters that does not exist."""
    sisters = (folder.with_name(f"{folder.name}-{number}") for number in range(2, 1000))
    return next(one for one in (folder, *sisters) if not os.path.lexists(one))


def _count(number: int) -> str:
    return "1 file" if number == 1 else f"{number} files"


def _appeared(path: Path) -> ConflictError:
    return ConflictError(
        "path-conflict",
        f"{path} appeared while the project was being made, nothing was written",
        hint="the same command again",
    )
