"""The credentials that a builder's own login has stored; read for the registry that is asked, shown nowhere."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dubbopy_cli.build.images import names
from dubbopy_cli.build.images.request import BuilderName
from dubbopy_cli.errors import DubbopyError
from dubbopy_cli.process import Runner

# How `docker login` calls Docker Hub.
_HUB_KEY = "https://index.docker.io/v1/"
# The user under which a helper gives a token that is to be exchanged (docker-credential-helpers).
TOKEN_USER = "<token>"  # noqa: S105 - a mark, not a secret


@dataclass(frozen=True)
class Credential:
    """A user and a secret; ``user`` is TOKEN_USER where the secret is an identity token."""

    user: str
    secret: str = field(repr=False)

    def basic(self) -> str:
        """Return the value of a header for basic authentication."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.secret}".encode()).decode()


def find(builder: BuilderName, registry: str, path: str, runner: Runner) -> Credential | None:
    """Return what the builder would log in with, or None: then the registry is asked as a stranger."""
    for store in _stores(builder):
        document = _read(store)
        # Podman keeps logins of a part of a registry too, the nearest of which wins.
        for key in _keys(registry, path):
            helper = _mapping(document, "credHelpers").get(key)
            auth = _mapping(document, "auths").get(key)
            found = _from_helper(str(helper), key, runner) if helper else _from_file(auth)
            if found:
                return found
        if document.get("credsStore"):
            for key in _keys(registry, ""):
                if found := _from_helper(str(document["credsStore"]), key, runner):
                    return found
    return None


def _stores(builder: BuilderName) -> Iterator[Path]:
    """Yield the files in the order in which the builder reads them (containers-auth.json(5), docker login)."""
    if builder != "docker":
        if named := os.environ.get("REGISTRY_AUTH_FILE"):
            yield Path(named)
            return
        if runtime := os.environ.get("XDG_RUNTIME_DIR"):
            yield Path(runtime) / "containers/auth.json"
        yield Path(f"/run/containers/{os.getuid()}/auth.json")
        yield Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "containers/auth.json"
    yield Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"


def _keys(registry: str, path: str) -> Iterator[str]:
    parts = path.split("/") if path else []
    for length in range(len(parts), -1, -1):
        yield "/".join([registry, *parts[:length]])
    if registry == names.HUB:
        yield _HUB_KEY
    else:
        yield f"https://{registry}"


def _read(path: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # The builder itself says what is wrong with its file when it logs in or pushes.
        return {}
    return document if isinstance(document, Mapping) else {}


def _mapping(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key)
    return found if isinstance(found, Mapping) else {}


def _from_file(auth: object) -> Credential | None:
    if not isinstance(auth, Mapping):
        return None
    if token := auth.get("identitytoken"):
        return Credential(TOKEN_USER, str(token))
    try:
        user, separator, secret = base64.b64decode(str(auth.get("auth", ""))).decode().partition(":")
    except ValueError:
        return None
    return Credential(user, secret.rstrip("\0")) if separator else None


def _from_helper(helper: str, key: str, runner: Runner) -> Credential | None:
    try:
        done = runner.run([f"docker-credential-{helper}", "get"], timeout=30, stdin=key, check=False)
        found = json.loads(done.stdout) if done.ok else None
    except (DubbopyError, ValueError):
        return None
    if not isinstance(found, Mapping) or not found.get("Secret"):
        return None
    return Credential(str(found.get("Username", "")), str(found["Secret"]))
