"""kubectl and Helm as programs: their lines, and what a user is told of their failures, whole."""

import json
from dataclasses import replace
from unittest import mock

import pytest

from dubbopy_cli.errors import UnreachableError
from dubbopy_cli.process import Completed
from dubbopy_cli.targets.kubernetes import rollout, rules
from dubbopy_cli.targets.kubernetes.faults import fault
from dubbopy_cli.targets.kubernetes.helm import Helm
from dubbopy_cli.targets.kubernetes.kubectl import Kubectl
from dubbopy_cli.traffic import edit
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import RuleSet
from dubbopy_cli.traffic.plan import plan
from tests.errortexts import Told
from tests.fakes import FakeRunner

SHOP = Service("shop", "shops")
FORBIDDEN, CANNOT = "Error from server (Forbidden): ", 'is forbidden: User "ada" cannot'


@pytest.mark.parametrize(
    ("stderr", "told"),
    [
        (
            'error: context "prd" does not exist',
            Told(2, "Error: there is no context prd\n\nTry: kubectl config get-contexts\n[context-unknown]\n"),
        ),
        (
            'Error from server (NotFound): namespaces "shops" not found',
            Told(3, "Error: there is no namespace shops\n\nTry: kubectl create namespace shops\n[namespace-missing]\n"),
        ),
        *(
            (
                words,
                Told(2, "Error: there is no context prd\n\nTry: kubectl config get-contexts\n[context-unknown]\n"),
            )
            for words in (
                "Error in configuration: context was not found for specified context: prd",
                'Error: Kubernetes cluster unreachable: context "prd" does not exist',
                'Error: kubernetes cluster unreachable: context "prd" does not exist',
            )
        ),
        *(
            (
                words,
                Told(
                    2,
                    "Error: kubectl's configuration names no cluster\n\n"
                    "Try: kubectl config get-contexts\n[context-unknown]\n",
                ),
            )
            for words in (
                "The connection to the server localhost:8080 was refused - did you specify the right host or port?",
                'Error: kubernetes cluster unreachable: Get "http://localhost:8080/version": dial tcp 127.0.0.1:8080: '
                "connect: connection refused",
            )
        ),
        (
            'Error: create: failed to create: namespaces "shops" not found',
            Told(3, "Error: there is no namespace shops\n\nTry: kubectl create namespace shops\n[namespace-missing]\n"),
        ),
        (
            f'{FORBIDDEN}pods {CANNOT} list resource "pods" in API group "" in the namespace "shops"\n'
            f'{FORBIDDEN}deployments.apps {CANNOT} list resource "deployments" in API group "apps" in the namespace '
            '"shops"',
            Told(
                3,
                "Error: ada may not list pods, deployments\n\n"
                f'  {FORBIDDEN}pods {CANNOT} list resource "pods" in API group "" in the namespace "shops"\n'
                f'  {FORBIDDEN}deployments.apps {CANNOT} list resource "deployments" in API group "apps" in the '
                'namespace "shops"\n\n'
                "Try: ask for a role that may; kubectl auth can-i list pods --namespace shops shows it\n"
                "[cluster-forbidden]\n",
            ),
        ),
        (
            f'Error: list: failed to list: secrets {CANNOT} list resource "secrets" in API group ""',
            Told(
                3,
                "Error: ada may not list secrets\n\n"
                f'  Error: list: failed to list: secrets {CANNOT} list resource "secrets" in API group ""\n\n'
                "Try: ask for a role that may; kubectl auth can-i list secrets shows it\n[cluster-forbidden]\n",
            ),
        ),
        (
            "Error: Kubernetes cluster unreachable: the server has asked for the client to provide credentials",
            Told(
                4,
                "Error: the cluster does not let us in: Kubernetes cluster unreachable: the server has asked for "
                "the client to provide credentials\n\n"
                "Try: log in, then: kubectl auth whoami\n[cluster-denied]\n",
            ),
        ),
        (
            "error: You must be logged in to the server (Unauthorized)",
            Told(
                4,
                "Error: the cluster does not let us in: error: You must be logged in to the server (Unauthorized)\n\n"
                "Try: log in, then: kubectl auth whoami\n[cluster-denied]\n",
            ),
        ),
        (
            "The connection to the server 127.0.0.1:1 was refused",
            Told(
                4,
                "Error: the cluster does not answer: The connection to the server 127.0.0.1:1 was refused\n\n"
                "Try: kubectl cluster-info\n[cluster-unreachable]\n",
            ),
        ),
        (
            "what?",
            Told(
                1,
                "Error: `kubectl get pods` ended with exit status 1\n\n  what?\n\n"
                "Try: run that command by hand\n[tool-failed]\n",
            ),
        ),
    ],
)
def test_failures_are_told_by_their_cause(desk, stderr, told):
    def fail():
        raise fault(Completed(("kubectl", "get", "pods"), 1, "", stderr))

    assert desk.told(fail) == told


