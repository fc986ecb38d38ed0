import pytest

from dubbopy_cli.traffic.analysis import USUAL
from tests.worlds import codes, found, pod, service, thing

ANNOTATIONS = "annotations.K8sAnalyzer"
ADDRESSES = "serviceentry.ProtocolAddressesAnalyzer"
PROTOCOLS = "serviceentry.ConflictingServiceEntryProtocolAnalyzer"
SUBSETS = "destinationrule.PodNotSelectedAnalyzer"
TRAFFIC = "traffic.sidecar.istio.io"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("example.com/anything", "x", ""),
        ("sidecar.istio.io/nothing", "x", "IST0108"),
        ("networking.istio.io/exportTo", "*", "IST0107"),
        ("kubernetes.io/ingress.class", "istio", "IST0107"),
        ("sidecar.istio.io/inject", "true", "IST0135"),
        ("sidecar.istio.io/status", "x", ""),
        ("galley.istio.io/analyze-suppress", "IST0001", ""),
        ("sidecar.istio.io/interceptionMode", "TPROXY", ""),
        ("sidecar.istio.io/interceptionMode", "tproxy", "IST0125"),
        (f"{TRAFFIC}/includeOutboundIPRanges", "*", ""),
        (f"{TRAFFIC}/includeOutboundIPRanges", "10.0.0.1/8,fd00::/8", ""),
        (f"{TRAFFIC}/includeOutboundIPRanges", "10.0.0.1", "IST0125"),
        (f"{TRAFFIC}/excludeOutboundIPRanges", "*", "IST0125"),
        (f"{TRAFFIC}/excludeOutboundIPRanges", "10.0.0.0/33", "IST0125"),
        (f"{TRAFFIC}/includeInboundPorts", "*", ""),
        (f"{TRAFFIC}/excludeInboundPorts", "80, 443", ""),
        (f"{TRAFFIC}/excludeInboundPorts", "80,65536", "IST0125"),
        (f"{TRAFFIC}/excludeInboundPorts", "80,", "IST0125"),
        (f"{TRAFFIC}/excludeInterfaces", "eth0, net-1", ""),
        (f"{TRAFFIC}/excludeInterfaces", "0eth", "IST0125"),
        (f"{TRAFFIC}/excludeInterfaces", "a-name-beyond-fifteen", "IST0125"),
        ("status.sidecar.istio.io/port", "15021", ""),
        ("status.sidecar.istio.io/port", "-1", "IST0125"),
        ("readiness.status.sidecar.istio.io/periodSeconds", "1.5", "IST0125"),
        ("prometheus.istio.io/merge-metrics", "True", ""),
        ("prometheus.istio.io/merge-metrics", "yes", "IST0125"),
        ("sidecar.istio.io/proxyCPU", "100m", ""),
        ("sidecar.istio.io/proxyMemory", "1.5Gi", ""),
        ("sidecar.istio.io/proxyMemory", "1e3", ""),
        ("sidecar.istio.io/proxyMemory", "100 Mi", "IST0125"),
        ("proxy.istio.io/config", "{concurrency: 2}", ""),
        ("proxy.istio.io/config", "", ""),
        ("proxy.istio.io/config", "unknown: 1\nproxyMetadata: {A: 'true'}", ""),
        ("proxy.istio.io/config", "concurrency: many", "IST0125"),
        ("proxy.istio.io/config", "proxyMetadata: {A: true}", "IST0125"),
        ("proxy.istio.io/config", "status_port: 70000", "IST0125"),
        ("proxy.istio.io/config", "statusPort: '15020'", ""),
        ("proxy.istio.io/config", "drainDuration: 1.5s", "IST0125"),
        ("proxy.istio.io/config", "drainDuration: 30s", ""),
        ("proxy.istio.io/config", "drainDuration: 30", "IST0125"),
        ("proxy.istio.io/config", "discoveryAddress: istiod", "IST0125"),
        ("proxy.istio.io/config", "discoveryAddress: ''", "IST0125"),
        ("proxy.istio.io/config", "discoveryAddress: '[::1]:15012'", ""),
        ("proxy.istio.io/config", "discoveryAddress: istiod.istio-system.svc:15012", ""),
        ("proxy.istio.io/config", "tracing: {zipkin: {address: '$(HOST_IP):9411'}}", ""),
        ("proxy.istio.io/config", "tracing: {zipkin: {}}", "IST0125"),
        ("proxy.istio.io/config", "tracing: on", "IST0125"),
        ("proxy.istio.io/config", "{", "IST0125"),
        ("proxy.istio.io/config", ":", "IST0125"),
        ("proxy.istio.io/config", "concurrency: 1\nconcurrency: 2", ""),
        ("proxy.istio.io/config", "text", "IST0125"),
    ],
)
def test_annotations_of_a_pod(name, value, code):
    one = thing("Pod", "a/p", {}, annotations={name: value})
    assert codes(one, only=ANNOTATIONS) == ([(code, "Pod a/p")] if code else [])


