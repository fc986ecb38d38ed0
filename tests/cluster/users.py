"""A user of a namespace who may do what the Role of docs/reference/kubernetes-role.yaml says, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from tests.cluster.harness.cluster import Cluster

ROLE = Path(__file__).parents[2] / "docs/reference/kubernetes-role.yaml"
USER = "ada"


def kubeconfig(cluster: Cluster, namespace: str, without: str = "") -> str:
    """Return the user's configuration; ``without`` takes a resource out of the Role, and ``*`` all of them."""
    role = yaml.safe_load(ROLE.read_text())
    role["metadata"]["namespace"] = namespace
    role["rules"] = [one for one in role["rules"] if without != "*" and without not in one["resources"]]
    subject = {"kind": "ServiceAccount", "name": USER, "namespace": namespace}
    cluster.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": USER, "namespace": namespace}},
        role,
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": USER, "namespace": namespace},
            "subjects": [subject],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role["metadata"]["name"]},
        },
    )
    config = json.loads(cluster.kube("config", "view", "--raw", "--minify", "--output", "json"))
    token = cluster.kube("create", "token", USER, "--namespace", namespace).strip()
    config["users"] = [{"name": USER, "user": {"token": token}}]
    config["contexts"] = [{"name": USER, "context": {"cluster": config["clusters"][0]["name"], "user": USER}}]
    return json.dumps({**config, "current-context": USER})
