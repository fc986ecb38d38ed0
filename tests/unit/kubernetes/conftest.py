"""A cluster of which kubectl and Helm are prepared answers."""

import json

import pytest

from dubbopy_cli.targets.kubernetes.cluster import Cluster
from dubbopy_cli.targets.kubernetes.helm import Helm
from dubbopy_cli.targets.kubernetes.kubectl import Kubectl
from dubbopy_cli.traffic.history import Origin
from tests.fakes import FakeRunner
from tests.shop import RULE_KINDS


@pytest.fixture
def programs(tmp_path, monkeypatch):
    for name in ("kubectl", "helm"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
        monkeypatch.setenv(f"DUBBOPY_{name.upper()}", str(tmp_path / name))
    return tmp_path


@pytest.fixture
def runner():
    fake = FakeRunner()
    yield fake
    fake.done()


@pytest.fixture
def cluster(programs, runner):
    return Cluster(
        "shops",
        Kubectl(runner, "prod", "shops"),
        Helm(runner, "prod", "shops"),
        lambda _: None,
        Origin("x", "a@b", "r1"),
    )


class Namespace:
    """What kubectl and Helm are going to say of a namespace."""

    def __init__(self, cluster, runner):
        self.cluster, self.runner = cluster, runner

    def holds(self, *objects, services=(), releases=None, rules=None):
        self.answer("get", "deployments,pods", items=objects)
        self.answer("get", "services", items=services)
        charts = {"shop": "service-0.1.0"}
        found = [
            {"name": name, "revision": "1", "status": status, "chart": charts.get(name, "shop-0.1.0"), "updated": ""}
            for name, status in (releases or {}).items()
        ]
        self.runner.expect(self.cluster.helm.argv()[0], "list", stdout=json.dumps(found))
        if rules is not None:
            self.answer("get", RULE_KINDS, items=[one.document for one in rules])

    def answer(self, *words, items=()):
        self.runner.expect(*self.cluster.kubectl.argv(*words), stdout=json.dumps({"items": list(items)}))


@pytest.fixture
def shops(cluster, runner):
    return Namespace(cluster, runner)
