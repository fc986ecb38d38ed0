"""Make a project, or a demo of two, from templates: render beside, compare, move in."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dubbopy_cli import names
from dubbopy_cli.errors import DubbopyError, UsageError
from dubbopy_cli.process import Runner
from dubbopy_cli.project import MARKER
from dubbopy_cli.scaffold import answers, catalogue, origin
from dubbopy_cli.scaffold.answers import Given, Prompter
from dubbopy_cli.scaffold.place import File, compare, place
from dubbopy_cli.scaffold.render import render
from dubbopy_cli.scaffold.sources import Source, source
from dubbopy_cli.scaffold.staging import Stage, anchor, destination, staged


@dataclass(frozen=True)
class Request:
    """What ``newApp`` or ``newDemo`` is asked for; without a template it is a built-in one."""

    path: Path
    given: Mapping[str, Given] = field(default_factory=dict)
    template: str = ""
    ref: str = ""
    trust: bool = False
    force: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class Application:
    """One application of what was made: its folder, the template and the answers."""

    name: str
    path: Path
    template: str
    answers: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the application for ``-o json``."""
        return {"path": str(self.path), "name": self.name, "template": self.template, "answers": dict(self.answers)}


@dataclass(frozen=True)
class Made:
    """What was made, or would be by a dry run."""

    path: Path
    applications: tuple[Application, ...]
    files: tuple[File, ...]
    backups: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def is_project(self) -> bool:
        """Tell whether the other commands work in it."""
        return any(file.path == MARKER for file in self.files)

    def to_dict(self) -> dict[str, Any]:
        """Return the files for ``-o json``."""
        return {"files": [file.to_dict() for file in self.files], "backups": list(self.backups)}


def new_app(request: Request, runner: Runner, prompter: Prompter | None = None) -> Made:
    """Make one project; with a ``prompter``, ask for what is not given. DubbopyError on failure: nothing is left."""
    target = destination(request.path)
    if request.template and not request.template.startswith(catalogue.BUILTIN):
        return _foreign(request, target, ask=prompter is not None)
    given = _with_alias(request)
    values = answers.complete(
        given,
        answers.questions(),
        target,
        module=lambda folder: origin.go_module(folder, runner),
        prompter=prompter,
    )
    with _refusals(target), staged(target, keep_away=request.dry_run) as stage:
        heard = _layers(values, stage.tree)
        files, backups = _finish(stage, target, request)
    return Made(target, (_application(values, target),), files, backups, heard)


def new_demo(request: Request, runner: Runner) -> Made:
    """Make a server and a client beside each other. DubbopyError on failure: nothing is left of either."""
    target = destination(request.path)
    declared = answers.questions()
    lang = answers.complete(request.given, declared, Path("demo"))["lang"]
    short = {"go": "go", "python": "py"}[str(lang)]
    pair = {role: f"dubbo-{short}-{role}" for role in catalogue.ROLES}
    made = []
    with _refusals(target), staged(target, keep_away=request.dry_run) as stage:
        heard: tuple[str, ...] = ()
        for role, name in pair.items():
            given = {
                **request.given,
                **{key: Given(value, "newDemo") for key, value in (("role", role), ("name", name))},
            }
            if role == "client":
                given["server"] = Given(pair["server"], "newDemo")
            values = answers.complete(
                given, declared, target / name, module=lambda folder: origin.go_module(folder, runner)
            )
            (stage.tree / name).mkdir()
            heard += _layers(values, stage.tree / name)
            made.append(_application(values, target / name))
        heard += render(Source(str(catalogue.root() / catalogue.DEMO)), stage.tree, {**pair, "lang": lang}).warnings
        files, backups = _finish(stage, target, request)
    return Made(target, tuple(made), files, backups, heard)


def _foreign(request: Request, target: Path, *, ask: bool) -> Made:
    template = source(request.template, request.ref, trust=request.trust)
    proposed = names.slug(target.name)

    def inspect(questions: list[str]) -> Mapping[str, Any]:
        answers.refuse_unknown(request.given, questions, f"the template {template.url}")
        return {"name": proposed} if "name" in questions and proposed else {}

    data = {key: answer.value for key, answer in request.given.items()}
    with _refusals(target), staged(target, keep_away=request.dry_run) as stage:
        done = render(template, stage.tree, data, inspect=inspect, ask=ask)
        files, backups = _finish(stage, target, request)
    # An answer of a template can be anything that YAML knows, a date for one.
    plain = json.loads(json.dumps(done.answers, default=str))
    application = Application(str(plain.get("name") or proposed), target, template.url, plain)
    return Made(target, (application,), files, backups, done.warnings)


def _with_alias(request: Request) -> dict[str, Given]:
    """Return the answers given, with those that the name of a built-in template stands for."""
    given = dict(request.given)
    if request.ref:
        raise UsageError("usage", "--ref goes with a template in git, not with a built-in one", hint="leave --ref out")
    if request.template:
        lang, role = catalogue.parse_alias(request.template)
        for key, value in (("lang", lang), ("role", role)):
            if key in given and given[key].value != value:
                raise UsageError(
                    "usage",
                    f"{given[key].origin} {given[key].value} and --template {request.template} contradict each other",
                    hint="keep one",
                )
            given[key] = Given(value, "--template")
    return given


def _layers(values: Mapping[str, str | int], tree: Path) -> tuple[str, ...]:
    heard: tuple[str, ...] = ()
    for layer in catalogue.layers(str(values["lang"]), str(values["role"]), str(values["mesh"])):
        heard += render(Source(str(layer)), tree, values).warnings
    return heard


def _application(values: Mapping[str, str | int], folder: Path) -> Application:
    return Application(str(values["name"]), folder, catalogue.alias(str(values["lang"]), str(values["role"])), values)


def _finish(stage: Stage, target: Path, request: Request) -> tuple[tuple[File, ...], tuple[str, ...]]:
    files = compare(stage.tree, target, force=request.force)
    if request.dry_run:
        return files, ()
    return files, place(stage, target, files, now=datetime.now(UTC))


@contextmanager
def _refusals(target: Path) -> Iterator[None]:
    """Say what the system refused in words of the project's folder, not of the staging folder's."""
    try:
        yield
    except OSError as error:
        space = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
        raise DubbopyError(
            "io",
            f"{target} cannot be written: {error.strerror or error}; nothing was written",
            hint=f"df -h {anchor(target)}" if space else f"ls -ld {anchor(target)}",
        ) from error
