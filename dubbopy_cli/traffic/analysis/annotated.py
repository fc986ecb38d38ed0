"""Annotations of Istio: known, on the right kind of object, with a usable value (IST0107 and on)."""

from __future__ import annotations

from collections.abc import Iterator

from dubbopy_cli.traffic.analysis.values import fault
from dubbopy_cli.traffic.analysis.world import Resource, World, containers
from dubbopy_cli.traffic.findings import Finding
from dubbopy_cli.traffic.model import text

_INJECT = "sidecar.istio.io/inject"
_LOOKED_AT = ("Namespace", "Service", "Pod", "Deployment")
_ANY = ("Any",)
_POD = ("Pod",)
# Set by Istio itself.
_IGNORED = frozenset({"sidecar.istio.io/status", "gateway.istio.io/controller-version", "istio.io/rev"})

# The kinds each annotation means something on, from istio.io/api's annotation catalogue (Apache License 2.0).
_ON_PODS = """
ambient.istio.io/bypass-inbound-capture ambient.istio.io/dns-capture ambient.istio.io/redirection
inject.istio.io/templates istio.io/reroute-virtual-interfaces istio.io/rev prometheus.istio.io/merge-metrics
proxy.istio.io/config proxy.istio.io/overrides readiness.status.sidecar.istio.io/applicationPorts
readiness.status.sidecar.istio.io/failureThreshold readiness.status.sidecar.istio.io/initialDelaySeconds
readiness.status.sidecar.istio.io/periodSeconds sidecar.istio.io/agentLogLevel sidecar.istio.io/bootstrapOverride
sidecar.istio.io/componentLogLevel sidecar.istio.io/discoveryAddress sidecar.istio.io/extraStatTags
sidecar.istio.io/inject sidecar.istio.io/interceptionMode sidecar.istio.io/logLevel sidecar.istio.io/nativeSidecar
sidecar.istio.io/proxyCPU sidecar.istio.io/proxyCPULimit sidecar.istio.io/proxyImage sidecar.istio.io/proxyImageType
sidecar.istio.io/proxyMemory sidecar.istio.io/proxyMemoryLimit sidecar.istio.io/rewriteAppHTTPProbers
sidecar.istio.io/statsCompression sidecar.istio.io/statsEvictionInterval sidecar.istio.io/statsFlushInterval
sidecar.istio.io/statsHistogramBins sidecar.istio.io/statsHistogramBuckets sidecar.istio.io/statsInclusionPrefixes
sidecar.istio.io/statsInclusionRegexps sidecar.istio.io/statsInclusionSuffixes sidecar.istio.io/status
sidecar.istio.io/userVolume sidecar.istio.io/userVolumeMount status.sidecar.istio.io/port
traffic.sidecar.istio.io/excludeInboundPorts traffic.sidecar.istio.io/excludeInterfaces
traffic.sidecar.istio.io/excludeOutboundIPRanges traffic.sidecar.istio.io/excludeOutboundPorts
traffic.sidecar.istio.io/includeInboundPorts traffic.sidecar.istio.io/includeOutboundIPRanges
traffic.sidecar.istio.io/includeOutboundPorts traffic.sidecar.istio.io/kubevirtInterfaces
"""
_KINDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_ON_PODS.split(), _POD),
    "alpha.istio.io/canonical-serviceaccounts": ("Service",),
    "alpha.istio.io/kubernetes-serviceaccounts": ("Service",),
    "ambient.istio.io/waypoint-inbound-binding": ("GatewayClass", "Gateway"),
    "galley.istio.io/analyze-suppress": _ANY,
    "gateway.istio.io/controller-version": _ANY,
    "gateway.istio.io/name-override": ("Gateway",),
    "gateway.istio.io/service-account": ("Gateway",),
    "istio.io/autoRegistrationGroup": ("WorkloadEntry",),
    "istio.io/connectedAt": ("WorkloadEntry",),
    "istio.io/disconnectedAt": ("WorkloadEntry",),
    "istio.io/dry-run": ("AuthorizationPolicy",),
    "istio.io/use-waypoint-canary-weight": ("Service", "ServiceEntry", "Namespace"),
    "istio.io/workloadController": ("WorkloadEntry",),
    "kubernetes.io/ingress.class": ("Ingress",),
    "networking.istio.io/exportTo": ("Service",),
    "networking.istio.io/service-type": ("Gateway",),
    "networking.istio.io/traffic-distribution": ("Namespace", "Service", "ServiceEntry"),
    "topology.istio.io/controlPlaneClusters": ("Namespace",),
    "traffic.istio.io/nodeSelector": ("Service",),
}
_DEPRECATED = frozenset(
    {
        "alpha.istio.io/canonical-serviceaccounts",
        "alpha.istio.io/kubernetes-serviceaccounts",
        "sidecar.istio.io/discoveryAddress",
        "sidecar.istio.io/extraStatTags",
        _INJECT,
        "sidecar.istio.io/statsCompression",
        "sidecar.istio.io/statsInclusionPrefixes",
        "sidecar.istio.io/statsInclusionRegexps",
        "sidecar.istio.io/statsInclusionSuffixes",
        "traffic.sidecar.istio.io/kubevirtInterfaces",
    }
)


# What is no longer alpha.
_SETTLED = frozenset(
    {
        "ambient.istio.io/redirection",
        "kubernetes.io/ingress.class",
        "proxy.istio.io/config",
        _INJECT,
        "traffic.istio.io/nodeSelector",
    }
)
# Set by Istio itself on pods whose traffic its CNI plugin redirects.
_BY_CNI = frozenset(
    {
        "sidecar.istio.io/interceptionMode",
        "traffic.sidecar.istio.io/includeInboundPorts",
        "traffic.sidecar.istio.io/excludeInboundPorts",
        "traffic.sidecar.istio.io/includeOutboundIPRanges",
    }
)


def alpha(world: World) -> Iterator[Finding]:
    """Report annotations that Istio may still change (IST0136); only on request, for Istio sets many by itself."""
    for kind in _LOOKED_AT:
        for one in world.of(kind):
            init = {text(each.get("name")) for each in containers(one.spec, init=True)} if kind == "Pod" else set()
            left = _IGNORED | (_BY_CNI if kind == "Pod" and "istio-init" not in init else frozenset())
            for name in one.annotations:
                if name in _KINDS and name not in _SETTLED and name not in left:
                    yield one.report("IST0136", name, path=f"metadata.annotations.{name}")


def check(world: World) -> Iterator[Finding]:
    """Report annotations of Istio that have no effect, or not the one that was meant."""
    for kind in _LOOKED_AT:
        for one in world.of(kind):
            for name, value in one.annotations.items():
                if _of_istio(name) and name not in _IGNORED:
                    yield from _annotation(one, name, str(value))


def _of_istio(name: str) -> bool:
    return name == "kubernetes.io/ingress.class" or name.partition("/")[0].endswith("istio.io")


def _annotation(one: Resource, name: str, value: str) -> Iterator[Finding]:
    path = f"metadata.annotations.{name}"
    kinds = _KINDS.get(name)
    if kinds is None:
        yield one.report("IST0108", name, path=path)
        return
    if name in _DEPRECATED and not (name == _INJECT and _INJECT in one.labels):
        yield one.report("IST0135", name, "; use the label of that name" if name == _INJECT else "", path=path)
    if kinds == _ANY:
        return
    if one.kind not in kinds:
        yield one.report("IST0107", name, ", ".join(kinds), path=path)
        return
    reason = fault(name, value)
    if reason:
        yield one.report("IST0125", name, reason, path=path)
