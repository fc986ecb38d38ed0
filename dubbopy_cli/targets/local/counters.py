"""What Envoy has counted of an application's calls."""

from __future__ import annotations

import time

from dubbopy_cli import names
from dubbopy_cli.errors import UnreachableError
from dubbopy_cli.targets.local.envoy import AdminError
from dubbopy_cli.targets.local.mesh import Mesh
from dubbopy_cli.targets.local.view import programs_of
from dubbopy_cli.targets.local.wanted import ENVOY
from dubbopy_cli.targets.local.xds.counting import PREFIX, Counted, counted, timed
from dubbopy_cli.traffic import lookup
from dubbopy_cli.traffic.counters import NOBODY, Counters, Counts, failed, milliseconds
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import RuleSet


def read(mesh: Mesh, application: str) -> Counters:
    """Return calls by version since Envoy was started; UnreachableError ``counters-missing`` when it does not say."""
    state = mesh.load()
    app = state.app(application)
    envoy = programs_of(mesh).get(ENVOY)
    if app is None or envoy is None or not envoy.pid:
        raise _missing(mesh, application, "Envoy does not run")
    try:
        calls, times = mesh.admin(state).counted(PREFIX)
    except AdminError as error:
        raise _missing(mesh, application, str(error)) from error
    service = Service(application, mesh.namespace, app.port)
    subsets = _subsets(mesh.rules(), service, [one.version for one in app.releases])
    found: dict[str, Counts] = {}

    def add(one: Counted | None, counts: Counts) -> None:
        if one and one.application == application and _host(one.cluster) in {"", service.fqdn}:
            version = one.version or subsets.get(_subset(one.cluster), NOBODY)
            found[version] = found.get(version, Counts()) + counts

    for name, value in calls.items():
        one = counted(name)
        add(one, Counts(value, value if one and failed(one.grpc_status, one.http_status) else 0))
    for name, bins in times.items():
        latency: dict[float, int] = {}
        for lower, width, count in bins:
            middle = milliseconds(lower, width)
            latency[middle] = latency.get(middle, 0) + count
        add(timed(name), Counts(latency=latency))
    return Counters(time.time(), {f"Envoy {envoy.pid}": found})


def _missing(mesh: Mesh, application: str, why: str) -> UnreachableError:
    return UnreachableError(
        "counters-missing",
        f"nobody says how many calls {application} got: {why}",
        hint=f"dubbopy-cli local start{names.in_namespace(mesh.namespace)}",
    )


def _subsets(rules: RuleSet, service: Service, versions: list[str]) -> dict[str, str]:
    """Return the version of each subset that means just one: a call to it that reached no instance was meant for it."""
    found = lookup.destination(rules, service.fqdn, service.namespace)
    chosen = {one.name: one.versions(service.name, versions) for one in found.subsets}
    return {name: only[0] for name, only in chosen.items() if len(only) == 1}


def _subset(cluster: str) -> str:
    return cluster.split("|")[2] if cluster.count("|") == 3 else ""


def _host(cluster: str) -> str:
    return cluster.rpartition("|")[2]
