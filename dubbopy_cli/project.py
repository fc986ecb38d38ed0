"""A project on disk: what its own files say about name, image, tag, version, port and language."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from dubbopy_cli import names
from dubbopy_cli.errors import PreflightError, UsageError

MARKER = ".dubbopy.yaml"

Lang = Literal["go", "python"]
Role = Literal["server", "client"]

T = TypeVar("T")


@dataclass(frozen=True)
class Project:
    """A folder made by ``newApp``; every value is read from the one file that holds it."""

    root: Path
    template: str
    lang: Lang
    role: Role
    mesh: str
    module: str
    name: str
    image: str
    tag: str
    version: str
    port: int
    references: tuple[tuple[str, int], ...]

    @property
    def build_dir(self) -> Path:
        """Return the folder that holds the Dockerfile and what a build leaves."""
        return self.root / "build"


def locate(start: Path) -> Path:
    """Return the nearest folder at or above ``start`` that holds a project; PreflightError if there is none."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / MARKER).is_file():
            return folder
    raise PreflightError(
        "project-not-found",
        f"{start} is not inside a project: neither it nor a folder above it holds {MARKER}",
        hint="cd into a project, or make one: dubbopy-cli newApp .",
    )


def load(start: Path) -> Project:
    """Read the project at or above ``start``; PreflightError when a file is missing or says nonsense."""
    root = locate(start)
    marker = read(root / MARKER)
    chart = read(root / "chart/app/Chart.yaml")
    values = read(root / "chart/app/values.yaml")
    service = read(root / "chart/service/values.yaml")
    reader = _Reader(root)
    lang = reader.one_of(marker, MARKER, "answers.lang", ("go", "python"))
    role = reader.one_of(marker, MARKER, "answers.role", ("server", "client"))
    return Project(
        root=root,
        template=reader.text(marker, MARKER, "template"),
        lang=cast("Lang", lang),
        role=cast("Role", role),
        mesh=reader.text(marker, MARKER, "answers.mesh"),
        module=_go_module(root) if lang == "go" else reader.text(marker, MARKER, "answers.module"),
        name=reader.checked(names.application, chart, "chart/app/Chart.yaml", "name"),
        image=reader.checked(names.image, values, "chart/app/values.yaml", "image.repository"),
        tag=reader.checked(names.tag, values, "chart/app/values.yaml", "image.tag"),
        version=reader.checked(names.version, values, "chart/app/values.yaml", "version.labels.dubbogoAppVersion"),
        port=reader.checked(names.port, service, "chart/service/values.yaml", "service.port"),
        references=_references(root),
    )


def missing(path: Path) -> PreflightError:
    """Return the error for a file that every project has, and this one lacks."""
    return PreflightError(
        "project-invalid",
        f"{path} is missing",
        hint="restore it from version control, or take it from a new project: dubbopy-cli newApp ../another",
    )


class _Reader:
    def __init__(self, root: Path) -> None:
        self._root = root

    def text(self, document: Mapping[str, Any], file: str, path: str) -> str:
        node: Any = document
        for key in path.split("."):
            node = node.get(key) if isinstance(node, Mapping) else None
        key = path.rpartition(".")[2]
        # A number has lost what was typed (1.10 is 1.1, 010 is 8), and a cluster refuses one as a label.
        if not isinstance(node, str) and not (key == "port" and type(node) is int):
            raise PreflightError(
                "project-invalid",
                f"{self._root / file} has no usable `{path}`"
                + (f": {node!r} is not a text" if node is not None else ""),
                hint=f'write it in quotes, such as {key}: "{_EXAMPLES[key]}"',
            )
        return str(node)

    def checked(self, rule: Callable[[str], T], document: Mapping[str, Any], file: str, path: str) -> T:
        try:
            return rule(self.text(document, file, path))
        except UsageError as error:
            raise PreflightError(
                "project-invalid", f"{self._root / file}: `{path}`: {error.message}", hint=error.hint
            ) from error

    def one_of(self, document: Mapping[str, Any], file: str, path: str, known: tuple[str, ...]) -> str:
        value = self.text(document, file, path)
        if value not in known:
            raise PreflightError(
                "project-invalid",
                f"{self._root / file} says `{path}: {value}`, which is none of {', '.join(known)}."
                + names.did_you_mean(value, list(known)),
                hint=f"mend {self._root / file}",
            )
        return value


_EXAMPLES = {
    "template": "builtin:go-server",
    "lang": "go",
    "role": "server",
    "mesh": "sidecar",
    "module": "example.com/shop",
    "name": "shop",
    "repository": "localhost:5000/shop",
    "tag": "1.0.0",
    "dubbogoAppVersion": "v1",
    "port": "20000",
}


def _go_module(root: Path) -> str:
    """Return the module that go.mod names: a user may have renamed it."""
    try:
        text = (root / "go.mod").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError as error:
        raise missing(root / "go.mod") from error
    match = re.search(r"""^module\s+["`]?([^\s"`]+)""", text, re.MULTILINE)
    if match is None:
        raise PreflightError("project-invalid", f"{root / 'go.mod'} names no module", hint=f"mend {root / 'go.mod'}")
    return match[1]


def _references(root: Path) -> tuple[tuple[str, int], ...]:
    """Return the applications that conf/dubbogo.yaml calls: the first label of each reference's host, and its port."""
    path = root / "conf/dubbogo.yaml"
    if not path.is_file():
        return ()
    node: Any = read(path)
    for key in ("dubbo", "consumer", "references"):
        node = node.get(key) if isinstance(node, Mapping) else None
    found = []
    for reference in node.values() if isinstance(node, Mapping) else ():
        url = reference.get("url", "") if isinstance(reference, Mapping) else ""
        match = re.search(r"tri://([a-z][a-z0-9-]*)(?:\.[a-z0-9.-]*)?:([0-9]+)", str(url))
        if match:
            found.append((match[1], int(match[2])))
    return tuple(found)


def read(path: Path) -> Mapping[str, Any]:
    """Return the mapping in a YAML file; PreflightError ``project-invalid`` when it is missing or says nonsense."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        document = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise missing(path) from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise PreflightError(
            "project-invalid", f"{path} is not valid YAML: {yaml_fault(error)}", hint=f"mend {path}"
        ) from error
    if not isinstance(document, Mapping):
        raise PreflightError("project-invalid", f"{path} holds no mapping", hint=f"mend {path}")
    return document


def yaml_fault(error: Exception) -> str:
    """Return what a YAML parser found wrong in one line, with the line's number."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"line {mark.line + 1}: {problem}" if mark is not None else str(problem)