def test_the_label_in_place_of_the_deprecated_annotation():
    both = {"sidecar.istio.io/inject": "true"}
    assert codes(thing("Pod", "a/p", {}, annotations=both, labels=both), only=ANNOTATIONS) == []
    wanted = [("IST0107", "Deployment a/p", ("sidecar.istio.io/inject", "Pod"))]
    assert found(thing("Deployment", "a/p", {}, annotations=both), only=ANNOTATIONS)[:1] == wanted


@pytest.mark.parametrize(
    ("port", "code"),
    [
        ({"name": "triple", "port": 20000}, "IST0118"),
        ({"name": "grpc-triple", "port": 20000}, ""),
        ({"name": "triple", "port": 20000, "appProtocol": "grpc"}, ""),
        ({"name": "grpc", "port": 20000, "appProtocol": "own"}, "IST0118"),
        ({"port": 20000}, "IST0118"),
        ({"port": 3306}, ""),
        ({"port": 20000, "protocol": "UDP"}, ""),
        ({"name": "GRPC", "port": 20000}, ""),
    ],
)
def test_names_of_ports(port, code):
    only = "service.PortNameAnalyzer"
    assert codes(service("a/s", port), only=only) == ([(code, "Service a/s")] if code else [])
    assert codes(service("a/s", port, labels={"istio": "pilot"}), only=only) == []
    assert (
        codes(service("a/s", port, labels={"gateway.istio.io/managed": "istio.io-gateway-controller"}), only=only) == []
    )


def test_ports_of_a_name_elsewhere():
    ports = [{"name": "tcp", "port": 1}, {"name": "own", "port": 2}, {"name": "http", "port": 3}]
    one = thing("Service", "a/s", {"type": "ExternalName", "ports": ports})
    assert codes(one, only="service.PortNameAnalyzer") == [("IST0150", "Service a/s")]


def test_parameters_of_a_port_name():
    docs = service("a/s", {"name": "triple", "port": 20000, "targetPort": "tri"}, {"name": "dubbo", "port": 20001})
    assert [parameters for *_, parameters in found(docs, only="service.PortNameAnalyzer")] == [
        ("dubbo", "20001", "0"),
        ("triple", "20000", "tri"),
    ]


@pytest.mark.parametrize(
    ("metadata", "spec", "missing"),
    [
        ({}, {}, True),
        ({}, {"addresses": ["10.0.0.1"]}, False),
        ({"ISTIO_META_DNS_CAPTURE": "true"}, {}, True),
        ({"ISTIO_META_DNS_CAPTURE": "true", "ISTIO_META_DNS_AUTO_ALLOCATE": "true"}, {}, False),
        ({"ISTIO_META_DNS_CAPTURE": "true", "PILOT_ENABLE_IP_AUTOALLOCATE": "true"}, {}, False),
        ({"ISTIO_META_DNS_AUTO_ALLOCATE": "true"}, {}, True),
        ({}, {"ports": [{"number": 80, "protocol": "HTTP"}]}, False),
    ],
)
def test_tcp_ports_of_a_service_entry_have_addresses(metadata, spec, missing):
    entry = thing("ServiceEntry", "a/e", {"ports": [{"number": 1, "protocol": "tcp"}], **spec})
    mesh = {"defaultConfig": {"proxyMetadata": metadata}}
    assert codes(entry, mesh, only=ADDRESSES) == ([("IST0134", "ServiceEntry a/e")] if missing else [])


@pytest.mark.parametrize(
    ("second", "conflict"),
    [
        ({}, True),
        ({"protocol": "http"}, False),
        ({"number": 81}, False),
        ({"hosts": ["other.org"]}, False),
        ({"exportTo": ["."]}, True),
    ],
)
def test_service_entries_agree_about_protocols(second, conflict):
    def entry(name, protocol="HTTP", number=80, hosts=("api.org",), **more):
        spec = {"hosts": list(hosts), "ports": [{"number": number, "protocol": protocol}], **more}
        return thing("ServiceEntry", name, spec)

    docs = (entry("a/x"), entry("b/y", **{"protocol": "TCP", **second}))
    parameters = ("a/x, b/y", "api.org", "80", "HTTP, TCP")
    wanted = [("IST0177", f"ServiceEntry {name}", parameters) for name in ("a/x", "b/y")] if conflict else []
    assert found(*docs, only=PROTOCOLS) == wanted


