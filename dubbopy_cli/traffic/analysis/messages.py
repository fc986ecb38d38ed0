"""Every message of the analysis: code, level and what we say; `istioctl analyze` has the same codes.

Codes, names, levels and the order of the parameters are those of Istio's message catalogue
(istio.io, `pkg/config/analysis/msg/messages.yaml`, Copyright Istio Authors, Apache License 2.0); the words are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from dubbopy_cli.traffic.findings import Severity


@dataclass(frozen=True)
class Message:
    """One kind of finding; ``text`` takes the parameters by their places."""

    code: str
    name: str
    severity: Severity
    text: str


_TABLE: dict[str, tuple[str, Severity, str]] = {
    "IST0002": ("Deprecated", "warning", "deprecated: {0}"),
    "IST0101": ("ReferencedResourceNotFound", "error", "the {0} '{1}' that it refers to does not exist"),
    "IST0102": (
        "NamespaceNotInjected",
        "info",
        "pods of namespace {0} get no sidecar, so rules have no effect on them; "
        "label it istio-injection=enabled, or disabled to say so",
    ),
    "IST0103": ("PodMissingProxy", "warning", "pod {0} runs without a sidecar; start it anew to have one added"),
    "IST0106": ("SchemaValidationError", "error", "{0}"),
    "IST0107": ("MisplacedAnnotation", "warning", "annotation {0} only means something on {1}"),
    "IST0108": ("UnknownAnnotation", "warning", "Istio knows no annotation {0}"),
    "IST0109": (
        "ConflictingMeshGatewayVirtualServiceHosts",
        "error",
        "VirtualServices {0} all claim {1} inside the mesh; only one of them has an effect, so merge them",
    ),
    "IST0110": (
        "ConflictingSidecarWorkloadSelectors",
        "error",
        "Sidecars {0} of namespace {1} all select pod {2}; which one acts is not defined",
    ),
    "IST0111": (
        "MultipleSidecarsWithoutWorkloadSelectors",
        "error",
        "Sidecars {0} of namespace {1} have no workloadSelector; only one of that kind may exist",
    ),
    "IST0112": (
        "VirtualServiceDestinationPortSelectorRequired",
        "error",
        "{0} has the ports {1}, so the destination has to name one",
    ),
    "IST0116": (
        "DeploymentAssociatedToMultipleServices",
        "warning",
        "pods of {0} are behind port {1} of several Services with different transport protocols: {2}",
    ),
    "IST0118": (
        "PortNameIsNotUnderNamingConvention",
        "info",
        "port '{0}' ({1}, target {2}) says no protocol, so Istio guesses it from the first bytes; "
        "name it grpc-{0} or set appProtocol",
    ),
    "IST0123": (
        "NamespaceMultipleInjectionLabels",
        "warning",
        "the labels {0} contradict each other about the sidecar; keep one",
    ),
    "IST0125": ("InvalidAnnotation", "warning", "annotation {0} has an unusable value: {1}"),
    "IST0126": (
        "UnknownMeshNetworksServiceRegistry",
        "error",
        "network {1} takes its endpoints from registry {0}, which is not known",
    ),
    "IST0127": ("NoMatchingWorkloadsFound", "warning", "no pod of the mesh has the labels '{0}', so it has no effect"),
    "IST0128": (
        "NoServerCertificateVerificationDestinationLevel",
        "warning",
        "{0} (namespace {1}) uses TLS mode {2} without caCertificates, so anybody may pose as {3}",
    ),
    "IST0129": (
        "NoServerCertificateVerificationPortLevel",
        "warning",
        "{0} (namespace {1}) uses TLS mode {2} without caCertificates, so anybody may pose as {3} at port {4}",
    ),
    "IST0130": ("VirtualServiceUnreachableRule", "warning", "route {0} is never used: {1}"),
    "IST0131": (
        "VirtualServiceIneffectiveMatch",
        "info",
        "match {1} of route {0} adds nothing: route {2} has it already",
    ),
    "IST0132": (
        "VirtualServiceHostNotFoundInGateway",
        "warning",
        "Gateway {2} lets none of the hosts {0} of VirtualService {1} in",
    ),
    "IST0133": ("SchemaWarning", "warning", "{0}"),
    "IST0134": (
        "ServiceEntryAddressesRequired",
        "warning",
        "a TCP port (or one without a protocol) needs addresses: without them calls cannot be told apart",
    ),
    "IST0135": ("DeprecatedAnnotation", "info", "annotation {0} is deprecated{1}"),
    "IST0136": ("AlphaAnnotation", "info", "annotation {0} may still change from one release of Istio to the next"),
    "IST0137": (
        "DeploymentConflictingPorts",
        "warning",
        "pods of {0} are behind Services {1}, which reach target port {2} by different ports: {3}",
    ),
    "IST0138": (
        "GatewayDuplicateCertificate",
        "warning",
        "Gateways {0} use the same certificate, so a client that reuses its HTTP/2 connection may get a 404",
    ),
    "IST0139": ("InvalidWebhook", "error", "{0}"),
    "IST0140": (
        "IngressRouteRulesNotAffected",
        "warning",
        "calls through {1} do not pass the subsets of VirtualService {0}: name subsets in {1} itself",
    ),
    "IST0144": ("InvalidApplicationUID", "warning", "user 1337 is the sidecar's own: calls of this user bypass it"),
    "IST0145": (
        "ConflictingGateways",
        "error",
        "Gateways {0} claim the same hosts ({3}) at port {2} of the same pods ({1})",
    ),
    "IST0146": (
        "ImageAutoWithoutInjectionWarning",
        "warning",
        "{0} {1} has the image `auto`, and no injection webhook selects it to put a real one there",
    ),
    "IST0147": (
        "ImageAutoWithoutInjectionError",
        "error",
        "{0} {1} has the image `auto`, and no injection webhook put a real one there",
    ),
    "IST0148": ("NamespaceInjectionEnabledByDefault", "info", "its pods get a sidecar, as every namespace's do here"),
    "IST0149": (
        "JwtClaimBasedRoutingWithoutRequestAuthN",
        "error",
        "it routes by the claim {0}, and no RequestAuthentication makes claims known to pod {2} of Gateway {1}",
    ),
    "IST0150": (
        "ExternalNameServiceTypeInvalidPortName",
        "warning",
        "a TCP port of an ExternalName Service may stop other traffic to that port from being passed on",
    ),
    "IST0151": (
        "EnvoyFilterUsesRelativeOperation",
        "warning",
        "a patch relative to another filter needs a priority, else it may be applied before that filter exists",
    ),
    "IST0152": (
        "EnvoyFilterUsesReplaceOperationIncorrectly",
        "error",
        "REPLACE only works on HTTP_FILTER and NETWORK_FILTER",
    ),
    "IST0153": (
        "EnvoyFilterUsesAddOperationIncorrectly",
        "error",
        "ADD has no effect on ROUTE_CONFIGURATION and HTTP_ROUTE",
    ),
    "IST0154": (
        "EnvoyFilterUsesRemoveOperationIncorrectly",
        "error",
        "REMOVE has no effect on ROUTE_CONFIGURATION and HTTP_ROUTE",
    ),
    "IST0155": (
        "EnvoyFilterUsesRelativeOperationWithProxyVersion",
        "warning",
        "a patch relative to a filter that another patch adds for one proxy version alone needs a priority, "
        "else it may be lost during an upgrade",
    ),
    "IST0157": (
        "InvalidTelemetryProvider",
        "warning",
        "access logging of {0} in namespace {1} names no provider and the mesh has no default one, so it is ignored",
    ),
    "IST0158": (
        "PodsIstioProxyImageMismatchInNamespace",
        "warning",
        "pods {0} run another sidecar image than the injection has now; start them anew",
    ),
    "IST0159": (
        "ConflictingTelemetryWorkloadSelectors",
        "error",
        "Telemetries {0} of namespace {1} all select pod {2}; which one acts is not defined",
    ),
    "IST0160": (
        "MultipleTelemetriesWithoutWorkloadSelectors",
        "error",
        "Telemetries {0} of namespace {1} have no selector; only one of that kind may exist",
    ),
    "IST0161": (
        "InvalidGatewayCredential",
        "error",
        "the Secret that Gateway {0} takes its certificate from (namespace {1}) holds none that is valid now",
    ),
    "IST0162": (
        "GatewayPortNotDefinedOnService",
        "warning",
        "no Service leads to port {0} of the gateway's pods ({1})",
    ),
    "IST0163": (
        "InvalidExternalControlPlaneConfig",
        "warning",
        "the address '{0}' of webhook {1} cannot lead to the external control plane: it {2}",
    ),
    "IST0164": (
        "ExternalControlPlaneAddressIsNotAHostname",
        "info",
        "the address '{0}' of webhook {1} is an IP address; use a name in production",
    ),
    "IST0165": ("ReferencedInternalGateway", "warning", "{0} names {1}, a Gateway that Istio makes for its own use"),
    "IST0166": ("IneffectiveSelector", "warning", "a selector has no effect on Kubernetes Gateway {0}; use targetRef"),
    "IST0167": ("IneffectivePolicy", "warning", "it has no effect: {0}"),
    "IST0171": ("NegativeConditionStatus", "warning", "its status says {0}: {1}, {2}"),
    "IST0173": (
        "DestinationRuleSubsetNotSelectPods",
        "error",
        "subset {0} selects no pod, so calls to it end in a 503 (UH)",
    ),
    "IST0174": ("UnknownDestinationRuleHost", "warning", "{0} is no host of the mesh, so the rule has no effect"),
    "IST0175": (
        "JwksUriFetchUnrestricted",
        "warning",
        "istiod fetches keys from any address for {0} RequestAuthentications ({1}); set BLOCKED_CIDRS_IN_JWKS_URIS",
    ),
    "IST0176": (
        "GatewayAPICRDVersionBelowMinimum",
        "warning",
        "{0} is installed in version {1} and Istio needs {2}, so it leaves these objects alone",
    ),
    "IST0177": (
        "ConflictingServiceEntryProtocol",
        "warning",
        "ServiceEntries {0} give port {2} of {1} different protocols: {3}",
    ),
}

MESSAGES = {code: Message(code, *row) for code, row in _TABLE.items()}
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
