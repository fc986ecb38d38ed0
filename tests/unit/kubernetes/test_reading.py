"""Logs, calls and doctor against kubectl's own words: what is asked, and what a user is told."""

import json
from pathlib import Path

import pytest
import yaml

from dubbopy_cli.targets.base import CallReport, CallRequest, Check
from dubbopy_cli.targets.kubernetes import call, doctor, logs, needs
from tests.errortexts import Told
from tests.shop import RULE_KINDS

ROOT = Path(__file__).parents[3]
READY = [{"type": "Ready", "status": "True"}]
REPORT = {
    "method": "api.Greeter/SayHello", "calls": 3, "ok": 2, "failed": 1, "ids": {"v1.0.0": 1, "v9.9.9": 1},
    "errors": {"UNAVAILABLE": 1}, "latency_ms": {"min": 1.0}, "seconds": 0.5, "answer": {"id": "v1.0.0", "name": "é"},
    "error_message": "no healthy upstream",
}  # fmt: skip


def deployment(name, version, image):
    labels = {"app.kubernetes.io/name": name, "dubbogoAppVersion": version}
    spec = {"template": {"spec": {"containers": [{"name": "app", "image": image}]}}}
    return {"kind": "Deployment", "metadata": {"name": f"{name}-{version}", "labels": labels}, "spec": spec}


def pod(name, *, conditions=READY, calls="stock,shop", labels=(), status=()):
    annotations = {"dubbopy.io/calls": calls, "dubbopy.io/program": "/venv/python -m caller"}
    return {
        "kind": "Pod",
        "metadata": {"name": name, "labels": dict(labels), "annotations": annotations},
        "spec": {"containers": [{"name": "app"}]},
        "status": {"conditions": conditions, **dict(status)},
    }


def listed(*objects):
    return json.dumps({"items": objects})


SHOPS = (deployment("shop", "v1", "x/shop:1.0.0"), deployment("shop", "v2", "x/shop:2.0.0@sha256:0"))


def test_a_call_is_made_by_the_program_of_a_ready_client(cluster, runner):
    others = pod("a", conditions=[]), pod("b", calls="shop-2"), pod("d")
    runner.expect(*cluster.kubectl.argv("get"), stdout=listed(*SHOPS, *others, pod("c")))
    runner.expect(*cluster.kubectl.argv("exec"), stdout=f"a line of a sidecar\n{json.dumps(REPORT)}\n", returncode=1)
    request = CallRequest("shop", "Greeter/SayHello", '{"name": "-a=b"}', (("User", "a=b"),), 3, 2, 0.25)
    assert call.call(cluster, request) == CallReport(
        method="api.Greeter/SayHello",
        calls=3,
        ok=2,
        versions={"v1": 1, "v9.9.9": 1},
        errors={"UNAVAILABLE": 1},
        latency_ms={"min": 1.0},
        seconds=0.5,
        answer='{"id": "v1.0.0", "name": "é"}',
        error_message="no healthy upstream",
    )
    assert runner.calls[-1] == cluster.kubectl.argv(
        "exec", "c", "--container", "app", "--", "/venv/python", "-m", "caller",
        "-n=3", "-c=2", "-o=json", "-timeout=250ms", "-name=-a=b", "-header=user=a=b",
    )  # fmt: skip


def test_calls_of_which_none_was_answered_have_no_latency(cluster, runner):
    none = {**REPORT, "ok": 0, "ids": {}, "latency_ms": {"min": 0}}
    none.pop("answer")
    runner.expect(*cluster.kubectl.argv("get"), stdout=listed(*SHOPS, pod("c")))
    runner.expect(*cluster.kubectl.argv("exec"), stdout=json.dumps(none), returncode=1)
    report = call.call(cluster, CallRequest("shop", count=3))
    assert (report.latency_ms, report.answer, report.versions) == ({}, "", {})


