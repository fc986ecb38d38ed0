"""Objects in short form, and what the analysis finds in them."""

from datetime import UTC, datetime

from dubbopy_cli.traffic.analysis import analyze

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GROUPS = {
    **dict.fromkeys(
        ("DestinationRule", "VirtualService", "Gateway", "ServiceEntry", "Sidecar"), "networking.istio.io/v1"
    ),
    **dict.fromkeys(("Service", "Pod", "Namespace", "Secret", "ConfigMap", "Node"), "v1"),
    **dict.fromkeys(("AuthorizationPolicy", "RequestAuthentication"), "security.istio.io/v1"),
    **dict.fromkeys(
        ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"), "admissionregistration.k8s.io/v1"
    ),
    "Deployment": "apps/v1",
    "EnvoyFilter": "networking.istio.io/v1alpha3",
    "ProxyConfig": "networking.istio.io/v1beta1",
    "Telemetry": "telemetry.istio.io/v1",
    "WasmPlugin": "extensions.istio.io/v1alpha1",
    "CustomResourceDefinition": "apiextensions.k8s.io/v1",
}


def thing(kind, name, spec=None, *, labels=None, annotations=None, **rest):
    """Return an object; the name may be NAMESPACE/NAME."""
    namespace, _, own = name.rpartition("/")
    metadata = {"name": own, "labels": labels or {}, "annotations": annotations or {}}
    if namespace:
        metadata["namespace"] = namespace
    return {
        "apiVersion": GROUPS[kind],
        "kind": kind,
        "metadata": metadata,
        **({} if spec is None else {"spec": spec}),
        **rest,
    }


def service(name, *ports, selector=None, **metadata):
    ports = [port if isinstance(port, dict) else {"port": port, "name": f"grpc-{port}"} for port in ports or (20000,)]
    return thing("Service", name, {"selector": selector or {}, "ports": ports}, **metadata)


def pod(name, proxy="proxyv2", labels=None, **spec):
    sidecar = [{"name": "istio-proxy", "image": proxy}] if proxy else []
    return thing("Pod", name, {"containers": [{"name": "app"}, *sidecar], **spec}, labels=labels)


def deployment(name, labels=None, pod_labels=None, annotations=None, **spec):
    template = {
        "metadata": {"labels": pod_labels or {}, "annotations": annotations or {}},
        "spec": {"containers": [], **spec},
    }
    return thing("Deployment", name, {"template": template}, labels=labels)


def routes(*destinations, **match):
    return [{"route": [{"destination": one} for one in destinations], **match}]


def found(*docs, only, **options):
    """Return (code, object, parameters) of each finding."""
    names = (only,) if isinstance(only, str) else only
    return [(one.code, one.object, one.parameters) for one in analyze(docs, now=NOW, only=names, **options)]


def codes(*docs, only, **options):
    return [(code, name) for code, name, _ in found(*docs, only=only, **options)]
