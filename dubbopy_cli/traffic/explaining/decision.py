"""What happens to one call, in values: who decides, where the call goes, and why not elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal

from dubbopy_cli.traffic.explaining.effects import Fault, Retries, Rewrite
from dubbopy_cli.traffic.matching import Condition
from dubbopy_cli.traffic.request import Request
from dubbopy_cli.traffic.routes import Route

Kind = Literal["route", "answer", "default", "no-route", "tcp", "passthrough"]
Status = Literal["", "503 NC", "503 UH"]


@dataclass(frozen=True)
class Target:
    """One destination and its exact share of the calls; ``status`` is what they get where they reach nobody.

    ``members`` are the labels of the instances, None where the objects given do not say; ``rule`` is the
    DestinationRule that defines the subset.
    """

    host: str
    subset: str
    port: int
    share: Fraction
    weight: int = 0
    status: Status = ""
    reason: str = ""
    rule: str = ""
    members: tuple[Mapping[str, str], ...] | None = field(default=None, repr=False)

    @property
    def cluster(self) -> str:
        """Return the name of the Envoy cluster (`model.BuildSubsetKey`)."""
        return f"outbound|{self.port}|{self.subset}|{self.host}"


@dataclass(frozen=True)
class Passed:
    """A route that was tried before, and the condition that failed."""

    route_index: int
    match_index: int | None
    name: str
    reason: str


@dataclass(frozen=True)
class Step:
    """One route of a table with its conditions."""

    route: Route
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Decision:
    """What happens to a call.

    ``kind`` is ``route`` (an http route of ``object`` takes it), ``answer`` (the same, and it answers by itself),
    ``default`` (no rule acts: every instance of the Service), ``tcp`` (http rules do not apply to the port),
    ``passthrough`` (the mesh does not know the name) or ``no-route`` (404). ``status`` is what the caller gets if
    every destination fails alike. Indexes are those of the object that the caller's rule is; where that leaves the
    route to another object, ``delegate`` names it.
    """

    request: Request
    kind: Kind
    host: str = ""
    protocol: str = ""
    object: str = ""
    route_index: int | None = None
    match_index: int | None = None
    route_name: str = ""
    match_name: str = ""
    delegate: str = ""
    condition: str = ""
    destinations: tuple[Target, ...] = ()
    timeout: str = ""
    retries: Retries | None = None
    fault: Fault | None = None
    mirrors: tuple[Target, ...] = ()
    rewrite: Rewrite | None = None
    answer: str = ""
    status: str = ""
    notes: tuple[str, ...] = ()
    earlier: tuple[Step, ...] = field(default=(), repr=False, compare=False)

    @property
    def name(self) -> str:
        """Return the route's name in Envoy: the route's, and the match's after a dot."""
        return f"{self.route_name}.{self.match_name}" if self.match_name else self.route_name

    @cached_property
    def passed(self) -> tuple[Passed, ...]:
        """Return every route that was tried before, with the first condition of each that failed."""
        view = self.request.view()
        return tuple(
            Passed(
                origin(step.route)[0],
                step.route.match_index,
                step.route.name or f"http[{origin(step.route)[0]}]",
                next(one.failure(view) for one in step.conditions if not one.test(view)),
            )
            for step in self.earlier
        )

    def document(self) -> dict[str, Any]:
        """Return the decision as JSON takes it; shares are fractions such as ``9/10``."""
        shown = ("kind", "host", "protocol", "object", "route_index", "match_index", "route_name", "match_name")
        out: dict[str, Any] = {key: getattr(self, key) for key in (*shown, "delegate", "condition", "answer", "status")}
        out["destinations"] = [_target(one) for one in self.destinations]
        out["mirrors"] = [_target(one) for one in self.mirrors]
        out["timeout"] = self.timeout or "none"
        out["retries"] = str(self.retries) if self.retries else ""
        out["fault"] = str(self.fault) if self.fault else ""
        out["rewrite"] = vars(self.rewrite) if self.rewrite else {}
        out["notes"] = list(self.notes)
        out["passed"] = [vars(one) for one in self.passed]
        return out


def origin(route: Route) -> tuple[int, str]:
    """Return a route's place in the object that the caller's rule is, and the delegate's route it comes from."""
    from dubbopy_cli.traffic.delegates import ORIGIN

    return route.http.get(ORIGIN) or (route.index, "")


def _target(one: Target) -> dict[str, Any]:
    shown = ("host", "subset", "port", "weight", "status", "reason", "rule", "cluster")
    return {key: getattr(one, key) for key in shown} | {
        "share": str(one.share),
        "instances": None if one.members is None else len(one.members),
    }
