"""Versions as Helm releases: the steps of deploy, remove and rollback, and what is refused, whole."""

import json
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import pytest

from dubbopy_cli.errors import ConflictError, RolloutError
from dubbopy_cli.targets.kubernetes import rollback, rollout, rules, view
from dubbopy_cli.targets.kubernetes.deploy import Deployment
from dubbopy_cli.targets.kubernetes.remove import Removal
from dubbopy_cli.traffic import edit
from dubbopy_cli.traffic.history import dumps, record
from dubbopy_cli.traffic.model import RuleSet
from tests.errortexts import Told
from tests.shop import (
    DIGEST,
    HELM,
    KUBECTL,
    RELEASED,
    RULE_KINDS,
    SHOP,
    deployment,
    history,
    pod,
    request,
    service,
    steps,
    titles,
)


def test_the_first_version_brings_the_service(shops, cluster, programs):
    shops.holds(rules=RuleSet())
    planned = Deployment(cluster, request(digest=DIGEST, sets=("env.A=b",), files=(Path("x.yaml"),), replicas=2)).plan()
    assert steps(planned, programs) == [
        (
            "install release shop, the address of all versions",
            f"helm upgrade --install shop /shop/chart/service {HELM}",
        ),
        (
            "install release shop-v1",
            "helm upgrade --install shop-v1 /shop/chart/app --values=x.yaml --set=env.A=b --set-string=image.repository="
            f"x/shop,image.tag=1.0.0,image.digest={DIGEST},version.labels.dubbogoAppVersion=v1 --set=replicaCount=2 "
            f"{HELM}",
        ),
        (
            "wait at most 60 s until every pod of shop-v1 is ready",
            f"{KUBECTL} rollout status deployment/shop-v1 --timeout=60s",
        ),
    ]


def test_a_second_version_shares_the_calls_where_no_rules_say_otherwise(shops, cluster):
    shops.holds(deployment("v1"), services=[service()], releases=RELEASED, rules=RuleSet())
    assert titles(Deployment(cluster, request("v2")).plan()) == [
        "install release shop-v2, which shares the calls with v1: no traffic rules say otherwise",
        "wait at most 60 s until every pod of shop-v2 is ready",
    ]


def test_without_traffic_the_callers_know_before_the_version_is_there(shops, cluster):
    shops.holds(deployment("v1"), pod("v1"), services=[service()], releases=RELEASED, rules=RuleSet())
    assert titles(Deployment(cluster, request("v2", no_traffic=True)).plan()) == [
        "apply DestinationRule shops/shop",
        "wait until the proxies have DestinationRule shops/shop",
        "apply VirtualService shops/shop",
        "wait until the proxies have VirtualService shops/shop",
        "install release shop-v2",
        "wait at most 60 s until every pod of shop-v2 is ready",
    ]


def test_where_rules_are_a_version_gets_a_subset_and_no_call(shops, cluster):
    steered = edit.set_weights(RuleSet(), SHOP, {"v1": 100}, ["v1"])
    shops.holds(deployment("v1"), services=[service()], releases=RELEASED, rules=steered)
    assert titles(Deployment(cluster, request("v2")).plan()) == [
        "apply DestinationRule shops/shop",
        "wait until the proxies have DestinationRule shops/shop",
        "install release shop-v2",
        "wait at most 60 s until every pod of shop-v2 is ready",
    ]


def test_the_service_is_changed_only_on_purpose(shops, cluster):
    shops.holds(deployment("v1"), services=[service()], releases=RELEASED, rules=RuleSet())
    assert titles(Deployment(cluster, request("v1", update_service=True)).plan())[0] == (
        "upgrade release shop, the address of all versions"
    )


def test_a_service_of_another_release_is_taken_over_without_being_touched(shops, cluster, programs):
    old = deployment("v1", ports=("triple",))
    shops.holds(old, services=[service("shop-v1")], releases={"shop-v1": "deployed"}, rules=RuleSet())
    planned = steps(Deployment(cluster, request("v2", take_ownership=True)).plan(), programs)
    assert planned[:3] == [
        (
            "take the Service shop over into the release shop",
            f"{KUBECTL} label service shop app.kubernetes.io/managed-by=Helm --overwrite && "
            f"{KUBECTL} annotate service shop meta.helm.sh/release-name=shop meta.helm.sh/release-namespace=shops "
            "helm.sh/resource-policy=keep --overwrite",
        ),
        (
            "install release shop, the address of all versions",
            f"helm upgrade --install shop /shop/chart/service --set=service.targetPort=20000 {HELM}",
        ),
        (
            "mark the Service shop as one that no other release may delete",
            f"{KUBECTL} annotate service shop helm.sh/resource-policy=keep --overwrite",
        ),
    ]


