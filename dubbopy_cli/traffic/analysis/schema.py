"""What the validation of each single object says, as findings of the analysis (IST0106, IST0133)."""

from __future__ import annotations

from collections.abc import Iterator

from dubbopy_cli.traffic.analysis.world import World
from dubbopy_cli.traffic.findings import Finding

_KINDS = ("DestinationRule", "Gateway", "ServiceEntry", "VirtualService", "WorkloadEntry")


def validation(world: World) -> Iterator[Finding]:
    """Report errors and warnings of `traffic.validate` for every object of a kind that it knows."""
    from dubbopy_cli.traffic.validation import judge
    from dubbopy_cli.traffic.validation.unreachable import INEFFECTIVE, UNREACHABLE

    # What is unreachable is analyzed with the parameters of Istio's messages, and unknown fields Istio passes over.
    left = {INEFFECTIVE, UNREACHABLE, "unknown-field"}
    for kind in _KINDS:
        for one in world.of(kind):
            for found in judge(one.document, one.namespace):
                if found.code not in left and found.severity != "info":
                    code = "IST0106" if found.severity == "error" else "IST0133"
                    yield one.report(code, found.message, path=found.path)