@pytest.mark.parametrize(("name", "install", "tool"), [("kubectl", "kubectl", Kubectl), ("helm", "Helm 3 or 4", Helm)])
def test_a_program_that_is_not_there(desk, monkeypatch, name, install, tool):
    variable = f"DUBBOPY_{name.upper()}"
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv(variable, "")
    assert desk.told(lambda: tool(FakeRunner(), "", "shops").argv("version")) == Told(
        3, f"Error: {name} is not installed\n\nTry: install {install}, or set {variable}\n[tool-missing]\n"
    )
    monkeypatch.setenv(variable, f"/nowhere/{name}")
    assert desk.told(lambda: tool(FakeRunner(), "", "shops").argv("version")) == Told(
        3,
        f"Error: {variable} names /nowhere/{name}, which is no program\n\n"
        f"Try: unset {variable}, or mend it\n[tool-missing]\n",
    )


def test_every_line_names_its_context_and_namespace(programs):
    kubectl, helm = Kubectl(FakeRunner(), "prod", "shops"), Helm(FakeRunner(), "prod", "shops")
    assert kubectl.argv("get", "pods")[1:] == ("--context", "prod", "--namespace", "shops", "get", "pods")
    assert helm.argv("list")[1:] == ("list", "--kube-context", "prod", "--namespace", "shops")
    assert Kubectl(FakeRunner(), "", "shops").argv("version", everywhere=True)[1:] == ("version",)


def test_a_cluster_without_istio_has_no_rules(cluster, runner):
    runner.expect(*cluster.kubectl.argv("get"), stderr="error: the server doesn't have a resource type", returncode=1)
    assert rules.read(cluster) == RuleSet()


def test_what_a_server_adds_is_no_part_of_a_rule(cluster, runner):
    node = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {
            "name": "shop", "namespace": "shops", "uid": "1", "resourceVersion": "2", "generation": 3,
            "creationTimestamp": "2026-01-01T00:00:00Z", "managedFields": [],
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
        },
        "spec": {"hosts": ["shop"]},
        "status": {},
    }  # fmt: skip
    runner.expect(*cluster.kubectl.argv("get"), stdout=json.dumps({"items": [node]}))
    (rule,) = rules.read(cluster)
    assert rule.document == {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "shop", "namespace": "shops", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"hosts": ["shop"]},
    }


def test_a_change_is_a_plan_of_lines_that_can_be_typed(cluster, runner, programs):
    runner.expect(*cluster.kubectl.argv("get"), stdout='{"items": []}')
    planned = rules.apply(cluster, edit.set_weights(RuleSet(), SHOP, {"v1": 100}, ["v1"]))
    line = (
        f"{programs}/kubectl --context prod --namespace shops apply --server-side --field-manager dubbopy --filename -"
    )
    assert [step.to_dict() for step in planned.steps] == [
        {"title": "apply DestinationRule shops/shop", "command": line},
        {"title": "wait until the proxies have DestinationRule shops/shop"},
        {"title": "apply VirtualService shops/shop", "command": line},
        {"title": "wait until the proxies have VirtualService shops/shop"},
    ]


@pytest.mark.parametrize(
    ("stderr", "told"),
    [
        (
            'error: Apply failed with 1 conflict: conflict with "kubectl-client-side-apply": .spec.subsets',
            Told(
                6,
                "Error: DestinationRule shops/shop has fields that kubectl-client-side-apply manages; two managers of "
                "one field undo each other\n\n"
                "Try: change it there, or take the fields over with --force\n[rules-refused]\n",
            ),
        ),
        (
            'error: no matches for kind "DestinationRule" in version "networking.istio.io/v1"',
            Told(
                3,
                "Error: the cluster knows no kind DestinationRule: Istio is not installed in it\n\n"
                "Try: install Istio: https://istio.io/latest/docs/setup/\n[istio-missing]\n",
            ),
        ),
        (
            'admission webhook "rev.validation.istio.io" denied the request: bad host',
            Told(
                6,
                "Error: DestinationRule shops/shop is refused: bad host\n\n"
                "Try: dubbopy-cli traffic lint\n[rules-refused]\n",
            ),
        ),
    ],
)
def test_an_apply_that_is_refused_is_told_by_its_cause(cluster, runner, desk, stderr, told):
    runner.expect(*cluster.kubectl.argv("get", "configmap"))
    runner.expect(*cluster.kubectl.argv("create"))
    runner.expect(*cluster.kubectl.argv("apply"), stderr=stderr, returncode=1)
    wanted = edit.subsets(RuleSet(), SHOP, ["v1"])
    (step,) = plan(RuleSet(), wanted)
    assert desk.told(lambda: rules._change(cluster, step, RuleSet(), wanted, force=False)) == told


def test_a_version_that_does_not_become_ready_in_time(cluster, runner, desk):
    runner.expect(*cluster.kubectl.argv("get", "deployments,replicasets,pods"), stdout='{"items": []}')
    runner.expect(*cluster.kubectl.argv("get", "events"), stdout='{"items": []}')
    assert desk.told(lambda: rollout.wait(cluster, "shop", "v1", 0)) == Told(
        5,
        "Error: shop-v1 is not ready after 0 s: waiting for its pods\n\n"
        "Try: kubectl describe pods --namespace shops\n[rollout-failed]\n",
    )


