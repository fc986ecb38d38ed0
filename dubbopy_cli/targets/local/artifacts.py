"""Copies of artifacts: what runs does not change when the project is built again."""

from __future__ import annotations

import os
from collections.abc import Iterable

from dubbopy_cli.artifact import Artifact
from dubbopy_cli.errors import PreflightError
from dubbopy_cli.targets.local.files import copy_tree, disk_errors, remove_tree
from dubbopy_cli.targets.local.paths import Paths
from dubbopy_cli.targets.local.state import State


def stage(paths: Paths, release: str, artifact: Artifact) -> None:
    """Copy the artifact into its release's folder; a copy that is not whole is never seen under its name."""
    target = paths.release(release, artifact.digest)
    if target.is_dir():
        return
    draft = paths.scratch / f"artifact-{os.getpid()}"
    remove_tree(draft)
    try:
        with disk_errors(paths.releases):
            for name, source in artifact.files.items():
                if not source.exists():
                    raise PreflightError(
                        "artifact-missing",
                        f"{source}, which the build should have left, is not there",
                        hint="dubbopy-cli build --force",
                    )
                copy_tree(source, draft / name)
            draft.mkdir(exist_ok=True)
            target.parent.mkdir(mode=0o700, exist_ok=True)
            draft.rename(target)
    finally:
        remove_tree(draft)


def prune(paths: Paths, state: State) -> None:
    """Delete the copies that no revision in ``state`` runs, and what a killed command left half-copied."""
    used = {
        paths.release(f"{app.name}-{release.version}", revision.digest)
        for app in state.applications
        for release in app.releases
        for revision in release.revisions
    }
    _delete(folder for folder in paths.releases.glob("*/*") if folder not in used)
    for folder in paths.releases.glob("*"):
        if not any(folder.iterdir()):
            folder.rmdir()
    _delete(paths.scratch.glob("artifact-*"))
    for draft in paths.scratch.glob("*.*"):
        draft.unlink(missing_ok=True)


def _delete(folders: Iterable[os.PathLike[str]]) -> None:
    from pathlib import Path

    for folder in list(folders):
        remove_tree(Path(folder))
