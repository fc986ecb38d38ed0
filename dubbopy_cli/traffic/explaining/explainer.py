"""Objects -> decisions: everything that one host needs is worked out at its first call and kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from dubbopy_cli.traffic.delegates import merged
from dubbopy_cli.traffic.explaining.decision import Decision
from dubbopy_cli.traffic.explaining.landing import Caller
from dubbopy_cli.traffic.explaining.registry import Document, Known, Registry, place_of
from dubbopy_cli.traffic.explaining.table import NOBODY, Scene, Table, table
from dubbopy_cli.traffic.explaining.virtualhost import (
    bare,
    everyone,
    foreign_routes,
    gateway_routes,
    service_of,
    sidecar_routes,
    tcp_routes,
)
from dubbopy_cli.traffic.lookup import MESH, resolve_gateway
from dubbopy_cli.traffic.model import DESTINATION_RULE, GROUP, VIRTUAL_SERVICE, Rule, RuleSet, mapping, sequence, text
from dubbopy_cli.traffic.protocols import UNSUPPORTED, is_routed
from dubbopy_cli.traffic.request import Request

# A caller may ask for any host, so what is kept must have an end.
_KEPT = 4096

_Key = tuple[str, int, str, str, str, frozenset[tuple[str, str]]]
_ANYBODY: frozenset[tuple[str, str]] = frozenset()


class Explainer:
    """Rules and Services compiled once; `decide` is for many requests."""

    def __init__(
        self, rules: RuleSet, registry: Registry, gateways: Mapping[str, list[Document]] | None = None
    ) -> None:
        self._rules = merged(rules)
        self._registry = registry
        self._gateways = gateways or {}
        self._tables: dict[_Key, Table] = {}

    @classmethod
    def of(cls, docs: Iterable[Document]) -> Explainer:
        """Return what parsed Kubernetes objects of any kinds say; kinds that do not matter are passed over."""
        given = [one for doc in docs for one in _flat(doc)]
        rules = RuleSet.of(_rule(one) for one in given if one.get("kind") in {DESTINATION_RULE, VIRTUAL_SERVICE})
        gateways: dict[str, list[Document]] = {}
        for one in given:
            if one.get("kind") == "Gateway" and text(one.get("apiVersion")).startswith(GROUP):
                gateways.setdefault(f"{place_of(one)}/{text(mapping(one.get('metadata')).get('name'))}", []).append(one)
        return cls(rules, Registry.of(given), gateways)

    def decide(self, request: Request) -> Decision:
        """Return what happens to a request."""
        labels = frozenset(request.source_labels.items()) if request.source_labels else _ANYBODY
        key = (
            request.host,
            request.port,
            request.namespace,
            request.source_namespace,
            request.gateway,
            labels,
        )
        found = self._tables.get(key)
        if found is None:
            if len(self._tables) >= _KEPT:
                self._tables.clear()
            found = self._tables[key] = self.table(request)
        return found.decide(request)

    def table(self, request: Request) -> Table:
        """Return the routes that are tried for every request of this host, port and caller."""
        if request.gateway != MESH:
            return self._at_gateway(request)
        caller = Caller(request.origin, request.port, MESH, request.source_labels)
        name = bare(request.host)
        known = service_of(self._registry, self._rules, request)
        port = known.port(request.port) if known else None
        if known is None or port is None:
            routes = foreign_routes(self._rules, self._registry, known.host if known else name, caller)
            if routes:
                return table(self._scene(caller, name, "HTTP"), routes)
            return _through(known, name, request)
        protocol = port.protocol
        if not is_routed(protocol):
            note = f"port {port.number} ({port.name or 'no name'}) is {protocol} to Istio: http rules do not apply"
            scene = self._scene(caller, known.host, protocol, note)
            chosen = tcp_routes(self._rules, known, caller) or [(None, everyone(known.host, known.namespace))]
            return table(scene, chosen, "tcp")
        notes: tuple[str, ...] = ()
        if protocol == UNSUPPORTED:
            said = f"'{port.name}' tells Istio no protocol" if port.name else "no name tells Istio a protocol"
            notes = (f"port {port.number}: {said}; http rules apply as the sidecar sees HTTP in the first bytes",)
        routes = sidecar_routes(self._rules, known.host, caller) or [(None, everyone(known.host, known.namespace))]
        return table(self._scene(caller, known.host, protocol, *notes), routes)

    def _at_gateway(self, request: Request) -> Table:
        gateway = resolve_gateway(request.gateway, request.namespace)
        caller = Caller(
            request.source_namespace or gateway.partition("/")[0], request.port, gateway, request.source_labels
        )
        name = bare(request.host)
        return table(
            self._scene(caller, name, "HTTP"),
            gateway_routes(self._rules, self._gateways.get(gateway, []), name, caller),
        )

    def _scene(self, caller: Caller, host: str, protocol: str, *notes: str) -> Scene:
        return Scene(self._rules, self._registry, caller, host, protocol, notes)


def _through(known: Known | None, name: str, request: Request) -> Table:
    """Return what happens to calls the mesh has no virtual host for: they go to the address as they are."""
    why = (
        f"{known.host} has no port {request.port}, only {', '.join(str(one.number) for one in known.ports) or 'none'}"
        if known
        else f"no Service that {request.origin} sees and no rule for port {request.port} has the name {name}"
    )
    note = f"{why}: the call goes to the address it was made to, past every rule (PassthroughCluster)"
    return Table((), (), Decision(NOBODY, "passthrough", known.host if known else name, notes=(note,)))


def _flat(doc: object) -> Iterator[Document]:
    node = mapping(doc)
    if text(node.get("kind")).endswith("List") and sequence(node.get("items")):
        for item in sequence(node.get("items")):
            yield from _flat(item)
    elif node:
        yield node


def _rule(doc: Document) -> Rule:
    return Rule(text(doc.get("kind")), place_of(doc), text(mapping(doc.get("metadata")).get("name")), doc)
