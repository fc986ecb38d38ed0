"""Python projects made of the template's layers, and the one environment they all run in."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import copier
from filelock import FileLock

TEMPLATES = Path(__file__).parents[3] / "templates"
TAG = "1.2.3"


@dataclass(frozen=True)
class Project:
    """A role, its answers, and edits: (old, new) for a part of a file that occurs once."""

    role: str
    name: str = ""
    module: str = ""
    edits: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def package(self) -> str:
        return self.module or self.application.replace("-", "_")

    @property
    def application(self) -> str:
        return self.name or f"dubbo-py-{self.role}"

    def answers(self) -> dict[str, object]:
        return {
            "name": self.application,
            "lang": "python",
            "role": self.role,
            "mesh": "sidecar",
            "module": self.package,
            "image": f"localhost:5000/{self.application}",
            "app_version": "v1",
            "tag": TAG,
            "port": 20000,
            "server": "dubbo-go-server" if self.role == "client" else "",
        }

    def render(self, destination: Path) -> Path:
        for layer in ("common", "python", f"python-{self.role}"):
            copier.run_copy(str(TEMPLATES / layer), destination, data=self.answers(), defaults=True, quiet=True)
        for path, (old, new) in self.edits.items():
            file = destination / path.format(package=self.package)
            text = file.read_text()
            assert text.count(old) == 1, (path, old)
            file.write_text(text.replace(old, new))
        return destination


@dataclass(frozen=True)
class App:
    """A project that can be run: from its sources, or as it is installed in the environment."""

    folder: Path
    package: str
    python: Path
    installed: bool = False

    def argv(self, *arguments: str) -> list[str]:
        return [str(self.python), "-m", self.package, *arguments]

    def env(self) -> dict[str, str]:
        return {} if self.installed else {"PYTHONPATH": str(self.folder / "src")}


def environment(folder: Path, projects: Iterable[Path]) -> Path:
    """Make an environment with what the projects and their developers need; return its Python."""
    python = folder / "bin/python"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):  # one for all workers of a parallel run
        if not python.exists():
            uv("venv", "--python", sys.executable, str(folder))
            for project in projects:
                file = str(project / "pyproject.toml")
                uv("pip", "install", "--python", str(python), "-r", file, "--group", f"{file}:dev")
    return python


def uv(*arguments: str, cwd: Path | None = None) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "uv", "--quiet", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"uv {' '.join(arguments)}\n{done.stdout}{done.stderr}"
