"""Values of the charts: texts stay texts, and what makes no sense is refused by the schema."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from tests.charts.conftest import render
from tests.charts.rendered import EVERYTHING, container, objects, one, refused


@pytest.mark.parametrize("version", ["2", "1e3", "0x1f", "010", "on", "y", "v1"])
def test_versions_stay_texts(helm, version, tmp_path):
    root = render(tmp_path / "shop", name="shop", app_version=version, tag="1.10")
    found = objects(helm, root / "chart/app", f"shop-{version}", *EVERYTHING)
    deployment = one(found, "Deployment")
    assert deployment["metadata"]["name"] == f"shop-{version}"
    for labels in (
        deployment["spec"]["selector"]["matchLabels"],
        deployment["spec"]["template"]["metadata"]["labels"],
        deployment["metadata"]["labels"],
    ):
        assert labels["dubbogoAppVersion"] == version
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "localhost:5000/shop:1.10"


@pytest.mark.parametrize("tag", ["1.10", "2", "1e3", "_", "v1.0-rc.1", "A" * 128])
def test_tags_stay_texts(helm, tag, tmp_path):
    root = render(tmp_path / "shop", name="shop", tag=tag)
    assert container(helm, root / "chart/app")["image"] == f"localhost:5000/shop:{tag}"


@pytest.mark.parametrize("name", ["true", "null", "n", "e1"])
def test_an_application_may_be_called_like_a_yaml_word(helm, name, tmp_path):
    root = render(tmp_path / "x", name=name)
    service = one(objects(helm, root / "chart/service", name, "--namespace", "1"), "Service")
    assert service["metadata"] == service["metadata"] | {"name": name, "namespace": "1"}
    pod = one(objects(helm, root / "chart/app", "r"), "Deployment")["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == name


def test_the_longest_names_fit(helm, tmp_path):
    name = "a" * 50
    root = render(tmp_path / "x", name=name, app_version="v1")
    found = objects(helm, root / "chart/app", f"{name}-v1")
    assert one(found, "Deployment")["metadata"]["name"] == f"{name}-v1"
    assert one(objects(helm, root / "chart/service", name), "Service")["metadata"]["name"] == name


@pytest.mark.parametrize("name", ["a" * 51, "Shop", "shop_a", "1shop", "shop.a"])
def test_a_wrong_name_is_refused_not_cut(helm, name, project):
    root = project()
    chart = root / "chart/app/Chart.yaml"
    chart.write_text(chart.read_text().replace("dubbo-go-server", name))
    assert "at most 50 characters" in refused(helm, root / "chart/app")
    if helm.run("template", name, root / "chart/service").returncode == 0:
        pytest.fail(f"{name} was accepted as the name of a Service")


@pytest.mark.parametrize(
    "bad",
    [
        "version.labels.dubbogoAppVersion=2",
        "version.labels.dubbogoAppVersion=V2",
        "version.labels.dubbogoAppVersion=1.10",
        "version.labels.dubbogoAppVersion=abcdefghijklm",
        "version.labels.dubbogoAppVersion=null",
        "version.labels.team=a",
        "image.tag=2",
        "image.tag=null",
        "image.tag=a b",
        "image.repository=$(your_repo)/x",
        "image.repository=Team/X",
        "image.repository=x:1",
        "image.pullPolicy=always",
        "server.port=0",
        "server.port=65536",
        "server.port=http",
        "replicaCount=-1",
        "replicaCount=1.5",
        "env.A=1",
        "env.1A=x",
        "podLabels.version=v9",
        "podLabels.dubbogoAppVersion=v9",
        "podAnnotations.checksum/config=x",
        "calls={Shop}",
        "resources.limit.cpu=1",
        "probes.readiness.period=1",
        "podDisruptionBudget.maxUnavailable=200%",
        "fullnameOverride=x",
        "replicas=2",
        "istio.proxyConfig=x",
        "mesh=ambient",
    ],
)
def test_schema_refuses(helm, server, bad):
    said = refused(helm, server.app, "--set", bad)
    assert "meet the specifications of the schema" in said


@pytest.mark.parametrize(
    "bad", ["service.port=0", "service.port=x", "service.name=y", "serviceAccount.create=yes", "image.tag=1"]
)
def test_schema_of_the_service_refuses(helm, server, bad):
    done = helm.run("template", "shop", server.service, "--set", bad)
    assert "meet the specifications of the schema" in done.stderr


def test_schema_knows_every_value(variant):
    def check(values: dict[str, Any], schema: dict[str, Any], path: str) -> None:
        for key, value in values.items():
            assert key in schema["properties"], f"{path}{key}"
            if isinstance(value, dict) and "properties" in schema["properties"][key]:
                check(value, schema["properties"][key], f"{path}{key}.")

    for chart in (variant.app, variant.service):
        values = yaml.safe_load((chart / "values.yaml").read_text())
        check(values, json.loads((chart / "values.schema.json").read_text()), "")


def test_every_value_has_a_comment(variant):
    for chart in (variant.app, variant.service):
        lines = (chart / "values.yaml").read_text().splitlines()
        for before, line, after in zip(["", *lines], lines, [*lines[1:], ""], strict=False):
            if re.match(r"[a-zA-Z]+:", line):
                assert before.startswith("#") or after.startswith("  #"), line