@pytest.mark.parametrize(("release", "words"), [("shop-v1", "the Helm release shop-v1"), ("", "no Helm release")])
def test_a_service_of_another_release(shops, cluster, desk, release, words):
    shops.holds(deployment("v1"), services=[service(release)], releases={"shop-v1": "deployed"}, rules=())
    assert desk.told(Deployment(cluster, request("v2")).plan) == Told(
        6,
        f"Error: the Service shop belongs to {words}, not to the release shop: whoever upgrades or removes it there "
        "can delete the address of all versions\n\nTry: dubbopy-cli deploy --take-ownership\n[service-foreign]\n",
    )


def foreign(chart, name):
    return [{"name": name, "revision": "1", "status": "deployed", "chart": chart, "updated": ""}]


@pytest.mark.parametrize(
    ("releases", "text"),
    [
        (foreign("shop-0.1.0", "shop"), "release shop is of the chart shop-0.1.0, not of chart/service"),
        (
            foreign("service-0.1.0", "shop-v1"),
            "release shop-v1 is of the chart service-0.1.0, not of chart/app of shop",
        ),
    ],
)
def test_a_release_of_another_chart(shops, cluster, desk, releases, text):
    shops.runner.expect(cluster.helm.argv()[0], "list", stdout=json.dumps(releases))
    for kinds in ("deployments,pods", "services", RULE_KINDS):
        shops.answer("get", kinds)
    assert desk.told(Deployment(cluster, request()).plan) == Told(
        6, f"Error: {text}\n\nTry: another version or application name\n[release-foreign]\n"
    )


def test_a_deployment_that_somebody_else_made(shops, cluster, desk):
    shops.holds(deployment("v1", release="other"), services=[service()], releases={"shop": "deployed"}, rules=())
    assert desk.told(Deployment(cluster, request()).plan) == Told(
        6,
        "Error: Deployment shop-v1 is there, and the Helm release other made it\n\n"
        "Try: release another version: --version\n[release-foreign]\n",
    )


def test_a_deployment_of_another_chart(shops, cluster, desk):
    selector = {"app.kubernetes.io/name": "shop", "dubbogoAppVersion": "v1", "helm.sh/chart": "shop-0.0.1"}
    shops.holds(deployment("v1", selector=selector), services=[service()], releases=RELEASED, rules=())
    assert desk.told(Deployment(cluster, request()).plan) == Told(
        6,
        "Error: Deployment shop-v1 was made by another chart: it selects its pods by helm.sh/chart as well, and a "
        "selector can never be changed\n\n"
        "Try: release another version (--version), give that the calls, and remove this one\n[release-foreign]\n",
    )


def test_a_value_that_is_given_elsewhere(cluster, desk):
    assert desk.told(lambda: Deployment(cluster, request(sets=("env.A=b,image.tag=2",)))) == Told(
        2, "Error: 'image.tag=2' cannot be set: give it by --tag\n\nTry: leave it out of --set\n[usage]\n"
    )


def test_a_preview_is_what_the_server_s_own_version_would_get(shops, cluster, runner):
    shops.holds(releases=RELEASED, services=[service()], rules=RuleSet())
    planned = Deployment(cluster, request()).plan()
    said = json.dumps({"clientVersion": {"gitVersion": "v1.33.0"}, "serverVersion": {"gitVersion": "v1.28.4-gke.7"}})
    runner.expect(*cluster.kubectl.argv("version", "--output", "json"), stdout=said)
    values = "--set-string=image.repository=x/shop,image.tag=1.0.0,version.labels.dubbogoAppVersion=v1"
    words = ("template", "shop-v1", "/shop/chart/app", values, "--no-hooks", "--kube-version", "v1.28.4-gke.7")
    runner.expect(*cluster.helm.argv(*words), stdout="kind: Deployment\n")
    assert planned.preview() == "kind: Deployment\n"


