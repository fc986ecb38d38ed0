"""A project as it is written, before anybody touches it."""

import re
import subprocess
import tomllib

import pytest

from tests.greeter import channel

from ._calls import say_hello
from ._program import serving
from ._project import TAG, TEMPLATES, App, uv

# Imports are wrapped where they would be longer than a line.
PACKAGES = ["x", "dubbo_py", "n" * 50, "_".join(["long"] * 30)]


@pytest.fixture(scope="module", params=["server", "client"])
def role(request):
    return request.param


@pytest.fixture(scope="module", params=PACKAGES, ids=["tiny", "plain", "long", "endless"])
def project(request, role, made):
    return made(role, module=request.param)[1]


@pytest.mark.parametrize("command", ["ruff check", "ruff format --check", "mypy", "pytest -q"])
def test_its_own_checks_pass(project, python, command):
    program, *arguments = command.split()
    done = subprocess.run(
        [python.with_name(program), *arguments], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_wheel_carries_the_tag(made, python, tmp_path, log):
    project, folder = made("server", name="shop-py")
    (folder / "src/shop_py/_tag.txt").write_text(f"{TAG}\n")
    assert ignored(folder, "src/shop_py/_tag.txt", tmp_path)
    uv("build", "--wheel", "-o", "build/dist", ".", cwd=folder)
    (wheel,) = (folder / "build/dist").glob("*.whl")
    target = tmp_path / "installed"
    uv("pip", "install", "--python", str(python), "--no-deps", "--target", str(target), str(wheel))
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/dubbogo.yaml").write_text((folder / "conf/dubbogo.yaml").read_text())
    app = App(tmp_path, project.package, python, installed=True)
    with serving(app, log, PYTHONPATH=str(target)) as (_, port), channel(port) as opened:
        assert say_hello(opened, "laurence").id == f"v{TAG}"


@pytest.mark.parametrize(
    "name", ["build/dist/x.whl", "build/dubbogo.yaml", "build/venv/x", ".venv/x", "a/__pycache__/x"]
)
def test_what_a_build_makes_is_ignored_by_git(made, role, tmp_path, name):
    assert ignored(made(role)[1], name, tmp_path)


@pytest.mark.parametrize(
    "name", ["build/Dockerfile", "build/.dockerignore", "src/x/api/api_pb2.py", "conf/dubbogo.yaml"]
)
def test_what_is_written_is_not_ignored_by_git(made, role, tmp_path, name):
    assert not ignored(made(role)[1], name, tmp_path)


def ignored(project, path, repository):
    subprocess.run(["git", "init", "--quiet", str(repository)], check=True)
    (repository / ".gitignore").write_text((project / ".gitignore").read_text())
    return subprocess.run(["git", "check-ignore", "--quiet", path], cwd=repository, check=False).returncode == 0


def test_the_dependencies_are_as_new_as_the_stubs(made, role):
    project, folder = made(role)
    wanted = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["dependencies"]
    floors = dict(re.match(r"([\w-]+)>=([\d.]+),<\d+$", one).groups() for one in wanted)
    stubs = folder / "src" / project.package / "api"
    grpc = re.search(r"GRPC_GENERATED_VERSION = '([\d.]+)'", (stubs / "api_pb2_grpc.py").read_text())[1]
    protobuf = re.search(r"Protobuf Python Version: ([\d.]+)", (stubs / "api_pb2.py").read_text())[1]
    assert (floors["grpcio"], floors["protobuf"]) == (grpc, protobuf)


def test_no_file_repeats_what_the_chart_says(role, made):
    _, folder = made(role)
    files = [*folder.glob("src/**/*.py"), folder / "pyproject.toml", folder / "conf/dubbogo.yaml"]
    assert [file for file in files if TAG in file.read_text() or "localhost:5000" in file.read_text()] == []


def test_the_layers_share_one_rule_for_imports():
    texts = {
        (TEMPLATES / layer / "imports.jinja").read_text() for layer in ("python", "python-server", "python-client")
    }
    assert len(texts) == 1
