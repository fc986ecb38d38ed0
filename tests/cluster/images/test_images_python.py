"""Images of Python on a slim base from a local registry, read back and run."""

from __future__ import annotations

import subprocess

import pytest

from tests.cluster.images import pythonbase
from tests.cluster.images.test_images_go import name_of
from tests.greeter import channel, say_hello
from tests.programs import eventually, free_port

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def base(machine, registry, tmp_path_factory):
    """Push the base image, and return its name."""
    name = f"{registry.host}/python:slim"
    folder = pythonbase.context(tmp_path_factory.mktemp("base") / "context")
    machine.ran("buildah", "build", "-t", name, str(folder))
    machine.ran("buildah", "push", "--tls-verify=false", name)
    return name


@pytest.fixture
def python_project(project, base, machine):
    folder = project("python")
    path = folder / "build/Dockerfile"
    text = path.read_text()
    assert text.count("ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim") == 1
    path.write_text(text.replace("docker.io/library/python:3.13-slim", base))
    return folder


@pytest.mark.parametrize("builder", ["podman", "buildah"])
def test_a_python_image_adds_installed_wheels_to_its_base_and_nothing_else(
    machine, registry, python_project, base, builder
):
    said = machine.built("--builder", builder, cwd=python_project)
    image = registry.image(name_of(python_project), "1.0.0")
    below = registry.image("python", "slim")
    assert image.config["config"]["User"] == "65532:65532"
    assert image.config["config"]["Entrypoint"] == ["/dubbogo/venv/bin/python", "-m", "shop"]
    assert image.config["config"]["Labels"]["dubbopy.content"] == said["content"]
    assert image.layers[: len(below.layers)] == below.layers
    there = below.files()
    added = {name: entry for name, entry in image.files().items() if not entry.isdir() and name not in there}
    assert {name.split("/")[0] for name in added} <= {"dubbogo", "run", "etc", "proc", "sys"}
    inside = {name.removeprefix("dubbogo/") for name in added if name.startswith("dubbogo/")}
    assert "dubbogo.yaml" in inside
    packages = {name for name in inside if name.endswith(".dist-info/METADATA")}
    assert any("/shop-" in name for name in packages)
    # Neither what installs nor what compiles: no pip in it, no source archive, no header, no wheel left behind.
    assert not [name for name in inside if "/pip-" in name or name.endswith((".whl", ".tar.gz", ".c"))]
    # A user that is not root cannot change what is run.
    assert {entry.uid for name, entry in added.items() if name.startswith("dubbogo/venv")} == {0}
    assert not [name for name, entry in added.items() if entry.mode & 0o022 and not entry.issym()]
    if builder == "podman":
        answers(machine, said["reference"], python_project)
    size = sum(entry.size for name, entry in added.items())
    assert size < 80_000_000


def test_a_program_of_go_runs_with_a_root_that_is_read_only(machine, project):
    folder = project()
    answers(machine, machine.built("--no-push", "--builder", "podman", cwd=folder)["pinned"], folder)


def answers(machine, image, folder):
    """Run the image as a pod would, and call it."""
    port = free_port()
    argv = [
        *("podman", "run", "--rm", "--name", f"c{port}", "--read-only", "--cap-drop", "all", "--network", "host"),
        *("--security-opt", "no-new-privileges", "-e", "DUBBO_HOST=127.0.0.1", "-e", f"DUBBO_PORT={port}", str(image)),
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(argv, env=machine.env, stdout=log, stderr=log)
    try:
        with channel(port) as opened:

            def served():
                assert process.poll() is None, (folder / "log").read_text()
                try:
                    return say_hello(folder, opened, "image")
                except Exception:  # noqa: BLE001 - it is starting
                    return None

            assert "image" in eventually(served, f"an answer; {(folder / 'log').read_text()}").name
        user = machine.ran("podman", "top", f"c{port}", "huser").split()
        assert set(user) == {"HUSER", "65532"}
    finally:
        machine.run("podman", "stop", "-t", "10", f"c{port}")
        assert process.wait(30) == 0, (folder / "log").read_text()
