"""What fails with real builders and a real registry: exit code, cause and hint; nothing that was there is lost."""

from __future__ import annotations

import subprocess

import pytest

from tests.cluster.images.conftest import machine_in
from tests.programs import free_port
from tests.registry import running

pytestmark = pytest.mark.slow

SECRET = "s3cret-of-a-test"


@pytest.fixture
def guarded(tmp_path):
    """A registry that lets in one user."""
    line = subprocess.run(
        ["htpasswd", "-nbB", "dev", SECRET], capture_output=True, text=True, timeout=30, check=True
    ).stdout
    (tmp_path / "htpasswd").write_text(line)
    with running(tmp_path / "guarded", htpasswd=tmp_path / "htpasswd") as one:
        yield one


@pytest.mark.parametrize("builder", ["podman", "buildah"])
def test_a_registry_that_wants_a_login(machine, guarded, project, tmp_path, builder):
    folder = project(host=guarded.host)
    store = tmp_path / "auth.json"
    store.write_text("{}")
    done = machine.cli("build", "--builder", builder, cwd=folder, REGISTRY_AUTH_FILE=str(store))
    assert done.returncode == 4
    image = f"{guarded.host}/{folder_image(folder)}"
    assert done.stderr == (
        f"Error: the registry {guarded.host} does not let you at {image} (HTTP status 401): you are not logged in\n\n"
        f"Try: {builder} login {guarded.host}\n[registry-denied]\n"
    )
    login = [builder, "login", "--tls-verify=false", "-u", "dev", "-p", SECRET, guarded.host]
    machine.ran(*login, cwd=folder, REGISTRY_AUTH_FILE=str(store))
    done = machine.cli("build", "--builder", builder, "-vv", cwd=folder, REGISTRY_AUTH_FILE=str(store))
    assert done.returncode == 0, done.stderr
    assert f"{image}@sha256:" in done.stdout
    # Neither the secret nor what the store makes of it.
    for word in (SECRET, "ZGV2OnMzY3JldC1vZi1hLXRlc3Q"):
        assert word in SECRET + store.read_text()
        assert word not in done.stdout + done.stderr
        assert word not in (folder / "build/.images.json").read_text()


def folder_image(folder):
    text = (folder / "chart/app/values.yaml").read_text()
    return text.partition('repository: "')[2].partition('"')[0].partition("/")[2]


def test_a_push_that_the_registry_denies_although_it_can_be_read(machine, guarded, project, tmp_path, monkeypatch):
    """The login that is asked with is not the one that the builder pushes with: what Podman says is told."""
    folder = project(host=guarded.host)
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    login = ["podman", "login", "--tls-verify=false", "-u", "dev", "-p", SECRET, guarded.host]
    good.write_text("{}")
    machine.ran(*login, cwd=folder, REGISTRY_AUTH_FILE=str(good))
    bad.write_text("{}")
    # A podman that reads another store, as one of another user would.
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/podman").write_text(f'#!/bin/sh\nREGISTRY_AUTH_FILE={bad} exec /usr/bin/podman "$@"\n')
    (tmp_path / "bin/podman").chmod(0o755)
    path = f"{tmp_path / 'bin'}:{machine.env['PATH']}"
    done = machine.cli("build", "--builder", "podman", cwd=folder, REGISTRY_AUTH_FILE=str(good), PATH=path)
    assert done.returncode == 4
    image = f"{guarded.host}/{folder_image(folder)}"
    assert f"Error: the registry {guarded.host} does not let podman push {image}\n\n" in done.stderr
    assert done.stderr.endswith(f"\nTry: podman login {guarded.host}\n[registry-denied]\n")