def rule(labels, host="greeter"):
    return thing("DestinationRule", "a/r", {"host": host, "subsets": [{"name": "v1", "labels": labels}]})


@pytest.mark.parametrize(
    ("labels", "selects"),
    [
        ({"version": "v1"}, True),
        ({"version": "v2"}, False),
        ({}, True),
        ({"version": "v1", "app": "other"}, False),
        ({"topology.kubernetes.io/region": "eu"}, True),
        ({"topology.kubernetes.io/zone": "eu-1"}, True),
        ({"kubernetes.io/hostname": "n1"}, True),
        ({"kubernetes.io/hostname": "n2"}, False),
    ],
)
def test_a_subset_selects_pods(labels, selects):
    place = {"topology.kubernetes.io/region": "eu", "topology.kubernetes.io/zone": "eu-1"}
    docs = (
        service("a/greeter"),
        pod("a/p", labels={"version": "v1"}, nodeName="n1"),
        thing("Node", "n1", labels=place),
    )
    wanted = [] if selects else [("IST0173", "DestinationRule a/r", ("v1",))]
    assert found(*docs, rule(labels), only=SUBSETS, ingress=False) == wanted


def test_a_subset_of_a_service_entry_selects_among_its_workloads():
    entry = thing("ServiceEntry", "a/e", {"hosts": ["api.org"], "workloadSelector": {"labels": {"app": "api"}}})
    docs = (entry, pod("a/p", labels={"version": "v1"}), rule({"version": "v1"}, "api.org"))
    assert codes(*docs, only=SUBSETS) == [("IST0173", "DestinationRule a/r")]
    assert codes(*docs, pod("a/q", labels={"app": "api", "version": "v1"}), only=SUBSETS) == []


def test_the_host_of_a_destination_rule_exists():
    assert found(rule({}, "nobody"), only=SUBSETS) == [("IST0174", "DestinationRule a/r", ("nobody",))]


def test_certificates_of_servers_are_checked():
    ports = [
        {"port": {"number": 443}, "tls": {"mode": "MUTUAL"}},
        {"port": {"number": 444}, "tls": {"mode": "ISTIO_MUTUAL"}},
    ]
    policy = {"tls": {"mode": "SIMPLE"}, "portLevelSettings": ports}
    one = thing("DestinationRule", "a/r", {"host": "db", "trafficPolicy": policy})
    assert found(one, only="destinationrule.CaCertificateAnalyzer") == [
        ("IST0128", "DestinationRule a/r", ("a/r", "a", "SIMPLE", "db")),
        ("IST0129", "DestinationRule a/r", ("a/r", "a", "MUTUAL", "db", "number:443")),
    ]


@pytest.mark.parametrize(
    ("operation", "where", "code"),
    [
        ("ADD", "HTTP_ROUTE", "IST0153"),
        ("ADD", "HTTP_FILTER", ""),
        ("REMOVE", "ROUTE_CONFIGURATION", "IST0154"),
        ("REMOVE", "CLUSTER", "IST0151"),
        ("REPLACE", "CLUSTER", "IST0152"),
        ("REPLACE", "VIRTUAL_HOST", "IST0151"),
        ("INSERT_AFTER", "HTTP_FILTER", "IST0151"),
        ("INSERT_FIRST", "HTTP_FILTER", ""),
        ("MERGE", "CLUSTER", ""),
    ],
)
def test_patches_of_envoy(operation, where, code):
    patch = {"applyTo": where, "patch": {"operation": operation, "value": {"name": "f"}}}
    one = thing("EnvoyFilter", "a/f", {"configPatches": [patch]})
    only = "envoyfilter.EnvoyPatchAnalyzer"
    assert codes(one, only=only) == ([(code, "EnvoyFilter a/f")] if code else [])
    first = {
        "applyTo": where,
        "match": {"proxy": {"proxyVersion": "1"}},
        "patch": {"operation": "MERGE", "value": {"name": "f"}},
    }
    code = "IST0155" if code == "IST0151" else code
    one = thing("EnvoyFilter", "a/f", {"configPatches": [first, patch]})
    assert codes(one, only=only) == ([(code, "EnvoyFilter a/f")] if code else [])


