import pytest

from tests.worlds import codes, deployment, found, pod, thing

POLICY = "authz.AuthorizationPoliciesAnalyzer"
LABELS = {"app": "greeter"}
SELECTOR = {"selector": {"matchLabels": LABELS}}


@pytest.mark.parametrize(
    ("where", "spec", "wanted"),
    [
        ("a", SELECTOR, None),
        ("a", {}, None),
        ("b", {}, ""),
        ("b", SELECTOR, "app=greeter"),
        ("a", {"selector": {"matchLabels": {"app": "other"}}}, "app=other"),
        ("c", SELECTOR, "app=greeter"),
        ("d", SELECTOR, None),
        ("istio-system", SELECTOR, None),
        ("istio-system", {}, None),
        ("istio-system", {"selector": {"matchLabels": {"app": "other"}}}, "app=other"),
    ],
)
def test_a_policy_acts_on_a_pod_of_the_mesh(where, spec, wanted):
    ambient = pod("d/p", proxy="", labels=LABELS)
    ambient["metadata"]["annotations"] = {"ambient.istio.io/redirection": "enabled"}
    pods = (pod("a/p", labels=LABELS), pod("c/p", proxy="", labels=LABELS), ambient)
    policy = thing("AuthorizationPolicy", f"{where}/one", spec)
    name = f"AuthorizationPolicy {where}/one"
    assert found(*pods, policy, only=POLICY) == ([] if wanted is None else [("IST0127", name, (wanted,))])


def test_the_root_namespace_may_be_another_one():
    policy = thing("AuthorizationPolicy", "root/one", {})
    assert codes(policy, only=POLICY) == [("IST0127", "AuthorizationPolicy root/one")]
    mesh = thing("ConfigMap", "istio-system/istio", data={"mesh": "rootNamespace: root\n"})
    assert codes(policy, mesh, only=POLICY) == []


@pytest.mark.parametrize(
    ("name", "known"),
    [("team-a", True), ("TEAM-A", True), ("team-*", True), ("*-a", True), ("*", True), ("team", False)],
)
def test_namespaces_that_policies_name(name, known):
    rules = [{"from": [{"source": {"notNamespaces": [name]}}]}]
    docs = (pod("team-a/p"), thing("Namespace", "team-a"), thing("AuthorizationPolicy", "team-a/one", {"rules": rules}))
    wanted = [] if known else [("IST0101", "AuthorizationPolicy team-a/one", ("namespace", name))]
    assert found(*docs, only=POLICY) == wanted


def test_selectors_do_nothing_on_gateways_of_the_gateway_api():
    gateway = pod("a/p", labels={**LABELS, "gateway.networking.k8s.io/gateway-name": "in"})
    kinds = ("AuthorizationPolicy", "RequestAuthentication", "Telemetry", "WasmPlugin")
    docs = [thing(kind, "a/one", SELECTOR) for kind in kinds]
    other = [
        thing("Telemetry", "b/one", SELECTOR),
        thing("Telemetry", "a/two", {**SELECTOR, "targetRef": {"name": "in"}}),
    ]
    only = "k8sgateway.SelectorAnalyzer"
    assert found(gateway, *docs, *other, only=only) == [("IST0166", f"{kind} a/one", ("in",)) for kind in kinds]


@pytest.mark.parametrize("count", [0, 1, 7])
def test_istiod_is_told_where_to_fetch_keys(count):
    docs = [thing("RequestAuthentication", f"a/{place}") for place in range(count)]
    istiod = {"labels": {"app": "istiod"}}
    env = {"containers": [{"env": [{"name": "BLOCKED_CIDRS_IN_JWKS_URIS", "value": "10.0.0.0/8"}]}]}
    only = "authn.BlockedCIDRsAnalyzer"
    names = {1: "a/0", 7: "a/0, a/1, a/2, a/3, a/4, and 2 more"}
    wanted = [("IST0175", "Deployment istio-system/istiod", (str(count), names[count]))] if count else []
    assert found(*docs, deployment("istio-system/istiod", **istiod), only=only) == wanted
    assert found(*docs, deployment("istio-system/istiod", **istiod, **env), deployment("a/b"), only=only) == []