def test_values_that_the_chart_refuses(cluster, desk, runner):
    words = "Error: values don't meet the specifications of the schema(s)\n- replicaCount: Invalid type"
    runner.expect(cluster.helm.argv()[0], "upgrade", stderr=words, returncode=1)
    assert desk.told(lambda: cluster.helm.run("upgrade")) == Told(
        2,
        "Error: the chart cannot be rendered with these values\n\n"
        "  Error: values don't meet the specifications of the schema(s)\n  - replicaCount: Invalid type\n\n"
        "Try: helm lint chart/app\n[chart-invalid]\n",
    )


class Deploy(NamedTuple):
    """A deploy of v1 that fails: what there was, the revisions that Helm has then, its lines, and what is said."""

    releases: dict
    statuses: list
    lines: list
    became: str

    def planned(self, shops):
        there = bool(self.releases)
        shops.holds(services=[service()] if there else [], releases=self.releases, rules=RuleSet())
        history(shops, *self.statuses)
        for line in self.lines:
            shops.runner.expect(shops.cluster.helm.argv()[0], *line)
        return Deployment(shops.cluster, request()).plan().steps


BACK, AWAY, ADDRESS = ("rollback", "shop-v1", "1"), ("uninstall", "shop-v1"), ("uninstall", "shop")


def failing(*_):
    raise RolloutError("rollout-failed", "shop-v1 does not become ready", details="no database")


@pytest.mark.parametrize(
    "failed",
    [
        Deploy(RELEASED, ["superseded", "deployed"], [BACK], "shop-v1 is back at revision 1"),
        Deploy(RELEASED, ["deployed"], [AWAY], "shop-v1 is uninstalled again"),
        Deploy({}, ["deployed"], [AWAY, ADDRESS], "shop-v1 and shop are uninstalled again"),
    ],
)
def test_a_version_that_fails_is_taken_back(shops, desk, failed):
    with mock.patch.object(rollout, "wait", failing):
        told = desk.told(failed.planned(shops)[-1].run)
    assert told == Told(
        5,
        f"Error: shop-v1 does not become ready; {failed.became}\n\n  no database\n\n"
        "Try: mend it and deploy again; --no-rollback leaves its pods to look at\n[rollout-failed]\n",
    )


def test_going_back_that_fails_too_leaves_all_as_it_is(shops, desk):
    refusal = "Error: kubernetes cluster unreachable: connection refused"
    shops.runner.expect(shops.cluster.helm.argv()[0], "rollback", stderr=refusal, returncode=1)
    with mock.patch.object(rollout, "wait", failing):
        told = desk.told(Deploy(RELEASED, ["superseded", "deployed"], [], "").planned(shops)[-1].run)
    assert told.text.splitlines()[0] == (
        "Error: shop-v1 does not become ready; to go back failed too, so shop-v1 stays as it is: "
        "the cluster does not answer: kubernetes cluster unreachable: connection refused"
    )


WEBHOOK = 'Error: admission webhook "policy.example.org" denied the request: no label team'
SCHEMA = "Error: values don't meet the specifications of the schema(s)"


@pytest.mark.parametrize(
    ("stderr", "failed"),
    [
        (WEBHOOK, Deploy(RELEASED, ["deployed", "failed"], [BACK], "; shop-v1 is back at revision 1")),
        (WEBHOOK, Deploy({}, ["failed"], [AWAY, ADDRESS], "; shop-v1 and shop are uninstalled again")),
        # Helm keeps no revision of what it could not render.
        (SCHEMA, Deploy(RELEASED, ["deployed"], [], "")),
        (SCHEMA, Deploy({}, [], [ADDRESS], "; shop is uninstalled again")),
    ],
)
def test_a_version_that_cannot_be_made_is_taken_back(shops, desk, stderr, failed):
    shops.runner.expect(shops.cluster.helm.argv()[0], "upgrade", "--install", "shop-v1", stderr=stderr, returncode=1)
    told = desk.told(failed.planned(shops)[-2].run).text.splitlines()[0]
    ending = "these values" if stderr == SCHEMA else "exit status 1"
    assert told.endswith(f"{ending}{failed.became}")


