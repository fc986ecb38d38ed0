from fractions import Fraction

import pytest

from dubbopy_cli import traffic
from dubbopy_cli.traffic import Request, explain
from dubbopy_cli.traffic.hosts import DOMAIN

HOST = f"greeter.default.svc.{DOMAIN}"
V1 = {"destination": {"host": "greeter", "subset": "v1"}}
V2 = {"destination": {"host": "greeter", "subset": "v2"}}
ADMIN = {"name": "admin", "match": [{"name": "user", "headers": {"user": {"exact": "admin"}}}], "route": [V2]}


def obj(kind, spec, name="greeter", namespace="default", **metadata):
    api = {"Service": "v1", "Pod": "v1", "Deployment": "apps/v1"}.get(kind, "networking.istio.io/v1")
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "spec": spec,
    }


def routes(*http, hosts=("greeter",), name="greeter", namespace="default", **spec):
    return obj("VirtualService", {"hosts": list(hosts), "http": list(http), **spec}, name, namespace)


def subsets(*versions, host="greeter", name="greeter", namespace="default", **spec):
    named = [{"name": one, "labels": {"version": one}} for one in versions]
    return obj("DestinationRule", {"host": host, "subsets": named, **spec}, name, namespace)


def service(name="greeter", namespace="default", port=20000, port_name="grpc-triple", **spec):
    ports = [{"name": port_name, "port": port}]
    return obj("Service", {"selector": {"app": name}, "ports": ports, **spec}, name, namespace)


def deployment(version, replicas=1, app="greeter", namespace="default", **rest):
    template = {"metadata": {"labels": {"app": app, "version": version}}}
    found = obj("Deployment", {"replicas": replicas, "template": template}, f"{app}-{version}", namespace)
    return {**found, **rest}


MESH = [service(), deployment("v1", 2), deployment("v2"), subsets("v1", "v2")]


def decide(*docs, host="greeter", headers=(), **rest):
    return explain([*MESH, *docs], Request(host, headers=tuple(headers), **rest))


def where(decision):
    return {one.subset or one.host: str(one.share) for one in decision.destinations}


def test_the_first_route_that_matches_takes_the_call_and_the_others_say_why_not():
    docs = routes(ADMIN, {"name": "all", "route": [{**V1, "weight": 90}, {**V2, "weight": 10}]})
    found = decide(docs, headers=[("User", "admin")])
    assert (found.kind, found.object, found.route_index, found.match_index) == (
        "route",
        "VirtualService default/greeter",
        0,
        0,
    )
    assert (found.route_name, found.match_name, found.name) == ("admin", "user", "admin.user")
    assert where(found) == {"v2": "1"}
    assert found.passed == ()
    found = decide(docs, headers=[("user", "guest"), ("user", "root")])
    assert where(found) == {"v1": "9/10", "v2": "1/10"}
    assert [(one.route_index, one.match_index, one.name, one.reason) for one in found.passed] == [
        (0, 0, "admin.user", "header user is 'admin', but it is 'guest' and 'root'")
    ]
    assert found.destinations[0].rule == "DestinationRule default/greeter"
    assert [len(one.members) for one in found.destinations] == [2, 1]


def test_nothing_behind_a_catch_all_is_tried():
    found = decide(routes({"match": [{"uri": {"prefix": "/"}}], "route": [V1]}, ADMIN), headers=[("user", "admin")])
    assert where(found) == {"v1": "1"}


def test_a_call_that_no_route_takes_is_404():
    found = decide(routes(ADMIN))
    assert (found.kind, found.status, len(found.passed)) == ("no-route", "404 NR", 1)


@pytest.mark.parametrize(
    ("route", "shares"),
    [
        ([{**V1, "weight": 0}], {"v1": "1"}),
        ([{**V1, "weight": 1}, {**V2, "weight": 3}], {"v1": "1/4", "v2": "3/4"}),
        ([{**V1, "weight": 1}, V2], {"v1": "1"}),
        ([{"destination": {"host": HOST}}], {HOST: "1"}),
    ],
)
def test_shares(route, shares):
    assert where(decide(routes({"route": route}))) == shares


