"""Back to a former revision of a version, and what revisions there are."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from dubbopy_cli import names
from dubbopy_cli.errors import UsageError
from dubbopy_cli.plan import Plan, Step
from dubbopy_cli.process import shown
from dubbopy_cli.targets.base import ReleaseRevision
from dubbopy_cli.targets.kubernetes import pending, rollout
from dubbopy_cli.targets.kubernetes.cluster import Cluster
from dubbopy_cli.targets.kubernetes.helm import HelmRevision


def revisions(cluster: Cluster, application: str, version: str) -> tuple[ReleaseRevision, ...]:
    """Return the revisions of a version that Helm keeps, the oldest first."""
    return tuple(
        ReleaseRevision(one.number, one.status, _seconds(one.updated), one.description)
        for one in cluster.helm.history(f"{application}-{version}")
    )


def rollback(
    cluster: Cluster, application: str, version: str, revision: int | None = None, *, timeout: float = 60.0
) -> Plan:
    """Plan the way back to ``revision``, None for the one before; UsageError ``revision-unknown`` if it is not there.

    The rules stay: the version gets the calls that it got.
    """
    name = f"{application}-{version}"
    known = cluster.helm.history(name)
    number = _meant(cluster, name, known, revision)
    words = ("rollback", name, str(number))
    return Plan(
        (
            *pending.steps(cluster, cluster.helm.releases().get(name)),
            Step(
                f"roll release {name} back to revision {number}",
                partial(cluster.helm.run, *words),
                shown(cluster.helm.argv(*words)),
            ),
            Step(
                f"wait at most {timeout:g} s until every pod of {name} is ready",
                partial(rollout.wait, cluster, application, version, timeout),
                shown(cluster.kubectl.argv(*rollout.waiting(name, timeout))),
            ),
        )
    )


def _meant(cluster: Cluster, name: str, known: tuple[HelmRevision, ...], revision: int | None) -> int:
    former = [one.number for one in known[:-1] if one.good]
    if revision is None and former:
        return former[-1]
    if revision is not None and revision in {one.number for one in known if one.good}:
        return revision
    there = ", ".join(str(one.number) for one in known) or "none"
    what = "no former revision to go back to" if revision is None else f"no revision {revision} that was in force"
    raise UsageError(
        "revision-unknown",
        f"release {name} has {what} (there are: {there})",
        hint=f"helm history {name}{names.in_namespace(cluster.namespace)}",
    )


def _seconds(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0