def test_a_version_is_taken_out_of_the_rules_before_its_pods_end(shops, cluster, programs):
    steered = edit.set_weights(RuleSet(), SHOP, {"v1": 60, "v2": 40}, ["v1", "v2"])
    released = {**RELEASED, "shop-v2": "deployed"}
    shops.holds(deployment("v1"), deployment("v2"), services=[service()], releases=released, rules=steered)
    shops.runner.expect(cluster.helm.argv()[0], "get", "manifest", "shop-v2", stdout="kind: Deployment\n")
    with pytest.raises(ConflictError, match="v2 still gets calls by the rules"):
        Removal(cluster, "shop", "v2").plan()
    planned = steps(Removal(cluster, "shop", "shop-v2").plan(force=True), programs)
    assert [title for title, _ in planned] == [
        "apply VirtualService shops/shop",
        "wait until the proxies have VirtualService shops/shop",
        "apply DestinationRule shops/shop (without the subsets that are no longer used)",
        "wait until the proxies have DestinationRule shops/shop",
        "uninstall release shop-v2",
        "wait until the pods of shop-v2 have finished their calls and are gone",
    ]
    assert [line for _, line in planned[-2:]] == [
        f"helm uninstall shop-v2 --ignore-not-found {HELM}",
        f"{KUBECTL} wait pods --for=delete --selector app.kubernetes.io/name=shop,dubbogoAppVersion=v2 --timeout=120s",
    ]


def test_everything_goes_and_the_address_last(shops, cluster):
    steered = edit.set_weights(RuleSet(), SHOP, {"v1": 100}, ["v1"])
    shops.holds(deployment("v1"), services=[service()], releases=RELEASED, rules=steered)
    shops.runner.expect(cluster.helm.argv()[0], "get", "manifest", "shop-v1", stdout="kind: Deployment\n")
    assert titles(Removal(cluster, "shop", None).plan()) == [
        "uninstall release shop-v1",
        "wait until the pods of shop-v1 have finished their calls and are gone",
        "delete VirtualService shops/shop",
        "wait until the proxies have VirtualService shops/shop",
        "delete DestinationRule shops/shop",
        "wait until the proxies have DestinationRule shops/shop",
        "forget what was done to the rules of shop",
        "uninstall release shop",
    ]


def test_what_a_removal_that_was_killed_has_recorded_is_forgotten_by_the_next_one(shops, cluster):
    shops.holds(services=[service()], releases={"shop": "deployed"}, rules=RuleSet())
    find = ("get", "configmap", rules.HISTORY)
    steered = edit.set_weights(RuleSet(), SHOP, {"v1": 100}, ["v1"])
    past = record((), cluster.origin, RuleSet(), steered, 1.0)
    shops.runner.expect(*cluster.kubectl.argv(*find), stdout=json.dumps({"data": {"changes": dumps(past)}}))
    assert titles(Removal(cluster, "shop", None).plan()) == [
        "forget what was done to the rules of shop",
        "uninstall release shop",
    ]


def test_where_nothing_was_recorded_nothing_is_forgotten(shops, cluster):
    shops.holds(services=[service()], releases={"shop": "deployed"}, rules=RuleSet())
    shops.runner.expect(*cluster.kubectl.argv("get", "configmap", rules.HISTORY))
    assert titles(Removal(cluster, "shop", None).plan()) == ["uninstall release shop"]


def test_a_release_of_the_old_chart_leaves_the_service_that_was_taken_over(shops, cluster, programs):
    shops.holds(deployment("v1"), deployment("v2"), services=[service()], releases=RELEASED, rules=RuleSet())
    shops.runner.expect(cluster.helm.argv()[0], "get", "manifest", "shop-v1", stdout="kind: Service\n")
    planned = steps(Removal(cluster, "shop", "v1").plan(), programs)
    assert planned[:2] == [
        (
            "delete what release shop-v1 made, but the Service of all versions",
            f"{KUBECTL} delete deployments,serviceaccounts,horizontalpodautoscalers shop-v1 --ignore-not-found",
        ),
        (
            "have Helm forget release shop-v1",
            f"{KUBECTL} delete secrets,configmaps --selector owner=helm,name=shop-v1",
        ),
    ]


def test_a_deployment_without_a_release_is_not_removed(shops, cluster, desk):
    alone = deployment("v1")
    alone["metadata"]["annotations"] = {}
    shops.holds(alone, rules=RuleSet())
    assert desk.told(Removal(cluster, "shop", "v1").plan) == Told(
        6,
        "Error: Deployment shop-v1 is there, and no Helm release made it\n\n"
        "Try: kubectl delete deployment shop-v1 --namespace shops\n[release-foreign]\n",
    )


