"""To which namespaces an object is exported."""

from __future__ import annotations

from dubbopy_cli.traffic.model import sequence, text
from dubbopy_cli.traffic.validation import names
from dubbopy_cli.traffic.validation.faults import Faults, Node, error, items


def judge(spec: Node, namespace: str, *, nowhere: bool = False, own_only: bool = False) -> Faults:
    """Judge `exportTo` (`validateExportTo`).

    ``nowhere`` allows `~`, as a ServiceEntry has it; ``own_only`` is for a DestinationRule that selects workloads.
    """
    found: set[str] = set()
    for path, node in items(spec, "exportTo", "spec"):
        value = text(node)
        key = namespace if value == "." else value
        if key in found:
            yield error("export-to", path, f"'{value}' is given twice")
        elif key in {"*", "."} or (key == "~" and nowhere) or names.is_label(key):
            found.add(key)
        elif key == "~":
            yield error("export-to", path, "~ is for ServiceEntries only")
        else:
            yield error("export-to", path, f"'{value}' is neither '.', '*' nor the name of a namespace")
    if own_only and found and found != {namespace}:
        yield error("export-to", "spec.exportTo", "with a workloadSelector it can only be the own namespace, '.'")
    if len(sequence(spec.get("exportTo"))) > 1:
        for key in sorted(found & {"*", "~"}):
            yield error("export-to", "spec.exportTo", f"'{key}' cannot stand beside others")
