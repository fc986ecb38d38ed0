"""A DestinationRule (`ValidateDestinationRule`)."""

from __future__ import annotations

from dubbopy_cli.traffic.model import mapping, text
from dubbopy_cli.traffic.validation import destinations, exports, matches, names, trafficpolicy
from dubbopy_cli.traffic.validation.faults import Faults, Node, error, has, items, refused, unheard
from dubbopy_cli.traffic.validation.metadata import Metadata


def judge(spec: Node, meta: Metadata) -> Faults:
    """Judge the spec of a DestinationRule."""
    yield from refused("host", "spec.host", names.domain(text(spec.get("host"))))
    yield from trafficpolicy.judge(spec, "spec", meta.namespace)
    seen: set[str] = set()
    for path, node in items(spec, "subsets", "spec"):
        if node is None:
            yield error("subset", path, "a subset is needed")
            continue
        subset = mapping(node)
        name = text(subset.get("name"))
        if name in seen:
            yield error("subset", f"{path}.name", f"the subset '{name}' is defined twice")
        seen.add(name)
        yield from refused("subset", f"{path}.name", destinations.subset_name(name))
        yield from matches.labels(subset, "labels", path)
        yield from unheard(trafficpolicy.judge(subset, path, meta.namespace))
    selected = has(spec, "workloadSelector")
    yield from exports.judge(spec, meta.namespace, own_only=selected)
    if selected:
        yield from matches.selector(mapping(spec["workloadSelector"]), "matchLabels", "spec.workloadSelector")
