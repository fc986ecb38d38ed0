"""Versions on a real cluster: deployed, deployed again, failing, freed, rolled back, removed, by both Helms."""

import random
import re
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from dubbopy_cli.artifact import Artifact
from dubbopy_cli.errors import DubbopyError
from dubbopy_cli.process import SubprocessRunner
from dubbopy_cli.targets.base import ChartRequest, ReleaseRequest
from dubbopy_cli.targets.kubernetes import rollback, rules, view
from dubbopy_cli.targets.kubernetes.cluster import Cluster
from dubbopy_cli.targets.kubernetes.deploy import Deployment
from dubbopy_cli.targets.kubernetes.helm import Helm
from dubbopy_cli.targets.kubernetes.kubectl import Kubectl
from dubbopy_cli.targets.kubernetes.remove import Removal
from dubbopy_cli.traffic import edit
from dubbopy_cli.traffic.history import Origin
from dubbopy_cli.traffic.hosts import Service
from tests.cluster.oldchart import old_chart
from tests.cluster.pods import CLIENT, SERVER, deployed, loaded, report
from tests.local.go._project import TAG

pytestmark = pytest.mark.slow

REPOSITORY = f"localhost:5000/{SERVER}"
# As the image is in the node, and not to be fetched; and no longer than needed at the end.
QUICK = ("image.pullPolicy=IfNotPresent", "preStopSleepSeconds=1")


class Shop:
    """A namespace with the server of the template, deployed by the classes of the target."""

    def __init__(self, cluster, namespace, projects):
        self.real, self.namespace, (self.project, self.client) = cluster, namespace, projects
        runner = SubprocessRunner()
        self.said = []
        tools = Kubectl(runner, cluster.context, namespace), Helm(runner, cluster.context, namespace)
        self.here = Cluster(namespace, *tools, self.said.append, Origin("dubbopy-cli test", "ada@desk", "r1"))
        self.service = Service(SERVER, namespace)

    def plan(self, version="v1", *, tag=TAG, sets=(), timeout=90.0, no_traffic=False, **chart):
        request = ReleaseRequest(
            application=SERVER,
            version=version,
            tag=tag,
            role="server",
            port=20000,
            artifact=Artifact({}, (), ""),
            no_traffic=no_traffic,
            timeout=timeout,
            chart=ChartRequest(self.project, REPOSITORY, sets=(*QUICK, *sets), **chart),
        )
        return Deployment(self.here, request).plan()

    def deploy(self, version="v1", **options):
        self.plan(version, **options).apply()

    def remove(self, version=None, *, force=False):
        Removal(self.here, SERVER, version).plan(force=force).apply()

    def weights(self, **shares):
        now = rules.read(self.here)
        versions = [one.version for one in self.application.releases]
        rules.apply(self.here, edit.set_weights(now, self.service, shares, versions)).apply()

    @property
    def application(self):
        return next((one for one in view.applications(self.here) if one.name == SERVER), None)

    @property
    def state(self):
        """Return version, Helm's revision and ready pods of each release."""
        found = self.application
        return [(one.version, one.revision, one.ready) for one in found.releases] if found else None

    @contextmanager
    def called(self):
        """Call the server from a client's pod all the while; yields the reports of ten calls each."""
        policy = {"image.pullPolicy": "IfNotPresent"}
        deployed(self.real, self.namespace, self.real.helm4, CLIENT, self.client / "chart/service")
        deployed(self.real, self.namespace, self.real.helm4, f"{CLIENT}-v1", self.client / "chart/app", **policy)
        reports, over = [], threading.Event()

        def call():
            while not over.is_set():
                reports.append(report(self.real, self.namespace))

        thread = threading.Thread(target=call)
        thread.start()
        try:
            yield reports
        finally:
            over.set()
            thread.join()
            for name in (f"{CLIENT}-v1", CLIENT):
                self.here.helm.run("uninstall", name, "--wait")

    def pods(self):
        return {one["metadata"]["name"] for one in self.here.kubectl.list("pods")}

    def address(self):
        service = self.real.get("service", SERVER, "-n", self.namespace)
        return service["metadata"]["uid"], service["spec"]["clusterIP"]

    def left(self):
        """Return what is in the namespace that Kubernetes or Istio did not put there."""
        kinds = "all,serviceaccounts,configmaps,secrets,virtualservices,destinationrules"
        names = {f"{one['kind']}/{one['metadata']['name']}" for one in self.here.kubectl.list(kinds)}
        return names - {
            "ServiceAccount/default",
            "ConfigMap/kube-root-ca.crt",
            "ConfigMap/istio-ca-root-cert",
            "ConfigMap/istio-ca-crl",
        }

    def left_but_pods(self):
        """Return the same without what has a name of its own each time."""
        names = {one for one in self.left() if not one.startswith(("Pod/", "ReplicaSet/"))}
        return {re.sub(r"[.]v[0-9]+$", "", one) for one in names}


