"""The Role of docs/reference/kubernetes-role.yaml, and nothing else, is enough for what the tool does."""

import json
import signal
import subprocess
import sys

import psutil
import pytest

from dubbopy_cli.errors import PreflightError
from dubbopy_cli.targets.base import CallRequest
from dubbopy_cli.targets.kubernetes import call, doctor, logs, rules, view
from dubbopy_cli.traffic import edit, history
from dubbopy_cli.traffic.model import RuleSet
from tests.cluster.conftest import made
from tests.cluster.pods import CLIENT, SERVER
from tests.cluster.shops import opened, place
from tests.cluster.users import USER, kubeconfig

pytestmark = pytest.mark.slow

# As the image is in the node, and not to be fetched; and no longer than needed at the end.
QUICK = ("image.pullPolicy=IfNotPresent", "preStopSleepSeconds=1")


@pytest.fixture(scope="module")
def shop(cluster, pytestconfig):
    with made(cluster) as namespace:
        yield opened(cluster, namespace, pytestconfig.cache.mkdir("go-projects"))


@pytest.fixture
def ada(cluster, shop, tmp_path, monkeypatch):
    """Return the namespace as the user with the Role has it."""
    path = tmp_path / "kubeconfig"
    path.write_text(kubeconfig(cluster, shop.namespace))
    monkeypatch.setenv("KUBECONFIG", str(path))
    monkeypatch.setenv("DUBBOPY_KUBECTL", str(cluster.kubectl))
    monkeypatch.setenv("DUBBOPY_HELM", str(cluster.helm4))
    return lambda run="one", say=lambda _: None: place(USER, shop.namespace, run, say)


def test_the_role_is_enough_to_look_to_call_and_to_change_rules(ada, shop):
    said = []
    found = {one.name: one for one in view.applications(ada())}
    assert set(found) == {SERVER, CLIENT}
    assert [one.ready for one in found[SERVER].releases] == [1, 1]
    here = ada("one", said.append)
    rules.apply(here, edit.set_weights(rules.read(here), shop.service, {"v2": 100}, ["v1", "v2"])).apply()
    assert call.call(ada(), CallRequest(SERVER, count=20, concurrency=4)).versions == {"v2": 20}
    two = ada("two", said.append)
    rules.apply(two, history.undo(rules.read(two), rules.changes(two), shop.service)).apply()
    assert rules.read(two) == RuleSet()
    assert said == []
    lines = logs.read(ada(), SERVER, None, follow=False, since=None, tail=1)
    assert sorted(one.version for one in lines) == ["v1", "v2"]


def cli(shop, *words):
    """Run a command in the shop's namespace and return what it writes."""
    where = ("--target", "kubernetes", "--context", USER, "--namespace", shop.namespace)
    argv = [sys.executable, "-m", "dubbopy_cli", *words, *where]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize("helm", ["helm3", "helm4"])
def test_the_role_is_enough_to_deploy_and_to_remove(cluster, shop, monkeypatch, helm):
    monkeypatch.setenv("DUBBOPY_HELM", str(getattr(cluster, helm)))
    settings = ("autoscaling.enabled=true", "podDisruptionBudget.enabled=true", *QUICK)
    deploy = ("deploy", str(shop.server), "--no-build", "--version", "v3", "--no-traffic", "-o", "json")
    for config in ("config=dubbo: {}", "config="):
        values = [f"--set={one}" for one in (*settings, config)]
        cli(shop, *deploy, *values)
    cli(shop, "rollback", "v3", "--app", SERVER)
    revisions = json.loads(cli(shop, "history", "v3", "--app", SERVER, "-o", "json"))["data"]["revisions"]
    assert [one["number"] for one in revisions] == [1, 2, 3]
    cli(shop, "remove", "v3", "--app", SERVER)
    cli(shop, "traffic", "reset", "--app", SERVER)
    kinds = "deployments,horizontalpodautoscalers,poddisruptionbudgets,virtualservices,leases"
    left = cluster.get(kinds, "-n", shop.namespace)["items"]
    assert {one["metadata"]["name"] for one in left} == {f"{SERVER}-v1", f"{SERVER}-v2", f"{CLIENT}-v1"}


@pytest.mark.usefixtures("ada")
def test_the_commands_work_with_the_role(shop):
    app = ("--app", SERVER)
    assert "rights for every change: all" in cli(shop, "doctor")
    assert f"{SERVER}.{shop.namespace}.svc.cluster.local:20000" in cli(shop, "status")
    cli(shop, "traffic", "set", "v1=0", "v2=100", *app)
    assert json.loads(cli(shop, "call", "-n", "20", "-o", "json", *app))["data"]["versions"] == {"v2": 20}
    assert "100 %" in cli(shop, "traffic", "show", *app)
    (line,) = cli(shop, "logs", "--tail", "1", "--app", CLIENT).splitlines()
    assert "call server response" in line
    cli(shop, "traffic", "undo", *app)
    changes = json.loads(cli(shop, "traffic", "history", "-o", "json", *app))["data"]["changes"]
    assert [one["command"].split()[2] for one in changes[-2:]] == ["set", "undo"]


@pytest.mark.usefixtures("ada")
def test_logs_that_are_followed_end_with_ctrl_c_and_leave_no_process(shop):
    where = ("--target", "kubernetes", "--context", USER, "--namespace", shop.namespace, "--app", CLIENT)
    argv = [sys.executable, "-m", "dubbopy_cli", "logs", "--follow", "--tail", "0", *where]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as following:
        assert following.stdout
        assert "call server response" in following.stdout.readline()
        children = psutil.Process(following.pid).children(recursive=True)
        assert any("--follow" in one.cmdline() for one in children)
        following.send_signal(signal.SIGINT)
        assert following.wait(60) == 130
    assert not [one for one in children if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def test_doctor_asks_for_nothing_that_the_role_does_not_give(ada):
    doctor.preflight(ada())
    states = {one.name: one.state for one in doctor.checks(ada()) if one.name != "version skew"}
    assert set(states.values()) == {"ok"}
    assert "rights for deploy and remove" in states


def test_a_right_that_is_missing_is_named(ada, cluster, shop):
    patch = [{"op": "remove", "path": "/rules/13"}]
    cluster.kube(
        "patch", "role", "dubbopy", "--namespace", shop.namespace, "--type", "json", "--patch", json.dumps(patch)
    )
    with pytest.raises(PreflightError) as refused:
        doctor.preflight(ada())
    assert refused.value.code == "cluster-forbidden"
    assert refused.value.details.splitlines() == [
        f"{verb} poddisruptionbudgets" for verb in ("get", "list", "watch", "create", "update", "patch", "delete")
    ]
