"""A project as it is written, before anybody touches it."""

import subprocess
from pathlib import Path

import pytest
from filelock import FileLock

from ._project import Project, compiled, go

STATICCHECK = "honnef.co/go/tools@v0.7.0"
MODULES = ["", "example.com/Acme_Shop/greeter.v2"]


@pytest.fixture(scope="module", params=["server", "client"])
def role(request):
    return request.param


@pytest.fixture(scope="module", params=MODULES, ids=["plain", "long"])
def project(request, role, go_cache):
    return compiled(Project(role, module=request.param), go_cache)


def test_go_mod_and_go_sum_are_tidy(project):
    assert go(project, "mod", "tidy", "-diff") == ""


def test_gofmt(project):
    done = subprocess.run(["gofmt", "-l", "."], cwd=project, capture_output=True, text=True, check=True)
    assert done.stdout == ""


def test_vet_and_own_tests(project):
    go(project, "vet", "./...")
    go(project, "test", "./...")


def test_the_generator_of_messages_is_a_tool_of_the_project(project):
    assert go(project, "tool", "protoc-gen-go", "--version").startswith("protoc-gen-go v1.")


def test_staticcheck(project, staticcheck):
    done = subprocess.run([staticcheck, "./..."], cwd=project, capture_output=True, text=True, check=False)
    assert done.stdout == ""


@pytest.fixture(scope="module")
def staticcheck(go_cache) -> Path:
    folder = go_cache / STATICCHECK.replace("/", "-")
    with FileLock(go_cache / "lock"):
        if not (folder / "staticcheck").exists():
            folder.mkdir(exist_ok=True)
            (folder / "go.mod").write_text("module lint\n\ngo 1.25.0\n")
            subprocess.run(
                ["go", "get", "-tool", STATICCHECK.replace("@", "/cmd/staticcheck@")], cwd=folder, check=True
            )
            go(folder, "build", "-o", "staticcheck", "honnef.co/go/tools/cmd/staticcheck")
    return folder / "staticcheck"


def test_what_a_build_makes_is_ignored_by_git(project, tmp_path):
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text((project / ".gitignore").read_text())
    for name in ("app", "app-arm64", "dubbogo.yaml", ".built.json"):
        assert ignored(tmp_path, f"build/{name}"), name
    for name in ("Dockerfile", ".dockerignore"):
        assert not ignored(tmp_path, f"build/{name}"), name
    assert not ignored(tmp_path, "api/api.pb.go")


def ignored(folder, path):
    return subprocess.run(["git", "check-ignore", "--quiet", path], cwd=folder, check=False).returncode == 0