def test_a_single_call_that_two_versions_may_have_answered(cluster, runner):
    alike = (
        deployment("shop", "v1", "x:1.0.0"),
        deployment("shop", "v2", "x:1.0.0"),
        deployment("shop", "v3", "x:9.9.9"),
    )
    runner.expect(*cluster.kubectl.argv("get"), stdout=listed(*alike, pod("c")))
    runner.expect(*cluster.kubectl.argv("exec"), stdout=json.dumps(REPORT))
    assert call.call(cluster, CallRequest("shop")).versions == {"v1.0.0": 1, "v3": 1}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            ((*SHOPS, pod("c", calls="stock")), CallRequest("shop")),
            Told(
                3,
                "Error: no pod of namespace shops is a client of shop, and only a program inside the mesh can call by "
                "its rules\n\n"
                "Try: dubbopy-cli newApp shop-client --role client --server shop, then deploy it\n[client-missing]\n",
            ),
        ),
        (
            ((*SHOPS, pod("d", conditions=[]), pod("c", conditions=[])), CallRequest("shop")),
            Told(
                3,
                "Error: no client of shop is ready to make calls, of these pods: c, d\n\n"
                "Try: dubbopy-cli status --namespace shops\n[not-ready]\n",
            ),
        ),
        (
            ((deployment("shop", "v1", "x:1"), deployment("shop", "v2", "x:1")), CallRequest("shop", count=2)),
            Told(
                6,
                "Error: v1 and v2 of shop both have the tag 1, so what they answer looks the same\n\n"
                "Try: give one of them another image.tag and deploy it again\n[tags-alike]\n",
            ),
        ),
        (
            (None, CallRequest("shop", "Greeter/Bye")),
            Told(
                2,
                "Error: in a cluster calls are made by a client of newApp, and it calls api.Greeter/SayHello only, "
                "not 'Greeter/Bye'\n\n"
                "Try: dubbopy-cli call api.Greeter/SayHello --app shop\n[method-unknown]\n",
            ),
        ),
        *(
            (
                (None, CallRequest("shop", body=body)),
                Told(
                    2,
                    "Error: in a cluster calls are made by a client of newApp, and the only field it sends is the text "
                    "'name'\n\n"
                    'Try: dubbopy-cli call --app shop -d \'{"name": "laurence"}\'\n[body-invalid]\n',
                ),
            )
            for body in ('{"age": 1}', '{"name": 1}')
        ),
    ],
)
def test_calls_that_cannot_be_made(cluster, runner, desk, given, told):
    found, wish = given
    if found is not None:
        runner.expect(*cluster.kubectl.argv("get"), stdout=listed(*found))
    assert desk.told(lambda: call.call(cluster, wish)) == told


def test_a_program_that_does_not_report_is_told_in_its_own_words(cluster, runner, desk):
    runner.expect(*cluster.kubectl.argv("get"), stdout=listed(pod("c")))
    runner.expect(*cluster.kubectl.argv("exec"), stderr="flag provided but not defined: -n", returncode=1)
    assert desk.told(lambda: call.call(cluster, CallRequest("shop"))) == Told(
        1,
        "Error: `TMP/kubectl --context prod --namespace shops exec c --container app -- /venv/python -m caller "
        "-n=1 -c=1 -o=json -timeout=5000ms -name=` ended with exit status 1\n\n"
        "  flag provided but not defined: -n\n\nTry: run that command by hand\n[tool-failed]\n",
    )


def container(state, *, restarts=0, former=False):
    ended = {"lastState": {"terminated": {"exitCode": 1}}} if former else {}
    return [{"name": "app", "containerID": f"c{restarts}", "restartCount": restarts, "state": {state: {}}, **ended}]


def stamped(second, text):
    return f"2026-01-01T00:00:{second:02}.000000001Z {text}\n"


def lines(cluster, runner, containers, **options):
    labels = {"dubbogoAppVersion": "v1"}
    pods = [pod(name, labels=labels, status={"containerStatuses": one}.items()) for name, one in containers.items()]
    runner.expect(*cluster.kubectl.argv("get", "pods"), stdout=listed(*pods))
    found = logs.read(cluster, "shop", None, **{"follow": False, "since": None, "tail": None, **options})
    return [(one.instance, one.version, one.time - 1767225600, one.text) for one in found]


