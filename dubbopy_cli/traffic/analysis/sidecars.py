"""Sidecar and Telemetry objects: at most one for a pod, at most one for a whole namespace."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from dubbopy_cli.traffic.analysis.injection import ambient_namespace, ambient_pod
from dubbopy_cli.traffic.analysis.selectors import written
from dubbopy_cli.traffic.analysis.world import Resource, World
from dubbopy_cli.traffic.findings import Finding
from dubbopy_cli.traffic.model import mapping, sequence, text

_POD = "selected workload is in ambient mode, the policy has no impact"
_NAMESPACE = "namespace is in ambient mode, the policy has no impact"


def sidecars(world: World) -> Iterator[Finding]:
    """Report Sidecars that select nothing, or what others select (IST0101, IST0110, IST0111, IST0167)."""
    by_pod: defaultdict[Resource, list[Resource]] = defaultdict(list)
    whole: defaultdict[str, list[Resource]] = defaultdict(list)
    for one in world.of("Sidecar"):
        selector = mapping(mapping(one.spec.get("workloadSelector")).get("labels"))
        if not selector:
            whole[one.namespace].append(one)
        else:
            yield from _select(world, one, selector, by_pod, "spec.workloadSelector")
    ineffective: set[Resource] = set()
    for pod, selecting in by_pod.items():
        if ambient_pod(pod):
            yield from _ineffective(selecting, ineffective, _POD)
        elif len(selecting) > 1:
            yield from _together(selecting, "IST0110", pod.namespace, pod.name)
    for namespace, selecting in whole.items():
        if ambient_namespace(world.find("Namespace", "", namespace)):
            yield from _ineffective(selecting, ineffective, _NAMESPACE)
        elif len(selecting) > 1:
            yield from _together(selecting, "IST0111", namespace)


def _ineffective(selecting: list[Resource], reported: set[Resource], reason: str) -> Iterator[Finding]:
    for one in selecting:
        if one not in reported:
            reported.add(one)
            yield one.report("IST0167", reason)


def telemetries(world: World) -> Iterator[Finding]:
    """Report Telemetries that select nothing, or what others select (IST0101, IST0159)."""
    by_pod: defaultdict[Resource, list[Resource]] = defaultdict(list)
    for one in world.of("Telemetry"):
        selector = mapping(mapping(one.spec.get("selector")).get("matchLabels"))
        if selector:
            yield from _select(world, one, selector, by_pod, "spec.selector")
    for pod, selecting in by_pod.items():
        if len(selecting) > 1:
            yield from _together(selecting, "IST0159", pod.namespace, pod.name)


def whole_telemetries(world: World) -> Iterator[Finding]:
    """Report namespaces with several Telemetries that have no selector (IST0160)."""
    whole: defaultdict[str, list[Resource]] = defaultdict(list)
    for one in world.of("Telemetry"):
        if one.spec.get("selector") is None:
            whole[one.namespace].append(one)
    for namespace, found in whole.items():
        if len(found) > 1:
            yield from _together(found, "IST0160", namespace)


def providers(world: World) -> Iterator[Finding]:
    """Report access logging that no provider does (IST0157)."""
    if sequence(mapping(world.mesh.get("defaultProviders")).get("accessLogging")):
        return
    for one in world.of("Telemetry"):
        logs = [mapping(each) for each in sequence(one.spec.get("accessLogging"))]
        if any(each.get("disabled") is not True and not sequence(each.get("providers")) for each in logs):
            yield one.report("IST0157", one.name, one.namespace)


def lightstep(world: World) -> Iterator[Finding]:
    """Report the use of a tracing provider that Istio gives up (IST0002)."""
    providers_ = [mapping(one) for one in sequence(world.mesh.get("extensionProviders"))]
    names = {text(one.get("name")) for one in providers_ if one.get("lightstep") is not None}
    for one in world.of("Telemetry") if names else ():
        for tracing in sequence(one.spec.get("tracing")):
            for provider in sequence(mapping(tracing).get("providers")):
                name = text(mapping(provider).get("name"))
                if name in names:
                    yield one.report("IST0002", f"provider {name} is one of Lightstep; use OpenTelemetry")


def _select(
    world: World,
    one: Resource,
    selector: Mapping[str, Any],
    by_pod: defaultdict[Resource, list[Resource]],
    path: str,
) -> Iterator[Finding]:
    found = list(world.pods.select(selector, one.namespace))
    for pod in found:
        by_pod[pod].append(one)
    if not found:
        yield one.report("IST0101", "selector", written(selector), path=path)


def _together(found: list[Resource], code: str, *rest: str) -> Iterator[Finding]:
    names = sorted(one.name for one in found)
    for one in found:
        yield one.report(code, names, *rest)
