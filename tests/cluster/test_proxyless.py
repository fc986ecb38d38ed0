"""Proxyless programs and a real istiod: the rows of the tutorial that they follow, and why the others are refused."""

from __future__ import annotations

import json
import os
import shlex
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from dubbopy_cli.cli.traffic.change import counts, proxyless
from dubbopy_cli.errors import ConflictError, PreflightError
from dubbopy_cli.process import SubprocessRunner
from dubbopy_cli.targets.base import Check
from dubbopy_cli.targets.kubernetes import doctor, rules, view
from dubbopy_cli.targets.kubernetes import proxyless as istiod
from dubbopy_cli.targets.kubernetes.cluster import Cluster as Engine
from dubbopy_cli.targets.kubernetes.helm import Helm
from dubbopy_cli.targets.kubernetes.kubectl import Kubectl
from dubbopy_cli.traffic import edit
from dubbopy_cli.traffic.binomial import plausible
from dubbopy_cli.traffic.check import check
from dubbopy_cli.traffic.findings import enforce
from dubbopy_cli.traffic.history import Origin
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import RuleSet
from tests.cluster.harness.cluster import Cluster
from tests.cluster.harness.progress import HarnessError
from tests.cluster.pods import CLIENT, SERVER, deployed, whole
from tests.local.go._project import TAG, Project
from tests.programs import eventually
from tests.rules import SOURCE_90_10, SOURCE_ALL_TO_V1, SOURCE_DESTINATION_RULE

pytestmark = pytest.mark.slow

VERSIONS = ["v1", "v2"]
ID = {"v1": f"v{TAG}", "v2": f"v2 of {TAG}"}
CALLER = f"deployment/{CLIENT}-v1"
SYSTEM = ("-n", istiod.ISTIO_NAMESPACE)
MINUTE = 60


@dataclass(frozen=True)
class Lab:
    """Two versions of a server and a client, none with a sidecar, in a namespace whose other pods would get one."""

    cluster: Cluster
    namespace: str

    def checks(self) -> tuple[Check, ...]:
        found = self.cluster.get(istiod.KINDS, *SYSTEM, "-l", istiod.SELECTOR)["items"]
        return istiod.checks(found, self.namespace)

    def run(self, hint: str) -> None:
        """Do what a hint says, and wait until the only istiod is the one that it made."""
        program, *words = shlex.split(hint)
        assert program == "kubectl"
        self.cluster.kube(*words)
        self.cluster.kube(*SYSTEM, "rollout", "status", f"deployment/{istiod.ISTIOD}", "--timeout=120s")
        eventually(lambda: len(self.istiods()) == 1, "the former istiod is gone", 2 * MINUTE)

    def istiods(self) -> list[object]:
        return list(self.cluster.get("pods", *SYSTEM, "-l", istiod.SELECTOR)["items"])

    def restart(self, deployment: str) -> None:
        self.cluster.kube("-n", self.namespace, "rollout", "restart", deployment)
        self.cluster.kube("-n", self.namespace, "rollout", "status", deployment, "--timeout=120s")

    def restart_client(self) -> None:
        self.restart(CALLER)
        eventually(lambda: any("call server response" in line for line in self.said()), "the client calls", MINUTE)

    def said(self, *options: str) -> list[str]:
        """Return what the client that runs has logged."""
        return self.cluster.kube("-n", self.namespace, "logs", CALLER, *options, check=False).splitlines()

    def calls_go_to(self, version: str) -> bool:
        """Tell whether the client that runs, and one that starts now, call this version alone."""
        line = f'INFO call server response = name:"Hello laurence" id:"{ID[version]}"'
        last = self.said("--tail=3")
        return len(last) == 3 and all(one.endswith(line) for one in last) and self.calls(20) == {ID[version]: 20}

    def calls(self, count: int, workers: int = 1) -> Counter[str]:
        """Make calls by a client that starts now; return who answered, HarnessError if one got no answer."""
        words = ("-n", self.namespace, "exec", CALLER, "-c", "app", "--", "/dubbogo/app", "-o", "json")
        return Counter(json.loads(self.cluster.kube(*words, "-n", str(count), "-c", str(workers)))["ids"])

    def source(self, *texts: str) -> None:
        """Apply files of the tutorial's source as it does."""
        self.cluster.kube("-n", self.namespace, "apply", "-f", "-", input="---\n".join(texts))

    def engine(self, run: str) -> Engine:
        runner, place = SubprocessRunner(), (self.cluster.context, self.namespace)
        tools = Kubectl(runner, *place), Helm(runner, *place)
        return Engine(self.namespace, *tools, lambda _: None, Origin("dubbopy-cli", "ada@desk", run))

    @property
    def service(self) -> Service:
        return Service(SERVER, self.namespace)