def test_lines_of_several_pods_stand_in_the_order_of_time(cluster, runner):
    words = cluster.kubectl.argv("logs")
    runner.expect(*words, "a", stdout=f"unable to look\n{stamped(1, 'one')}{stamped(3, 'three')}half\n")
    runner.expect(*words, "b", stdout=stamped(2, "two"))
    runner.expect(*words, "c", stderr='container "app" in pod "c" is waiting to start: ImagePull', returncode=1)
    names = {name: container("running") for name in ("a", "b")} | {"c": container("waiting")}
    assert lines(cluster, runner, names) == [
        ("a", "v1", pytest.approx(1), "one"),
        ("b", "v1", pytest.approx(2), "two"),
        ("a", "v1", pytest.approx(3), "three"),
        ("a", "v1", pytest.approx(3), "half"),
    ]


@pytest.mark.parametrize(
    ("present", "tail", "texts"),
    [
        ("", None, ["dying", "dead"]),
        (stamped(5, "alive"), None, ["dying", "dead", "alive"]),
        (stamped(5, "alive"), 2, ["dead", "alive"]),
        # While it waits for its next start the present log is the former one.
        (stamped(3, "dying") + stamped(4, "dead"), None, ["dying", "dead"]),
        ("", 0, []),
    ],
)
def test_the_former_log_of_a_container_that_crashed_comes_first(cluster, runner, present, tail, texts):
    last = [f"--tail={max(tail, 1)}"] if tail is not None else []
    words = cluster.kubectl.argv("logs", "a", "--container", "app", "--timestamps", *last)
    former = (stamped(3, "dying") + stamped(4, "dead")).splitlines(keepends=True)
    if tail != 0:
        runner.expect(*words, "--previous", stdout="".join(former[-(tail or 2) :]))
    runner.expect(*words, stdout=present)
    crashed = {"a": container("running", restarts=1, former=True)}
    assert [one[3] for one in lines(cluster, runner, crashed, tail=tail)] == texts


def test_a_span_of_time_is_asked_in_whole_seconds(cluster, runner):
    runner.expect(*cluster.kubectl.argv("logs", "a", "--container", "app", "--timestamps", "--since=2s"))
    assert lines(cluster, runner, {"a": container("running")}, since=1.5) == []


def namespace(**labels):
    return json.dumps({"metadata": {"name": "shops", "labels": labels}})


def rules_of(*purposes):
    return [
        {"apiGroups": [need.group], "resources": list(need.resources), "verbs": list(need.verbs)}
        for need in needs.NEEDS
        if need.purpose in purposes
    ]


def review(rules, *, incomplete=False):
    return json.dumps({"kind": "SelfSubjectRulesReview", "status": {"resourceRules": rules, "incomplete": incomplete}})


KINDS = "destinationrules.networking.istio.io\nvirtualservices.networking.istio.io\n"
INJECTED = namespace(**{"istio-injection": "enabled"})


@pytest.mark.parametrize(
    "case",
    [
        ({"istio-injection": "enabled"}, KINDS, rules_of(needs.LOOK, needs.LOCK, needs.DEPLOY), Told(0, "")),
        ({"istio.io/rev": "canary"}, KINDS, rules_of(needs.LOOK, needs.LOCK, needs.DEPLOY), Told(0, "")),
        (
            {"istio-injection": "disabled"},
            KINDS,
            rules_of(needs.LOOK, needs.LOCK, needs.DEPLOY),
            Told(
                3,
                "Error: pods of namespace shops get no sidecar, so no traffic rules would act on their calls\n\n"
                "Try: kubectl label namespace shops istio-injection=enabled --overwrite\n[injection-off]\n",
            ),
        ),
        (
            {},
            "",
            rules_of(needs.LOOK, needs.LOCK, needs.DEPLOY),
            Told(
                3,
                "Error: the cluster has no Istio: it knows no traffic rules\n\n"
                "Try: install Istio: https://istio.io/latest/docs/setup/\n[istio-missing]\n",
            ),
        ),
        (
            {},
            KINDS,
            [
                *rules_of(needs.LOOK, needs.LOCK, needs.DEPLOY)[:-1],
                {"apiGroups": ["policy"], "resources": ["*"], "verbs": ["get"]},
            ],
            Told(
                3,
                "Error: a deploy needs rights in namespace shops that you do not have\n\n"
                "  list poddisruptionbudgets\n  watch poddisruptionbudgets\n  create poddisruptionbudgets\n"
                "  update poddisruptionbudgets\n  patch poddisruptionbudgets\n  delete poddisruptionbudgets\n\n"
                "Try: ask for the Role in docs/how-to/kubernetes-rbac.md; "
                "kubectl auth can-i list poddisruptionbudgets.policy --namespace shops\n[cluster-forbidden]\n",
            ),
        ),
    ],
)
def test_what_keeps_a_deploy_from_succeeding(cluster, runner, desk, case):
    labels, kinds, rules, told = case
    runner.expect(*cluster.kubectl.argv("get", "namespace"), stdout=namespace(**labels))
    runner.expect(*cluster.kubectl.argv("create"), stdout=review(rules))
    runner.expect(*cluster.kubectl.argv("api-resources"), stdout=kinds)
    assert desk.told(lambda: doctor.preflight(cluster)) == told


