"""One compiler a language: the commands that make the artifact, the same as the Makefile's."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from dubbopy_cli.artifact import Artifact
from dubbopy_cli.build import toolchain
from dubbopy_cli.errors import DubbopyError
from dubbopy_cli.process import Runner
from dubbopy_cli.project import Project

# What a wheel is called is not known before it is there.
WHEELS = "build/dist/*.whl"


@dataclass(frozen=True)
class Command:
    """One command of a build, run in the project's folder."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)


class Compiler(Protocol):
    """Make a project's artifact in its build folder."""

    def commands(self, project: Project, tag: str, runner: Runner) -> Iterator[Command]:
        """Check the toolchain, then yield the commands; each has been run when the next one is asked for."""
        ...

    def prepare(self, project: Project, tag: str) -> None:
        """Write and remove what the commands of ``packing`` expect there or not there."""
        ...

    def preparation(self, project: Project, tag: str) -> str:
        """Return the line for a shell that does what ``prepare`` does, or an empty text."""
        ...

    def preview(self, project: Project, tag: str, runner: Runner) -> tuple[Command, ...]:
        """Return the commands as far as they are known before they run; nothing is changed."""
        ...

    def packing(self, project: Project, tag: str, runner: Runner, platforms: tuple[str, ...]) -> tuple[Command, ...]:
        """Return the commands for what an image holds: for each of ``platforms``, or for this machine."""
        ...

    def artifact(self, project: Project) -> Artifact:
        """Return what the commands have made; DubbopyError ``build-missing`` if it is not there."""
        ...


class GoCompiler:
    """Compile with the Go toolchain into one static program."""

    def commands(self, project: Project, tag: str, runner: Runner) -> Iterator[Command]:
        """Yield the one `go build` command, which stamps the tag into the program."""
        yield self._command(project, tag, runner, "build/app", {})

    def prepare(self, project: Project, tag: str) -> None:
        """Do nothing: the tag is in the command."""

    def preparation(self, project: Project, tag: str) -> str:  # noqa: ARG002 - the protocol's
        """Return nothing."""
        return ""

    def preview(self, project: Project, tag: str, runner: Runner) -> tuple[Command, ...]:
        """Return the same command."""
        return tuple(self.commands(project, tag, runner))

    def packing(self, project: Project, tag: str, runner: Runner, platforms: tuple[str, ...]) -> tuple[Command, ...]:
        """Return a command a platform, each for a program named after its architecture; a container runs Linux."""
        if not platforms:
            return (self._command(project, tag, runner, "build/app", {"GOOS": "linux"}),)
        return tuple(
            self._command(project, tag, runner, f"build/app-{name}", {"GOOS": "linux", "GOARCH": name})
            for name in (one.partition("/")[2] for one in platforms)
        )

    @staticmethod
    def _command(project: Project, tag: str, runner: Runner, output: str, env: Mapping[str, str]) -> Command:
        go = toolchain.go(runner)
        package = f"{project.module}/pkg/service" if project.role == "server" else "main"
        flags = f"-s -w -X {package}.tag={tag}"
        words = (str(go.path), "build", "-trimpath", "-ldflags", flags, "-o", output, "./cmd")
        return Command(words, {"CGO_ENABLED": "0", **env})

    def artifact(self, project: Project) -> Artifact:
        """Return the program and its configuration."""
        files = {"app": project.build_dir / "app", "dubbogo.yaml": project.root / "conf/dubbogo.yaml"}
        return Artifact(
            files=files,
            command=("{release}/app",),
            digest=_digest(files.values()),
            env={"DUBBO_GO_CONFIG_PATH": "{release}/dubbogo.yaml"},
        )