def test_a_subset_that_nobody_defines_and_one_without_instances():
    gone = {"destination": {"host": "greeter", "subset": "v9"}}
    found = decide(routes({"route": [gone]}))
    assert (found.status, found.destinations[0].reason) == (
        "503 NC",
        "DestinationRule default/greeter does not define the subset v9",
    )
    found = decide(subsets("v1", "v3"), routes({"route": [{"destination": {"host": "greeter", "subset": "v3"}}]}))
    assert (found.status, found.destinations[0].reason) == ("503 UH", "subset v3 has no ready instance")
    found = decide(routes({"route": [{**V1, "weight": 1}, {**gone, "weight": 1}]}))
    assert (found.status, [one.status for one in found.destinations]) == ("", ["", "503 NC"])
    other = {"destination": {"host": "other"}}
    assert (
        decide(routes({"route": [other]})).destinations[0].reason
        == f"default knows no Service other.default.svc.{DOMAIN}"
    )
    port = {"destination": {"host": "greeter", "port": {"number": 1}}}
    assert decide(routes({"route": [port]})).destinations[0].reason == f"{HOST} has no port 1"


def test_a_sidecar_sends_to_the_port_that_was_called_when_the_rule_names_none():
    docs = [service("other", port=8080), routes({"route": [{"destination": {"host": "other"}}]})]
    assert decide(*docs).status == "503 NC"
    docs[1]["spec"]["http"][0]["route"][0]["destination"]["port"] = {"number": 8080}
    assert decide(*docs, deployment("v1", app="other")).destinations[0].port == 8080


@pytest.mark.parametrize(
    ("docs", "instances"),
    [
        ([deployment("v1", 3)], 3),
        ([deployment("v1", 3, status={"readyReplicas": 1})], 1),
        ([deployment("v1", 3, status={"replicas": 3})], 0),
        ([deployment("v1", 0)], 0),
        ([obj("Pod", {}, "a", labels={"app": "greeter", "version": "v1"})], 1),
        ([{**obj("Pod", {}, "a", labels={"app": "greeter", "version": "v1"}), "status": {"phase": "Pending"}}], 0),
        ([obj("Pod", {}, "a", "other", labels={"app": "greeter", "version": "v1"})], 0),
        (
            [
                {
                    **obj("Pod", {}, "a", labels={"app": "greeter", "version": "v1"}),
                    "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]},
                }
            ],
            0,
        ),
        ([], None),
    ],
)
def test_instances_come_from_pods_and_workloads(docs, instances):
    found = explain([service(), subsets("v1"), routes({"route": [V1]}), *docs], Request("greeter"))
    (target,) = found.destinations
    assert (None if target.members is None else len(target.members)) == instances
    assert target.status == ("503 UH" if instances == 0 else "")


def test_pods_of_a_deployment_are_not_counted_twice():
    selector = {"matchLabels": {"app": "greeter", "version": "v1"}}
    workload = deployment("v1", 2)
    workload["spec"]["selector"] = selector
    pod = obj("Pod", {}, "a", labels={"app": "greeter", "version": "v1"})
    (target,) = explain([service(), workload, pod], Request("greeter")).destinations
    assert len(target.members) == 1


def test_retries_time_limit_fault_mirror_and_rewrite():
    found = decide(routes({"route": [V1]}))
    assert (found.timeout, found.retries.attempts, found.retries.is_default) == ("", 2, True)
    assert str(found.retries).startswith("2 retries on connect-failure,")
    assert "Istio's default" in str(found.retries)
    found = decide(
        routes(
            {
                "route": [{**V1, "headers": {"request": {"set": {":authority": "b"}}}}],
                "timeout": "1m0.5s",
                "retries": {"attempts": 1, "retryOn": "5xx,503", "perTryTimeout": "200ms"},
                "fault": {"abort": {"httpStatus": 503, "percentage": {"value": 2.5}}, "delay": {"fixedDelay": "1s"}},
                "mirror": {"host": "greeter", "subset": "v2"},
                "mirrorPercentage": {"value": 5},
                "rewrite": {"uri": "/x"},
            }
        )
    )
    assert (found.timeout, str(found.retries)) == (
        "60.5s",
        "1 retry on 5xx,retriable-status-codes (503), each try within 0.2s",
    )
    assert (found.fault.abort, found.fault.abort_share, found.fault.delay) == ("HTTP 503", Fraction(1, 40), "")
    assert [(one.subset, one.share) for one in found.mirrors] == [("v2", Fraction(1, 20))]
    assert (found.rewrite.uri, found.rewrite.authority) == ("/x", "b")
    assert str(decide(routes({"route": [V1], "retries": {"attempts": 0}})).retries) == "no retries"
    assert decide(routes({"redirect": {"uri": "/", "redirectCode": 308}})).answer == "HTTP 308 to /"
    assert decide(routes({"directResponse": {"status": 403}})).kind == "answer"


