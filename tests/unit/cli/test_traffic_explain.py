"""`traffic explain`: the whole of what it says about one call, from files and from what is deployed."""

import json

import pytest

from tests.errortexts import Told
from tests.rules import SOURCE_90_10, SOURCE_ADMIN_TO_V2, SOURCE_ALL_TO_V1, SOURCE_DESTINATION_RULE

HOST = "dubbo-go-server.default.svc.cluster.local"
TAIL = """\
timeout   none: the rule sets no limit, and neither does Istio
retries   2 retries on connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes: Istio's default, \
for the rule says nothing of retries
"""
ASSUMED = (
    f"info: Service default/dubbo-go-server: the files hold no Service {HOST}: "
    "one with port 20000 and instances is assumed [service-assumed]\n"
)
RULE = "of DestinationRule default/dubbo-go-server"
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: dubbo-go-server}
spec: {selector: {app.kubernetes.io/name: dubbo-go-server}, ports: [{name: grpc-triple, port: 20000}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: dubbo-go-server-v1}
spec:
  replicas: 2
  template: {metadata: {labels: {app.kubernetes.io/name: dubbo-go-server, dubbogoAppVersion: v1}}}
"""
BUSY = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: prod}
spec:
  hosts: [shop]
  http:
  - name: health
    match: [{name: probe, uri: {prefix: /grpc.health}}]
    directResponse: {status: 204}
  - name: old
    match: [{sourceLabels: {app: till}}]
    fault: {abort: {percentage: {value: 0.5}, grpcStatus: UNAVAILABLE}}
    rewrite: {authority: shop.example}
    timeout: 1500ms
    retries: {attempts: 0}
    route: [{destination: {host: shop}, weight: 1}, {destination: {host: cart}, weight: 2}]
  - route: [{destination: {host: shop, port: {number: 20001}}}]
    mirror: {host: shop, subset: v9}
    mirrorPercentage: {value: 5}
    retries: {attempts: 3, perTryTimeout: 1s, retryOn: "5xx,429"}
---
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: prod}
spec: {ports: [{name: triple, port: 20001}]}
---
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: prod}
spec: {ports: [{name: grpc, port: 20001}]}
"""


@pytest.fixture
def files(desk):
    desk.write(
        {
            "dr.yaml": SOURCE_DESTINATION_RULE,
            "v1.yaml": SOURCE_ALL_TO_V1,
            "admin.yaml": SOURCE_ADMIN_TO_V2,
            "split.yaml": SOURCE_90_10,
            "service.yaml": SERVICE,
            "busy.yaml": BUSY,
        }
    )
    return desk


def explain(desk, *words):
    done = desk.cli("traffic", "explain", *words)
    assert done == Told(0, "")
    return done.out


def test_the_source_s_files_are_explained_as_they_were_typed(files):
    assert explain(files, "-f", "dr.yaml", "-f", "admin.yaml", "-H", "User=admin") == (
        f"POST / to {HOST}:20000 with user: admin\n"
        "taken by  VirtualService default/dubbo-go-server http[0].match[0]: header user is 'admin'\n"
        f"goes to   100 % {HOST}:20000 subset v2 {RULE}, instances not known\n" + TAIL + ASSUMED
    )
    assert explain(files, "dubbo-go-server", "-f", "dr.yaml", "-f", "admin.yaml", "-H", "user=x", "-H", "user=y") == (
        "POST / to dubbo-go-server:20000 with user: x, user: y\n"
        "not by    http[0].match[0]: header user is 'admin', but it is 'x' and 'y'\n"
        "taken by  VirtualService default/dubbo-go-server http[1]: every call\n"
        f"goes to   100 % {HOST}:20000 subset v1 {RULE}, instances not known\n" + TAIL + ASSUMED
    )


def test_what_the_files_say_of_instances_counts(files):
    words = ("-f", "service.yaml", "-f", "dr.yaml", "-f", "split.yaml", "--method", "greet.Greeter/SayHello")
    assert explain(files, *words) == (
        f"POST /greet.Greeter/SayHello to {HOST}:20000\n"
        "taken by  VirtualService default/dubbo-go-server http[0]: every call\n"
        f"goes to   90 % {HOST}:20000 subset v1 {RULE}, 2 ready instances\n"
        f"          10 % {HOST}:20000 subset v2 {RULE} -> 503 UH: subset v2 has no ready instance\n" + TAIL
    )
    assert explain(files, "-f", "service.yaml", "-f", "v1.yaml") == (
        f"POST / to {HOST}:20000\n"
        "taken by  VirtualService default/dubbo-go-server http[0]: every call\n"
        f"goes to   100 % {HOST}:20000 subset v1 -> 503 NC: no DestinationRule defines the subset v1\n"
        "answer    503 NC\n" + TAIL
    )


def test_everything_a_route_can_do_is_said(files):
    shop = "shop.prod.svc.cluster.local:20001"
    here = ("-f", "busy.yaml", "--namespace", "prod", "--host", "shop")
    note = (
        "note      port 20001: 'triple' tells Istio no protocol; "
        "http rules apply as the sidecar sees HTTP in the first bytes\n"
    )
    assert explain(files, *here, "--path", "grpc.health/Check") == (
        "POST /grpc.health/Check to shop:20001\n"
        "taken by  VirtualService prod/shop http[0].match[0] health.probe: path starts with '/grpc.health'\n"
        "answer    HTTP 204\n" + note
    )
    assert explain(files, *here, "--from", "app=till", "--method", "Buy") == (
        "POST /*/Buy to shop:20001\n"
        "not by    http[0].match[0] health.probe: path starts with '/grpc.health', but it is /*/Buy\n"
        "taken by  VirtualService prod/shop http[1].match[0] old: every call\n"
        f"goes to   1/3 (33.33 %) {shop}, instances not known\n"
        "          2/3 (66.67 %) cart.prod.svc.cluster.local:20001, instances not known\n"
        "fault     0.5 % are answered gRPC UNAVAILABLE\n"
        "timeout   1.5s\n"
        "retries   no retries\n"
        "rewrite   authority to shop.example\n"
        + note
        + "info: no service is named with the method: * stands for it in the path [method-partial]\n"
    )
    assert explain(files, *here, "--http-method", "GET", "--port", "20001") == (
        "GET / to shop:20001\n"
        "not by    http[0].match[0] health.probe: path starts with '/grpc.health', but it is /\n"
        "taken by  VirtualService prod/shop http[2]: every call\n"
        f"goes to   100 % {shop}, instances not known\n"
        "timeout   none: the rule sets no limit, and neither does Istio\n"
        "retries   3 retries on 5xx,retriable-status-codes (429), each try within 1s\n"
        f"copies    5 % {shop} subset v9 -> 503 NC: no DestinationRule defines the subset v9\n" + note
    )
    assert explain(files, "-f", "busy.yaml", "--host", "example.org", "--port", "80") == (
        "POST / to example.org:80\n"
        "taken by  no rule: the mesh does not know the name on this port\n"
        "note      no Service that default sees and no rule for port 80 has the name example.org: "
        "the call goes to the address it was made to, past every rule (PassthroughCluster)\n"
    )


def test_the_data_has_the_whole_decision(files):
    words = ("-f", "service.yaml", "-f", "dr.yaml", "-f", "split.yaml", "-H", "user=x", "-o", "json")
    data = json.loads(explain(files, *words))["data"]
    assert data["request"] == {
        "host": HOST,
        "port": 20000,
        "method": "POST",
        "path": "/",
        "headers": [{"name": "user", "value": "x"}],
        "namespace": "default",
        "source_namespace": "default",
        "source_labels": {},
        "gateway": "mesh",
    }
    assert [(one["subset"], one["share"], one["status"], one["instances"]) for one in data["destinations"]] == [
        ("v1", "9/10", "", 2),
        ("v2", "1/10", "503 UH", 0),
    ]
    assert (data["object"], data["route_index"], data["condition"]) == (
        "VirtualService default/dubbo-go-server",
        0,
        "every call",
    )
    assert (data["timeout"], data["findings"], data["passed"]) == ("none", [], [])


def test_what_is_deployed_is_explained_by_its_own_rules(desk):
    desk.deployed("v1", "v2")
    desk.rules(SOURCE_ALL_TO_V1.replace("dubbo-go-server", "shop"))
    assert explain(desk, "shop") == (
        "POST / to shop:20000\n"
        "taken by  VirtualService default/shop http[0]: every call\n"
        "goes to   100 % shop.default.svc.cluster.local:20000 subset v1 -> 503 NC: no DestinationRule defines the "
        "subset v1\n"
        "answer    503 NC\n" + TAIL
    )
    desk.rules(SOURCE_ALL_TO_V1.replace("dubbo-go-server", "other"))
    assert explain(desk, "--host", "shop.default.svc") == (
        "POST / to shop.default.svc:20000\n"
        "taken by  no rule: every instance of shop.default.svc.cluster.local shares the calls\n"
        "goes to   100 % shop.default.svc.cluster.local:20000 -> 503 UH: shop.default.svc.cluster.local has no ready "
        "instance\n"
        "answer    503 UH\n" + TAIL
    )


def test_what_istio_refuses_or_the_local_mesh_leaves_out_is_said(desk):
    desk.deployed("v1")
    desk.rules(
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: shop}\nspec:\n  hosts: [shop]\n"
        "  http:\n  - {corsPolicy: {}, timeout: 1us, route: [{destination: {host: shop}}]}\n"
        "  - {corsPolicy: {allowMethods: [GET]}, route: [{destination: {host: shop}}]}\n"
    )
    lines = explain(desk, "shop").splitlines()
    assert lines[-2:] == [
        "error: VirtualService default/shop spec.http[0].timeout: Istio refuses it: 1us is shorter than 1ms [duration]",
        "warning: VirtualService default/shop spec.http[1].corsPolicy: "
        "the local target does not model CORS [not-modelled-locally]",
    ]


