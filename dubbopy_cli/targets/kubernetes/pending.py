"""Releases that a killed helm left unfinished, which Helm itself refuses to touch."""

from __future__ import annotations

import time
from functools import partial

from dubbopy_cli.plan import Step
from dubbopy_cli.targets.kubernetes.cluster import Cluster
from dubbopy_cli.targets.kubernetes.helm import HelmRelease

# Killed with us, or at work elsewhere: a helm that is alive ends within this, since it waits for no pods.
_ALIVE_SECONDS = 10.0
_POLL_SECONDS = 0.5


def steps(cluster: Cluster, release: HelmRelease | None, *, keep: bool = False) -> list[Step]:
    """Return the step that makes the release usable again, none where it is; ``keep`` leaves its objects."""
    if release is None or not release.unfinished:
        return []
    title = f"free release {release.name}, which a helm that was killed left as {release.status}"
    return [Step(title, partial(_free, cluster, release, keep=keep))]


def _free(cluster: Cluster, release: HelmRelease, *, keep: bool) -> None:
    end = time.monotonic() + _ALIVE_SECONDS
    while (now := cluster.helm.releases().get(release.name)) == release and time.monotonic() < end:
        time.sleep(_POLL_SECONDS)
    if now is None or not now.unfinished:
        return
    good = [one.number for one in cluster.helm.history(release.name) if one.good]
    if good and now.pending:
        cluster.say(f"    {release.name} goes back to revision {good[-1]}")
        cluster.helm.run("rollback", release.name, str(good[-1]))
    elif keep:
        # What stands there is taken over by the next install, which finds the release's name on it.
        cluster.say(f"    Helm forgets {release.name}, and its objects stay")
        cluster.kubectl.run("delete", "secrets,configmaps", "--selector", f"owner=helm,name={release.name}")
    else:
        cluster.say(f"    {release.name} never was whole and is uninstalled")
        cluster.helm.run("uninstall", release.name)
