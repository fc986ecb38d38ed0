"""Policies of security and of the Gateway API: whom they act on, and what they refer to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache

from dubbopy_cli.traffic.analysis.injection import ambient_pod, in_mesh
from dubbopy_cli.traffic.analysis.selectors import LabelIndex, written
from dubbopy_cli.traffic.analysis.world import Resource, World, containers
from dubbopy_cli.traffic.findings import Finding
from dubbopy_cli.traffic.model import mapping, sequence, text

_GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"
_WITH_SELECTOR = ("AuthorizationPolicy", "RequestAuthentication", "Telemetry", "WasmPlugin")
_BLOCKED = "BLOCKED_CIDRS_IN_JWKS_URIS"
# So many names a message lists.
_SHOWN = 5


def authorization(world: World) -> Iterator[Finding]:
    """Report AuthorizationPolicies without workloads, and of unknown namespaces (IST0127, IST0101)."""
    pods = [one for one in world.of("Pod") if ambient_pod(one) or in_mesh(world, one.document, one, init=True)]
    meshed = LabelIndex((one.namespace, one.labels, one) for one in pods)
    spaces = [one.name for one in world.of("Namespace")]

    @cache
    def known(pattern: str) -> bool:
        return any(_is_named(one, pattern) for one in spaces)

    for policy in world.of("AuthorizationPolicy"):
        yield from _unused(world, policy, meshed)
        for index, rule in enumerate(sequence(policy.spec.get("rules"))):
            for place, node in enumerate(sequence(mapping(rule).get("from"))):
                source = mapping(mapping(node).get("source"))
                for key in ("namespaces", "notNamespaces"):
                    for name in sequence(source.get(key)):
                        if not known(text(name)):
                            path = f"spec.rules[{index}].from[{place}].source.{key}"
                            yield policy.report("IST0101", "namespace", name, path=path)


def _unused(world: World, policy: Resource, meshed: LabelIndex[Resource]) -> Iterator[Finding]:
    everywhere = policy.namespace == world.root_namespace
    selector = policy.spec.get("selector")
    if selector is None and everywhere:
        return
    labels = mapping(mapping(selector).get("matchLabels"))
    if not meshed.any(labels, None if everywhere else policy.namespace):
        yield policy.report("IST0127", written(labels), path="" if selector is None else "spec.selector")


def _is_named(namespace: str, pattern: str) -> bool:
    if pattern.startswith("*"):
        return namespace.endswith(pattern[1:])
    if pattern.endswith("*"):
        return namespace.startswith(pattern[:-1])
    return namespace.casefold() == pattern.casefold()


def selectors(world: World) -> Iterator[Finding]:
    """Report selectors of pods that belong to a Gateway of the Gateway API (IST0166)."""
    pods = LabelIndex((one.namespace, one.labels, one) for one in world.of("Pod") if _GATEWAY_NAME in one.labels)
    for kind in _WITH_SELECTOR:
        for policy in world.of(kind):
            selector = policy.spec.get("selector")
            if selector is None or policy.spec.get("targetRef") is not None:
                continue
            for pod in pods.select(mapping(mapping(selector).get("matchLabels")), policy.namespace):
                yield policy.report("IST0166", pod.labels[_GATEWAY_NAME], path="spec.selector")


def key_addresses(world: World) -> Iterator[Finding]:
    """Report an istiod that fetches keys for tokens from any address (IST0175)."""
    names = [one.full_name for one in world.of("RequestAuthentication")]
    shown = ", ".join(names[:_SHOWN]) + (f", and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    for one in world.of("Deployment") if names else ():
        settings = [
            mapping(each)
            for container in containers(mapping(mapping(one.spec.get("template")).get("spec")))
            for each in sequence(container.get("env"))
        ]
        if one.labels.get("app") == "istiod" and not any(
            each.get("name") == _BLOCKED and each.get("value") for each in settings
        ):
            yield one.report("IST0175", len(names), shown)


def registries(world: World) -> Iterator[Finding]:
    """Report networks whose endpoints come from a registry nobody knows (IST0126)."""
    known = {"Mock", "Kubernetes", "External"}
    for secret in world.of("Secret"):
        if secret.labels.get("istio/multiCluster") == "true":
            known |= set(mapping(secret.document.get("data")))
    networks = Resource("MeshNetworks", "istio-system", "meshnetworks", world.networks, world.networks, {}, {})
    unknown: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for name, network in mapping(world.networks.get("networks")).items():
        for endpoint in sequence(mapping(network).get("endpoints")):
            registry = text(mapping(endpoint).get("fromRegistry"))
            if registry and registry not in known:
                unknown[str(name)][registry] = None
    for name, registries_ in unknown.items():
        for registry in registries_:
            yield networks.report("IST0126", registry, name)
