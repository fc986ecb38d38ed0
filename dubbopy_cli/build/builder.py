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
    if not force and (done := current(project, tag)):
        return done
    fingerprint = _fingerprint(project, tag)
    source = configuration(project)
    started = monotonic()
    project.build_dir.mkdir(exist_ok=True)
    forget(project)
    for command in compiler.commands(project, tag, runner):
        announce(line(command))
        run(project, command, runner)
    shutil.copyfile(source, project.build_dir / "dubbogo.yaml")
    artifact = compiler.artifact(project)
    _record_path(project).write_text(json.dumps({"sources": fingerprint, "tag": tag}) + "\n", encoding="utf-8")
    return BuildResult(project, tag, "built", monotonic() - started, artifact)


def preview(project: Project, runner: Runner, *, tag: str | None = None, force: bool = False) -> tuple[str, ...]:
    """Return the lines that ``build`` would run, none if the project is up to date."""
    tag = tag or project.tag
    if not force and current(project, tag):
        return ()
    configuration(project)
    compiler = compilers.compiler(project)
    lines = [compiler.preparation(project, tag), *map(line, compiler.preview(project, tag, runner))]
    # A pattern is for the shell to fill.
    return tuple(text.replace(f"'{compilers.WHEELS}'", compilers.WHEELS) for text in lines if text)


def current(project: Project, tag: str) -> BuildResult | None:
    """Return what the last build left, if nothing has changed since."""
    if _recorded(project) != _fingerprint(project, tag):
        return None
    try:
        return BuildResult(project, tag, "up-to-date", 0.0, compilers.compiler(project).artifact(project))
    except DubbopyError as error:
        # Somebody cleaned the build folder by hand: build.
        if error.code != "build-missing":
            raise
        return None


def forget(project: Project) -> None:
    """Let the next build compile: what is in the build folder is about to change."""
    _record_path(project).unlink(missing_ok=True)


def line(command: compilers.Command) -> str:
    """Return the command as a line for a shell, with what it adds to the environment."""
    return " ".join([*(f"{key}={value}" for key, value in command.env.items()), shown(command.argv)])


def configuration(project: Project) -> Path:
    """Return the file that every program reads; PreflightError if it is missing."""
    path = project.root / "conf/dubbogo.yaml"
    if not path.is_file():
        raise missing(path)
    return path


def run(project: Project, command: compilers.Command, runner: Runner) -> None:
    """Run one command of a compiler; DubbopyError ``build-failed`` as ``build`` raises it."""
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


def _fingerprint(project: Project, tag: str) -> str:
    return sources.digest(project.root, tag, project.lang, project.role, project.module)


def _record_path(project: Project) -> Path:
    return project.build_dir / ".built.json"


def _recorded(project: Project) -> str:
    try:
        record = json.loads(_record_path(project).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return ""
    return str(record.get("sources", "")) if isinstance(record, dict) else ""
