"""The local mesh as values: its applications, their ready instances, and where Envoy's files lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

from dubbopy_cli.traffic.hosts import Service


@dataclass(frozen=True)
class MeshEndpoint:
    """One ready instance."""

    address: str
    port: int
    version: str
    instance: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class MeshApplication:
    """One application: the port of its Service, the loopback port that stands for it, and its ready instances."""

    name: str
    namespace: str
    service_port: int
    listener_port: int
    endpoints: tuple[MeshEndpoint, ...] = ()

    @property
    def service(self) -> Service:
        """Return the Service that rules know the application by."""
        return Service(self.name, self.namespace, self.service_port)


@dataclass(frozen=True)
class MeshPaths:
    """Where Envoy's files lie below ``root``: each in a folder of its own.

    Envoy reads a file again when any other one moves into the folder it watches.
    """

    root: PurePath

    @property
    def listeners(self) -> PurePath:
        """Return the file of listeners (LDS)."""
        return self.root / "listeners" / "listeners.json"

    @property
    def clusters(self) -> PurePath:
        """Return the file of clusters (CDS)."""
        return self.root / "clusters" / "clusters.json"

    def routes(self, application: str) -> PurePath:
        """Return the file of an application's routes (RDS)."""
        return self.root / "routes" / application / "routes.json"
