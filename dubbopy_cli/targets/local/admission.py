"""What cannot be deployed, told before anything is touched."""

from __future__ import annotations

from dubbopy_cli.errors import ConflictError, UsageError
from dubbopy_cli.targets.base import ReleaseRequest
from dubbopy_cli.targets.local.state import State


def admit(request: ReleaseRequest, state: State) -> None:
    """Raise UsageError or ConflictError for a deploy that cannot be meant."""
    app = state.app(request.application)
    if request.replicas < 1:
        raise UsageError("usage", f"{request.replicas} instances cannot be deployed", hint="--replicas 1")
    if app and app.releases and app.role != request.role:
        raise ConflictError(
            "role-conflict",
            f"{app.name} is a {app.role} and cannot be a {request.role} at the same time",
            hint=f"dubbopy-cli remove --all --app {app.name}, or give the new project another name",
        )
    if app and app.releases and request.role == "server" and app.port != request.port:
        raise ConflictError(
            "port-conflict",
            f"the Service of {app.name} has port {app.port}; {request.version} says {request.port}",
            hint=f"write port: {app.port} in chart/service/values.yaml",
        )
    if request.no_traffic and request.role == "client":
        raise UsageError("usage", f"{request.application} is a client: nobody calls it", hint="leave --no-traffic out")
    if request.no_traffic and not (app and any(one.version != request.version for one in app.releases)):
        raise ConflictError(
            "no-traffic-first",
            f"{request.version} would be the only version of {request.application}: "
            "with no other version to take the calls there is nothing to keep from it",
            hint="deploy it without --no-traffic",
        )
