"""Names of images: the registry that is meant, and whether it is on this machine."""

from __future__ import annotations

import re

HUB = "docker.io"
# Where Docker Hub's API is; its name is not where it answers.
_HUB_API = "registry-1.docker.io"


def split(repository: str) -> tuple[str, str]:
    """Return registry and path of a repository, as `distribution/reference` reads it: no registry is Docker Hub."""
    host, slash, path = repository.partition("/")
    if not slash or (host != "localhost" and not re.search(r"[.:A-Z]", host)):
        host, path = HUB, repository
    elif host == "index.docker.io":
        host = HUB
    return host, path if host != HUB or "/" in path else f"library/{path}"


def full(reference: str) -> str:
    """Return the reference with its registry: Podman and Buildah take a short name for one of their own store."""
    return "/".join(split(reference))


def api_host(registry: str) -> str:
    """Return HOST[:PORT] of a registry's API."""
    return _HUB_API if registry == HUB else registry


def on_loopback(registry: str) -> bool:
    """Tell whether a registry is on this machine, where plain http is what everybody expects."""
    return bool(re.fullmatch(r"(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]+)?", registry))
