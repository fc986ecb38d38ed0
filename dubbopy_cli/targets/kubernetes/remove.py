"""Taking a version or a whole application away: out of the rules, out of the proxies, then its pods."""

from __future__ import annotations

from functools import partial

from dubbopy_cli.errors import ConflictError
from dubbopy_cli.plan import Plan, Step
from dubbopy_cli.process import shown
from dubbopy_cli.targets import named
from dubbopy_cli.targets.kubernetes import charts, ownership, rollout, rules, view
from dubbopy_cli.targets.kubernetes.checks import check_rules
from dubbopy_cli.targets.kubernetes.cluster import Cluster
from dubbopy_cli.targets.kubernetes.view import NAME_LABEL, Seen
from dubbopy_cli.traffic import edit, leaving
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import VERSION_LABEL, RuleSet

# A pod may take its terminationGracePeriodSeconds, 45 in our charts, and the sidecar's own.
_ENDING_SECONDS = 120.0


class Removal:
    """One removal; ``version`` may be a release's name APP-VERSION, and None means the whole application."""

    def __init__(self, cluster: Cluster, application: str, version: str | None) -> None:
        self._cluster = cluster
        self._name = application
        self._version = version

    def plan(self, *, force: bool = False) -> Plan:
        """Return the steps; ConflictError ``traffic-remains`` while the rules give the version calls."""
        seen = view.look(self._cluster)
        known = versions(seen, self._name)
        if not known and not view.has_address(seen, self._name):
            running = sorted({view.application_of(one) for one in seen.deployments})
            raise named.unknown(self._name, running, self._cluster.namespace)
        now = rules.read(self._cluster)
        service = Service(self._name, self._cluster.namespace, view.port_of(seen.services.get(self._name)))
        if self._version is None:
            return Plan((*self._everything(seen, known, now, service),))
        version = named.version(self._name, known, self._version, self._cluster.namespace)
        steps = self._rule_steps(now, service, version, [one for one in known if one != version], force=force)
        return Plan((*steps, *self._pods_steps(seen, version)))

    def _everything(self, seen: Seen, known: list[str], now: RuleSet, service: Service) -> list[Step]:
        found, shared = seen.services.get(self._name), view.has_address(seen, self._name)
        if found and not shared:
            ownership.check(found, self._name)
        left = leaving.without_application(now, [service])
        check_rules(now, left)
        steps = [step for version in known for step in self._pods_steps(seen, version)]
        # After the pods: without rules a version that was kept from calls would get some for a moment.
        changing = rules.change(self._cluster, now, left, settle=True).steps
        steps += changing
        if changing or any(one.touches(service) for one in rules.changes(self._cluster)):
            forget = partial(rules.forget, self._cluster, service)
            steps.append(Step(f"forget what was done to the rules of {self._name}", forget))
        # Last, so that a removal that was killed finds the application again.
        return [*steps, *([self._uninstall(self._name)] if shared else [])]

    def _rule_steps(
        self, now: RuleSet, service: Service, version: str, others: list[str], *, force: bool
    ) -> list[Step]:
        if others and not force:
            leaving.check(now, service, version, others[0])
        if others:
            wanted = edit.subsets(leaving.without_routes(now, service, version), service, (), [version])
        else:
            wanted = leaving.without_application(now, [service])
        check_rules(now, wanted)
        return list(rules.change(self._cluster, now, wanted, settle=True).steps)

    def _pods_steps(self, seen: Seen, version: str) -> list[Step]:
        name = f"{self._name}-{version}"
        deployment = next((one for one in seen.deployments if one["metadata"]["name"] == name), None)
        if name not in seen.releases and deployment:
            raise ConflictError(
                "release-foreign",
                f"Deployment {name} is there, and {ownership.holder(deployment, name) or 'no Helm release'} made it",
                hint=f"kubectl delete deployment {name} --namespace {self._cluster.namespace}",
            )
        selector = f"{NAME_LABEL}={self._name},{VERSION_LABEL}={version}"
        words = rollout.waiting_gone(selector, _ENDING_SECONDS)
        gone = Step(
            f"wait until the pods of {name} have finished their calls and are gone",
            partial(rollout.wait_gone, self._cluster, self._name, version, _ENDING_SECONDS),
            shown(self._cluster.kubectl.argv(*words)),
        )
        return [*self._release_steps(seen, name), gone]

    def _release_steps(self, seen: Seen, name: str) -> list[Step]:
        """Return the steps that take a release away, without the Service where dubbogo-cli's chart had put it in."""
        if name not in seen.releases:
            return []
        service = seen.services.get(self._name)
        if not (service and _holds_service(self._cluster.helm.manifest(name))):
            return [self._uninstall(name)]
        ownership.check(service, self._name)
        # Helm deletes what a release's own record holds, whoever owns it by now: the record has to go instead.
        mine = ("delete", "deployments,serviceaccounts,horizontalpodautoscalers", name, "--ignore-not-found")
        record = ("delete", "secrets,configmaps", "--selector", f"owner=helm,name={name}")
        return [
            Step(title, partial(self._cluster.kubectl.run, *words), shown(self._cluster.kubectl.argv(*words)))
            for title, words in (
                (f"delete what release {name} made, but the Service of all versions", mine),
                (f"have Helm forget release {name}", record),
            )
        ]

    def _uninstall(self, name: str) -> Step:
        words = ("uninstall", name, "--ignore-not-found")
        title = f"uninstall release {name}"
        return Step(title, partial(self._cluster.helm.run, *words), shown(self._cluster.helm.argv(*words)))


def versions(seen: Seen, application: str) -> list[str]:
    """Return the versions of an application that have a Deployment or, after a removal that was killed, a release."""
    found = {view.version_of(one) for one in view.of_application(seen.deployments, application)}
    found |= {view.version_of(one) for one in view.of_application(seen.pods, application)}
    start = f"{application}-"
    found |= {
        name.removeprefix(start)
        for name, one in seen.releases.items()
        if name.startswith(start) and charts.is_version(one, application)
    }
    return sorted(found - {""})


def _holds_service(manifest: str) -> bool:
    return "\nkind: Service\n" in f"\n{manifest}\n"
