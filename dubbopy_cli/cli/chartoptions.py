"""What `deploy` takes for a cluster alone: Helm's values and what becomes of the release."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dubbopy_cli.errors import UsageError

if TYPE_CHECKING:
    from dubbopy_cli.project import Project
    from dubbopy_cli.targets.base import ChartRequest


@dataclass(frozen=True)
class ChartOptions:
    """Options that mean something where releases are Helm's."""

    sets: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Cluster: a value of chart/app; repeatable.")
    ] = None
    files: Annotated[
        list[Path] | None,
        typer.Option("-f", "--values", metavar="FILE", help="Cluster: a file of values; repeatable."),
    ] = None
    rollback: Annotated[
        bool | None,
        typer.Option("--rollback/--no-rollback", help="Cluster: go back when it does not get ready; default: yes."),
    ] = None
    diff: Annotated[bool, typer.Option("--diff", help="Cluster: show what differs in its objects, change nothing.")] = (
        False
    )
    update_service: Annotated[
        bool, typer.Option("--update-service", help="Cluster: upgrade the release of the Service too.")
    ] = False
    take_ownership: Annotated[
        bool, typer.Option("--take-ownership", help="Cluster: take over a Service that another release made.")
    ] = False
    no_mesh: Annotated[bool, typer.Option("--no-mesh", help="Cluster: deploy even where pods get no sidecar.")] = False
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Cluster: use a registry without TLS that is trusted.")
    ] = False
    no_build: Annotated[
        bool, typer.Option("--no-build", help="Cluster: the image is where its nodes find it; build and push nothing.")
    ] = False

    def refuse(self) -> None:
        """Raise UsageError for any of them on a target that has no charts."""
        for one in fields(self):
            if getattr(self, one.name) not in (None, False):
                name = {"sets": "set", "files": "values"}.get(one.name, one.name.replace("_", "-"))
                raise UsageError(
                    "usage",
                    f"--{name} is for a cluster: the local target has no charts",
                    hint="leave it out, or add --target kubernetes",
                )

    def check(self, here: Project) -> None:
        """Raise UsageError for what the project cannot do."""
        if self.no_mesh and here.mesh == "proxyless":
            raise UsageError(
                "usage",
                f"{here.name} is proxyless: it finds other services by Istio alone, and cannot do without it",
                hint="leave --no-mesh out; dubbopy-cli doctor says what istiod lacks",
            )

    def request(self, here: Project, digest: str, replicas: int | None) -> ChartRequest:
        """Return what they ask for, for the charts of a project."""
        from dubbopy_cli.targets.base import ChartRequest

        return ChartRequest(
            root=here.root,
            repository=here.image,
            digest=digest,
            sets=tuple(self.sets or ()),
            files=tuple(self.files or ()),
            replicas=replicas,
            rollback=self.rollback is not False,
            update_service=self.update_service,
            take_ownership=self.take_ownership,
        )
