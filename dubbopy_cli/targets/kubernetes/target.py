"""The Kubernetes target: versions are Helm releases, the mesh is Istio's; kubectl and Helm do what is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from uuid import uuid4

from dubbopy_cli.errors import ConflictError
from dubbopy_cli.plan import Plan
from dubbopy_cli.process import Runner
from dubbopy_cli.targets.base import (
    Application,
    CallReport,
    CallRequest,
    Check,
    LogLine,
    ReleaseRequest,
    ReleaseRevision,
    ShiftRecord,
)
from dubbopy_cli.targets.kubernetes import call, counters, doctor, lease, logs, rollback, rules, shiftrecord, view
from dubbopy_cli.targets.kubernetes.cluster import Cluster
from dubbopy_cli.targets.kubernetes.deploy import Deployment
from dubbopy_cli.targets.kubernetes.helm import Helm
from dubbopy_cli.targets.kubernetes.kubectl import Kubectl
from dubbopy_cli.targets.kubernetes.remove import Removal
from dubbopy_cli.traffic.counters import Counters
from dubbopy_cli.traffic.history import Change, Origin
from dubbopy_cli.traffic.model import RuleSet

_BUSY_SECONDS = 30.0


def _silent(_: str) -> None:
    pass


class KubernetesTarget:
    """Run releases in one namespace of one context; see Target."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = replace(cluster, still_ours=self._check)
        self._lock: lease.Own | None = None

    @classmethod
    def of(
        cls,
        context: str,
        namespace: str,
        runner: Runner,
        *,
        say: Callable[[str], None] = _silent,
        origin: Origin | None = None,
    ) -> KubernetesTarget:
        """Return the target of a context, an empty one being kubectl's own choice; ``say`` is told what goes on."""
        kubectl, helm = Kubectl(runner, context, namespace), Helm(runner, context, namespace)
        return cls(Cluster(namespace, kubectl, helm, say, origin or Origin(run=uuid4().hex)))

    @property
    def name(self) -> str:
        """Return ``kubernetes``."""
        return "kubernetes"

    @property
    def namespace(self) -> str:
        """Return the namespace."""
        return self._cluster.namespace

    @property
    def title(self) -> str:
        """Return the target's name, the context and the namespace."""
        context = self._cluster.kubectl.context
        return f"target kubernetes, {f'context {context}' if context else 'in the cluster'}, namespace {self.namespace}"

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the namespace for a command; what that command calls may hold it again."""
        if self._lock:
            yield
            return
        with lease.held(self._cluster, lease.NAMESPACE, seconds=_BUSY_SECONDS, busy=self._busy) as own:
            self._lock = own
            try:
                yield
            finally:
                self._lock = None

    def recover(self, *, wait: bool = True) -> tuple[str, ...]:  # noqa: ARG002 - as the protocol has it
        """Return nothing: the cluster mends what runs, and a deploy what a killed Helm left of its release."""
        return ()

    def preflight(self, application: str, mesh: str) -> None:
        """Refuse a deploy that the cluster would not let succeed."""
        doctor.preflight(self._cluster, mesh=mesh == "sidecar")
        if mesh == "proxyless":
            doctor.proxyless_preflight(self._cluster, application)

    def platforms(self) -> tuple[str, ...]:
        """Return those of the nodes; raises why they may not be looked at."""
        return view.platforms(self._cluster)

    def deploy(self, request: ReleaseRequest) -> Plan:
        """Plan the release of one version; RolloutError from a step when it does not become ready."""
        return self._checked(Deployment(self._cluster, request).plan())

    def remove(self, application: str, version: str | None, *, force: bool = False) -> Plan:
        """Plan the removal of one version, or of the whole application when ``version`` is None."""
        return self._checked(Removal(self._cluster, application, version).plan(force=force))

    def rollback(self, application: str, version: str, revision: int | None, *, timeout: float) -> Plan:
        """Plan the way back to a former revision of a version; UsageError ``revision-unknown``."""
        return self._checked(rollback.rollback(self._cluster, application, version, revision, timeout=timeout))

    def revisions(self, application: str, version: str) -> tuple[ReleaseRevision, ...]:
        """Return the revisions of a version that Helm keeps, the oldest first."""
        return rollback.revisions(self._cluster, application, version)

    def logs(
        self, application: str, version: str | None, *, follow: bool, since: float | None, tail: int | None
    ) -> Iterator[LogLine]:
        """Yield log lines in the order of time; ``since`` is seconds back from now, ``tail`` a count a pod."""
        return logs.read(self._cluster, application, version, follow=follow, since=since, tail=tail)

    def call(self, request: CallRequest) -> CallReport:
        """Make calls in the pod of a client, subject to the rules; PreflightError ``client-missing``."""
        return call.call(self._cluster, request)

    def counters(self, application: str) -> Counters:
        """Read what the callers' sidecars have counted; UnreachableError ``counters-missing`` when none says."""
        return counters.read(self._cluster, application)

    def shifting(self, application: str) -> AbstractContextManager[ShiftRecord]:
        """Hold the record of the application's shift; ConflictError ``shift-running`` while another command does."""
        return shiftrecord.held(self._cluster, application)

    def check(self) -> tuple[Check, ...]:
        """Look at the programs, the cluster, what it allows, and what is left over."""
        return doctor.checks(self._cluster)

    def applications(self) -> tuple[Application, ...]:
        """Return what runs, sorted by name."""
        found = view.applications(self._cluster)
        if not found:
            # A namespace that is not there looks empty to whoever lists it.
            doctor.namespace(self._cluster)
        return found

    def rules(self) -> RuleSet:
        """Return every rule of the namespace."""
        return rules.read(self._cluster)

    def apply_rules(self, wanted: RuleSet, *, force: bool = False) -> Plan:
        """Plan the change from the rules of the namespace to ``wanted`` in an order that loses no call."""
        return self._checked(rules.apply(self._cluster, wanted, force=force))

    def history(self) -> tuple[Change, ...]:
        """Return what was done to the rules of the namespace, the oldest first."""
        return rules.changes(self._cluster)

    def _checked(self, plan: Plan) -> Plan:
        """Return the plan, each of whose steps is taken only while the lock is ours."""

        def guarded(run: Callable[[], object]) -> None:
            self._check()
            run()

        return replace(plan, steps=tuple(replace(one, run=partial(guarded, one.run)) for one in plan.steps))

    def _check(self) -> None:
        if self._lock:
            self._lock.check()

    def _busy(self, holder: str) -> ConflictError:
        return ConflictError(
            "busy",
            f"another dubbopy-cli ({holder}) has been changing this namespace for {_BUSY_SECONDS:g} s",
            hint=f"wait for it to finish, or look at it: kubectl describe lease {lease.NAMESPACE} -n {self.namespace}",
        )
