"""What helm makes of a chart, as objects."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml

from tests.helm import Tools

EVERYTHING = (
    "--set", "autoscaling.enabled=true,podDisruptionBudget.enabled=true", "--set-string", "config=dubbo: {}",
)  # fmt: skip


def objects(helm: Tools, chart: Path, release: str, *arguments: str) -> list[dict[str, Any]]:
    done = helm.run("template", release, chart, *arguments)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def one(found: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    matching = [document for document in found if document["kind"] == kind]
    assert len(matching) == 1, [document["kind"] for document in found]
    return matching[0]


def container(helm: Tools, chart: Path, *arguments: str) -> dict[str, Any]:
    return one(objects(helm, chart, "r", *arguments), "Deployment")["spec"]["template"]["spec"]["containers"][0]


def copy_of(chart: Path, to: Path) -> Path:
    return Path(shutil.copytree(chart, to))


def refused(helm: Tools, chart: Path, *arguments: str) -> str:
    done = helm.run("template", "shop-v1", chart, *arguments)
    assert done.returncode != 0, done.stdout
    return done.stderr