def test_a_deploy_without_a_mesh_asks_nothing_about_one(cluster, runner):
    runner.expect(*cluster.kubectl.argv("get", "namespace"), stdout=namespace())
    runner.expect(*cluster.kubectl.argv("create"), stdout=review(rules_of(needs.LOOK, needs.LOCK, needs.DEPLOY)))
    doctor.preflight(cluster, mesh=False)


def test_a_cluster_that_cannot_list_rights_is_asked_for_each(cluster, runner):
    # The same text answers both questions: no rights listed, then the first right given and the second one not.
    first = {"status": {"resourceRules": [], "incomplete": True, "allowed": True}}
    both = f"{json.dumps(first)}\n{json.dumps({'status': {'allowed': False}})}\n"
    runner.expect(*cluster.kubectl.argv("create"), stdout=both)
    assert needs.missing(cluster, [needs.CALL]) == {needs.CALL: [needs.Right("create", "pods/exec", "")]}
    assert len(runner.calls) == 2


def test_doctor_of_a_cluster_in_which_all_is_well(cluster, runner, programs):
    kubectl = cluster.kubectl.argv
    version = {"clientVersion": {"gitVersion": "v1.33.1"}, "serverVersion": {"gitVersion": "v1.34.9"}}
    runner.expect(*kubectl("version"), stdout=json.dumps(version))
    runner.expect(cluster.helm.argv()[0], "version", stdout="v4.1.4")
    runner.expect(*kubectl("get", "namespace"), stdout=INJECTED)
    runner.expect(*kubectl("api-resources"), stdout=KINDS)
    istiod = {"name": "discovery", "image": "x:5000/pilot:1.31.0"}
    own = {**pod("istiod"), "spec": {"containers": [istiod]}}
    own["metadata"]["namespace"] = "istio-system"
    runner.expect(*kubectl("get", everywhere=True), stdout=listed(own))
    runner.expect(*kubectl("get", "pods"), stdout=listed())
    runner.expect(*kubectl("create"), stdout=review(rules_of(*needs.EVERY)))
    runner.expect(cluster.helm.argv()[0], "list", stdout="[]")
    runner.expect(*kubectl("get", "services"), stdout=listed())
    runner.expect(*kubectl("get", RULE_KINDS), stdout=listed())
    assert doctor.checks(cluster) == (
        Check("kubectl", "ok", f"v1.33.1 at {programs}/kubectl"),
        Check("helm", "ok", f"v4.1.4 at {programs}/helm"),
        Check("cluster", "ok", "Kubernetes v1.34.9, context prod"),
        Check("namespace", "ok", "shops"),
        Check("istio", "ok", "istiod 1.31.0 in istio-system"),
        Check("sidecars", "ok", "injected"),
        *(Check(f"rights for {purpose}", "ok", "all") for purpose in needs.EVERY),
        Check("releases", "ok", "0, none pending or failed"),
        Check("leftovers", "ok", "none"),
    )


