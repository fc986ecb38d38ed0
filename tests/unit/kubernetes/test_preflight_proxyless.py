"""A deploy of a program that asks istiod itself, where istiod does not answer it."""

import json

from dubbopy_cli.targets.kubernetes import doctor
from tests.errortexts import Told

ASKED = ("get", "deployments,horizontalpodautoscalers", "--namespace", "istio-system", "--selector", "app=istiod")
ISTIOD = {
    "kind": "Deployment",
    "metadata": {"name": "istiod"},
    "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "discovery", "env": []}]}}},
}


def test_istiod_lets_the_namespace_in_or_the_deploy_is_refused(desk, cluster, runner, programs):
    kubectl = (str(programs / "kubectl"), "--context", "prod")
    runner.expect(*kubectl, *ASKED, stdout=json.dumps({"items": [ISTIOD]}))
    assert desk.told(lambda: doctor.proxyless_preflight(cluster, "shop")) == Told(
        3,
        "Error: shop would not work without sidecars: istiod's debug interface: clients in shops are answered 403 and "
        "find no server: DEBUG_ENDPOINT_AUTH_ALLOWED_NAMESPACES does not name it\n\n"
        "Try: kubectl -n istio-system set env deployment/istiod DEBUG_ENDPOINT_AUTH_ALLOWED_NAMESPACES=shops\n"
        "[istiod-unfit]\n",
    )


def test_who_may_not_look_at_istiod_goes_on(desk, cluster, runner, programs):
    kubectl = (str(programs / "kubectl"), "--context", "prod")
    stderr = (
        'Error from server (Forbidden): deployments.apps is forbidden: User "ada" cannot list resource "deployments" '
        'in API group "apps" in the namespace "istio-system"'
    )
    runner.expect(*kubectl, *ASKED, stderr=stderr, returncode=1)
    assert desk.told(lambda: doctor.proxyless_preflight(cluster, "shop")).code == 0