@pytest.fixture(scope="session")
def projects(cluster, pytestconfig):
    return loaded(cluster, pytestconfig.cache.mkdir("go-projects"))


@pytest.fixture(params=["helm3", "helm4"])
def shop(request, cluster, namespace, projects, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    monkeypatch.setenv("DUBBOPY_KUBECTL", str(cluster.kubectl))
    monkeypatch.setenv("DUBBOPY_HELM", str(getattr(cluster, request.param)))
    return Shop(cluster, namespace, projects)


def test_versions_come_and_go_and_leave_nothing(shop):
    shop.deploy("v1")
    assert shop.state == [("v1", 1, 1)]
    address, first = shop.address(), shop.pods()

    shop.deploy("v1")
    assert shop.state == [("v1", 2, 1)]
    assert not first & {one.name for one in shop.application.releases[0].instances if one.state == "ready"}

    shop.deploy("v2", no_traffic=True)
    (route,) = rules.read(shop.here).of_kind("VirtualService")[0].spec["http"]
    assert [one["destination"]["subset"] for one in route["route"]] == ["v1"]
    assert {one["name"] for one in rules.read(shop.here).of_kind("DestinationRule")[0].spec["subsets"]} == {"v1", "v2"}
    with pytest.raises(DubbopyError, match="v1 still gets calls by the rules: route default"):
        shop.remove("v1")

    shop.weights(v2=100)
    shop.remove(f"{SERVER}-v1")
    assert shop.state == [("v2", 1, 1)]
    assert [one["name"] for one in rules.read(shop.here).of_kind("DestinationRule")[0].spec["subsets"]] == ["v2"]

    assert shop.address() == address
    shop.remove()
    assert shop.left() == set()


def test_a_revision_that_was_is_there_again(shop):
    shop.deploy("v1", sets=("podLabels.round=one",))
    shop.deploy("v1", sets=("podLabels.round=two",))
    assert [one.description for one in rollback.revisions(shop.here, SERVER, "v1")] == [f"image {TAG}"] * 2
    rollback.rollback(shop.here, SERVER, "v1").apply()
    assert shop.state == [("v1", 3, 1)]
    (pod,) = [one for one in shop.here.kubectl.list("pods") if "deletionTimestamp" not in one["metadata"]]
    assert pod["metadata"]["labels"]["round"] == "one"


def test_an_image_that_is_not_there_is_named_and_the_former_revision_is_back(shop):
    shop.deploy("v1")
    good = shop.pods()
    with pytest.raises(DubbopyError) as failed:
        shop.deploy("v1", tag="9.9.9")
    assert failed.value.code == "rollout-failed"
    assert f"{SERVER}-v1 does not become ready: ImagePullBackOff" in failed.value.message
    assert failed.value.message.endswith(f"{SERVER}-v1 is back at revision 1")
    assert shop.application.release("v1").tag == TAG
    assert good <= shop.pods()


def test_a_first_version_that_crashes_is_told_with_its_lines_and_taken_away(shop):
    with pytest.raises(DubbopyError) as failed:
        shop.deploy("v1", sets=("config=dubbo: [",))
    assert "CrashLoopBackOff: container app ended with exit status" in failed.value.message
    assert failed.value.message.endswith(f"{SERVER}-v1 and {SERVER} are uninstalled again")
    assert failed.value.details
    assert shop.state is None
    shop.deploy("v1")
    assert shop.state == [("v1", 1, 1)]


@pytest.mark.parametrize("before", [0, 1])
def test_a_release_that_a_killed_helm_left_is_freed(shop, before):
    for _ in range(before):
        shop.deploy("v1")
    # As long as it waits for pods that cannot start, the release is pending.
    waiting = ("--set", "image.tag=9.9.9", "--wait", "--timeout", "5m")
    argv = [*shop.here.helm.argv("upgrade", "--install", f"{SERVER}-v1", str(shop.project / "chart/app"), *waiting)]
    if not before:
        shop.here.helm.run("upgrade", "--install", SERVER, str(shop.project / "chart/service"))
    helm = subprocess.Popen(argv, env=shop.real.env())
    try:
        while not (one := shop.here.helm.releases().get(f"{SERVER}-v1")) or not one.pending:
            assert helm.poll() is None
    finally:
        helm.kill()
        helm.wait()
    shop.deploy("v1")
    assert [(version, ready) for version, _, ready in shop.state] == [("v1", 1)]
    assert shop.application.release("v1").tag == TAG
    assert not shop.here.helm.releases()[f"{SERVER}-v1"].pending


def test_no_sequence_touches_the_address(shop):
    choose = random.Random(20000)
    shop.deploy("v1")
    address = shop.address()
    for _ in range(12):
        there = [version for version, _, _ in shop.state]
        version = choose.choice(["v1", "v2", "v3"])
        if version in there and choose.random() < 0.5:
            shop.remove(version)
        else:
            shop.deploy(version)
        assert shop.address() == address
        assert all(ready == 1 for _, _, ready in shop.state)


def test_what_would_change_is_shown_as_a_diff_of_objects(shop):
    shop.deploy("v1")
    assert shop.plan("v1").difference() == ""
    lines = shop.plan("v1", replicas=2).difference().splitlines()
    assert [one for one in lines if one[0] in "+-" and one[:3] not in {"+++", "---"}] == [
        "-  replicas: 1",
        "+  replicas: 2",
    ]
    preview = shop.plan("v1").preview()
    assert "kind: Deployment" in preview
    assert "kind: Service" not in preview


def test_the_service_of_the_old_chart_is_taken_over_and_stays(shop, tmp_path):
    chart = old_chart(tmp_path / "chart", SERVER, f"{REPOSITORY}:{TAG}")
    words = ("upgrade", "--install", f"{SERVER}-v1", str(chart))
    shop.here.helm.run(*words, "--wait")
    address = shop.address()
    with pytest.raises(DubbopyError) as refused:
        shop.deploy("v2")
    assert refused.value.code == "service-foreign"

    with shop.called() as reports:
        shop.deploy("v2", take_ownership=True)
    assert reports
    assert [one["errors"] for one in reports if one["ok"] != 10] == []
    # The chart's own guard leaves the Service out of its second revision, and Helm deletes what is left out.
    shop.here.helm.run(*words, "--set", "round=two", "--wait")
    shop.deploy("v2", update_service=True)
    assert shop.address() == address
    shop.remove("v1")
    assert shop.address() == address
    assert shop.state == [("v2", 2, 1)]
    shop.remove()
    assert shop.left() == set()


def test_by_the_command_line(shop, tmp_path):
    folder = shutil.copytree(shop.project, tmp_path / "project")

    def run(*words, code=0):
        place = ("--target", "kubernetes", "--context", shop.real.context, "--namespace", shop.namespace)
        argv = [sys.executable, "-m", "dubbopy_cli", *words, *place]
        done = subprocess.run(argv, cwd=folder, env=shop.real.env(), capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout, done.stderr

    chart = [word for one in QUICK for word in ("--set", one)]
    objects, said = run("deploy", "--no-build", *chart, "--dry-run")
    assert "kind: Service" in objects
    assert f" upgrade --install {SERVER}-v1 {folder}/chart/app --set=image.pullPolicy=IfNotPresent" in said
    assert shop.state is None

    out, _ = run("deploy", "--no-build", *chart)
    assert out.startswith(f"NAME: {SERVER}-v1\nNAMESPACE: {shop.namespace}\nSTATUS: deployed\nREVISION: 1\n")
    out, _ = run("deploy", "--no-build", *chart, "--diff", "--replicas", "2")
    assert "-  replicas: 1\n+  replicas: 2\n" in out
    run("deploy", "--no-build", *chart, "--version", "v2", "--no-traffic")
    out, _ = run("history", "v1")
    assert [line.split()[-3:] for line in out.splitlines()] == [["deployed", "image", TAG]]
    _, said = run("remove", f"{SERVER}-v1", code=6)
    assert f"{SERVER} v1 still gets calls by the rules: route default" in said
    _, said = run("rollback", "v1", code=2)
    assert f"release {SERVER}-v1 has no former revision to go back to (there are: 1)" in said
    run("remove", "--all", "--yes")
    assert {one for one in shop.left() if not one.startswith("Lease/")} == set()


def test_a_command_that_ended_after_any_of_its_steps_is_finished_by_the_same_command(shop):
    shop.deploy("v1")
    # What was done to the rules is kept for as long as the application is there.
    alone = shop.left_but_pods() | {f"ConfigMap/{rules.HISTORY}"}
    shop.deploy("v2", no_traffic=True)
    both = shop.left_but_pods()
    shop.remove("v2")
    rules.apply(shop.here, edit.reset(rules.read(shop.here), shop.service)).apply()

    for count in range(1, len(shop.plan("v2", no_traffic=True).steps)):
        for step in shop.plan("v2", no_traffic=True).steps[:count]:
            step.run()
        shop.deploy("v2", no_traffic=True)
        assert shop.left_but_pods() == both
        for step in Removal(shop.here, SERVER, "v2").plan().steps[:count]:
            step.run()
        if shop.application.release("v2"):
            shop.remove("v2")
        rules.apply(shop.here, edit.reset(rules.read(shop.here), shop.service)).apply()
        assert shop.left_but_pods() == alone
