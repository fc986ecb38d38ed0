"""The protocol of a target and the values that pass through it; the commands know nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from dubbopy_cli.artifact import Artifact
from dubbopy_cli.plan import Plan
from dubbopy_cli.traffic.counters import Counters
from dubbopy_cli.traffic.history import Change
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import RuleSet

Role = Literal["server", "client"]
Mesh = Literal["sidecar", "proxyless"]
InstanceState = Literal["ready", "starting", "unready", "draining", "crashed", "stopped"]


@dataclass(frozen=True)
class Reference:
    """An application that another one calls, and the port of its Service."""

    application: str
    port: int


@dataclass(frozen=True)
class ChartRequest:
    """What a deploy to a cluster wants besides: the charts at ``root``, the image, and what was typed for Helm.

    ``digest`` is ``sha256:...``, empty where only the tag says which image it is. ``sets`` are Helm's NAME=VALUE,
    ``replicas`` None leaves their number to the chart's values.
    """

    root: Path
    repository: str
    digest: str = ""
    sets: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    replicas: int | None = None
    rollback: bool = True
    update_service: bool = False
    take_ownership: bool = False


@dataclass(frozen=True)
class ReleaseRequest:
    """What a deploy wants: one version of one application, with so many instances; ``chart`` is for a cluster."""

    application: str
    version: str
    tag: str
    role: Role
    port: int
    artifact: Artifact
    references: tuple[Reference, ...] = ()
    replicas: int = 1
    no_traffic: bool = False
    timeout: float = 60.0
    env: Mapping[str, str] = field(default_factory=dict)
    chart: ChartRequest | None = None


@dataclass(frozen=True)
class ReleaseRevision:
    """One state that a version has had; ``deployed`` is in seconds since the epoch."""

    number: int
    status: str
    deployed: float
    description: str


@dataclass(frozen=True)
class Instance:
    """One process or pod; ``started`` is in seconds since the epoch, 0 while it is not running."""

    name: str
    state: InstanceState
    pid: int
    address: str
    started: float
    restarts: int
    reason: str = ""


@dataclass(frozen=True)
class Release:
    """One version as it runs."""

    application: str
    version: str
    revision: int
    tag: str
    digest: str
    role: Role
    replicas: int
    deployed: float
    instances: tuple[Instance, ...]

    @property
    def name(self) -> str:
        """Return the release's name, APP-VERSION."""
        return f"{self.application}-{self.version}"

    @property
    def ready(self) -> int:
        """Return how many instances are ready."""
        return sum(one.state == "ready" for one in self.instances)


@dataclass(frozen=True)
class Application:
    """One application: its Service's port, its address inside the mesh, its releases and the rules that act on it.

    ``mesh`` is proxyless where any of its versions asks istiod itself. ``has_client`` says whether `call` has a program
    that makes the calls; locally it needs none.
    """

    name: str
    namespace: str
    role: Role
    port: int
    address: str
    releases: tuple[Release, ...]
    rules: RuleSet
    mesh: Mesh = "sidecar"
    has_client: bool = True

    @property
    def service(self) -> Service:
        """Return the Service that rules name."""
        return Service(self.name, self.namespace, self.port)

    def release(self, version: str) -> Release | None:
        """Return the release of ``version``, or None."""
        return next((one for one in self.releases if one.version == version), None)


@dataclass(frozen=True)
class LogLine:
    """One line of an instance's log; ``time`` in seconds since the epoch, that of the line before if it has none."""

    instance: str
    version: str
    time: float
    text: str


@dataclass(frozen=True)
class CallRequest:
    """Calls to make from inside the mesh; ``method`` is ``package.Service/Method`` or empty for the only one.

    ``body`` is JSON, ``timeout`` is in seconds for each call.
    """

    application: str
    method: str = ""
    body: str = "{}"
    headers: tuple[tuple[str, str], ...] = ()
    count: int = 1
    concurrency: int = 1
    timeout: float = 5.0