AWAY = UnreachableError("cluster-unreachable", "the cluster does not answer: refused", hint="kubectl cluster-info")
THERE = rollout.Look(done=True, state="", cause=None, pods=())


def test_a_cluster_that_is_away_for_a_moment_is_asked_again(cluster, desk, monkeypatch):
    said = []
    monkeypatch.setattr(rollout.time, "sleep", lambda _: None)
    monkeypatch.setattr(rollout, "look", mock.Mock(side_effect=[AWAY, AWAY, THERE]))
    rollout.wait(replace(cluster, say=said.append), "shop", "v1", 60)
    assert said == ["    the cluster does not answer: refused; it is asked again for 60 s"]
    monkeypatch.setattr(rollout, "_AWAY_SECONDS", 0)
    monkeypatch.setattr(rollout, "look", mock.Mock(side_effect=AWAY))
    assert desk.told(lambda: rollout.wait(cluster, "shop", "v1", 60)) == Told(
        4,
        "Error: the cluster does not answer: refused\n\nTry: kubectl cluster-info\n[cluster-unreachable]\n",
    )


def test_what_keeps_a_version_from_being_ready_is_named_while_it_is_waited_for(cluster, runner, monkeypatch):
    said = []
    event = {"type": "Warning", "reason": "Unhealthy", "message": "Readiness probe failed", "lastTimestamp": "1"}
    events = {"items": [{**event, "involvedObject": {"name": "p"}}]}
    runner.expect(*cluster.kubectl.argv("get", "events"), stdout=json.dumps(events))
    runner.expect(*cluster.kubectl.argv("rollout", "status", "deployment/shop-v1", "--timeout=60s"), returncode=1)
    waiting = rollout.Look(done=False, state="1 wanted: 1 not ready", cause=None, pods=("p",))
    monkeypatch.setattr(rollout, "_HEARTBEAT_SECONDS", 0)
    monkeypatch.setattr(rollout.time, "sleep", lambda _: None)
    monkeypatch.setattr(rollout, "look", mock.Mock(side_effect=[waiting, waiting, THERE]))
    rollout.wait(replace(cluster, say=said.append), "shop", "v1", 60)
    assert said == ["    1 wanted: 1 not ready", "    1 wanted: 1 not ready; FailingProbe: Readiness probe failed"]


def test_the_end_of_a_rollout_is_seen_as_soon_as_kubectl_has_seen_it(cluster, runner, monkeypatch):
    runner.expect(*cluster.kubectl.argv("rollout", "status"), stdout="Waiting\nsuccessfully rolled out\n")
    waiting = rollout.Look(done=False, state="1 wanted: 1 not ready", cause=None, pods=("p",))
    monkeypatch.setattr(rollout, "_POLL_SECONDS", 3600)
    monkeypatch.setattr(rollout, "look", mock.Mock(side_effect=[waiting]))
    rollout.wait(cluster, "shop", "v1", 7200)


def test_a_program_that_crashes_is_told_with_its_last_lines(cluster, runner, desk):
    labels = {"pod-template-hash": "a"}
    crash = {"name": "app", "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 3}
    crash["lastState"] = {"terminated": {"exitCode": 3}}
    items = [
        {"kind": "Deployment", "metadata": {"name": "shop-v1"}, "spec": {"replicas": 1}},
        {"kind": "ReplicaSet", "metadata": {"name": "r", "labels": labels}},
        {"kind": "Pod", "metadata": {"name": "p", "labels": labels}, "status": {"containerStatuses": [crash]}},
    ]
    runner.expect(*cluster.kubectl.argv("get", "deployments,replicasets,pods"), stdout=json.dumps({"items": items}))
    runner.expect(*cluster.kubectl.argv("logs", "p"), stdout="cannot start: no database\n")
    assert desk.told(lambda: rollout.wait(cluster, "shop", "v1", 60)) == Told(
        5,
        "Error: shop-v1 does not become ready: CrashLoopBackOff: container app ended with exit status 3 (pod p)\n\n"
        "  cannot start: no database\n\nTry: kubectl describe pod p --namespace shops\n[rollout-failed]\n",
    )


def test_pods_that_do_not_end(cluster, runner, desk):
    runner.expect(*cluster.kubectl.argv("get", "pods"), stdout='{"items": [{"metadata": {"name": "p"}}]}')
    assert desk.told(lambda: rollout.wait_gone(cluster, "shop", "v1", 0)) == Told(
        5,
        "Error: these pods have not ended after 0 s: p\n\n"
        "Try: kubectl describe pods --namespace shops --selector app.kubernetes.io/name=shop,dubbogoAppVersion=v1\n"
        "[rollout-failed]\n",
    )


def test_releases_that_a_killed_helm_left_are_seen(cluster, runner):
    found = [{"name": "shop-v1", "revision": "2", "status": "pending-upgrade", "chart": "shop-0.1.0", "updated": "now"}]
    runner.expect(cluster.helm.argv()[0], "list", stdout=json.dumps(found))
    release = cluster.helm.releases()["shop-v1"]
    assert (release.revision, release.pending) == (2, True)
