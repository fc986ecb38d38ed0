"""Traffic rules, pure: nothing here reads, writes or runs anything, but for the CRDs that ship with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dubbopy_cli.traffic.findings import Finding as Finding
from dubbopy_cli.traffic.plan import RulePlan as RulePlan
from dubbopy_cli.traffic.plan import plan as plan
from dubbopy_cli.traffic.validation import validate as validate
from dubbopy_cli.traffic.verify import Verdict as Verdict
from dubbopy_cli.traffic.verify import verify as verify

if TYPE_CHECKING:
    from dubbopy_cli.traffic.analysis import analyze as analyze
    from dubbopy_cli.traffic.explaining import Decision as Decision
    from dubbopy_cli.traffic.explaining import Explainer as Explainer
    from dubbopy_cli.traffic.explaining import Request as Request
    from dubbopy_cli.traffic.explaining import compile as compile  # noqa: A004 - as `re.compile`
    from dubbopy_cli.traffic.explaining import explain as explain

# Loaded at their first use: most commands need none of them.
_LAZY = dict.fromkeys(("Decision", "Explainer", "Request", "compile", "explain"), "explaining") | {
    "analyze": "analysis"
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