@dataclass(frozen=True)
class CallReport:
    """What the calls met: counts per version and per error code, latency in milliseconds, one answer as JSON."""

    method: str
    calls: int
    ok: int
    versions: Mapping[str, int]
    errors: Mapping[str, int]
    latency_ms: Mapping[str, float]
    seconds: float
    answer: str
    error_message: str = ""

    @property
    def failed(self) -> int:
        """Return how many calls got no answer."""
        return self.calls - self.ok


@dataclass(frozen=True)
class Check:
    """One thing that doctor looked at; ``hint`` is the command that mends it."""

    name: str
    state: Literal["ok", "warning", "error"]
    detail: str
    hint: str = ""


class ShiftRecord(Protocol):
    """What is kept of an application's shift, beside its rules; a text of the caller's."""

    def read(self) -> str:
        """Return the text, an empty one where there is none."""
        ...

    def write(self, text: str) -> None:
        """Keep another text; an empty one takes the record away."""
        ...


class Target(Protocol):
    """Run releases and rules somewhere; every mutating operation is a plan."""

    @property
    def name(self) -> str:
        """Return the target's name as the first line of a command shows it, such as ``local``."""
        ...

    @property
    def namespace(self) -> str:
        """Return the namespace in which this target works."""
        ...

    @property
    def title(self) -> str:
        """Return what stands in the first line of a command: ``target kubernetes, context kind, namespace shops``."""
        ...

    def exclusive(self) -> AbstractContextManager[None]:
        """Keep other commands from changing the namespace, as between reading rules and applying what they became."""
        ...

    def recover(self, *, wait: bool = True) -> tuple[str, ...]:
        """Mend what a crash or a killed command left behind and return a line for each thing mended.

        Without ``wait``, for a command that only looks, nothing happens while another command is at work.
        """
        ...

    def preflight(self, application: str, mesh: str) -> None:
        """Refuse a deploy that cannot succeed, before anything is built; ``mesh`` is sidecar, proxyless or none."""
        ...

    def platforms(self) -> tuple[str, ...]:
        """Return those that an image has to be made for, such as ``linux/amd64``, or none for this machine's.

        Raises what keeps a cluster from saying them.
        """
        ...

    def deploy(self, request: ReleaseRequest) -> Plan:
        """Plan the release of one version; RolloutError from a step when it does not become ready."""
        ...

    def remove(self, application: str, version: str | None, *, force: bool = False) -> Plan:
        """Plan the removal of one version, or of the whole application when ``version`` is None."""
        ...

    def rollback(self, application: str, version: str, revision: int | None, *, timeout: float) -> Plan:
        """Plan the way back to a former revision of a version, None for the one before its own.

        UsageError ``revision-unknown`` where there is none.
        """
        ...

    def revisions(self, application: str, version: str) -> tuple[ReleaseRevision, ...]:
        """Return the revisions of a version that are kept, the oldest first."""
        ...

    def applications(self) -> tuple[Application, ...]:
        """Return what runs, sorted by name."""
        ...

    def logs(
        self, application: str, version: str | None, *, follow: bool, since: float | None, tail: int | None
    ) -> Iterator[LogLine]:
        """Yield log lines in the order of time; ``since`` is seconds back from now, ``tail`` a count an instance."""
        ...

    def call(self, request: CallRequest) -> CallReport:
        """Make calls from inside the mesh, subject to the rules."""
        ...

    def rules(self) -> RuleSet:
        """Return every rule of the namespace."""
        ...

    def apply_rules(self, wanted: RuleSet, *, force: bool = False) -> Plan:
        """Plan the change from the rules of the namespace to ``wanted`` in an order that loses no call.

        With ``force`` fields that another manager holds are taken over.
        """
        ...

    def history(self) -> tuple[Change, ...]:
        """Return what was done to the rules of the namespace, the oldest first; at most 50 changes are kept."""
        ...

    def counters(self, application: str) -> Counters:
        """Read what the callers' proxies have counted of the application's calls.

        UnreachableError ``counters-missing`` when they do not say.
        """
        ...

    def shifting(self, application: str) -> AbstractContextManager[ShiftRecord]:
        """Hold the record of the application's shift; ConflictError ``shift-running`` while another command does."""
        ...

    def check(self) -> tuple[Check, ...]:
        """Look at everything the target needs and at what is left over."""
        ...
