import base64

import pytest

from tests.worlds import codes, found, pod, service, thing

PORTS = "gateway.IngressGatewayPortAnalyzer"
CONFLICTS = "gateway.ConflictingGatewayAnalyzer"
CERTIFICATES = "gateway.CertificateAnalyzer"
SECRETS = "gateway.SecretAnalyzer"
LABELS = {"app": "gw"}


def gateway(name, *servers, selector=None):
    return thing("Gateway", name, {"selector": LABELS if selector is None else selector, "servers": list(servers)})


def server(*hosts, port=80, bind=None, **tls):
    extra = {"bind": bind} if bind else {}
    return {"port": {"number": port}, "hosts": list(hosts), **extra, **({"tls": tls} if tls else {})}


def test_a_gateway_has_pods_and_a_service_with_its_port():
    tcp = {"port": 80, "targetPort": 8080, "protocol": "TCP"}
    docs = (pod("gw/one", labels=LABELS), service("gw/one", tcp, {"port": 99}, selector=LABELS))
    assert codes(gateway("a/in", server("*")), *docs, only=PORTS) == []
    assert codes(gateway("a/in", server("*", port=8080)), *docs, only=PORTS) == []
    assert found(gateway("a/in", server("*", port=99)), *docs, only=PORTS) == [
        ("IST0162", "Gateway a/in", ("99", "app=gw"))
    ]
    assert found(gateway("a/in", selector={"b": "x", "a": "y"}), *docs, only=PORTS) == [
        ("IST0101", "Gateway a/in", ("selector", "a=y,b=x"))
    ]


def test_istios_own_ingress_is_taken_for_granted_among_files():
    one = gateway("a/in", server("*"), selector={"istio": "ingressgateway"})
    assert codes(one, only=PORTS) == []
    assert codes(one, {"ingressControllerMode": "OFF", "defaultConfig": {}}, only=PORTS) == [
        ("IST0101", "Gateway a/in")
    ]
    assert codes(one, only=PORTS, ingress=False) == [("IST0101", "Gateway a/in")]


@pytest.mark.parametrize(
    ("first", "second", "conflict"),
    [
        (server("a"), server("a"), True),
        (server("a"), server("b"), False),
        (server("a"), server("a", port=81), False),
        (server("a"), server("a", bind="10.0.0.1"), False),
        (server("a", bind="10.0.0.1"), server("a", bind="10.0.0.1"), True),
    ],
)
def test_gateways_of_the_same_pods_do_not_claim_a_host_twice(first, second, conflict):
    docs = (gateway("x/a", first), gateway("y/b", second))
    wanted = [("IST0145", "Gateway x/a"), ("IST0145", "Gateway y/b")] if conflict else []
    assert codes(*docs, only=CONFLICTS) == wanted


def test_a_selector_that_says_more_conflicts_where_a_pod_has_both():
    docs = (gateway("x/a", server("a")), gateway("y/b", server("a"), selector={**LABELS, "zone": "1"}))
    assert codes(*docs, only=CONFLICTS) == []
    assert len(codes(*docs, pod("x/p", labels={**LABELS, "zone": "1"}), only=CONFLICTS)) == 2
    assert codes(*docs, pod("x/p", labels=LABELS), only=CONFLICTS) == []


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ({"credentialName": "c"}, {"credentialName": "c"}, True),
        ({"credentialName": "c"}, {"credentialName": "d"}, False),
        ({"serverCertificate": "c", "privateKey": "k"}, {"serverCertificate": "c", "privateKey": "k"}, True),
        ({"serverCertificate": "c", "privateKey": "k"}, {"serverCertificate": "c", "privateKey": "l"}, False),
        ({"serverCertificate": "c"}, {"serverCertificate": "c"}, False),
    ],
)
def test_one_certificate_in_two_gateways(first, second, same):
    docs = (
        gateway("x/a", server("a", **first)),
        gateway("y/b", server("b", **second), selector={**LABELS, "more": "1"}),
    )
    # Only the Gateway whose pods include the other's is told.
    wanted = [("IST0138", "Gateway x/a", ("[x/a y/b]",))] if same else []
    assert found(*docs, only=CERTIFICATES) == wanted


def der(tag, *parts):
    body = b"".join(parts)
    size = bytes([len(body)]) if len(body) < 128 else b"\x82" + len(body).to_bytes(2, "big")
    return bytes([tag]) + size + body


def certificate(start, end):
    """Return a certificate of which nothing is real but its period."""
    time = {True: 0x17, False: 0x18}
    period = der(0x30, *(der(time[len(one) == 13], one.encode()) for one in (start, end)))
    inner = der(
        0x30, der(0xA0, der(0x02, b"\2")), der(0x02, b"\1"), der(0x30), der(0x30, b"\5\0" * 70), period, der(0x30)
    )
    whole = der(0x30, inner, der(0x30), der(0x03, b"\0"))
    return b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(whole) + b"-----END CERTIFICATE-----\n"


GOOD = certificate("250101000000Z", "20500101000000Z")


@pytest.mark.parametrize(
    ("data", "valid"),
    [
        ({"tls.crt": GOOD, "tls.key": b"k"}, True),
        ({"cert": GOOD, "key": b"k"}, True),
        ({"tls.crt": GOOD, "tls.key": b""}, False),
        ({"tls.crt": certificate("250101000000Z", "250201000000Z"), "tls.key": b"k"}, False),
        ({"tls.crt": certificate("270101000000Z", "280201000000Z"), "tls.key": b"k"}, False),
        ({"tls.crt": GOOD[:200] + GOOD[-27:], "tls.key": b"k"}, False),
        ({"tls.crt": b"text", "tls.key": b"k"}, False),
        ({}, False),
    ],
)
def test_the_certificate_of_a_gateway_is_there_and_valid(data, valid):
    secret = thing("Secret", "gw/c", data={key: base64.b64encode(value).decode() for key, value in data.items()})
    docs = (pod("gw/one", labels=LABELS), secret, gateway("x/a", server("a", credentialName="c")))
    assert found(*docs, only=SECRETS) == ([] if valid else [("IST0161", "Gateway x/a", ("a", "gw"))])


def test_the_secret_is_looked_for_where_the_pods_are():
    one = gateway("x/a", server("a", credentialName="c"))
    assert found(one, only=SECRETS) == [("IST0101", "Gateway x/a", ("selector", "app=gw"))]
    docs = (one, thing("Secret", "x/c", data={}), pod("gw/one", labels=LABELS))
    assert found(*docs, only=SECRETS) == [("IST0101", "Gateway x/a", ("credentialName", "c"))]