def test_definitions_of_the_gateway_api_are_new_enough():
    def definition(version):
        note = {"gateway.networking.k8s.io/bundle-version": version}
        return thing("CustomResourceDefinition", "tlsroutes.gateway.networking.k8s.io", {}, annotations=note)

    only = "k8sgateway.CRDVersionAnalyzer"
    name = "CustomResourceDefinition tlsroutes.gateway.networking.k8s.io"
    parameters = ("tlsroutes.gateway.networking.k8s.io", "1.4.0", "1.5.0")
    assert found(definition("v1.4.0"), only=only) == [("IST0176", name, parameters)]
    assert [codes(definition(one), only=only) for one in ("v1.5.0", "v1.5.0-rc.1", "2.0.0", "x", "")] == [[]] * 5


def test_definitions_that_istio_removed():
    old = thing("CustomResourceDefinition", "x", {"group": "rbac.istio.io", "names": {"kind": "ServiceRole"}})
    assert codes(old, only="deprecation.FieldAnalyzer") == [("IST0002", "CustomResourceDefinition x")]


@pytest.mark.parametrize(
    ("kind", "name", "init", "alpha"),
    [
        ("Pod", "sidecar.istio.io/logLevel", "", True),
        ("Pod", "sidecar.istio.io/inject", "", False),
        ("Pod", "sidecar.istio.io/status", "", False),
        ("Pod", "sidecar.istio.io/interceptionMode", "", False),
        ("Pod", "sidecar.istio.io/interceptionMode", "istio-init", True),
        ("Service", "sidecar.istio.io/interceptionMode", "", True),
        ("Service", "unknown.istio.io/x", "", False),
    ],
)
def test_annotations_that_may_still_change_are_told_on_request(kind, name, init, alpha):
    one = thing(kind, "a/x", {"initContainers": [{"name": init}]}, annotations={name: ""})
    assert codes(one, only="maturity.AlphaAnalyzer") == ([("IST0136", f"{kind} a/x")] if alpha else [])
    assert "maturity.AlphaAnalyzer" not in USUAL


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://istiod.example.com:15017/inject", ""),
        ("https://10.1.2.3/inject", "IST0164"),
        ("https://[::1]:443", "IST0164"),
        ("//10.1.2.3", "IST0164"),
        ("https://user@10.0.0.1", "IST0164"),
        ("not a url", ""),
        ("", ""),
        ("a:10.0.0.1", ""),
        ("https://a#%2", "IST0163"),
        ("1a:b", "IST0163"),
        (":a", "IST0163"),
        ("https://a:b", "IST0163"),
        ("https://a:1:2", "IST0163"),
        ("https://a b/", "IST0163"),
        ("https://a/%zz", "IST0163"),
        ("https://[10.0.0.1]", "IST0163"),
        ("https://[::1", "IST0163"),
        ("https://[::1%25eth0]", ""),
        ("https://%41", "IST0163"),
        ("https://a\x7f", "IST0163"),
    ],
)
def test_the_address_of_a_control_plane_is_read_as_go_reads_it(url, code):
    one = thing("MutatingWebhookConfiguration", "istio-sidecar-injector", webhooks=[{"clientConfig": {"url": url}}])
    found = codes(one, only="externalcontrolplane.ExternalControlPlaneAnalyzer")
    assert [code for code, _ in found] == ([code] if code else [])


def test_a_condition_without_a_status_is_told_of_types_that_are_not_watched():
    def said(**condition):
        return codes(
            thing("Service", "a/s", {}, status={"conditions": [condition]}), only="conditions.ConditionAnalyzer"
        )

    assert said(type="other") == [("IST0171", "Service a/s")]
    assert said(type="other", status="False") == []
    assert said(type="istio.io/WaypointBound") == []
    assert said(type="istio.io/WaypointBound", status="False") == [("IST0171", "Service a/s")]


def test_an_object_without_a_namespace_cannot_be_exported_to_it():
    port = {"name": "http", "number": 80, "protocol": "HTTP"}
    doc = thing("ServiceEntry", "s", {"hosts": ["a.b"], "exportTo": ["."], "resolution": "DNS", "ports": [port]})
    assert codes(doc, only="schema.ValidationAnalyzer") == [("IST0106", "ServiceEntry s")]
    assert codes(doc, only="schema.ValidationAnalyzer", namespace="default") == []