@pytest.mark.parametrize(
    "host",
    ["greeter", "greeter:20000", "Greeter", "greeter.default", "greeter.default.svc", HOST, f"{HOST}.", "10.0.0.9"],
)
def test_the_names_of_a_service(host):
    docs = [service(clusterIP="10.0.0.9"), deployment("v1"), subsets("v1"), routes({"route": [V1]})]
    assert where(explain(docs, Request(host))) == {"v1": "1"}
    assert where(explain([subsets("v1"), routes({"route": [V1]})], Request(host))) == {"v1": "1"} or host == "10.0.0.9"


@pytest.mark.parametrize("host", ["10.0.0.7:20000", "greeter.other", "greeter.default.svc.cluster", "nothing"])
def test_names_that_the_mesh_does_not_know_pass_every_rule(host):
    found = decide(routes({"route": [V1]}), host=host)
    assert (found.kind, found.destinations) == ("passthrough", ())
    assert "PassthroughCluster" in found.notes[0]


def test_a_bare_name_belongs_to_the_namespace_asked_about():
    docs = [service(namespace="prod"), deployment("v9", namespace="prod")]
    assert decide(*docs, namespace="prod").host == f"greeter.prod.svc.{DOMAIN}"
    assert decide(*docs, namespace="prod", source_namespace="default").host == f"greeter.prod.svc.{DOMAIN}"
    assert decide(*docs, host="greeter.prod").host == f"greeter.prod.svc.{DOMAIN}"
    assert decide(namespace="prod").kind == "passthrough"


@pytest.mark.parametrize(
    ("port", "kind"),
    [
        ({"name": "grpc-triple"}, "route"),
        ({"name": "http"}, "route"),
        ({"name": "triple"}, "route"),
        ({"name": ""}, "route"),
        ({"name": "tcp-triple"}, "tcp"),
        ({"name": "https"}, "tcp"),
        ({"name": "tcp", "appProtocol": "kubernetes.io/h2c"}, "route"),
        ({"name": "grpc", "appProtocol": "tcp"}, "tcp"),
    ],
)
def test_the_name_of_a_port_decides_whether_rules_apply(port, kind):
    docs = [service(ports=[{"port": 20000, **port}]), subsets("v1", "v2"), routes({"directResponse": {"status": 200}})]
    found = explain(docs, Request("greeter"))
    assert found.kind == ("answer" if kind == "route" else kind)
    if kind == "tcp":
        assert "http rules do not apply" in found.notes[0]
        assert where(found) == {HOST: "1"}
    if port["name"] == "triple":
        assert "tells Istio no protocol" in found.notes[0]


def test_a_tcp_port_takes_tcp_routes():
    tcp = [{"match": [{"port": 1}], "route": [V1]}, {"route": [{**V1, "weight": 1}, {**V2, "weight": 1}]}]
    docs = [service(port_name="tcp"), subsets("v1", "v2"), routes({"directResponse": {"status": 200}}, tcp=tcp)]
    assert where(explain(docs, Request("greeter"))) == {"v1": "1/2", "v2": "1/2"}


