"""The routes of one virtual host, compiled: conditions to functions, everything else said beforehand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from dubbopy_cli.traffic.explaining import effects
from dubbopy_cli.traffic.explaining.decision import Decision, Kind, Step, Target, origin
from dubbopy_cli.traffic.explaining.landing import Caller, common_status, land
from dubbopy_cli.traffic.explaining.registry import Registry
from dubbopy_cli.traffic.hosts import resolve
from dubbopy_cli.traffic.matching import PATH, View, conditions
from dubbopy_cli.traffic.model import Rule, RuleSet, mapping, number, text
from dubbopy_cli.traffic.request import Request, describe
from dubbopy_cli.traffic.routes import Route

NOBODY = Request()


@dataclass(frozen=True)
class Scene:
    """What is the same for every call to one host: rules, Services, the caller, and what is known of the host."""

    rules: RuleSet
    registry: Registry
    caller: Caller
    host: str
    protocol: str = ""
    notes: tuple[str, ...] = ()


class Table:
    """Routes in the order they are tried; `decide` says which one takes a request."""

    def __init__(self, steps: Sequence[Step], outcomes: Sequence[Decision], otherwise: Decision) -> None:
        self.outcomes = tuple(outcomes)
        self._tests = [
            (tuple(one.test for one in step.conditions), dict(vars(outcome)))
            for step, outcome in zip(steps, outcomes, strict=True)
        ]
        self._otherwise = dict(vars(otherwise))
        self._index, self._anywhere = _indexed(steps)

    def decide(self, request: Request) -> Decision:
        """Return what the first route that takes ``request`` does with it."""
        view = request.view()
        found = self._otherwise
        for place in self._candidates(view):
            tests, outcome = self._tests[place]
            for test in tests:
                if not test(view):
                    break
            else:
                found = outcome
                break
        decision = object.__new__(Decision)
        # A frozen dataclass of twenty fields takes longer to build than to decide; this copies them at once.
        state = vars(decision)
        state.update(found)
        state["request"] = request
        return decision

    def _candidates(self, view: View) -> Sequence[int]:
        """Return the places of the routes whose one needed value the request has, and of those that need none."""
        hits: list[int] = []
        for name, places in self._index.items():
            for value in view.headers.get(name, ()) if name != PATH else (view.path,):
                if value in places:
                    hits += places[value]
        return sorted({*hits, *self._anywhere}) if hits else self._anywhere


def _indexed(steps: Sequence[Step]) -> tuple[dict[str, dict[str, list[int]]], tuple[int, ...]]:
    """Return the places of routes by a header (or PATH) and the value they need, and of those that need none."""
    index: dict[str, dict[str, list[int]]] = {}
    anywhere = []
    for place, step in enumerate(steps):
        needs = next((one.needs for one in step.conditions if one.needs), None)
        if needs:
            index.setdefault(needs[0], {}).setdefault(needs[1], []).append(place)
        else:
            anywhere.append(place)
    return index, tuple(anywhere)


def table(scene: Scene, routes: Iterable[tuple[Rule | None, Route]], kind: Kind = "route") -> Table:
    """Return the compiled table of routes, each with the object it is from."""
    steps: list[Step] = []
    outcomes: list[Decision] = []
    for rule, route in routes:
        outcomes.append(replace(_outcome(scene, rule, route, kind), earlier=tuple(steps)))
        steps.append(Step(route, conditions(route.match)))
    nowhere = Decision(
        NOBODY,
        "no-route",
        scene.host,
        scene.protocol,
        status="404 NR",
        notes=(*scene.notes, "no route takes this call"),
        earlier=tuple(steps),
    )
    return Table(steps, outcomes, nowhere)


def _outcome(scene: Scene, rule: Rule | None, route: Route, kind: Kind) -> Decision:
    http = route.http
    place, delegate = origin(route)
    made = Decision(
        NOBODY,
        kind if rule else "default" if kind == "route" else kind,
        scene.host,
        scene.protocol,
        rule.title if rule else "",
        place if rule else None,
        route.match_index,
        text(http.get("name")) if rule else route.name,
        text(route.match.get("name")),
        delegate,
        describe(route.match),
        fault=effects.fault(http),
        notes=scene.notes,
    )
    answer = _answer(http)
    if answer:
        return replace(made, kind="answer", answer=answer)
    targets = tuple(
        land(scene.rules, scene.registry, scene.caller, Target(one.host, one.subset, one.port or 0, share, one.weight))
        for one, share in route.split
    )
    if not targets:
        notes = (*made.notes, "its destinations have no weight, so calls lead nowhere; Istio refuses such a rule")
        return replace(made, status="503 NC", notes=notes)
    single = route.destinations[0].node if len(route.destinations) == 1 else {}
    if kind == "tcp":
        return replace(made, destinations=targets, status=common_status(targets), fault=None)
    return replace(
        made,
        destinations=targets,
        timeout=effects.timeout(http),
        retries=effects.retries(http),
        mirrors=tuple(_mirror(scene, route, node, share) for node, share in effects.mirrors(http)),
        rewrite=effects.rewrite(http, single),
        status=common_status(targets),
    )


def _mirror(scene: Scene, route: Route, node: Mapping[str, Any], share: Fraction) -> Target:
    host = resolve(text(node.get("host")), route.namespace)
    port = number(mapping(node.get("port")).get("number"))
    return land(scene.rules, scene.registry, scene.caller, Target(host, text(node.get("subset")), port, share))


def _answer(http: Mapping[str, Any]) -> str:
    redirect = mapping(http.get("redirect"))
    if redirect:
        goal = text(redirect.get("scheme")) + "://" if text(redirect.get("scheme")) else ""
        goal += text(redirect.get("authority")) + text(redirect.get("uri"))
        return f"HTTP {number(redirect.get('redirectCode')) or 301} to {goal}"
    direct = mapping(http.get("directResponse"))
    return f"HTTP {number(direct.get('status'))}" if direct else ""
