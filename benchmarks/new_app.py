"""How long `newApp` takes against `copier copy` of the very same template with the same answers. Goal: at most 1.2."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from pairs import command, ratio

from dubbopy_cli.scaffold import catalogue


def merged(folder: Path) -> Path:
    """Put the layers of the Go server into one template, as copier alone would need it."""
    for layer in catalogue.layers("go", "server"):
        shutil.copytree(layer, folder, dirs_exist_ok=True)
    # Only the first layer has the questions.
    shutil.copy(catalogue.root() / "common/copier.yml", folder / "copier.yml")
    return folder


def fresh(argv: list[str], folder: Path, cache: Path) -> Callable[[], float]:
    """Return a timed run that makes ``folder``, which is gone before and after."""
    timed = command([*argv, str(folder)], env={**os.environ, "PYTHONPYCACHEPREFIX": str(cache)})

    def run() -> float:
        seconds = timed()
        shutil.rmtree(folder)
        return seconds

    return run


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        cache = Path(scratch, "cache")
        template = merged(Path(scratch, "template"))
        copier = [str(Path(sys.executable).parent / "copier"), "copy", "--defaults", "--quiet", str(template)]
        ratio(
            "newApp of a Go server against copier copy",
            fresh([sys.executable, "-m", "dubbopy_cli", "newApp"], Path(scratch, "ours/dubbo-go-server"), cache),
            fresh(copier, Path(scratch, "theirs/dubbo-go-server"), cache),
        )
