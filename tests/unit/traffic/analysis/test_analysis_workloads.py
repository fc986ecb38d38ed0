import json

import pytest

from tests.worlds import codes, deployment, found, pod, service, thing

SERVICES = "deployment.ServiceAssociationAnalyzer"
INJECTION = "injection.Analyzer"
AUTO = "injection.ImageAutoAnalyzer"
IMAGES = "injection.ImageAnalyzer"
LABELS = {"app": "greeter"}
MESHED = {"pod_labels": {**LABELS, "sidecar.istio.io/inject": "true"}}
NAMED = "Deployment default/greeter"


def port(number, target=None, protocol=None):
    return {
        "port": number,
        **({"targetPort": target} if target else {}),
        **({"protocol": protocol} if protocol else {}),
    }


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        (port(80), port(80, protocol="TCP"), []),
        (port(80), port(80, protocol="UDP"), [("IST0116", NAMED, ("greeter", "80", "[default/a default/b]"))]),
        (port(80), port(81), []),
        (port(80, 8080), port(81, 8080), [("IST0137", NAMED, ("greeter", "[default/a default/b]", "8080", "[80 81]"))]),
        (
            port(80, "http"),
            port(81, "http"),
            [("IST0137", NAMED, ("greeter", "[default/a default/b]", "http", "[80 81]"))],
        ),
        (port(80), port(81, 80), [("IST0137", NAMED, ("greeter", "[default/a default/b]", "80", "[80 81]"))]),
    ],
)
def test_services_of_one_deployment(first, second, wanted):
    services = (service("default/a", first, selector=LABELS), service("default/b", second, selector=LABELS))
    assert found(*services, deployment("default/greeter", **MESHED), only=SERVICES) == wanted


@pytest.mark.parametrize(
    ("options", "namespace", "meshed"),
    [
        ({"pod_labels": LABELS}, {}, False),
        ({"pod_labels": LABELS}, {"istio-injection": "enabled"}, True),
        ({"pod_labels": {**LABELS, "sidecar.istio.io/inject": "false"}}, {"istio-injection": "enabled"}, False),
        ({"pod_labels": LABELS, "annotations": {"sidecar.istio.io/inject": "true"}}, {}, True),
        ({"pod_labels": LABELS, "containers": [{"name": "istio-proxy", "image": "x"}]}, {}, True),
        ({**MESHED, "labels": {"gateway.istio.io/managed": "istio.io-mesh-controller"}}, {}, False),
    ],
)
def test_only_deployments_of_the_mesh_are_looked_at(options, namespace, meshed):
    services = (service("default/a", port(80, 1), selector=LABELS), service("default/b", port(81, 1), selector=LABELS))
    space = thing("Namespace", "default", labels=namespace)
    docs = (*services, space, deployment("default/greeter", **options))
    assert codes(*docs, only=SERVICES) == ([("IST0137", NAMED)] if meshed else [])


def test_services_without_a_selector_or_of_another_namespace_do_not_count():
    services = (service("default/a", port(80, 1)), service("other/b", port(81, 1), selector=LABELS))
    assert (
        codes(
            *services,
            service("default/c", port(82, 1), selector=LABELS),
            deployment("default/greeter", **MESHED),
            only=SERVICES,
        )
        == []
    )


@pytest.mark.parametrize(
    ("labels", "code"),
    [
        ({}, "IST0102"),
        ({"istio-injection": "enabled"}, ""),
        ({"istio-injection": "disabled"}, ""),
        ({"istio.io/rev": "canary"}, ""),
        ({"istio.io/dataplane-mode": "ambient"}, ""),
        ({"istio-injection": "enabled", "istio.io/rev": "canary"}, "IST0123"),
        ({"istio-injection": "disabled", "istio.io/rev": "canary"}, ""),
        ({"istio.io/rev": "canary", "istio.io/dataplane-mode": "ambient"}, "IST0123"),
    ],
)
def test_a_namespace_says_whether_its_pods_get_a_sidecar(labels, code):
    assert codes(thing("Namespace", "a", labels=labels), only=INJECTION) == ([(code, "Namespace a")] if code else [])


