"""What `validate` says of one object: place, severity and code, whatever shape the object has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubbopy_cli.traffic import validate
from dubbopy_cli.traffic.validation import KINDS
from tests.corpus.tables import http, obj, policy, route, server

TO = {"destination": {"host": "a"}}


def told(doc):
    return [(one.severity, one.code, one.path) for one in validate(doc)]


def service(**fields):
    port = {"name": "http", "number": 80, "protocol": "HTTP"}
    return obj("ServiceEntry", {"hosts": ["a.b"], "ports": [port], "resolution": "DNS"} | fields)


def virtual(**fields):
    return obj("VirtualService", {"hosts": ["a.b"], "http": [{"route": [TO]}]} | fields)


def tls(mode, **fields):
    port = {"name": "p", "number": 443, "protocol": "HTTPS"}
    return obj("Gateway", {"servers": [{"port": port, "hosts": ["*"], "tls": {"mode": mode} | fields}]})


@pytest.mark.parametrize("doc", [None, 1, "a", [], {}, {"kind": "Service", "apiVersion": "v1"}, {"kind": "VirtualServce"}, obj("Gateway", {}) | {"apiVersion": "v1"}, obj("Gateway", {}) | {"apiVersion": "networking.istio.io/v2"}])  # fmt: skip
def test_what_is_none_of_the_kinds_is_one_error(doc):
    (found,) = validate(doc)
    assert (found.severity, found.code) == ("error", "kind")


def test_a_finding_names_its_object_and_a_near_kind_is_proposed():
    (found,) = validate(http(route=[{"destination": {"host": "*"}}]))
    assert found.object == "VirtualService some-namespace/some-name"
    assert "Did you mean 'VirtualService'?" in validate({"kind": "VirtualServce"})[0].message


@pytest.mark.parametrize(
    ("doc", "expected"),
    [
        (virtual(http=[{"route": [TO], "weight": 3}]), [("warning", "unknown-field", "spec.http[0].weight")]),
        (virtual(hosts="a"), [("error", "type", "spec.hosts")]),
        (virtual(http=[{"route": [{"destination": {}}]}]), [("error", "required", "spec.http[0].route[0].destination.host")]),
        (virtual(http=[{"route": [{}]}]), [("error", "required", "spec.http[0].route[0].destination")]),
        (virtual(http=[{"route": [TO], "match": [None]}]), [("info", "null", "spec.http[0].match[0]")]),
        (route(timeout=None), []),
        (route(timeout="1.5"), [("error", "duration", "spec.http[0].timeout")]),
        (route(match=[{"uri": {"exact": "/", "prefix": "/"}}]), [("error", "schema", "spec.http[0].match[0].uri")]),
        (http(directResponse={"status": 200, "body": {"bytes": "%"}}), [("error", "base64", "spec.http[0].directResponse.body.bytes")]),
        (http(directResponse={"status": 200, "body": {"bytes": "ä"}}), [("error", "base64", "spec.http[0].directResponse.body.bytes")]),
        (policy(loadBalancer={"simple": "RANDOMLY"}), [("error", "schema", "spec.trafficPolicy.loadBalancer.simple")]),
        (policy(connectionPool={"tcp": {"maxConnections": 1 << 31}}), [("error", "schema", "spec.trafficPolicy.connectionPool.tcp.maxConnections")]),
        (policy(connectionPool={"tcp": {"idleTimeout": "soon"}}), [("error", "duration", "spec.trafficPolicy.connectionPool.tcp.idleTimeout")]),
        (policy(connectionPool={"tcp": {"maxConnections": 1.0}}), []),
    ],
)  # fmt: skip
def test_the_crd_speaks_first(doc, expected):
    assert told(doc) == expected


@pytest.mark.parametrize(
    ("doc", "expected"),
    [
        (virtual(gateways=["mesh", "a/b"], hosts=["*"]), [("error", "host", "spec.hosts[0]")]),
        (virtual(gateways=["a/b"], hosts=["*"]), []),
        (virtual(hosts=["1.2.3.4"]), []),
        (virtual(hosts=["*.b", "a.b"]), [("error", "duplicate-host", "spec.hosts[1]")]),
        (virtual(gateways=["a.b.svc", "a_b"]), [("warning", "deprecated", "spec.gateways[0]")]),
        (virtual(http=None), [("error", "route", "spec")]),
        (route(match=[{"headers": {"@request.auth.claims.a": {"exact": "b"}}}]), [("error", "match", "spec.http[0].match[0].headers.@request.auth.claims.a")]),
        (route(fault={"abort": {}}), [("info", "fault", "spec.http[0].fault.abort")]),
        (route(retries={"attempts": 2, "retryOn": "5xx, 503"}), [("error", "retries", "spec.http[0].retries.retryOn")]),
        (route(mirrorPercent=101), [("error", "mirror", "spec.http[0].mirrorPercent"), ("warning", "deprecated", "spec.http[0].mirrorPercent")]),
        (http(directResponse={"status": 200, "body": {"string": "x" * 102401}}), [("warning", "direct-response", "spec.http[0].directResponse.body")]),
        (http(directResponse={"status": 200, "body": {"string": "x" * 1048577}}), [("error", "direct-response", "spec.http[0].directResponse.body")]),
        (virtual(http=[{"route": [TO]}, {"route": [TO]}]), [("warning", "rule-unreachable", "spec.http[1]")]),
        (virtual(http=[{"match": [{"uri": {"prefix": "/a"}}], "route": [TO]}, {"match": [{"name": "x", "uri": {"prefix": "/a"}}], "route": [TO]}]), [("warning", "match-ineffective", "spec.http[1].match[0]"), ("warning", "rule-unreachable", "spec.http[1]")]),
        (virtual(http=[{"match": [{"uri": {"prefix": "/a"}}, {"uri": {"prefix": "/ab"}}], "route": [TO]}]), [("warning", "match-ineffective", "spec.http[0].match[1]")]),
        (virtual(http=[{"match": [{"uri": {"prefix": "/a"}, "method": {"exact": "POST"}}, {"uri": {"prefix": "/ab"}}], "route": [TO]}]), []),
        (virtual(http=None, tls=[{"match": [{"sniHosts": ["1.2.3.4"]}], "route": [TO]}]), [("warning", "host", "spec.tls[0].match[0].sniHosts[0]")]),
        (virtual(http=None, tcp=[{"match": [{"destinationSubnets": ["1.2.3.4/33"]}], "route": [TO, TO]}]), [("error", "address", "spec.tcp[0].match[0].destinationSubnets[0]"), ("error", "weight", "spec.tcp[0].route")]),
    ],
)  # fmt: skip
def test_virtual_services(doc, expected):
    assert told(doc) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"tunnel": {"targetHost": "a", "targetPort": 1}, "proxyProtocol": {}}, [("error", "traffic-policy", "tunnel")]),
        ({"tunnel": {"targetHost": "1.2.3.4", "targetPort": 0, "protocol": "GET"}}, [("error", "tunnel", "tunnel.protocol"), ("error", "tunnel", "tunnel.targetPort")]),
        ({"portLevelSettings": [{"port": {"number": 80}}, {"tls": {}}]}, [("error", "traffic-policy", "portLevelSettings[0]"), ("error", "traffic-policy", "portLevelSettings[1].port")]),
        ({"portLevelSettings": [{"port": {"number": 80}, "outlierDetection": {"consecutiveErrors": 1}}]}, [("info", "deprecated", "portLevelSettings[0].outlierDetection.consecutiveErrors")]),
        ({"outlierDetection": {"consecutiveLocalOriginFailures": 1}}, [("error", "outlier-detection", "outlierDetection.consecutiveLocalOriginFailures")]),
        ({"loadBalancer": {"consistentHash": {"maglev": {"tableSize": 5000011}}}}, [("error", "load-balancer", "loadBalancer.consistentHash.maglev.tableSize")]),
        ({"loadBalancer": {"consistentHash": {"maglev": {"tableSize": 65537}}}}, []),
        ({"loadBalancer": {"consistentHash": {"minimumRingSize": 1, "ringHash": {}, "httpHeaderName": "a"}}}, [("warning", "deprecated", "loadBalancer.consistentHash.minimumRingSize"), ("error", "load-balancer", "loadBalancer.consistentHash.minimumRingSize")]),
        ({"loadBalancer": {"warmup": {"duration": "1s", "aggression": 0}}}, [("error", "load-balancer", "loadBalancer.warmup.aggression")]),
        ({"tls": {"mode": "SIMPLE", "credentialName": "configmap://other/a"}}, [("error", "tls", "tls.credentialName")]),
        ({"tls": {"mode": "SIMPLE", "credentialName": "configmap://some-namespace/a"}}, []),
    ],
)  # fmt: skip
def test_traffic_policies(fields, expected):
    assert told(policy(**fields)) == [
        (severity, code, f"spec.trafficPolicy.{path}") for severity, code, path in expected
    ]


@pytest.mark.parametrize(
    ("localities", "good"),
    [(["*"], True), (["a/*", "b"], True), (["a", "a/b"], False), (["a/b", "a/b/c"], False), (["a/b/*", "a/b/c"], False), (["a/b/c", "a/b/d"], True), (["*", "a"], False), (["a//b"], False), (["*/a"], False)],
)  # fmt: skip
def test_localities_do_not_overlap(localities, good):
    distribute = [{"from": one, "to": {"z": 100}} for one in localities]
    doc = policy(loadBalancer={"localityLbSetting": {"distribute": distribute}}, outlierDetection={})
    assert (told(doc) == []) == good


@pytest.mark.parametrize(
    ("doc", "expected"),
    [
        (server("*"), []),
        (server("ns/a.b"), []),
        (server("1.2.3.4"), []),
        (server("short"), [("error", "host", "spec.servers[0].hosts[0]")]),
        (server("a_b/c.d"), [("error", "host", "spec.servers[0].hosts[0]")]),
        (obj("Gateway", {"servers": []}, name="a.b"), [("error", "gateway-name", "metadata.name"), ("error", "server", "spec.servers")]),
        (tls("PASSTHROUGH"), []),
        (tls("PASSTHROUGH", credentialName="a"), [("warning", "tls", "spec.servers[0].tls.credentialName")]),
        (tls("SIMPLE"), [("error", "tls", "spec.servers[0].tls.serverCertificate"), ("error", "tls", "spec.servers[0].tls.privateKey")]),
        (tls("SIMPLE", credentialName="a", caCrl="b"), []),
        (tls("SIMPLE", serverCertificate="a", privateKey="b", caCrl="b"), [("error", "tls", "spec.servers[0].tls.caCrl")]),
        (tls("SIMPLE", credentialName="a", credentialNames=["b"]), [("error", "tls", "spec.servers[0].tls.credentialNames")]),
        (tls("MUTUAL", serverCertificate="a", privateKey="b"), [("error", "tls", "spec.servers[0].tls.caCertificates")]),
        (tls("ISTIO_MUTUAL", privateKey="b"), [("error", "tls", "spec.servers[0].tls.privateKey")]),
        (tls("ISTIO_MUTUAL", cipherSuites=["X", "-ALL", "AES256-SHA", "AES256-SHA"]), [("warning", "tls", "spec.servers[0].tls.cipherSuites[0]"), ("warning", "tls", "spec.servers[0].tls.cipherSuites[3]")]),
    ],
)  # fmt: skip
def test_gateways(doc, expected):
    assert told(doc) == expected


@pytest.mark.parametrize(
    ("doc", "expected"),
    [
        (service(), []),
        (service(hosts=["*.b"]), [("error", "host", "spec.hosts[0]")]),
        (service(addresses=["10.0.0.0/8"]), [("error", "address", "spec.addresses[0]")]),
        (service(hosts=["a", "b"], ports=[{"name": "t", "number": 1, "protocol": "TCP"}]), [("error", "host", "spec.ports[0].protocol")]),
        (service(resolution=None, ports=[{"name": "t", "number": 1}]), [("warning", "address", "spec.ports[0]")]),
        (service(ports=[{"name": "t", "number": 1, "protocol": "QUIC"}]), [("error", "protocol", "spec.ports[0].protocol")]),
        (service(ports=[{"name": "t", "number": 1, "protocol": "HTTP", "targetPort": 0}]), [("error", "port", "spec.ports[0].targetPort")]),
        (service(resolution="STATIC", endpoints=[{"address": "a.b"}]), [("error", "address", "spec.endpoints[0].address")]),
        (service(resolution="STATIC", endpoints=[{"network": "a"}]), [("warning", "address", "spec.endpoints[0].address")]),
        (service(resolution="DNS_ROUND_ROBIN", endpoints=[{"address": "a"}, {"address": "b"}]), [("error", "endpoint", "spec.endpoints")]),
        (service(workloadSelector={"labels": {"a": "*"}}, hosts=["_"]), [("error", "selector", "spec.workloadSelector.labels.a")]),
        (service(exportTo=["~", "a"]), [("error", "export-to", "spec.exportTo")]),
        (obj("WorkloadEntry", {"address": "unix://@a/"}), [("error", "address", "spec.address")]),
        (obj("WorkloadEntry", {"address": "unix:///a", "ports": {"a": 1}}), [("error", "port", "spec.ports")]),
        (obj("WorkloadEntry", {"address": "1.2.3.4", "ports": {"a" * 63: 1}}), [("error", "port", f"spec.ports.{'a' * 63}")]),
    ],
)  # fmt: skip
def test_service_and_workload_entries(doc, expected):
    assert told(doc) == expected


@pytest.mark.parametrize(
    ("metadata", "path"),
    [
        ({"labels": {"a": 1}}, "metadata.labels.a"),
        ({"labels": ["a"]}, "metadata.labels"),
        ({"name": 1}, "metadata.name"),
        ({"annotations": {"istio.io/dry-run": "true"}}, "metadata.annotations.istio.io/dry-run"),
        ({"annotations": {"internal.istio.io/parents": "a"}}, "metadata.annotations.internal.istio.io/parents"),
    ],
)
def test_metadata(metadata, path):
    assert [
        one.path for one in validate(obj("VirtualService", {"hosts": ["a"], "http": [{"route": [TO]}]}, **metadata))
    ] == [path]


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["http", "route", "match", "headers", "destination", "host", "hosts", "servers", "port", "tls", "trafficPolicy", "subsets", "endpoints", "a"]), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(st.sampled_from(KINDS), JUNK, JUNK)
def test_no_shape_of_an_object_makes_it_stumble(kind, metadata, spec):
    for one in validate({"apiVersion": "networking.istio.io/v1", "kind": kind, "metadata": metadata, "spec": spec}):
        assert one.message