class PythonCompiler:
    """Build a wheel and install it, with what it needs, into a venv in the build folder."""

    def commands(self, project: Project, tag: str, runner: Runner) -> Iterator[Command]:
        """Yield the commands for the wheel, the venv and the installation."""
        self.prepare(project, tag)
        yield from self.packing(project, tag, runner, ())
        # By path: an index may have a stranger of the same name.
        yield from self._installing(project, [str(path.relative_to(project.root)) for path in self._wheels(project)])

    def prepare(self, project: Project, tag: str) -> None:
        """Write the tag, which the wheel carries, and remove older wheels."""
        # The file is git-ignored and belongs to the build.
        (project.root / "src" / project.module / "_tag.txt").write_text(tag + "\n", encoding="utf-8")
        for stale in self._wheels(project):
            stale.unlink()

    def preparation(self, project: Project, tag: str) -> str:
        """Return the lines of the Makefile."""
        return f"rm -rf build/dist; echo {tag} > src/{project.module}/_tag.txt"

    def preview(self, project: Project, tag: str, runner: Runner) -> tuple[Command, ...]:
        """Return the same commands; the wheel's name is not known before it is there."""
        return (*self.packing(project, tag, runner, ()), *self._installing(project, [WHEELS]))

    def packing(
        self,
        project: Project,  # noqa: ARG002 - the protocol's
        tag: str,  # noqa: ARG002 - it is in a file by then
        runner: Runner,  # noqa: ARG002 - the protocol's
        platforms: tuple[str, ...],  # noqa: ARG002 - one wheel does for all
    ) -> tuple[Command, ...]:
        """Return the command for the wheel; what it needs is installed within the image."""
        if uv := toolchain.uv():
            return (Command((str(uv), "build", "--wheel", "-o", "build/dist", ".")),)
        return (Command((sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", "build/dist", ".")),)

    @staticmethod
    def _installing(project: Project, wheels: list[str]) -> Iterator[Command]:
        uv = toolchain.uv()
        python = str(project.build_dir / "venv/bin/python")
        if not Path(python).exists():
            yield _make_venv(uv)
        pip = (str(uv), "pip", "install", "--python", python) if uv else (python, "-m", "pip", "install")
        yield Command((*pip, *wheels))
        # The version never changes, so that the first command leaves an older wheel's content in place.
        yield Command((*pip, "--force-reinstall", "--no-deps", *wheels))

    def artifact(self, project: Project) -> Artifact:
        """Return the installed packages, the interpreter to run them and the configuration."""
        python = project.build_dir / "venv/bin/python"
        site = next((project.build_dir / "venv/lib").glob("python3*/site-packages"), project.build_dir / "venv/lib")
        wheels = self._wheels(project)
        installed = sorted(entry.name for entry in site.glob("*.dist-info")) if site.is_dir() else []
        files = {"site": site, "dubbogo.yaml": project.root / "conf/dubbogo.yaml"}
        return Artifact(
            files=files,
            # The venv itself cannot be moved, its packages can: they run under its base interpreter.
            command=(os.path.realpath(python), "-m", project.module),
            digest=_digest([*wheels, files["dubbogo.yaml"], python], *installed),
            env={
                "DUBBO_GO_CONFIG_PATH": "{release}/dubbogo.yaml",
                "PYTHONPATH": "{release}/site",
                "PYTHONNOUSERSITE": "1",
                "PYTHONUNBUFFERED": "1",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
        )

    @staticmethod
    def _wheels(project: Project) -> list[Path]:
        return sorted((project.build_dir / "dist").glob("*.whl"))


def compiler(project: Project) -> Compiler:
    """Return the compiler for the project's language."""
    return GoCompiler() if project.lang == "go" else PythonCompiler()


def _make_venv(uv: Path | None) -> Command:
    if uv:
        return Command((str(uv), "venv", "--quiet", "--python", sys.executable, "build/venv"))
    return Command((sys.executable, "-m", "venv", "build/venv"))


def _digest(files: Iterable[Path], *facts: str) -> str:
    total = hashlib.sha256("\n".join(facts).encode())
    for path in files:
        try:
            total.update(path.read_bytes())
        except FileNotFoundError as error:
            raise DubbopyError(
                "build-missing", f"{path} is missing: the project is not built", hint="dubbopy-cli build"
            ) from error
    return total.hexdigest()
