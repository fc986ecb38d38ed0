"""What happens to one call, and why: the rules of Istio evaluated as istiod and Envoy do."""

from __future__ import annotations

from collections.abc import Iterable

from dubbopy_cli.traffic.explaining.decision import Decision as Decision
from dubbopy_cli.traffic.explaining.explainer import Explainer as Explainer
from dubbopy_cli.traffic.explaining.registry import Document
from dubbopy_cli.traffic.request import Request as Request


def explain(docs: Iterable[Document], request: Request) -> Decision:
    """Return what happens to ``request`` under parsed Kubernetes objects of any kinds.

    For many requests under the same objects use `compile`.
    """
    return Explainer.of(docs).decide(request)


def compile(docs: Iterable[Document]) -> Explainer:  # noqa: A001 - as `re.compile`
    """Return the objects in the form that decides many requests."""
    return Explainer.of(docs)
