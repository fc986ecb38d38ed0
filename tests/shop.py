"""An application `shop` on a cluster, as kubectl and Helm show it, and what a plan makes of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from dubbopy_cli.artifact import Artifact
from dubbopy_cli.targets.base import ChartRequest, ReleaseRequest
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import version_labels

SHOP = Service("shop", "shops")
RULE_KINDS = "destinationrules.networking.istio.io,virtualservices.networking.istio.io"
DIGEST = f"sha256:{'a' * 64}"


def request(version="v1", **chart):
    options = {name: chart.pop(name) for name in ("no_traffic", "role") if name in chart}
    wanted = ReleaseRequest("shop", version, "1.0.0", "server", 20000, Artifact({}, (), ""))
    return replace(wanted, chart=ChartRequest(Path("/shop"), "x/shop", **chart), **options)


def deployment(version, *, release="", selector=None, ports=("grpc-triple",)):
    own = {"app.kubernetes.io/name": "shop", "dubbogoAppVersion": version}
    name = f"shop-{version}"
    container = {"name": "app", "readinessProbe": {}, "image": "x/shop:1.0.0"}
    container["ports"] = [{"name": one, "containerPort": 20000} for one in ports]
    return {
        "kind": "Deployment",
        "metadata": {"name": name, "labels": own, "annotations": {"meta.helm.sh/release-name": release or name}},
        "spec": {
            "selector": {"matchLabels": selector or own},
            "template": {"metadata": {"labels": own}, "spec": {"containers": [container]}},
        },
    }


def pod(version, *, ready=True):
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    metadata = {"name": f"shop-{version}-x", "labels": version_labels("shop", version)}
    return {"kind": "Pod", "metadata": metadata, "spec": {"containers": []}, "status": {"conditions": conditions}}


def service(release="shop"):
    notes = {"meta.helm.sh/release-name": release} if release else {}
    spec = {"ports": [{"port": 20000}], "selector": {"app.kubernetes.io/name": "shop"}}
    return {"metadata": {"name": "shop", "annotations": notes}, "spec": spec}


def steps(plan, programs):
    return [(one.title, one.command.replace(f"{programs}/", "")) for one in plan.steps]


def titles(plan):
    return [one.title for one in plan.steps]


RELEASED = {"shop": "deployed", "shop-v1": "deployed"}
HELM = "--kube-context prod --namespace shops"
KUBECTL = "kubectl --context prod --namespace shops"


def history(shops, *statuses):
    found = [
        {"revision": at, "updated": "2026-01-01T00:00:00Z", "status": status, "description": f"image {at}"}
        for at, status in enumerate(statuses, 1)
    ]
    shops.runner.expect(shops.cluster.helm.argv()[0], "history", "shop-v1", stdout=json.dumps(found))