def test_the_most_specific_host_then_age_then_name():
    wide = routes({"route": [V2]}, hosts=["*.default.svc.cluster.local"], name="a")
    near = routes({"route": [V1]}, name="b")
    assert decide(wide, near).object == "VirtualService default/b"
    assert decide(wide).object == "VirtualService default/a"
    rival = routes({"route": [V2]}, name="a")
    assert decide(near, rival).object == "VirtualService default/a"
    near["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    rival["metadata"]["creationTimestamp"] = "2026-01-02T00:00:00Z"
    assert decide(near, rival).object == "VirtualService default/b"


def test_an_object_without_a_route_for_the_caller_leaves_the_host_to_the_next_one():
    first = routes({"match": [{"sourceLabels": {"app": "x"}}], "route": [V2]}, name="a")
    second = routes({"route": [V1]}, name="b")
    assert decide(first, second).object == "VirtualService default/b"
    assert decide(first, second, source_labels={"app": "x"}).object == "VirtualService default/a"
    assert decide(first).kind == "default"
    first["spec"]["hosts"] = ["*.svc.cluster.local"]
    second["spec"]["hosts"] = ["*.svc.cluster.local"]
    assert decide(first, second).kind == "default"


@pytest.mark.parametrize(
    ("match", "request_", "taken"),
    [
        ({"sourceNamespace": "default"}, {}, True),
        ({"sourceNamespace": "other"}, {}, False),
        ({"sourceNamespace": "other", "gateways": ["mesh"]}, {}, True),
        ({"gateways": ["public"]}, {}, False),
        ({"port": 80}, {}, False),
        ({"sourceLabels": {"app": "a"}}, {"source_labels": {"app": "a", "b": "c"}}, True),
    ],
)
def test_callers(match, request_, taken):
    found = decide(routes({"match": [match], "route": [V2]}, {"route": [V1]}), **request_)
    assert where(found) == {"v2" if taken else "v1": "1"}


def test_export_and_the_order_of_who_sees_what():
    public = routes({"route": [V1]}, name="a")
    private = routes({"route": [V2]}, name="b", exportTo=["."])
    assert decide(public, private).object == "VirtualService default/b"
    assert decide(public, private, host=HOST, source_namespace="other").object == "VirtualService default/a"
    assert decide(routes({"route": [V1]}, exportTo=["other"])).kind == "default"


def test_the_destination_rule_of_the_caller_then_of_the_service_then_of_the_root():
    docs = [service(), routes({"route": [V1]})]
    places = [subsets("v1", host=HOST, namespace=one) for one in ("caller", "default", "istio-system")]
    asked = Request(HOST, source_namespace="caller")
    for expected in ("caller", "default", "istio-system"):
        assert explain([*docs, *places], asked).destinations[0].rule == f"DestinationRule {expected}/greeter"
        places = places[1:]
    assert explain(docs, asked).status == "503 NC"
    hidden = subsets("v2", host=HOST, exportTo=["elsewhere"])
    wide = subsets("v1", host="*.default.svc.cluster.local", name="wide")
    # What is not exported to the caller hides a wider one all the same, as in istiod.
    assert explain([*docs, hidden, wide], asked).status == "503 NC"
    assert explain([*docs, wide], asked).status == ""


def test_a_destination_rule_for_some_callers():
    selective = subsets("v1", name="a", workloadSelector={"matchLabels": {"app": "x"}})
    everybody = subsets("v2", name="b")
    docs = [service(), routes({"route": [V1]}), selective, everybody]
    assert explain(docs, Request("greeter", source_labels={"app": "x"})).status == ""
    assert explain(docs, Request("greeter")).status == "503 NC"


def test_delegates():
    root = routes(
        {
            "name": "root",
            "match": [{"uri": {"prefix": "/api."}}],
            "delegate": {"name": "team", "namespace": "team"},
            "timeout": "3s",
        },
        {"name": "rest", "route": [V1]},
    )
    leaf = obj(
        "VirtualService",
        {
            "http": [
                {
                    "name": "narrow",
                    "match": [{"uri": {"exact": "/api.Greeter/SayHello"}}],
                    "route": [{"destination": {"host": HOST, "subset": "v2"}}],
                },
                {
                    "name": "outside",
                    "match": [{"uri": {"prefix": "/other"}}],
                    "route": [{"destination": {"host": HOST}}],
                },
            ]
        },
        "team",
        "team",
    )
    found = decide(root, leaf, path="/api.Greeter/SayHello")
    assert (found.object, found.route_index, found.route_name, found.timeout) == (
        "VirtualService default/greeter",
        0,
        "root-narrow",
        "3s",
    )
    assert found.delegate == "VirtualService team/team http[0]"
    found = decide(root, leaf, path="/other")
    assert (found.route_index, found.route_name, len(found.passed)) == (1, "rest", 1)
    leaf["spec"]["exportTo"] = ["."]
    assert decide(root, leaf, path="/api.Greeter/SayHello").route_name == "rest"
    assert decide(root, path="/api.Greeter/SayHello").route_name == "rest"


def test_gateways_merge_what_sidecars_do_not():
    gateway = obj(
        "Gateway",
        {"servers": [{"port": {"number": 80, "protocol": "HTTP"}, "hosts": ["default/*.example.com"]}]},
        "public",
        "edge",
    )
    target = {"destination": {"host": "greeter", "port": {"number": 20000}}}
    first = routes({"route": [target]}, hosts=["a.example.com"], name="a", gateways=["edge/public"])
    second = routes(
        {"match": [{"uri": {"prefix": "/x"}}], "directResponse": {"status": 200}},
        hosts=["a.example.com"],
        name="b",
        gateways=["edge/public"],
    )

    def at(path, host="a.example.com", port=80, gateway_name="edge/public"):
        return explain([*MESH, gateway, first, second], Request(host, port, path, gateway=gateway_name))

    assert (at("/x").object, at("/y").object) == ("VirtualService default/b", "VirtualService default/a")
    assert at("/y").status == ""
    assert at("/x", host="b.example.com").status == "404 NR"
    assert at("/x", port=81).kind == "no-route"
    assert at("/x", gateway_name="other").kind == "no-route"
    # A gateway takes the only port a Service has, a sidecar the one that was called.
    del target["destination"]["port"]
    assert at("/y").destinations[0].port == 20000
    assert decide(first, host="greeter").kind == "default"


def test_names_that_are_no_service():
    outside = routes({"route": [V1]}, hosts=["example.com", "greeter"])
    assert where(decide(outside, host="example.com")) == {"v1": "1"}
    alone = routes(
        {"route": [{"destination": {"host": "greeter", "port": {"number": 20000}}}]}, hosts=["*.example.com"]
    )
    assert decide(alone, host="a.example.com").kind == "passthrough"
    assert decide(alone, host="a.example.com", port=80).kind == "route"
    entry = obj(
        "ServiceEntry",
        {
            "hosts": ["api.example.com"],
            "ports": [{"number": 443, "name": "x", "protocol": "GRPC"}],
            "endpoints": [{"address": "192.0.2.1", "labels": {"version": "v1"}}],
        },
    )
    rule = subsets("v1", "v2", host="api.example.com", name="api")
    http = [{"route": [{"destination": {"host": "api.example.com", "subset": "v1"}}]}]
    found = decide(entry, rule, routes(*http, hosts=["api.example.com"]), host="api.example.com", port=443)
    assert (found.kind, found.status, len(found.destinations[0].members)) == ("route", "", 1)


def test_without_a_service_every_host_is_taken_to_exist():
    docs = [subsets("v1"), routes({"route": [V1]})]
    found = explain(docs, Request("greeter"))
    assert (found.kind, found.status, found.destinations[0].members) == ("route", "", None)
    assert explain(docs, Request("other")).kind == "default"
    assert explain([], Request("other")).destinations[0].host == f"other.default.svc.{DOMAIN}"


def test_a_list_and_strange_objects():
    listed = {"kind": "List", "items": [routes({"route": [V1]}), None, 3, {"kind": "VirtualService"}]}
    assert where(decide(listed, "text", None, {"kind": "Service"}, {"kind": "Deployment", "spec": 3})) == {"v1": "1"}


def test_the_document_is_what_json_takes():
    import json

    found = decide(routes(ADMIN, {"route": [{**V1, "weight": 1}, {**V2, "weight": 2}]}, name="x"))
    shown = json.loads(json.dumps(found.document()))
    assert [one["share"] for one in shown["destinations"]] == ["1/3", "2/3"]
    assert shown["passed"][0]["reason"] == "header user is 'admin', but it is absent"
    assert shown["timeout"] == "none"


def test_many_requests_of_one_explainer():
    compiled = traffic.compile([*MESH, routes(ADMIN, {"route": [V1]})])
    for user, version in (("admin", "v2"), ("x", "v1"), ("admin", "v2")):
        request = Request("greeter", headers=(("user", user),))
        found = compiled.decide(request)
        assert (where(found), found.request) == ({version: "1"}, request)
        assert found == explain([*MESH, routes(ADMIN, {"route": [V1]})], request)