def test_namespaces_of_the_cluster_itself_are_left_alone():
    assert codes(*(thing("Namespace", name) for name in ("kube-system", "istio-system")), only=INJECTION) == []


@pytest.mark.parametrize(
    ("one", "missing"),
    [
        (pod("a/p"), False),
        (pod("a/p", proxy=""), True),
        (pod("b/p", proxy=""), False),
        (pod("a/p", proxy="", hostNetwork=True), False),
        (pod("a/p", proxy="", initContainers=[{"name": "istio-proxy", "image": "x"}]), False),
        (pod("a/p", proxy="", labels={"sidecar.istio.io/inject": "False"}), False),
    ],
)
def test_pods_of_an_injected_namespace_have_a_sidecar(one, missing):
    space = thing("Namespace", "a", labels={"istio-injection": "enabled"})
    assert codes(space, one, only=INJECTION) == ([("IST0103", "Pod a/p")] if missing else [])


def test_an_automatic_image_needs_an_injection_that_selects_the_pod():
    auto = {"containers": [{"name": "istio-proxy", "image": "auto"}]}
    docs = (deployment("a/gw", pod_labels={"inject": "yes"}, **auto), thing("Namespace", "a", labels={"on": "1"}))
    assert codes(*docs, only=AUTO) == [("IST0146", "Deployment a/gw")]

    def hook(name, namespaces, pods):
        return thing(
            "MutatingWebhookConfiguration",
            "i",
            webhooks=[{"name": name, "namespaceSelector": namespaces, "objectSelector": pods}],
        )

    on = {"matchExpressions": [{"key": "on", "operator": "In", "values": ["1", "2"]}]}
    not_off = {"matchLabels": {"inject": "yes"}, "matchExpressions": [{"key": "off", "operator": "DoesNotExist"}]}
    assert codes(*docs, hook("x.istio.io", on, not_off), only=AUTO) == []
    assert codes(*docs, hook("x.other.io", on, not_off), only=AUTO) == [("IST0146", "Deployment a/gw")]
    never = {"matchExpressions": [{"key": "on", "operator": "NotIn", "values": ["1"]}]}
    assert codes(*docs, hook("x.istio.io", never, None), only=AUTO) == [("IST0146", "Deployment a/gw")]
    assert codes(pod("a/gw", proxy="auto"), only=AUTO) == [("IST0147", "Pod a/gw")]


@pytest.mark.parametrize(
    ("image", "variant", "good"),
    [
        ("hub/proxyv2:1.0", "", True),
        ("hub/proxyv2:1.0-distroless", "", False),
        ("hub/proxyv2:1.0-distroless", "distroless", True),
        ("hub/proxyv2:0.9", "", False),
    ],
)
def test_sidecars_have_the_image_of_the_injection(image, variant, good):
    values = {"global": {"hub": "hub", "tag": "1.0", "proxy": {"image": "proxyv2"}}}
    config = thing("ConfigMap", "istio-system/istio-sidecar-injector", data={"values": json.dumps(values)})
    space = thing("Namespace", "a", labels={"istio-injection": "enabled"})
    wanted = [] if good else [("IST0158", "Namespace a", ("[p]",))]
    mesh = {"defaultConfig": {"image": {"imageType": variant}}}
    assert found(config, space, pod("a/p", proxy=image), mesh, only=IMAGES) == wanted
    own = thing("ProxyConfig", "a/p", {"selector": {"matchLabels": LABELS}, "image": {"imageType": variant}})
    assert found(config, space, pod("a/p", proxy=image, labels=LABELS), own, only=IMAGES) == wanted


@pytest.mark.parametrize("where", ["pod", "container", "proxy"])
def test_only_the_sidecar_runs_as_its_user(where):
    user = {"securityContext": {"runAsUser": 1337}}
    spec = user if where == "pod" else {"containers": [{"name": "istio-proxy" if where == "proxy" else "app", **user}]}
    docs = (
        thing("Pod", "a/p", spec),
        deployment("a/d", **spec),
        thing("Pod", "a/own", spec, labels={"istio": "pilot"}),
    )
    wanted = [] if where == "proxy" else [("IST0144", "Deployment a/d"), ("IST0144", "Pod a/p")]
    assert codes(*docs, only="deployment.ApplicationUIDAnalyzer") == wanted
