"""Go projects made of the template's layers, compiled once for each content and kept between runs."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import copier
from filelock import FileLock

TEMPLATES = Path(__file__).parents[3] / "templates"
TAG = "1.2.3"
KEPT = 24 * 3600.0  # seconds since a project was last used


@dataclass(frozen=True)
class Project:
    """A role, its answers, and edits: whole files, or (old, new) for a part that occurs once."""

    role: str
    module: str = ""
    mesh: str = "sidecar"
    edits: Mapping[str, str | tuple[str, str]] = field(default_factory=dict)

    @property
    def layers(self) -> tuple[str, ...]:
        of_mesh = () if self.mesh == "sidecar" else (f"go-{self.mesh}", f"go-{self.mesh}-{self.role}")
        return ("common", "go", f"go-{self.role}", *of_mesh)

    def answers(self) -> dict[str, object]:
        name = f"dubbo-go-{self.role}"
        return {
            "name": name,
            "lang": "go",
            "role": self.role,
            "mesh": self.mesh,
            "module": self.module or name,
            "image": f"localhost:5000/{name}",
            "app_version": "v1",
            "tag": TAG,
            "port": 20000,
            "server": "dubbo-go-server" if self.role == "client" else "",
        }

    def render(self, destination: Path) -> None:
        for layer in self.layers:
            copier.run_copy(str(TEMPLATES / layer), destination, data=self.answers(), defaults=True, quiet=True)
        for path, edit in self.edits.items():
            file = destination / path
            if isinstance(edit, str):
                file.write_text(edit)
                continue
            text = file.read_text()
            assert text.count(edit[0]) == 1, (path, edit[0])
            file.write_text(text.replace(*edit))

    def digest(self) -> str:
        content = hashlib.sha256(repr((self.answers(), sorted(self.edits.items()))).encode())
        for layer in self.layers:
            for file in _files(TEMPLATES / layer):
                content.update(str(file.relative_to(TEMPLATES)).encode() + b"\0" + file.read_bytes())
        return content.hexdigest()[:24]


def compiled(project: Project, cache: Path) -> Path:
    """Return the project's folder, with the program in build/app as the Makefile would make it."""
    folder = cache / f"{project.role}-{project.digest()}"
    done = folder / "build/done"
    with FileLock(cache / "lock"):  # one compiler at a time
        if not done.exists():
            _prune(cache)
            shutil.rmtree(folder, ignore_errors=True)
            project.render(folder)
            variable = f"{project.answers()['module']}/pkg/service.tag" if project.role == "server" else "main.tag"
            flags = ["-trimpath", "-ldflags", f"-s -w -X {variable}={TAG}"]
            go(folder, "build", *flags, "-o", "build/app", "./cmd")
        done.touch()
    return folder


def _prune(cache: Path) -> None:
    for done in cache.glob("*/build/done"):
        if done.stat().st_mtime < time.time() - KEPT:
            shutil.rmtree(done.parents[1])


def go(folder: Path, *arguments: str) -> str:
    """Run the go command as on a machine where nothing may be changed behind the user's back."""
    done = subprocess.run(
        ["go", *arguments],
        cwd=folder,
        env=os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off"},
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
    )
    assert done.returncode == 0, f"go {' '.join(arguments)}\n{done.stdout}{done.stderr}"
    return done.stdout


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())