@pytest.mark.parametrize("stored", [True, False])
def test_networks_name_registries_that_exist(stored):
    endpoints = [{"fromRegistry": name} for name in ("Kubernetes", "east", "west")]
    networks = {"networks": {"net": {"endpoints": endpoints}}}
    text = "networks: {net: {endpoints: [{fromRegistry: Kubernetes}, {fromRegistry: east}, {fromRegistry: west}]}}"
    doc = thing("ConfigMap", "istio-system/istio", data={"meshNetworks": text}) if stored else networks
    secret = thing("Secret", "a/remote", labels={"istio/multiCluster": "true"}, data={"east": ""})
    name = "MeshNetworks istio-system/meshnetworks"
    assert found(doc, secret, only="multicluster.MeshNetworksAnalyzer") == [("IST0126", name, ("west", "net"))]


def test_sidecars_and_telemetries_share_no_pod():
    for kind, key, only, code, default in (
        ("Sidecar", {"workloadSelector": {"labels": LABELS}}, "sidecar.SelectorAnalyzer", "IST0110", "IST0111"),
        ("Telemetry", SELECTOR, "telemetry.SelectorAnalyzer", "IST0159", "IST0160"),
    ):
        two = [thing(kind, f"a/{name}", key) for name in ("x", "y")]
        names = [f"{kind} a/x", f"{kind} a/y"]
        assert found(*two, pod("a/p", labels=LABELS), only=only) == [(code, one, ("[x y]", "a", "p")) for one in names]
        assert codes(*two, pod("b/p", labels=LABELS), only=only) == [("IST0101", one) for one in names]
        whole = [thing(kind, f"a/{name}", {}) for name in ("x", "y")]
        also = (only, "telemetry.DefaultSelectorAnalyzer")
        assert found(*whole, only=also) == [(default, one, ("[x y]", "a")) for one in names]


def test_sidecars_do_nothing_without_sidecars():
    ambient = pod("a/p", proxy="", labels=LABELS)
    ambient["metadata"]["annotations"] = {"ambient.istio.io/redirection": "enabled"}
    one, whole = thing("Sidecar", "a/x", {"workloadSelector": {"labels": LABELS}}), thing("Sidecar", "b/y", {})
    space = thing("Namespace", "b", labels={"istio.io/dataplane-mode": "ambient"})
    assert codes(ambient, one, whole, space, only="sidecar.SelectorAnalyzer") == [
        ("IST0167", "Sidecar a/x"),
        ("IST0167", "Sidecar b/y"),
    ]


def test_access_logs_have_a_provider():
    logs = {"off": [{"disabled": True}], "none": [{}], "one": [{"providers": [{"name": "otel"}]}]}
    docs = [thing("Telemetry", f"a/{name}", {"accessLogging": value}) for name, value in logs.items()]
    only = "telemetry.ProviderAnalyzer"
    assert found(*docs, only=only) == [("IST0157", "Telemetry a/none", ("none", "a"))]
    assert found(*docs, {"defaultProviders": {"accessLogging": ["envoy"]}}, only=only) == []


def test_lightstep_is_given_up():
    mesh = {"extensionProviders": [{"name": "light", "lightstep": {}}, {"name": "otel", "opentelemetry": {}}]}
    tracing = [{"providers": [{"name": "light"}, {"name": "otel"}]}]
    one = thing("Telemetry", "a/one", {"tracing": tracing})
    assert codes(mesh, one, only="telemetry.LightstepAnalyzer") == [("IST0002", "Telemetry a/one")]
    assert codes(one, only="telemetry.LightstepAnalyzer") == []