def test_what_is_not_deployed_cannot_be_removed(shops, cluster, desk):
    shops.holds(deployment("v1"), services=[service()], releases=RELEASED, rules=RuleSet())
    assert desk.told(Removal(cluster, "shop", "v3").plan) == Told(
        2,
        "Error: shop has no version 'v3' (deployed: v1).\n\n"
        "Try: dubbopy-cli status --namespace shops\n[version-unknown]\n",
    )
    assert desk.told(Removal(cluster, "shopp", "v1").plan) == Told(
        2,
        "Error: no application 'shopp' is deployed in namespace shops. Did you mean 'shop'?\n\n"
        "Try: dubbopy-cli status --namespace shops\n[application-unknown]\n",
    )


def test_the_way_back_is_to_the_revision_before(shops, cluster, programs):
    history(shops, "superseded", "failed", "deployed")
    shops.runner.expect(cluster.helm.argv()[0], "list", stdout="[]")
    assert steps(rollback.rollback(cluster, "shop", "v1"), programs) == [
        ("roll release shop-v1 back to revision 1", f"helm rollback shop-v1 1 {HELM}"),
        (
            "wait at most 60 s until every pod of shop-v1 is ready",
            f"{KUBECTL} rollout status deployment/shop-v1 --timeout=60s",
        ),
    ]
    assert [one.description for one in rollback.revisions(cluster, "shop", "v1")] == ["image 1", "image 2", "image 3"]


@pytest.mark.parametrize(
    ("statuses", "revision", "text"),
    [
        (["deployed"], None, "no former revision to go back to (there are: 1)"),
        (["failed", "deployed"], 1, "no revision 1 that was in force (there are: 1, 2)"),
    ],
)
def test_a_revision_that_is_not_there(shops, desk, statuses, revision, text):
    history(shops, *statuses)
    assert desk.told(lambda: rollback.rollback(shops.cluster, "shop", "v1", revision)) == Told(
        2, f"Error: release shop-v1 has {text}\n\nTry: helm history shop-v1 --namespace shops\n[revision-unknown]\n"
    )


@pytest.mark.parametrize(
    ("name", "statuses", "line"),
    [
        ("shop-v1", ["deployed", "pending-upgrade"], ("rollback", "shop-v1", "1")),
        ("shop-v1", ["pending-install"], ("uninstall", "shop-v1")),
        ("shop", ["pending-install"], ("delete", "secrets,configmaps", "--selector", "owner=helm,name=shop")),
    ],
)
def test_what_a_killed_helm_left_is_freed(shops, monkeypatch, name, statuses, line):
    cluster, runner = shops.cluster, shops.runner
    monkeypatch.setattr("dubbopy_cli.targets.kubernetes.pending._ALIVE_SECONDS", 0)
    found = {"shop": "deployed", "shop-v1": "deployed", name: statuses[-1]}
    shops.holds(services=[service()], releases=found, rules=RuleSet())
    past = [{"revision": at, "updated": "", "status": one} for at, one in enumerate(statuses, 1)]
    runner.expect(cluster.helm.argv()[0], "history", name, stdout=json.dumps(past))
    argv = cluster.kubectl.argv(*line) if line[0] == "delete" else (cluster.helm.argv()[0], *line)
    runner.expect(*argv)
    planned = Deployment(cluster, request()).plan()
    title = f"free release {name}, which a helm that was killed left as {statuses[-1]}"
    next(one for one in planned.steps if one.title == title).run()


def test_a_service_that_is_only_a_name_has_no_port_of_its_own(shops, cluster):
    other = {"metadata": {"name": "shop"}, "spec": {"type": "ExternalName", "externalName": "shop.example.com"}}
    shops.holds(deployment("v1"), services=[other], rules=())
    assert [(one.name, one.port) for one in view.applications(cluster)] == [("shop", 20000)]


def test_another_chart_that_is_called_service_too_is_no_application(shops, cluster, desk):
    other = service() | {"spec": {"ports": [{"port": 80}], "selector": {"app.kubernetes.io/name": "service"}}}
    shops.holds(services=[other], releases={"shop": "deployed"}, rules=())
    assert view.applications(cluster) == ()
    told = desk.told(lambda: Removal(cluster, "shop", None).plan())
    assert told.text.startswith("Error: no application 'shop' is deployed in namespace shops.\n")
