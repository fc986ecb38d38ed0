"""`newApp --mesh proxyless`: which layers make it, for whom it is refused, and what it says at the end."""

import json

import pytest

from dubbopy_cli.scaffold import catalogue
from dubbopy_cli.scaffold.render import render
from dubbopy_cli.scaffold.sources import Source
from tests.scaffolding import contents, invoke

ANSWERS = {
    "name": "shop", "lang": "go", "mesh": "proxyless", "module": "shop", "image": "localhost:5000/shop",
    "app_version": "v1", "tag": "1.0.0", "port": 20000,
}  # fmt: skip


@pytest.mark.parametrize("role", catalogue.ROLES)
def test_no_layer_writes_a_file_of_another(tmp_path, role):
    answers = {**ANSWERS, "role": role, "server": "dubbo-go-server" if role == "client" else ""}
    owners = {}
    for layer in catalogue.layers("go", role, "proxyless"):
        folder = tmp_path / layer.name
        folder.mkdir()
        render(Source(str(layer)), folder, answers)
        for name in contents(folder):
            assert name not in owners, f"{name} is in {owners[name]} and in {layer.name}"
            owners[name] = layer.name
    assert owners["go.mod"] == owners["pkg/config/dubbo.go"] == "go-proxyless"
    assert owners["cmd/imports.go"] == owners["conf/dubbogo.yaml"] == f"go-proxyless-{role}"
    assert owners["pkg/config/env.go"] == owners["api/api.pb.go"] == "go"


@pytest.mark.parametrize("role", catalogue.ROLES)
def test_the_two_meshes_differ_in_no_more_than_they_must(tmp_path, monkeypatch, role):
    monkeypatch.chdir(tmp_path)
    trees = {}
    for mesh in ("sidecar", "proxyless"):
        assert invoke("newApp", mesh, "--name", "shop", "--role", role, "--mesh", mesh).exit_code == 0
        trees[mesh] = contents(tmp_path / mesh)
    differing = {
        name
        for name in trees["sidecar"] | trees["proxyless"]
        if trees["sidecar"].get(name) != trees["proxyless"].get(name)
    }
    # cmd/ is what is written for one dubbo-go.
    assert {name for name in differing if not name.startswith("cmd/")} == {
        ".dubbopy.yaml", "Makefile", "README.md", "api/api.triple.go", "chart/app/values.yaml", "conf/dubbogo.yaml", "go.mod",
        "go.sum", "pkg/config/dubbo.go", "pkg/config/dubbo_test.go", "pkg/config/listening.go",
        "pkg/config/listening_test.go", "pkg/logging/dubbo.go",
    } | ({"pkg/service/service.go"} if role == "server" else {"pkg/config/present.go", "pkg/config/present_test.go"})  # fmt: skip
    assert role == "server" or {"cmd/app.go", "cmd/flags.go"}.isdisjoint(differing)


def test_it_says_what_it_cannot_do_and_what_to_do_next(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = invoke("newApp", "shop", "--mesh", "proxyless")
    assert done.exit_code == 0
    assert done.stderr.endswith(
        "\nProxyless: rules by weight work; header rules cannot, dubbo-go's route parser does not know istiod's"
        " string_match.\nIt runs in a cluster only, with istiod's DEBUG_ENDPOINT_AUTH_ALLOWED_NAMESPACES naming its"
        " namespace; the local target\ndoes not run it.\n\nNext:\n  cd shop\n  make build deploy\n"
    )
    assert "mesh: proxyless" in (tmp_path / "shop/.dubbopy.yaml").read_text()
    assert "\nmesh: proxyless\n" in (tmp_path / "shop/chart/app/values.yaml").read_text()


def test_a_sidecar_project_says_nothing_of_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "roxyless" not in invoke("newApp", "shop").output


@pytest.mark.parametrize("how", [("--mesh", "proxyless"), ("--data", "mesh=proxyless")])
def test_python_is_refused_with_the_reason(tmp_path, monkeypatch, how):
    monkeypatch.chdir(tmp_path)
    done = invoke("newApp", "shop", "--lang", "python", *how, "-o", "json")
    assert done.exit_code == 2
    (error,) = json.loads(done.stdout)["errors"]
    origin = "--mesh" if how[0] == "--mesh" else "--data mesh"
    assert error == {
        "code": "answer-invalid",
        "message": f"{origin}: 'proxyless' is for Go only: the program itself asks istiod, and grpcio has no Dubbo xds"
        " registry",
        "hint": "--mesh sidecar, or --lang go",
    }
    assert not (tmp_path / "shop").exists()
