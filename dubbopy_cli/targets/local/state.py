"""The desired state of a namespace as values; every change makes a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from dubbopy_cli.targets.base import Reference, Role

SCHEMA = 1

# starting: no calls yet. serving: in the mesh. draining: out of the mesh, about to end.
Phase = Literal["starting", "serving", "draining"]


@dataclass(frozen=True)
class InstanceRecord:
    """One process that is meant to run."""

    name: str
    port: int
    phase: Phase
    revision: int


@dataclass(frozen=True)
class Revision:
    """What one deploy wanted; ``deployed`` is in seconds since the epoch, 0 while it is on its way."""

    number: int
    tag: str
    digest: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    references: tuple[Reference, ...]
    replicas: int
    deployed: float = 0.0


@dataclass(frozen=True)
class ReleaseRecord:
    """One version of an application; ``current`` is the revision that serves, 0 before the first one does."""

    version: str
    current: int = 0
    revisions: tuple[Revision, ...] = ()
    instances: tuple[InstanceRecord, ...] = ()

    def revision(self, number: int) -> Revision | None:
        """Return the revision ``number``, or None."""
        return next((one for one in self.revisions if one.number == number), None)

    @property
    def newest(self) -> int:
        """Return the highest revision number so far."""
        return max((one.number for one in self.revisions), default=0)

    def phase(self, *phases: Phase) -> tuple[InstanceRecord, ...]:
        """Return the instances in one of ``phases``."""
        return tuple(one for one in self.instances if one.phase in phases)

    def pruned(self) -> ReleaseRecord:
        """Return the release without revisions that neither serve nor have an instance."""
        used = {self.current, *(one.revision for one in self.instances)}
        return replace(self, revisions=tuple(one for one in self.revisions if one.number in used))


@dataclass(frozen=True)
class AppRecord:
    """One application: ``port`` is its Service's, ``listener`` the one on this machine (0 for a client).

    An application that others refer to is kept without releases, so that its address stays what they were told.
    """

    name: str
    role: Role
    port: int
    listener: int
    releases: tuple[ReleaseRecord, ...] = ()

    def release(self, version: str) -> ReleaseRecord | None:
        """Return the release of ``version``, or None."""
        return next((one for one in self.releases if one.version == version), None)

    def with_release(self, release: ReleaseRecord) -> AppRecord:
        """Return the application with ``release`` in the place of the one of its version."""
        others = tuple(one for one in self.releases if one.version != release.version)
        return replace(self, releases=tuple(sorted((*others, release), key=lambda one: one.version)))

    def without_release(self, version: str) -> AppRecord:
        """Return the application without the release of ``version``."""
        return replace(self, releases=tuple(one for one in self.releases if one.version != version))

    @property
    def instances(self) -> tuple[InstanceRecord, ...]:
        """Return the instances of every release."""
        return tuple(one for release in self.releases for one in release.instances)

    @property
    def references(self) -> frozenset[str]:
        """Return the names of the applications that this one calls."""
        return frozenset(
            reference.application
            for release in self.releases
            for revision in release.revisions
            for reference in revision.references
        )


@dataclass(frozen=True)
class State:
    """Everything that is meant to run in a namespace.

    ``admin`` is the port of Envoy's admin interface. ``envoy`` is the binary it was started with: a command from
    another installation would otherwise start another one in its place, and break every connection.
    """

    running: bool = False
    admin: int = 0
    envoy: str = ""
    applications: tuple[AppRecord, ...] = field(default=())

    def app(self, name: str) -> AppRecord | None:
        """Return the application ``name``, or None."""
        return next((one for one in self.applications if one.name == name), None)

    def with_app(self, app: AppRecord) -> State:
        """Return the state with ``app`` in the place of the one of its name."""
        others = tuple(one for one in self.applications if one.name != app.name)
        return replace(self, applications=tuple(sorted((*others, app), key=lambda one: one.name)))

    def without_idle(self) -> State:
        """Return the state without applications that have no release and that none refers to."""
        referred = {name for app in self.applications for name in app.references}
        kept = tuple(one for one in self.applications if one.releases or one.name in referred)
        return replace(self, applications=kept)

    @property
    def ports(self) -> frozenset[int]:
        """Return every port that is given to somebody."""
        given = {self.admin}
        for app in self.applications:
            given |= {app.listener, *(one.port for one in app.instances)}
        return frozenset(given - {0})

    @property
    def deployed(self) -> bool:
        """Tell whether there is any release."""
        return any(app.releases for app in self.applications)

    def to_dict(self) -> dict[str, Any]:
        """Return the state as JSON values; statejson reads them."""
        return {"schema": SCHEMA, **asdict(self)}
