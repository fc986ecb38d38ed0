"""DestinationRules: do host and pods of each subset exist, and is the server's certificate checked?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dubbopy_cli.traffic.analysis.registry import Registry
from dubbopy_cli.traffic.analysis.selectors import LabelIndex
from dubbopy_cli.traffic.analysis.world import Resource, World
from dubbopy_cli.traffic.findings import Finding
from dubbopy_cli.traffic.model import mapping, sequence, text

_HOSTNAME = "kubernetes.io/hostname"
_LOCALITY = ("topology.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.istio.io/subzone")


def subsets(world: World) -> Iterator[Finding]:
    """Report hosts that no Service has, and subsets that select no pod (IST0174, IST0173)."""
    registry = Registry(world)
    nodes = {node.name: node.labels for node in world.of("Node")}
    pods = LabelIndex(("", _labels(pod, nodes), pod) for pod in world.of("Pod"))
    for rule in world.of("DestinationRule"):
        host = text(rule.spec.get("host"))
        found = registry.find(host, rule.namespace, sequence(rule.spec.get("exportTo")))
        if found is None:
            yield rule.report("IST0174", host, path="spec.host")
            continue
        # Of two subsets of one name Istio looks at the later one alone.
        last = {text(mapping(one).get("name")): index for index, one in enumerate(sequence(rule.spec.get("subsets")))}
        for name, index in last.items():
            labels = mapping(mapping(sequence(rule.spec.get("subsets"))[index]).get("labels"))
            if not pods.any({**found.workload_labels, **labels}):
                yield rule.report("IST0173", name, path=f"spec.subsets[{index}]")


def _labels(pod: Resource, nodes: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return a pod's labels with those that Istio adds for the node it runs on (`label.AugmentLabels`)."""
    name = text(pod.spec.get("nodeName"))
    if not name:
        return pod.labels
    found = {**pod.labels, _HOSTNAME: name}
    for key in _LOCALITY:
        value = text(nodes.get(name, {}).get(key))
        if not value and key != _LOCALITY[0]:
            # A locality is written region/zone/subzone, so nothing can stand after a gap.
            break
        if value:
            found[key] = value
    return found


def certificates(world: World) -> Iterator[Finding]:
    """Report TLS to servers whose certificate nobody checks (IST0128, IST0129)."""
    for rule in world.of("DestinationRule"):
        policy = mapping(rule.spec.get("trafficPolicy"))
        selected = rule.spec.get("workloadSelector") is not None
        host = text(rule.spec.get("host"))
        mode = _unchecked(policy, selected=selected)
        if mode:
            names = (rule.full_name, rule.namespace, mode, host)
            yield rule.report("IST0128", *names, path="spec.trafficPolicy.tls")
        for index, node in enumerate(sequence(policy.get("portLevelSettings"))):
            mode = _unchecked(mapping(node), selected=selected)
            if mode:
                port = f"number:{mapping(mapping(node).get('port')).get('number', 0)}"
                path = f"spec.trafficPolicy.portLevelSettings[{index}].tls"
                yield rule.report("IST0129", rule.full_name, rule.namespace, mode, host, port, path=path)


def _unchecked(policy: Mapping[str, Any], *, selected: bool) -> str:
    tls = mapping(policy.get("tls"))
    mode = text(tls.get("mode"))
    checked = text(tls.get("caCertificates")) or (selected and text(tls.get("credentialName")))
    return "" if checked or mode not in {"SIMPLE", "MUTUAL"} else mode
