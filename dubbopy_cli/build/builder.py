"""Build a project if its sources have changed since the last time."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from dubbopy_cli.artifact import Artifact
from dubbopy_cli.build import compilers, diagnose, sources
from dubbopy_cli.errors import DubbopyError
from dubbopy_cli.process import CommandError, Runner, shown
from dubbopy_cli.project import Project, missing

# A first build fetches some 500 MB of modules; on a slow line that takes its time.
_TIMEOUT = 1800.0


@dataclass(frozen=True)
class BuildResult:
    """What a build did: ``state`` is ``built`` or ``up-to-date``; ``seconds`` counts the compiler's time."""

    project: Project
    tag: str
    state: str
    seconds: float
    artifact: Artifact

    def to_dict(self) -> dict[str, object]:
        """Return the data of `build -o json`."""
        return {
            "application": self.project.name,
            "tag": self.tag,
            "state": self.state,
            "seconds": round(self.seconds, 2),
            "digest": self.artifact.digest,
            "output": str(self.project.build_dir),
        }


def build(
    project: Project,
    runner: Runner,
    *,
    tag: str | None = None,
    force: bool = False,
    announce: Callable[[str], None] = lambda _: None,
) -> BuildResult:
    """Compile the project into its build folder unless that is up to date.

    Raises DubbopyError ``build-failed`` with the compiler's own words in ``details`` and their meaning as the hint.
    """
    tag = tag or project.tag
    compiler = compilers.compiler(project)
    fingerprint = sources.digest(project.root, tag, project.lang, project.role, project.module)
    if not force and _recorded(project) == fingerprint:
        try:
            return BuildResult(project, tag, "up-to-date", 0.0, compiler.artifact(project))
        except DubbopyError as error:
            # Somebody cleaned the build folder by hand: build.
            if error.code != "build-missing":
                raise
    configuration = project.root / "conf/dubbogo.yaml"
    if not configuration.is_file():
        raise missing(configuration)
    started = monotonic()
    project.build_dir.mkdir(exist_ok=True)
    _record_path(project).unlink(missing_ok=True)
    for command in compiler.commands(project, tag, runner):
        announce(line(command))
        _run(project, command, runner)
    shutil.copyfile(configuration, project.build_dir / "dubbogo.yaml")
    artifact = compiler.artifact(project)
    _record_path(project).write_text(json.dumps({"sources": fingerprint, "tag": tag}) + "\n", encoding="utf-8")
    return BuildResult(project, tag, "built", monotonic() - started, artifact)


def line(command: compilers.Command) -> str:
    """Return the command as a line for a shell, with what it adds to the environment."""
    return " ".join([*(f"{key}={value}" for key, value in command.env.items()), shown(command.argv)])


def _run(project: Project, command: compilers.Command, runner: Runner) -> None:
    try:
        runner.run(command.argv, cwd=project.root, env=command.env, timeout=_TIMEOUT)
    except CommandError as error:
        output = "\n".join(filter(None, (error.done.stderr.rstrip(), error.done.stdout.rstrip())))
        raise DubbopyError(
            "build-failed",
            f"building {project.name} failed: `{Path(command.argv[0]).name} {command.argv[1]}` "
            f"ended with exit status {error.done.returncode}",
            details=output,
            hint=diagnose.meaning(output) or f"run it by hand in {project.root}: {line(command)}",
        ) from error


def _record_path(project: Project) -> Path:
    return project.build_dir / ".built.json"


def _recorded(project: Project) -> str:
    try:
        record = json.loads(_record_path(project).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return ""
    return str(record.get("sources", "")) if isinstance(record, dict) else ""
