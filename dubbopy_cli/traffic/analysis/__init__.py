"""What `istioctl analyze` says about many objects together, from the objects alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime

from dubbopy_cli.traffic.analysis import (
    annotated,
    conditions,
    credentials,
    destinationrule,
    envoyfilter,
    gateway,
    images,
    injection,
    policies,
    ports,
    schema,
    serviceentry,
    sidecars,
    unreachable,
    virtualservice,
    vsgateways,
    webhooks,
    workloads,
)
from dubbopy_cli.traffic.analysis.messages import SEVERITIES
from dubbopy_cli.traffic.analysis.world import World, read
from dubbopy_cli.traffic.findings import Finding

# By the names that Istio's own analyzers have.
ANALYZERS: dict[str, Callable[[World], Iterator[Finding]]] = {
    "annotations.K8sAnalyzer": annotated.check,
    "authn.BlockedCIDRsAnalyzer": policies.key_addresses,
    "authz.AuthorizationPoliciesAnalyzer": policies.authorization,
    "conditions.ConditionAnalyzer": conditions.conditions,
    "deployment.ApplicationUIDAnalyzer": workloads.users,
    "deployment.ServiceAssociationAnalyzer": workloads.services,
    "deprecation.FieldAnalyzer": conditions.deprecated,
    "destinationrule.CaCertificateAnalyzer": destinationrule.certificates,
    "destinationrule.PodNotSelectedAnalyzer": destinationrule.subsets,
    "envoyfilter.EnvoyPatchAnalyzer": envoyfilter.patches,
    "externalcontrolplane.ExternalControlPlaneAnalyzer": webhooks.control_plane,
    "gateway.CertificateAnalyzer": credentials.duplicates,
    "gateway.ConflictingGatewayAnalyzer": gateway.conflicts,
    "gateway.IngressGatewayPortAnalyzer": gateway.ports,
    "gateway.SecretAnalyzer": credentials.secrets,
    "injection.Analyzer": injection.sidecars,
    "injection.ImageAnalyzer": images.outdated_images,
    "injection.ImageAutoAnalyzer": injection.automatic_images,
    "k8sgateway.CRDVersionAnalyzer": conditions.versions,
    "k8sgateway.SelectorAnalyzer": policies.selectors,
    "maturity.AlphaAnalyzer": annotated.alpha,
    "multicluster.MeshNetworksAnalyzer": policies.registries,
    "schema.ValidationAnalyzer": schema.validation,
    "schema.UnreachableAnalyzer": unreachable.unreachable,
    "service.PortNameAnalyzer": ports.names,
    "serviceentry.ConflictingServiceEntryProtocolAnalyzer": serviceentry.protocols,
    "serviceentry.ProtocolAddressesAnalyzer": serviceentry.addresses,
    "sidecar.SelectorAnalyzer": sidecars.sidecars,
    "telemetry.DefaultSelectorAnalyzer": sidecars.whole_telemetries,
    "telemetry.LightstepAnalyzer": sidecars.lightstep,
    "telemetry.ProviderAnalyzer": sidecars.providers,
    "telemetry.SelectorAnalyzer": sidecars.telemetries,
    "virtualservice.ConflictingMeshGatewayHostsAnalyzer": virtualservice.mesh_hosts,
    "virtualservice.DestinationHostAnalyzer": virtualservice.destination_hosts,
    "virtualservice.DestinationRuleAnalyzer": virtualservice.destination_subsets,
    "virtualservice.GatewayAnalyzer": vsgateways.gateways,
    "virtualservice.JWTClaimRouteAnalyzer": vsgateways.claims,
    "webhook.Analyzer": webhooks.injectors,
}
# Those that `istioctl analyze` runs; the others are for who asks for them.
USUAL = tuple(name for name in ANALYZERS if name != "maturity.AlphaAnalyzer")
# Those that `istioctl analyze --use-kube=false` runs: no other one does without Services, pods or namespaces.
OF_RULES_ALONE = (
    "authn.BlockedCIDRsAnalyzer",
    "deprecation.FieldAnalyzer",
    "destinationrule.CaCertificateAnalyzer",
    "envoyfilter.EnvoyPatchAnalyzer",
    "externalcontrolplane.ExternalControlPlaneAnalyzer",
    "gateway.CertificateAnalyzer",
    "k8sgateway.CRDVersionAnalyzer",
    "schema.UnreachableAnalyzer",
    "schema.ValidationAnalyzer",
    "serviceentry.ConflictingServiceEntryProtocolAnalyzer",
    "serviceentry.ProtocolAddressesAnalyzer",
    "telemetry.DefaultSelectorAnalyzer",
    "telemetry.LightstepAnalyzer",
    "telemetry.ProviderAnalyzer",
    "virtualservice.ConflictingMeshGatewayHostsAnalyzer",
    "virtualservice.DestinationRuleAnalyzer",
    "virtualservice.GatewayAnalyzer",
)


def analyze(
    docs: Iterable[object],
    *,
    now: datetime | None = None,
    namespace: str = "",
    ingress: bool = True,
    only: Collection[str] = USUAL,
) -> list[Finding]:
    """Return what speaks against these parsed Kubernetes objects when they are applied together, errors first.

    Objects of unknown kinds are passed over, lists are opened; a MeshConfig or MeshNetworks may be among them, by
    itself or in the ConfigMap ``istio`` of istio-system. Certificates are looked at as of ``now``. Objects that name
    no namespace are of ``namespace``; like Istio's analysis of files, an empty one is a namespace of its own, and
    Istio's ingress gateway is taken for granted; without ``ingress``, for objects of a cluster, it is not.
    ``only`` names the analyzers to run, of ``ANALYZERS``. Codes and conditions are those of Istio 1.31.
    """
    moment = now or datetime.now(UTC)
    world = read(docs, moment if moment.tzinfo else moment.replace(tzinfo=UTC), namespace, ingress=ingress)
    silent = _silenced(world)
    found: dict[tuple[str, str, tuple[str, ...]], Finding] = {}
    for name in only:
        for one in ANALYZERS[name](world):
            if not silent.get(one.object, frozenset()) & {"*", one.code}:
                found.setdefault((one.code, one.object, one.parameters), one)
    return sorted(found.values(), key=_order)


def _silenced(world: World) -> dict[str, frozenset[str]]:
    """Return the codes that objects ask not to be told, by the object."""
    found: dict[str, frozenset[str]] = {}
    for objects in world.kinds.values():
        for one in objects.values():
            codes = one.suppressed
            if codes:
                found[one.title] = codes
    return found


def _order(one: Finding) -> tuple[int, str, str, tuple[str, ...]]:
    return SEVERITIES.index(one.severity), one.code, one.object, one.parameters
