"""Settings: where a command works and with what; each has one value, and it is known who said it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dubbopy_cli import names, project
from dubbopy_cli.errors import ConflictError, PreflightError, UsageError

Key = Literal["target", "context", "namespace", "builder"]
Origin = Literal["option", "environment", "project", "user", "default"]
_File = tuple[Origin, Path, Mapping[str, Any]]

TARGETS = ("local", "kubernetes")
BUILDERS: tuple[Literal["auto", "docker", "podman", "buildah"], ...] = ("auto", "docker", "podman", "buildah")
_DEFAULTS: Mapping[Key, str] = {"target": "local", "context": "", "namespace": "default", "builder": "auto"}
_KNOWN: Mapping[Key, tuple[str, ...]] = {"target": TARGETS, "builder": BUILDERS}
KEYS: tuple[Key, ...] = tuple(_DEFAULTS)


@dataclass(frozen=True)
class Setting:
    """One value, what said it, and the variable or file in which it stands."""

    key: Key
    value: str
    origin: Origin
    source: str = ""

    @property
    def chosen(self) -> bool:
        """Tell whether anybody said it."""
        return self.origin != "default"


def variable(key: Key) -> str:
    """Return the environment variable of a setting."""
    return f"DUBBOPY_{key.upper()}"


def user_file() -> Path:
    """Return the file of the user's own settings, which need not exist."""
    from platformdirs import user_config_path

    return user_config_path("dubbopy-cli") / "config.yaml"


def project_file(start: Path) -> Path | None:
    """Return the marker of the project at or above ``start``, None outside a project."""
    try:
        return project.locate(start) / project.MARKER
    except PreflightError:
        return None


def resolve(typed: Mapping[Key, str], start: Path) -> dict[Key, Setting]:
    """Return every setting: an option wins over the environment, the project, the user's file and the default.

    The project is the one at or above ``start``. Raises UsageError ``setting-invalid`` for a value that cannot be
    meant, and ConflictError ``context-mismatch`` when the environment names another context than the one that the
    project pins: a variable left over in a shell must not send a release to another cluster.
    """
    pinned = project_file(start)
    files: list[_File] = [("project", pinned, read(pinned))] if pinned else []
    files.append(("user", user_file(), read(user_file())))
    found = {key: _one(key, typed, files) for key in KEYS}
    if typed.get("context") and not typed.get("target"):
        # Whoever names a context means a cluster.
        found["target"] = Setting("target", "kubernetes", "option", "--context")
    context = found["context"]
    pin = next((_text("context", node, str(path)) for origin, path, node in files if origin == "project"), "")
    if context.origin == "environment" and pin and context.value != pin:
        raise ConflictError(
            "context-mismatch",
            f"{pinned} pins context {pin}, and {context.source} says {context.value}",
            hint=f"say which one you mean: --context {pin}, or --context {context.value}",
        )
    return found


def builder(start: Path) -> Literal["auto", "docker", "podman", "buildah"]:
    """Return the setting ``builder`` for the project at ``start``."""
    value = resolve({}, start)["builder"].value
    return next(one for one in BUILDERS if one == value)


def _one(key: Key, typed: Mapping[Key, str], files: list[_File]) -> Setting:
    if typed.get(key):
        return Setting(key, check(key, typed[key], f"--{key}"), "option", f"--{key}")
    if value := os.environ.get(variable(key)):
        return Setting(key, check(key, value, variable(key)), "environment", variable(key))
    for origin, path, node in files:
        if value := _text(key, node, str(path)):
            return Setting(key, value, origin, str(path))
    return Setting(key, _DEFAULTS[key], "default")


def _text(key: Key, node: Mapping[str, Any], source: str) -> str:
    value = node.get(key)
    if value is None or value == "":
        return ""
    if not isinstance(value, str):
        raise UsageError(
            "setting-invalid",
            f"{source} says {key}: {value!r}, which is not a text",
            hint=f'write it in quotes: {key}: "{value}"',
        )
    return check(key, value, source)


def check(key: Key, value: str, source: str) -> str:
    """Return ``value`` if the setting can have it; UsageError ``setting-invalid`` with where it was said."""
    known = _KNOWN.get(key)
    if known and value not in known:
        raise UsageError(
            "setting-invalid",
            f"{source} says {key}: {value}, which is none of {', '.join(known)}."
            + names.did_you_mean(value, list(known)),
            hint="dubbopy-cli config list --show-origin",
        )
    return names.namespace(value) if key == "namespace" else value


def write(path: Path, key: Key, value: str | None) -> bool:
    """Write one setting into a file, which keeps its comments and all else; None takes it out.

    Returns whether that changed anything.
    """
    from io import StringIO

    from ruamel.yaml import YAML

    # Read strictly first: a file that says nonsense is named, not written over.
    read(path)
    yaml = YAML()
    yaml.preserve_quotes = True
    document = (yaml.load(path.read_text(encoding="utf-8")) if path.is_file() else None) or {}
    if document.get(key) == value:
        return False
    if value is None:
        del document[key]
    else:
        document[key] = value
    text = StringIO()
    if document:
        yaml.dump(document, text)
    path.parent.mkdir(parents=True, exist_ok=True)
    # In place of the former one only when it is whole.
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.write_text(text.getvalue(), encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        # A full disk: the former file is whole, and nothing lies beside it.
        fresh.unlink(missing_ok=True)
        error.filename = error.filename or str(path)
        raise
    return True


def read(path: Path) -> Mapping[str, Any]:
    """Return the mapping in a file of settings, an empty one where there is no file."""
    return project.read(path) if path.is_file() and path.stat().st_size else {}
