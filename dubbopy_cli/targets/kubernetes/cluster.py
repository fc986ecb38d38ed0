"""The pieces of one namespace of a cluster, handed to every operation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dubbopy_cli.targets.kubernetes.helm import Helm
from dubbopy_cli.targets.kubernetes.kubectl import Kubectl
from dubbopy_cli.traffic.history import Origin


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class Cluster:
    """What an operation needs: the programs, whom to tell, and who asks.

    ``still_ours`` raises once another command may have taken the namespace over.
    """

    namespace: str
    kubectl: Kubectl
    helm: Helm
    say: Callable[[str], None]
    origin: Origin
    still_ours: Callable[[], None] = _nothing