def test_doctor_of_a_cluster_in_which_nothing_is_well(cluster, runner, programs):
    kubectl = cluster.kubectl.argv
    version = {"clientVersion": {"gitVersion": "v1.33.1"}, "serverVersion": {"gitVersion": "v1.36.0"}}
    runner.expect(*kubectl("version"), stdout=json.dumps(version))
    runner.expect(cluster.helm.argv()[0], "version", stdout="v2.17.0")
    runner.expect(*kubectl("get", "namespace"), stdout=namespace())
    runner.expect(*kubectl("api-resources"), stdout=KINDS)
    runner.expect(*kubectl("get", everywhere=True), stdout=listed())
    runner.expect(*kubectl("get", "pods"), stdout=listed())
    runner.expect(*kubectl("create"), stdout=review(rules_of(needs.LOOK)))
    releases = [
        {"name": name, "revision": "2", "status": status, "chart": "shop-0.1.0", "updated": "now"}
        for name, status in (("shop-v1", "pending-upgrade"), ("shop-v2", "failed"))
    ]
    runner.expect(cluster.helm.argv()[0], "list", stdout=json.dumps(releases))
    runner.expect(*kubectl("get", "services"), stdout=listed())
    rule = {
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": "shop", "namespace": "shops"}, "spec": {"hosts": ["shop"]},
    }  # fmt: skip
    runner.expect(*kubectl("get", RULE_KINDS), stdout=listed(rule))
    found = {one.name: one for one in doctor.checks(cluster) if one.state != "ok"}
    role = "; the Role is in docs/how-to/kubernetes-rbac.md"
    assert found["version skew"] == Check(
        "version skew", "warning", "kubectl v1.33.1 and the server v1.36.0 are more than one minor version apart",
        "install kubectl 1.36",
    )  # fmt: skip
    assert found["helm"] == Check(
        "helm", "warning", f"v2.17.0 at {programs}/helm was never tried", "install Helm 3 or 4"
    )
    assert found["istio"] == Check(
        "istio", "error", "no istiod is ready", "kubectl get pods --all-namespaces --selector app=istiod"
    )
    assert found["sidecars"] == Check(
        "sidecars", "warning", "pods of namespace shops get none",
        "kubectl label namespace shops istio-injection=enabled --overwrite",
    )  # fmt: skip
    assert found["rights for call"] == Check(
        "rights for call", "warning", "missing: get pods/exec, create pods/exec",
        f"kubectl auth can-i get pods --subresource exec --namespace shops{role}",
    )  # fmt: skip
    assert found["releases"] == Check(
        "releases", "warning", "the last change of shop-v2 failed", "helm history shop-v2 --namespace shops"
    )
    assert found["leftovers"] == Check(
        "leftovers", "warning", "VirtualService shops/shop is about a Service that is not there",
        "kubectl delete virtualservice.networking.istio.io shop --namespace shops",
    )  # fmt: skip
    assert len(found) == 11


def test_doctor_of_a_cluster_that_does_not_answer(cluster, runner, programs):
    said = json.dumps({"clientVersion": {"gitVersion": "v1.33.1"}})
    refused = "The connection to the server 127.0.0.1:1 was refused"
    runner.expect(*cluster.kubectl.argv("version"), stdout=said, stderr=refused, returncode=1)
    runner.expect(cluster.helm.argv()[0], "version", stdout="v3.17.2")
    assert doctor.checks(cluster) == (
        Check("kubectl", "ok", f"v1.33.1 at {programs}/kubectl"),
        Check("helm", "ok", f"v3.17.2 at {programs}/helm"),
        Check("cluster", "error", f"the cluster does not answer: {refused}", "kubectl cluster-info"),
    )


def test_the_role_of_the_docs_is_what_the_tool_needs():
    role = yaml.safe_load((ROOT / "docs/reference/kubernetes-role.yaml").read_text(encoding="utf-8"))
    found = [(rule["apiGroups"], tuple(rule["resources"]), tuple(rule["verbs"])) for rule in role["rules"]]
    assert found == [([need.group], need.resources, need.verbs) for need in needs.NEEDS]
