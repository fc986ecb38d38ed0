"""A cluster of which kubectl and Helm are prepared answers."""

import pytest

from dubbopy_cli.targets.kubernetes.cluster import Cluster
from dubbopy_cli.targets.kubernetes.helm import Helm
from dubbopy_cli.targets.kubernetes.kubectl import Kubectl
from dubbopy_cli.traffic.history import Origin
from tests.fakes import FakeRunner


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
