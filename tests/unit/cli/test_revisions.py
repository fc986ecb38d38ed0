"""Options of a release that only a cluster has, and revisions on a target that keeps none."""

import json

import pytest

from tests.errortexts import PROJECT, Told


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["--set", "replicaCount=2"], "set"),
        (["-f", "values.yaml"], "values"),
        (["--rollback"], "rollback"),
        (["--diff"], "diff"),
        (["--update-service"], "update-service"),
        (["--take-ownership"], "take-ownership"),
        (["--no-mesh"], "no-mesh"),
        (["--no-build"], "no-build"),
        (["--insecure"], "insecure"),
    ],
)
def test_what_is_for_a_cluster_is_refused_on_the_local_target(desk, words, name):
    desk.write({**PROJECT, "go.mod": "module shop\n"})
    assert desk.cli("deploy", *words) == Told(
        2,
        f"Error: --{name} is for a cluster: the local target has no charts\n\n"
        "Try: leave it out, or add --target kubernetes\n[usage]\n",
    )


def test_a_program_that_needs_istio_is_not_deployed_without_it(desk, monkeypatch):
    desk.write(
        {
            **PROJECT,
            ".dubbopy.yaml": PROJECT[".dubbopy.yaml"].replace("sidecar", "proxyless"),
            "go.mod": "module shop\n",
        }
    )
    context = {"name": "dev", "context": {"cluster": "c", "user": "u"}}
    config = json.dumps({"contexts": [context], "current-context": "dev"})
    desk.write({"bin/kubectl": f"#!/bin/sh\necho '{config}'\n"})
    (desk.folder / "bin/kubectl").chmod(0o755)
    monkeypatch.setenv("DUBBOPY_KUBECTL", str(desk.folder / "bin/kubectl"))
    assert desk.cli("deploy", "--target", "kubernetes", "--no-mesh") == Told(
        2,
        "Error: shop is proxyless: it finds other services by Istio alone, and cannot do without it\n\n"
        "Try: leave --no-mesh out; dubbopy-cli doctor says what istiod lacks\n[usage]\n",
    )


def test_the_local_target_has_nothing_to_go_back_to(desk):
    desk.deployed("v1")
    told = desk.cli("rollback", "--app", "shop")
    assert told == Told(
        2,
        "target local, namespace default\n"
        "Error: the local target keeps no former revision of shop-v1 (there is: 1)\n\n"
        "Try: check the former sources out and deploy them again\n[revision-unknown]\n",
    )


def test_history_shows_each_revision(desk):
    desk.deployed("v1")
    (line,) = desk.cli("history", "--app", "shop").out.splitlines()
    assert (line[:5], line[-24:]) == ("  1  ", " deployed    image 1.0.0")


def test_of_several_versions_one_has_to_be_named(desk):
    desk.deployed("v1", "v2")
    assert desk.cli("history", "--app", "shop") == Told(
        2, "Error: shop has the versions v1, v2: say which\n\nTry: dubbopy-cli history v2\n[usage]\n"
    )
    assert desk.cli("history", "shop-v2", "--app", "shop").code == 0
