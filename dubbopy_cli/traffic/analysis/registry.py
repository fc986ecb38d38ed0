"""Which hosts exist, and for whom: Services and ServiceEntries as callers of a namespace see them."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from dubbopy_cli.traffic.analysis.world import Resource, World
from dubbopy_cli.traffic.hosts import DOMAIN
from dubbopy_cli.traffic.model import mapping, number, sequence, text

T = TypeVar("T")
EVERYWHERE = "*"
_FULL = re.compile(rf"(.+)\.(.+)\.svc\.{re.escape(DOMAIN)}", re.DOTALL)


@dataclass(frozen=True)
class Host:
    """What stands behind a host: its ports, and for a ServiceEntry the labels of its workloads."""

    ports: tuple[int, ...]
    workload_labels: Mapping[str, Any]


def full(host: str, namespace: str) -> str:
    """Return the full name of a host (`util.ConvertHostToFQDN`): only a name without any dot is completed."""
    return host if host.startswith("*") or "." in host else f"{host}.{namespace}.svc.{DOMAIN}"


def service_name(host: str, namespace: str) -> tuple[str, str]:
    """Return namespace and name of the Service a host stands for (`util.GetResourceNameFromHost`)."""
    found = _FULL.fullmatch(host)
    return (found[2], found[1]) if found else (namespace, host)


def scopes(export_to: Iterable[object], namespace: str) -> tuple[str, ...]:
    """Return the namespaces that an exportTo makes an object visible in, `*` for all of them."""
    names = [text(one) for one in export_to]
    if not names or EVERYWHERE in names:
        return (EVERYWHERE,)
    return tuple(dict.fromkeys(namespace if one == "." else one for one in names))


class Registry:
    """Every host of the world by the namespaces that see it (`util.InitServiceEntryHostMap`)."""

    def __init__(self, world: World) -> None:
        self._hosts: dict[tuple[str, str], Host] = {}
        self._wildcards: defaultdict[str, dict[str, Host]] = defaultdict(dict)
        for entry in world.of("ServiceEntry"):
            self._add_entry(entry)
        for service in world.of("Service"):
            ports = tuple(number(mapping(one).get("port")) for one in sequence(service.spec.get("ports")))
            annotation = text(service.annotations.get("networking.istio.io/exportTo"))
            names = [one.strip() for one in annotation.split(",")] if annotation else [EVERYWHERE]
            for scope in names:
                where = service.namespace if scope == "." else scope
                self._add(where, full(service.name, service.namespace), Host(ports, {}))

    def find(self, host: str, namespace: str, export_to: Iterable[object]) -> Host | None:
        """Return what a rule of ``namespace`` means by ``host``, or None (`util.GetDestinationHost`)."""
        name = full(host, namespace)
        exported = [text(one) for one in export_to]
        own = [namespace if one == "." else one for one in exported] or [namespace]
        for scope in (EVERYWHERE, *own):
            if (scope, name) in self._hosts:
                return self._hosts[scope, name]
        bare = host.removeprefix("*")
        for start in range(len(bare) + 1):
            by_scope = self._wildcards.get(bare[start:], {})
            for scope in (EVERYWHERE, namespace):
                if scope in by_scope:
                    return by_scope[scope]
        return None

    def _add_entry(self, entry: Resource) -> None:
        ports = tuple(number(mapping(one).get("number")) for one in sequence(entry.spec.get("ports")))
        found = Host(ports, mapping(mapping(entry.spec.get("workloadSelector")).get("labels")))
        for host in sequence(entry.spec.get("hosts")):
            for scope in scopes(sequence(entry.spec.get("exportTo")), entry.namespace):
                self._add(scope, full(text(host), entry.namespace), found)

    def _add(self, scope: str, host: str, found: Host) -> None:
        self._hosts[scope, host] = found
        if host.startswith("*"):
            self._wildcards[host.removeprefix("*")][scope] = found


class Overlaps(Generic[T]):
    """Things by host, each of which may be a wildcard; finds those that have a name in common with a host."""

    def __init__(self, things: Mapping[str, list[T]]) -> None:
        self._things = things
        self._suffixes = {host[1:]: host for host in things if host.startswith("*")}
        self._reversed = sorted(host.removeprefix("*")[::-1] for host in things)
        self._by_reversed: defaultdict[str, list[str]] = defaultdict(list)
        for host in things:
            self._by_reversed[host.removeprefix("*")[::-1]].append(host)

    def of(self, host: str) -> Iterator[T]:
        """Yield the things of each host that overlaps with ``host`` (`host.Name.Matches`)."""
        wild = host.startswith("*")
        found = {host} & self._things.keys()
        bare = host.removeprefix("*")
        found |= {self._suffixes[bare[start:]] for start in range(len(bare) + 1) if bare[start:] in self._suffixes}
        if wild:
            found |= self._ending(bare)
        for one in sorted(found):
            yield from self._things[one]

    def _ending(self, suffix: str) -> set[str]:
        start, found = suffix[::-1], set()
        place = bisect_left(self._reversed, start)
        while place < len(self._reversed) and self._reversed[place].startswith(start):
            found.update(self._by_reversed[self._reversed[place]])
            place += 1
        return found
