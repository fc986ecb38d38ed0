"""The configuration file, and the environment variables that are stronger than it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import yaml

from . import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

T = TypeVar("T")

PATH_VARIABLE: Final = "DUBBO_GO_CONFIG_PATH"

_USUAL_PATHS: Final = ("conf/dubbogo.yaml", "../conf/dubbogo.yaml")
_REFUSED: Final = {
    "dubbo.application.version": "gRPC callers do not know a service by it; versions are labels",
    "dubbo.registries": "the mesh finds the servers, by their names",
}
_REFERENCE: Final = re.compile(
    r"\$(?:\$|(?P<plain>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)(?::(?P<default>[^}]*))?\})",
    re.ASCII,
)


class ConfigError(Exception):
    """The configuration cannot be used; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Value:
    """One setting and the place it comes from, so that a refusal can name that place."""

    raw: object
    origin: str

    def text(self) -> str:
        """Return the value as text."""
        if isinstance(self.raw, dict | list):
            raise ConfigError(f"{self.origin}: one value was expected, not {self.raw!r}")
        return _text(self.raw)

    def integer(self, low: int, high: int) -> int:
        """Return a whole number from low to high."""
        return self._parsed(self.text(), lambda text: parse.integer(text, low, high))

    def seconds(self) -> float:
        """Return a duration such as 3s, 300ms or 1m30s in seconds."""
        return self._parsed(self.text(), parse.seconds)

    def timeout(self) -> float:
        """Return a duration in seconds that is longer than none."""
        return self._parsed(self.text(), parse.timeout)

    def choice(self, known: Collection[str]) -> str:
        """Return the one of the known words that this is, in any case."""
        return self._parsed(self.text(), lambda text: parse.choice(text, known))

    def attachments(self) -> dict[str, str]:
        """Return a mapping, or the text k=v,k=v, as headers that travel with a call."""
        if isinstance(self.raw, dict):
            pairs = [f"{_text(key)}={_text(value)}" for key, value in self.raw.items()]
        else:
            pairs = [pair for pair in self.text().split(",") if pair.strip()]
        return dict(self._parsed(pair, parse.attachment) for pair in pairs)

    def _parsed(self, text: str, parser: Callable[[str], T]) -> T:
        try:
            return parser(text)
        except ValueError as error:
            raise ConfigError(f"{self.origin}: {error}") from error


@dataclass(frozen=True, slots=True)
class Config:
    """What the file says, and the environment it was read in."""

    path: Path
    tree: Mapping[str, object]
    environ: Mapping[str, str]

    def value(self, key: str, default: object = None, *, variable: str = "") -> Value:
        """Return the variable if it is set and not empty, else the file's dotted key, else default."""
        if self.environ.get(variable):
            return self.variable(variable)
        parent, _, last = key.rpartition(".")
        found = (self.section(parent) if parent else self.tree).get(last)
        return Value(default if found is None else found, f"{self.path}: {key}")

    def variable(self, name: str) -> Value:
        """Return what an environment variable says."""
        return Value(self.environ.get(name), name)

    def section(self, key: str) -> Mapping[str, object]:
        """Return the mapping at a dotted key, empty where there is none."""
        node = self.tree
        for part in key.split("."):
            below = node.get(part)
            if below is None:
                return {}
            if not isinstance(below, dict):
                raise ConfigError(f"{self.path}: {key}: a mapping was expected, not {below!r}")
            node = below
        return node


def load(environ: Mapping[str, str]) -> Config:
    """Read the file that DUBBO_GO_CONFIG_PATH names, else conf/dubbogo.yaml here or one folder up."""
    path = _locate(environ)
    try:
        tree = yaml.safe_load(expand(path.read_text(encoding="utf-8"), environ))
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: a mapping was expected at the top")
    found = Config(path, tree, environ)
    for key, reason in _REFUSED.items():
        if found.value(key).raw:
            raise ConfigError(f"{path}: {key} must not be set: {reason}")
    return found


def expand(text: str, environ: Mapping[str, str]) -> str:
    """Put the environment into $VAR, ${VAR} and ${VAR:default}; $$ stands for a dollar sign.

    Raises ValueError for a variable that is neither set nor has a default. Comments stay as they are.
    """
    lines = text.splitlines(keepends=True)
    for index, line in enumerate(lines):
        if not line.lstrip().startswith("#"):
            try:
                lines[index] = _REFERENCE.sub(lambda match: _replacement(match, environ), line)
            except KeyError as error:
                name = error.args[0]
                raise ValueError(
                    f"line {index + 1}: {name} is not set; set it or write ${{{name}:default}}"
                ) from error
    return "".join(lines)


def _replacement(match: re.Match[str], environ: Mapping[str, str]) -> str:
    name = match["plain"] or match["braced"]
    if name is None:
        return "$"
    if match["default"] is not None:
        return environ.get(name, match["default"])
    return environ[name]


def _text(raw: object) -> str:
    if isinstance(raw, bool):
        return str(raw).lower()
    return "" if raw is None else str(raw)


def _locate(environ: Mapping[str, str]) -> Path:
    named = environ.get(PATH_VARIABLE)
    if named:
        return Path(named)
    for usual in map(Path, _USUAL_PATHS):
        if usual.is_file():
            return usual
    raise ConfigError(f"no {_USUAL_PATHS[0]} in {Path.cwd()}; name the file in {PATH_VARIABLE}")