def test_a_registry_that_is_gone(machine, project, tmp_path):
    port = free_port()
    folder = project(host=f"127.0.0.1:{port}")
    image = f"127.0.0.1:{port}/{folder_image(folder)}"
    unreachable = (
        f"Error: the registry 127.0.0.1:{port} cannot be asked for {image}: Connection refused\n\n"
        "Try: start it or mend the network, or do without: dubbopy-cli build --image --no-push\n"
        "[registry-unreachable]\n"
    )
    before = sorted(folder.rglob("*"))
    done = machine.cli("build", "--image", cwd=folder)
    assert (done.returncode, done.stderr) == (4, unreachable)
    assert sorted(folder.rglob("*")) == before
    assert machine.built("--no-push", cwd=folder)["pinned"] == f"{image}:1.0.0"
    with running(tmp_path / "registry", port=port):
        pushed = machine.built("--image", cwd=folder)
    # Pushed from here, and nothing has changed: its digest is known all the same.
    done = machine.cli("build", "--image", cwd=folder)
    assert done.returncode == 0
    assert done.stderr.splitlines()[0] == (
        f"Warning: the registry 127.0.0.1:{port} cannot be asked for {image}: Connection refused; "
        f"{image}:1.0.0 was pushed from here before, as {pushed['digest']}"
    )
    assert done.stdout.endswith(f"{pushed['pinned']}\n")
    with (folder / "cmd/app.go").open("a") as file:
        file.write("\n// changed\n")
    done = machine.cli("build", "--image", cwd=folder)
    assert (done.returncode, done.stderr) == (4, unreachable)


def test_a_registry_that_goes_in_the_middle(machine, project, tmp_path):
    """It answers when it is asked, and is gone when the image is pushed; the same command again goes on."""
    port = free_port()
    folder = project(host=f"127.0.0.1:{port}")
    image = f"127.0.0.1:{port}/{folder_image(folder)}"
    with running(tmp_path / "registry", port=port) as registry:
        (tmp_path / "bin").mkdir()
        # A podman under whose push the registry ends.
        (tmp_path / "bin/podman").write_text(
            "#!/bin/sh\n"
            f'[ "$1" = push ] && {{ kill {registry.process.pid}; while kill -0 {registry.process.pid} 2>/dev/null && '
            f'! grep -q Z /proc/{registry.process.pid}/stat; do :; done; }}\nexec /usr/bin/podman "$@"\n'
        )
        (tmp_path / "bin/podman").chmod(0o755)
        path = f"{tmp_path / 'bin'}:{machine.env['PATH']}"
        done = machine.cli("build", "--builder", "podman", cwd=folder, PATH=path)
    assert done.returncode == 4
    assert (
        f"Error: podman cannot push to the registry 127.0.0.1:{port}: it does not answer as it should\n" in done.stderr
    )
    assert "connection refused" in done.stderr
    assert done.stderr.endswith(
        "\nTry: start it or mend the network, then the same command again; by hand: "
        f"podman push --tls-verify=false {image}:1.0.0\n[registry-unreachable]\n"
    )
    assert not (folder / "build/.images.json").exists()
    with running(tmp_path / "registry", port=port):
        assert machine.built("--builder", "podman", cwd=folder)["pushed"] is True


@pytest.mark.parametrize("builder", ["podman", "buildah"])
def test_a_full_disk(project, tmp_path, builder):
    folder = project()
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=9m", "tmpfs", str(small)], check=True, timeout=30)
    try:
        done = machine_in(small / "m").cli("build", "--builder", builder, "--no-push", cwd=folder, TMPDIR="/tmp")
        assert done.returncode == 1
        assert f"Error: making the image of shop failed: `{builder} build` ended with exit status" in done.stderr
        assert "no space left on device" in done.stderr
        hint = f"the disk is full: `{builder} image prune` frees what no image needs"
        if builder == "buildah":
            hint = "the disk is full: `buildah rmi --prune` frees what no image needs"
        assert done.stderr.endswith(f"\nTry: {hint}\n[image-failed]\n")
    finally:
        subprocess.run(["umount", str(small)], check=True, timeout=30)


def test_a_base_image_that_cannot_be_had(machine, project):
    folder = project("python")
    port = free_port()
    path = folder / "build/Dockerfile"
    path.write_text(path.read_text().replace("docker.io/library/python:3.13-slim", f"127.0.0.1:{port}/python:slim"))
    done = machine.cli("build", "--no-push", cwd=folder)
    assert done.returncode == 1
    assert done.stderr.endswith(
        "\nTry: the registry of the base image, or pip's index, cannot be reached: "
        "name ones that can in build/Dockerfile\n[image-failed]\n"
    )
