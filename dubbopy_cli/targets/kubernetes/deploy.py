"""Releasing a version: the Service, rules that keep calls from it, then its release, watched until it is ready."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from dubbopy_cli.errors import DubbopyError, RolloutError, UnreachableError
from dubbopy_cli.plan import Plan, Step
from dubbopy_cli.process import shown
from dubbopy_cli.targets.admission import admit
from dubbopy_cli.targets.base import ChartRequest, ReleaseRequest
from dubbopy_cli.targets.kubernetes import charts, ownership, pending, rollout, rules, view
from dubbopy_cli.targets.kubernetes.charts import Chart
from dubbopy_cli.targets.kubernetes.checks import check_release, check_rules
from dubbopy_cli.targets.kubernetes.cluster import Cluster
from dubbopy_cli.targets.kubernetes.helm import Helm, HelmRevision
from dubbopy_cli.targets.kubernetes.kubectl import is_ready
from dubbopy_cli.targets.kubernetes.view import Seen
from dubbopy_cli.traffic import edit, lookup
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import RuleSet


class Deployment:
    """One deploy to a cluster."""

    def __init__(self, cluster: Cluster, request: ReleaseRequest) -> None:
        if request.chart is None:
            raise ValueError("a deploy to a cluster needs charts")
        self._cluster = cluster
        self._request = request
        self._chart: ChartRequest = request.chart
        self._release = charts.version_chart(request, self._chart)
        self._service = Service(request.application, cluster.namespace, request.port)
        self._before: RuleSet | None = None
        # Whether the address comes with this very deploy.
        self._first = False

    def plan(self) -> Plan:
        """Return the steps; UsageError or ConflictError for what cannot be meant."""
        cluster, request = self._cluster, self._request
        seen, now = view.look_with_rules(cluster)
        admit(request, view.there(seen, request.application))
        check_release(seen, request.application, request.version)
        wanted = view.of_application(seen.deployments, request.application)
        service = charts.service_chart(request, self._chart, ownership.target_port(wanted))
        steps = [
            *self._service_steps(seen, service),
            *self._rule_steps(seen, now),
            *pending.steps(cluster, seen.releases.get(self._release.release)),
            Step(self._title(seen), self._upgrade, shown(cluster.helm.argv(*self._release.upgrade()))),
            Step(
                f"wait at most {request.timeout:g} s until every pod of {self._release.release} is ready",
                self._wait,
                shown(cluster.kubectl.argv(*rollout.waiting(self._release.release, request.timeout))),
            ),
        ]
        changed = [self._release] if self._keeps_service(seen) else [service, self._release]
        return Plan(
            tuple(steps),
            preview=lambda: self._of_each(changed, Chart.rendered),
            difference=lambda: self._of_each(changed, Chart.difference),
        )

    def _of_each(self, changed: Sequence[Chart], text: Callable[[Chart, Helm, str], str]) -> str:
        server = self._cluster.kubectl.server_version()
        return "".join(text(one, self._cluster.helm, server) for one in changed)

    def _keeps_service(self, seen: Seen) -> bool:
        """Tell whether the release of the Service stays as it is."""
        name = self._request.application
        release = seen.releases.get(name)
        whole = release is not None and release.status == "deployed" and name in seen.services
        return whole and not self._chart.update_service

    def _service_steps(self, seen: Seen, chart: Chart) -> list[Step]:
        cluster, name = self._cluster, self._request.application
        found = seen.services.get(name)
        foreign = found is not None and ownership.holder(found, name) != ""
        if found and foreign and not self._chart.take_ownership:
            ownership.check(found, name)
        if self._keeps_service(seen) and not foreign:
            return []
        words = chart.upgrade()
        self._first = found is None and name not in seen.releases
        verb = "upgrade" if name in seen.releases else "install"
        own = Step(
            f"{verb} release {name}, the address of all versions",
            partial(cluster.helm.run, *words),
            shown(cluster.helm.argv(*words)),
        )
        steps = [*pending.steps(cluster, seen.releases.get(name), keep=True), own]
        return [ownership.take(cluster, name), *steps, ownership.keep(cluster, name)] if foreign else steps

    def _rule_steps(self, seen: Seen, now: RuleSet) -> list[Step]:
        request = self._request
        if request.role == "client":
            return []
        steered = lookup.virtual_service(now, self._service.fqdn, self._service.namespace)
        if not (steered or request.no_traffic):
            return []
        wanted = edit.freeze(now, self._service, self._ready(seen)) if request.no_traffic else now
        wanted = edit.subsets(wanted, self._service, [request.version])
        check_rules(now, wanted)
        self._before = now
        # A pod that is ready gets calls: the callers have to know before that this one does not.
        return list(rules.change(self._cluster, now, wanted, settle=True).steps)

    def _ready(self, seen: Seen) -> dict[str, int]:
        found: dict[str, int] = {}
        for pod in view.of_application(seen.pods, self._request.application):
            version = view.version_of(pod)
            found[version] = found.get(version, 0) + is_ready(pod)
        return {version: count for version, count in found.items() if version != self._request.version}

    def _title(self, seen: Seen) -> str:
        name = self._release.release
        title = f"{'upgrade' if name in seen.releases else 'install'} release {name}"
        others = {view.version_of(one) for one in view.of_application(seen.deployments, self._request.application)}
        others -= {self._request.version}
        if self._request.role == "client" or not others or self._before is not None:
            return title
        return f"{title}, which shares the calls with {', '.join(sorted(others))}: no traffic rules say otherwise"

    def _upgrade(self) -> None:
        words = self._release.upgrade(*charts.once_more(self._request, self._chart))
        try:
            self._cluster.helm.run(*words)
        except UnreachableError:
            raise
        except DubbopyError as error:
            past = self._cluster.helm.history(self._release.release)
            # What could not even be rendered is no revision: then the one that is there is a good one.
            if self._chart.rollback and (not past or past[-1].status == "failed"):
                self._take_back(error, past)
            raise

    def _wait(self) -> None:
        request = self._request
        try:
            rollout.wait(self._cluster, request.application, request.version, request.timeout)
        except RolloutError as error:
            # What the pods have to say is in the error by now; going back takes them away.
            if self._chart.rollback:
                self._take_back(error, self._cluster.helm.history(self._release.release))
                error.hint = "mend it and deploy again; --no-rollback leaves its pods to look at"
            raise

    def _take_back(self, error: DubbopyError, past: Sequence[HelmRevision]) -> None:
        """Have what was there before this deploy, and say in the error what became of the release."""
        helm, name = self._cluster.helm, self._release.release
        good = [one.number for one in past[:-1] if one.good]
        gone = [*([name] if past else []), *([self._request.application] if self._first else [])]
        became = f"{' and '.join(gone)} {'is' if len(gone) == 1 else 'are'} uninstalled again" if gone else ""
        became = f"{name} is back at revision {good[-1]}" if good else became
        try:
            self._cluster.still_ours()
            for words in [("rollback", name, str(good[-1]))] if good else [("uninstall", one) for one in gone]:
                helm.run(*words)
            if not good and self._before is not None:
                self._restore(self._before)
        except DubbopyError as failed:
            became = f"to go back failed too, so {name} stays as it is: {failed.message}"
        error.message += f"; {became}" if became else ""

    def _restore(self, before: RuleSet) -> None:
        """Put the application's own rules back; what became of others meanwhile stays."""
        now = rules.read(self._cluster)
        own = [one.key for one in (*now, *before) if lookup.hosts_of(one) == (self._service.fqdn,)]
        former = [one for one in before if one.key in own]
        rules.change(self._cluster, now, now.drop(*own).put(*former)).apply()