@pytest.fixture(scope="module")
def closed(cluster, pytestconfig, tmp_path_factory):
    """The lab with an istiod that lets nobody in."""
    lab = Lab(cluster, f"proxyless-{os.getpid()}")
    metadata = {"name": lab.namespace, "labels": {"istio-injection": "enabled"}}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    cache = pytestconfig.cache.mkdir("go-projects")
    answers = ('"v" + tag', '"v2 of " + tag')
    second = Project("server", mesh="proxyless", edits={"pkg/service/service.go": answers})
    folders = {
        (SERVER, "v1"): whole(Project("server", mesh="proxyless"), cache),
        (SERVER, "v2"): whole(second, cache),
        (CLIENT, "v1"): whole(Project("client", mesh="proxyless"), cache),
    }
    for (name, version), folder in folders.items():
        image = f"localhost:5000/proxyless-{name}"
        cluster.load_project(folder, f"{image}:{version}")
        if version == "v1":
            deployed(cluster, lab.namespace, cluster.helm4, name, folder / "chart/service")
        settings = {"repository": image, "tag": version, "pullPolicy": "IfNotPresent"}
        options = {f"image.{key}": value for key, value in settings.items()}
        options["version.labels.dubbogoAppVersion"] = version
        if name == SERVER:
            deployed(cluster, lab.namespace, cluster.helm4, f"{name}-{version}", folder / "chart/app", **options)
            continue
        # Without --wait: this one ends again and again until istiod lets it in.
        words = ("upgrade", "--install", f"{name}-{version}", folder / "chart/app", "--namespace", lab.namespace)
        cluster.run(cluster.helm4, *words, *(f"--set={key}={value}" for key, value in options.items()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(cluster.kubeconfig))
        patch.setenv("DUBBOPY_KUBECTL", str(cluster.kubectl))
        patch.setenv("DUBBOPY_HELM", str(cluster.helm4))
        yield lab
    cluster.kube("delete", "namespace", lab.namespace, "--wait=false")


@pytest.fixture(scope="module")
def opened(closed):
    """The lab after the hint of the preflight was followed."""
    closed.run(closed.checks()[0].hint)
    closed.restart_client()
    yield closed
    closed.run(f"kubectl -n istio-system set env deployment/istiod {istiod.ALLOWED}-")


@pytest.fixture
def lab(opened):
    """The lab without a rule, before and after."""
    yield opened
    # In the order that loses no call: the client logs each one that is lost.
    rules.apply(opened.engine("taken away"), RuleSet()).apply()


def test_a_client_that_istiod_does_not_let_in_ends_and_says_what_istiod_needs(closed):
    access, replicas = closed.checks()
    assert access == Check(
        "istiod's debug interface",
        "error",
        f"clients in {closed.namespace} are answered 403 and find no server: {istiod.ALLOWED} does not name it",
        f"kubectl -n istio-system set env deployment/istiod {istiod.ALLOWED}={closed.namespace}",
    )
    assert replicas.state == "ok"
    with pytest.raises(PreflightError) as refused:
        doctor.proxyless_preflight(closed.engine("refused"), CLIENT)
    assert refused.value.hint == access.hint
    needs = f"does not let this namespace read its registrations: its environment must have {istiod.ALLOWED})"
    eventually(lambda: any(one.endswith(needs) for one in closed.said()), "the client says why it ends", MINUTE)


def test_the_hint_lets_it_in_and_both_versions_answer(lab):
    doctor.proxyless_preflight(lab.engine("let in"), CLIENT)
    assert [one.state for one in doctor.checks(lab.engine("doctor")) if one in lab.checks()] == ["ok", "ok"]
    assert set(lab.calls(100)) == set(ID.values())
    eventually(lambda: len({line.rpartition("id:")[2] for line in lab.said()} - {""}) >= 2, "both are logged", MINUTE)
    pods = lab.cluster.get("pods", "-n", lab.namespace, "-l", "dubbopy.io/mesh=proxyless")["items"]
    assert len(pods) == 3
    assert all([one["name"] for one in pod["spec"]["containers"]] == ["app"] for pod in pods)
    assert {one.name: one.mesh for one in view.applications(lab.engine("look"))} == {
        CLIENT: "proxyless", SERVER: "proxyless",
    }  # fmt: skip


def test_the_source_s_files_send_all_to_v1_and_then_every_tenth_to_v2(lab):
    lab.source(SOURCE_DESTINATION_RULE, SOURCE_ALL_TO_V1)
    eventually(lambda: lab.calls_go_to("v1"), "all calls go to v1", MINUTE)
    lab.source(SOURCE_90_10)
    eventually(lambda: ID["v2"] in lab.calls(100), "some calls go to v2", MINUTE)
    seen = lab.calls(2000)
    assert set(seen) == set(ID.values())
    lowest, highest = plausible(2000, 0.1, 0.001)
    assert lowest <= seen[ID["v2"]] <= highest


def test_no_call_is_lost_while_rules_subsets_and_pods_come_and_go(lab):
    # The source applies a rule and its subsets at once, which does lose calls.
    begun = datetime.now(UTC).isoformat()
    with ThreadPoolExecutor(1) as pool:
        changing = pool.submit(change_everything, lab)
        answered = 0
        while not changing.done():
            answered += lab.calls(5000, 2).total()
        changing.result()
    assert answered >= 10_000
    # Nor has the client lost one that was there all the time. Without pkg/config/present.go it still calls pods that are gone.
    assert not [line for line in lab.said(f"--since-time={begun}") if "ERROR" in line]


def change_everything(lab):
    """Share calls out anew, take subsets and rules away, and replace the pods of both versions."""
    for number, weights in enumerate([{"v1": 90, "v2": 10}, {"v2": 100}, {}, {"v1": 100}]):
        here = lab.engine(f"change {number}")
        seen = rules.read(here)
        wanted = edit.set_weights(seen, lab.service, weights, VERSIONS) if weights else RuleSet()
        rules.apply(here, wanted).apply()
        if number % 2:
            lab.restart(f"deployment/{SERVER}-v{number // 2 + 1}")


def test_a_client_still_follows_rules_after_subsets_have_gone(lab):
    # Without pkg/config/listening.go it stays with the rules of the first time for ever.
    for version in VERSIONS:
        here = lab.engine(version)
        rules.apply(here, edit.set_weights(rules.read(here), lab.service, {version: 100}, VERSIONS)).apply()
        eventually(lambda version=version: lab.calls_go_to(version), f"all calls go to {version}", MINUTE)
        lab.cluster.kube("-n", lab.namespace, "delete", "virtualservices,destinationrules", "--all")


def test_a_rule_by_header_is_refused_because_it_takes_all_routes_away(lab):
    here = lab.engine("refused")
    running = view.applications(here)
    first = edit.set_weights(rules.read(here), lab.service, {"v2": 100}, VERSIONS)
    wanted = edit.match(first, lab.service, {"user": "admin"}, "v1", VERSIONS)
    enforce(check(first, counts(running), proxyless(running)))
    with pytest.raises(ConflictError) as refused:
        enforce(check(wanted, counts(running), proxyless(running)))
    assert refused.value.message == (
        f"VirtualService {lab.namespace}/{SERVER} spec.http[0].match[0]: no sidecar routes the calls of {CLIENT}: "
        "dubbo-go cannot read a route that matches headers; it keeps its former routes, and cannot start again"
    )
    # So it is: the client that runs stays with its routes, and none can start.
    rules.apply(here, first).apply()
    eventually(lambda: lab.calls_go_to("v2"), "all calls go to v2", MINUTE)
    rules.apply(lab.engine("forced"), wanted).apply()
    with pytest.raises(HarnessError, match="istiod sent no routes for"):
        lab.calls(1)
    assert all(one.endswith(f'id:"{ID["v2"]}"') for one in lab.said("--tail=3"))
    rules.apply(lab.engine("undone"), first).apply()
    eventually(lambda: lab.calls_go_to("v2"), "clients start again", MINUTE)


def test_two_istiods_make_a_client_panic_and_the_check_says_so_before(lab):
    lab.cluster.kube(*SYSTEM, "scale", f"deployment/{istiod.ISTIOD}", "--replicas=2")
    lab.cluster.kube(*SYSTEM, "rollout", "status", f"deployment/{istiod.ISTIOD}", "--timeout=120s")
    replicas = lab.checks()[1]
    try:
        assert replicas == Check(
            "istiod's replicas",
            "error",
            "there are 2: dubbo-go panics at its start when it sees more than one",
            "kubectl -n istio-system scale deployment istiod --replicas=1",
        )
        with pytest.raises(HarnessError, match="close of closed channel"):
            lab.calls(1)
    finally:
        lab.run(replicas.hint)
    assert sum(lab.calls(10).values()) == 10
