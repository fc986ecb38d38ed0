"""What is said of an istiod that proxyless programs ask."""

import pytest

from dubbopy_cli.targets.base import Check
from dubbopy_cli.targets.kubernetes.proxyless import checks

ALLOWED = "DEBUG_ENDPOINT_AUTH_ALLOWED_NAMESPACES"
ACCESS, REPLICAS = "istiod's debug interface", "istiod's replicas"
SET = "kubectl -n istio-system set env deployment/istiod"
CAP = """kubectl -n istio-system patch hpa istiod --patch '{"spec":{"minReplicas":1,"maxReplicas":1}}'"""
ONE = Check(REPLICAS, "ok", "there is one")
OPEN = Check(ACCESS, "ok", "it is open to shop")


def istiod(*env, name="istiod", **spec):
    container = {"name": "discovery", "env": [{"name": "REVISION", "value": "default"}, *env]}
    template = {"spec": {"containers": [{"name": "other"}, container]}}
    return {"kind": "Deployment", "metadata": {"name": name}, "spec": {"template": template, **spec}}


def variable(value, name=ALLOWED):
    return {"name": name, "value": value}


def scaler(most, name="istiod"):
    spec = {"maxReplicas": most, "scaleTargetRef": {"kind": "Deployment", "name": name}}
    return {"kind": "HorizontalPodAutoscaler", "metadata": {"name": name}, "spec": spec}


def refused(hint):
    return Check(
        ACCESS, "error", f"clients in shop are answered 403 and find no server: {ALLOWED} does not name it", hint
    )


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ([], refused(f"{SET} {ALLOWED}=shop")),
        ([variable("")], refused(f"{SET} {ALLOWED}=shop")),
        ([{"name": ALLOWED}], refused(f"{SET} {ALLOWED}=shop")),
        # Those who are let in already stay.
        ([variable("web,ops")], refused(f"{SET} {ALLOWED}=web,ops,shop")),
        ([variable("shopping")], refused(f"{SET} {ALLOWED}=shopping,shop")),
        ([variable("shop")], OPEN),
        ([variable("web,shop")], Check(ACCESS, "ok", "it is open to web, shop")),
        (
            [variable("web, shop")],
            Check(
                ACCESS,
                "error",
                f"{ALLOWED} names shop with a blank, which istiod takes for a part of the name",
                f"{SET} {ALLOWED}=web,shop",
            ),
        ),
        (
            [{"name": ALLOWED, "valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}}],
            Check(
                ACCESS,
                "warning",
                f"{ALLOWED} is not written in the Deployment but taken from elsewhere: it has to name shop",
                "kubectl -n istio-system describe deployment istiod",
            ),
        ),
        (
            [variable("False", "ENABLE_DEBUG_ENDPOINT_AUTH")],
            Check(ACCESS, "ok", "ENABLE_DEBUG_ENDPOINT_AUTH opens it to everybody"),
        ),
        ([variable("no", "ENABLE_DEBUG_ENDPOINT_AUTH"), variable("shop")], OPEN),
        (
            [variable("false", "ENABLE_DEBUG_ON_HTTP"), variable("shop")],
            Check(
                ACCESS,
                "error",
                "ENABLE_DEBUG_ON_HTTP turns it off, and a client finds servers by it alone",
                f"{SET} ENABLE_DEBUG_ON_HTTP-",
            ),
        ),
    ],
)
def test_whether_istiod_lets_a_namespace_in(env, expected):
    assert checks([istiod(*env)], "shop") == (expected, ONE)


def test_istiod_s_own_namespace_is_always_let_in():
    assert checks([istiod()], "istio-system") == (Check(ACCESS, "ok", "it is open to istio-system"), ONE)


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([istiod(variable("shop"), replicas=1)], ONE),
        ([istiod(variable("shop")), scaler(1)], ONE),
        ([istiod(variable("shop")), scaler(5, "istiod-canary")], ONE),
        (
            [istiod(variable("shop"), replicas=2)],
            Check(
                REPLICAS,
                "error",
                "there are 2: dubbo-go panics at its start when it sees more than one",
                "kubectl -n istio-system scale deployment istiod --replicas=1",
            ),
        ),
        (
            # What the autoscaler decides, nobody else can.
            [istiod(variable("shop"), replicas=3), scaler(5)],
            Check(REPLICAS, "error", "there are 3: dubbo-go panics at its start when it sees more than one", CAP),
        ),
        (
            [istiod(variable("shop"), replicas=1), scaler(5)],
            Check(
                REPLICAS,
                "warning",
                "there is one, and its autoscaler may start 5: dubbo-go panics at its start when it sees two",
                CAP,
            ),
        ),
        (
            [istiod(variable("shop"), replicas=0)],
            Check(REPLICAS, "error", "there is none", "kubectl -n istio-system scale deployment istiod --replicas=1"),
        ),
    ],
)
def test_how_many_there_are(objects, expected):
    assert checks(objects, "shop") == (OPEN, expected)


@pytest.mark.parametrize(
    ("objects", "detail"),
    [
        ([], "there is no Deployment istiod in istio-system"),
        ([istiod(name="istiod-canary")], "there is no Deployment istiod in istio-system, only istiod-canary"),
    ],
)
def test_a_control_plane_that_is_elsewhere(objects, detail):
    hint = "kubectl -n istio-system get deployments --selector app=istiod"
    assert checks(objects, "shop") == (Check("istiod", "error", detail, hint),)