@pytest.mark.parametrize(
    ("words", "error", "hint", "code"),
    [
        (
            "--method a.B/C --path /x",
            "--method and --path exclude each other",
            "for Dubbo: --method greet.Greeter/SayHello",
            "usage",
        ),
        ("--from till", "'till' is no label: write it as NAME=VALUE", "--from app=checkout", "usage"),
        (
            "-f busy.yaml -f dr.yaml",
            "the files have rules for several hosts, dubbo-go-server.default.svc.cluster.local, "
            "shop.prod.svc.cluster.local: say which one is called",
            "add --host dubbo-go-server.default.svc.cluster.local",
            "usage",
        ),
        (
            "--host x.y",
            "no application 'x.y' is deployed in namespace default.",
            "dubbopy-cli deploy in its project's folder",
            "application-unknown",
        ),
        (
            "-f none.yaml",
            "none.yaml:2: this is no Kubernetes object: it has no apiVersion and kind",
            "take it out, or begin with `apiVersion: networking.istio.io/v1`",
            "rules-invalid",
        ),
    ],
)
def test_what_cannot_be_explained_is_refused(files, words, error, hint, code):
    files.write({"none.yaml": "# nothing\nimage: {tag: '1'}\n"})
    assert files.cli("traffic", "explain", *words.split()) == Told(2, f"Error: {error}\n\nTry: {hint}\n[{code}]\n")
