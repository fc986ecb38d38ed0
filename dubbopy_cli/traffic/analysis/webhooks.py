"""Webhooks of Istio: each pod for one of them, and each with a service or an address behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from dubbopy_cli.traffic.analysis import urls
from dubbopy_cli.traffic.analysis.injection import REVISION
from dubbopy_cli.traffic.analysis.selectors import expression_selects
from dubbopy_cli.traffic.analysis.world import Resource, World
from dubbopy_cli.traffic.findings import Finding
from dubbopy_cli.traffic.hosts import is_address
from dubbopy_cli.traffic.model import mapping, sequence, text

_NAMESPACES: tuple[dict[str, str], ...] = ({}, {"istio-injection": "enabled"}, {"istio-injection": "disabled"})
_PODS: tuple[dict[str, str], ...] = ({}, {"sidecar.istio.io/inject": "true"}, {"sidecar.istio.io/inject": "false"})
_SELECTORS = ("namespaceSelector", "objectSelector")

Hook = tuple[Resource, Mapping[str, Any]]


def injectors(world: World) -> Iterator[Finding]:
    """Report injection webhooks of which several take a pod, or without a Service behind them (IST0139)."""
    hooks: list[Hook] = []
    revisions: dict[str, None] = {}
    for one in world.of("MutatingWebhookConfiguration"):
        own = [mapping(hook) for hook in sequence(one.document.get("webhooks"))]
        named = _revisions(one, own)
        if named or any(text(hook.get("name")).endswith("istio.io") for hook in own):
            hooks += [(one, hook) for hook in own]
            revisions.update(dict.fromkeys(named))
    yield from _overlaps(hooks, list(revisions))
    for one, hook in hooks:
        service = mapping(hook.get("clientConfig")).get("service")
        if service is None:
            continue
        place = (text(mapping(service).get("namespace")), text(mapping(service).get("name")))
        if world.find("Service", *place) is None:
            yield one.report("IST0139", f"it calls Service {'/'.join(filter(None, place))}, which does not exist")


def _overlaps(hooks: list[Hook], revisions: list[str]) -> Iterator[Finding]:
    extra: list[dict[str, str]] = [{}, *({REVISION: one} for one in revisions)]
    namespaces = [{**one, **more} for more in extra for one in _NAMESPACES]
    pods = [{**one, **more} for more in extra for one in _PODS]
    reported: set[tuple[str, tuple[str, ...]]] = set()
    for namespace, pod in product(namespaces, pods):
        taking = {
            f"{one.full_name}/{text(hook.get('name'))}": one
            for one, hook in hooks
            if expression_selects(hook.get("namespaceSelector"), namespace)
            and expression_selects(hook.get("objectSelector"), pod)
        }
        for name, one in taking.items() if len(taking) > 1 else ():
            others = tuple(sorted(set(taking) - {name}))
            if (name, others) not in reported:
                reported.add((name, others))
                yield one.report("IST0139", f"it takes the same pods as {', '.join(others)}: they get two sidecars")


def _revisions(one: Resource, hooks: list[Mapping[str, Any]]) -> list[str]:
    found = [text(one.labels[REVISION])] if REVISION in one.labels else []
    for hook in hooks:
        for key in _SELECTORS:
            selector = mapping(hook.get(key))
            labels = mapping(selector.get("matchLabels"))
            found += [text(labels[REVISION])] if REVISION in labels else []
            for expression in sequence(selector.get("matchExpressions")):
                if mapping(expression).get("key") == REVISION:
                    found += [text(value) for value in sequence(mapping(expression).get("values"))]
    return found


def control_plane(world: World) -> Iterator[Finding]:
    """Report addresses of an external control plane that cannot be used as they are (IST0163, IST0164)."""
    for one in world.of("ValidatingWebhookConfiguration"):
        if one.name == "istiod-default-validator" or one.name.startswith("istio-validator"):
            yield from _addresses(one)
    for one in world.of("MutatingWebhookConfiguration"):
        if one.name.startswith("istio-sidecar-injector"):
            yield from _addresses(one)


def _addresses(one: Resource) -> Iterator[Finding]:
    for index, node in enumerate(sequence(one.document.get("webhooks"))):
        hook = mapping(node)
        client, name = mapping(hook.get("clientConfig")), text(hook.get("name"))
        url, path = client.get("url"), f"webhooks[{index}].clientConfig"
        if url is None:
            if client.get("service") is None:
                yield one.report("IST0163", "", name, "is blank", path=path)
            continue
        host = urls.host(text(url))
        if host is None:
            yield one.report("IST0163", url, name, "was provided in an invalid format", path=path)
        elif is_address(host) and "%" not in host:
            yield one.report("IST0164", url, name, path=path)
