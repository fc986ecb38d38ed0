"""What cannot be deployed on any target, told before anything is touched."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from dubbopy_cli.errors import ConflictError, UsageError
from dubbopy_cli.targets.base import ReleaseRequest, Role


@dataclass(frozen=True)
class There:
    """What is deployed of an application already."""

    role: Role
    port: int
    versions: Collection[str]


def admit(request: ReleaseRequest, there: There | None) -> None:
    """Raise UsageError or ConflictError for a deploy that cannot be meant; ``there`` is None for the first version."""
    name = request.application
    if request.replicas < 1:
        raise UsageError("usage", f"{request.replicas} instances cannot be deployed", hint="--replicas 1")
    if there and there.role != request.role:
        raise ConflictError(
            "role-conflict",
            f"{name} is a {there.role} and cannot be a {request.role} at the same time",
            hint=f"dubbopy-cli remove --all --app {name}, or give the new project another name",
        )
    if there and request.role == "server" and there.port != request.port:
        raise ConflictError(
            "port-conflict",
            f"the Service of {name} has port {there.port}; {request.version} says {request.port}",
            hint=f"write port: {there.port} in chart/service/values.yaml",
        )
    if request.no_traffic and request.role == "client":
        raise UsageError("usage", f"{name} is a client: nobody calls it", hint="leave --no-traffic out")
    if request.no_traffic and not (there and set(there.versions) - {request.version}):
        raise ConflictError(
            "no-traffic-first",
            f"{request.version} would be the only version of {name}: "
            "with no other version to take the calls there is nothing to keep from it",
            hint="deploy it without --no-traffic",
        )
