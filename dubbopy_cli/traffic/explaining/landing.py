"""Where calls to a destination land: at which instances, or in which error of Envoy's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from dubbopy_cli.traffic.explaining.decision import Status, Target
from dubbopy_cli.traffic.explaining.registry import Registry
from dubbopy_cli.traffic.lookup import destination
from dubbopy_cli.traffic.model import RuleSet


@dataclass(frozen=True)
class Caller:
    """Who calls: the proxy's namespace and labels, the gateway it is (or ``mesh``), and the port it was called at."""

    namespace: str
    port: int
    gateway: str = "mesh"
    labels: Mapping[str, str] = field(default_factory=dict)


def land(rules: RuleSet, registry: Registry, caller: Caller, target: Target) -> Target:
    """Return a destination as a caller reaches it (`route.GetDestinationCluster` and the clusters there are).

    A port of 0 is one that the rule does not name.
    """
    there = target if target.port else replace(target, port=_port(registry, caller, target.host))
    service = registry.get(there.host, caller.namespace, there.port)
    if service is None:
        return _lost(there, "503 NC", f"{caller.namespace} knows no Service {there.host}")
    known = service.port(there.port)
    if known is None or known.protocol == "UDP":
        return _lost(there, "503 NC", f"{there.host} has no port {there.port}")
    members, rule = service.instances, ""
    if there.subset:
        found = destination(rules, there.host, caller.namespace, labels=caller.labels, home=service.namespace)
        chosen = found.subset(there.subset)
        if chosen is None:
            nobody = f"{', '.join(one.title for one in found.rules)} does not define"
            return _lost(
                there,
                "503 NC",
                f"{nobody if found.rules else 'no DestinationRule defines'} the subset {there.subset}",
            )
        rule = chosen.rule.title
        members = None if members is None else tuple(one for one in members if chosen.selects(one))
    landed = replace(there, rule=rule, members=members)
    if members == ():
        what = f"subset {there.subset}" if there.subset else there.host
        return _lost(landed, "503 UH", f"{what} has no ready instance")
    return landed


def common_status(targets: tuple[Target, ...]) -> str:
    """Return what every call gets if all of them fail alike, else an empty text."""
    found = {one.status for one in targets if one.share}
    return found.pop() if len(found) == 1 else ""


def _port(registry: Registry, caller: Caller, host: str) -> int:
    """Return the port of a destination that names none.

    A sidecar knows only the port it was called at when it makes its routes; a gateway takes the only one there is.
    """
    if caller.gateway == "mesh":
        return caller.port
    service = registry.get(host, caller.namespace, caller.port)
    return service.ports[0].number if service and len(service.ports) == 1 else caller.port


def _lost(target: Target, status: Status, why: str) -> Target:
    return replace(target, status=status, reason=why)
