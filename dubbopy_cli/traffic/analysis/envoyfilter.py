"""EnvoyFilters: operations that do nothing where they are used, or depend on the order (IST0151 to IST0155)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dubbopy_cli.traffic.analysis.world import Resource, World
from dubbopy_cli.traffic.findings import Finding
from dubbopy_cli.traffic.model import mapping, sequence, text

_ROUTES = frozenset({"ROUTE_CONFIGURATION", "HTTP_ROUTE"})
_REPLACEABLE = frozenset({"NETWORK_FILTER", "HTTP_FILTER", "VIRTUAL_HOST"})


def patches(world: World) -> Iterator[Finding]:
    """Report patches that will not be applied, or not always."""
    # Names of filters that were patched for one version of the proxy alone, in this object or an earlier one.
    versioned: set[str] = set()
    for one in world.of("EnvoyFilter"):
        for index, node in enumerate(sequence(one.spec.get("configPatches"))):
            patch = mapping(node)
            if patch.get("patch") is None:
                break
            name = _filter_name(patch)
            code = _misuse(one, patch, name in versioned)
            if code:
                yield one.report(code, path=f"spec.configPatches[{index}]")
            if text(mapping(mapping(patch.get("match")).get("proxy")).get("proxyVersion")):
                versioned.add(name)


def _misuse(one: Resource, patch: Mapping[str, Any], versioned: bool) -> str:
    where = text(patch.get("applyTo"))
    match text(mapping(patch["patch"]).get("operation")):
        case "ADD":
            return "IST0153" if where in _ROUTES else ""
        case "REMOVE" if where in _ROUTES:
            return "IST0154"
        case "REPLACE" if where not in _REPLACEABLE:
            return "IST0152"
        case "REMOVE" | "REPLACE" | "INSERT_BEFORE" | "INSERT_AFTER":
            return "" if one.spec.get("priority") else "IST0155" if versioned else "IST0151"
    return ""


def _filter_name(patch: Mapping[str, Any]) -> str:
    value = mapping(mapping(patch["patch"]).get("value"))
    if value.get("name") is not None:
        # Apart from the names of the other form, which Istio writes differently.
        return f"string_value:{value['name']}"
    if not value:
        return ""
    chain = mapping(mapping(mapping(patch.get("match")).get("listener")).get("filterChain"))
    return text(mapping(chain.get("filter")).get("name"))
