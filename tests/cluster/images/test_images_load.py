"""Images that are loaded into a cluster of this machine: containerd for real, kind and minikube by strict stand-ins."""

from __future__ import annotations

import json
import subprocess
import tarfile

import pytest

from tests.programs import eventually

pytestmark = pytest.mark.slow

# Takes one image archive by exactly these words, and notes the names of the images in it.
TAKES = """#!/bin/sh
[ "$*" = "{words}" ] || {{ echo "unknown command: $*" >&2; exit 64; }}
tar -xOf build/.image.tar manifest.json > {seen}
"""


@pytest.fixture
def containerd(tmp_path_factory):
    """A containerd of the test's own; return its socket."""
    folder = tmp_path_factory.mktemp("containerd")
    socket = folder / "c.sock"
    (folder / "config.toml").write_text(
        f'version = 2\nroot = "{folder}/root"\nstate = "{folder}/state"\n'
        f'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "{socket}"\n'
        # What nobody holds is collected at once, not when chance has it.
        '[plugins."io.containerd.gc.v1.scheduler"]\npause_threshold = 0.5\ndeletion_threshold = 1\n'
        'mutation_threshold = 1\nschedule_delay = "0s"\nstartup_delay = "0s"\n'
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["containerd", "-c", str(folder / "config.toml")], stdout=log, stderr=log)
    try:
        eventually(socket.exists, f"containerd's socket: {(folder / 'log').read_text()}")
        yield str(socket)
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.parametrize("builder", ["podman", "buildah"])
def test_containerd_takes_the_image(machine, project, containerd, builder):
    folder = project()
    said = machine.built("--load", "ctr", "--builder", builder, cwd=folder, CONTAINERD_ADDRESS=containerd)
    assert (said["loaded"], said["pushed"], said["digest"]) == ("ctr", False, "")
    listed = machine.ran("ctr", "-n", "k8s.io", "images", "ls", "-q", CONTAINERD_ADDRESS=containerd)
    assert listed.split() == [said["pinned"]]
    assert not (folder / "build/.image.tar").exists()
    # Again, with other sources: under the same name is the new one now.
    first = machine.ran("ctr", "-n", "k8s.io", "images", "ls", CONTAINERD_ADDRESS=containerd)
    with (folder / "conf/dubbogo.yaml").open("a") as file:
        file.write("# changed\n")
    again = machine.built("--load", "ctr", "--builder", builder, cwd=folder, CONTAINERD_ADDRESS=containerd)
    assert again["content"] != said["content"]
    listed = machine.ran("ctr", "-n", "k8s.io", "images", "ls", "-q", CONTAINERD_ADDRESS=containerd)
    assert listed.split() == [said["pinned"]]
    assert machine.ran("ctr", "-n", "k8s.io", "images", "ls", CONTAINERD_ADDRESS=containerd) != first


def test_a_containerd_that_does_not_run(machine, project, tmp_path):
    folder = project()
    done = machine.cli("build", "--load", "ctr", cwd=folder, CONTAINERD_ADDRESS=str(tmp_path / "none.sock"))
    assert done.returncode == 1
    assert "Error: loading the image into ctr failed: `ctr -n` ended with exit status 1\n" in done.stderr
    assert done.stderr.endswith(
        "\nTry: run it by hand: ctr -n k8s.io images import build/.image.tar\n[image-load-failed]\n"
    )
    # What was made by then is there for that command.
    assert tarfile.is_tarfile(folder / "build/.image.tar")


@pytest.mark.parametrize("builder", ["podman", "buildah"])
@pytest.mark.parametrize("loader", ["kind", "minikube"])
def test_kind_and_minikube_are_given_an_archive(machine, project, tmp_path, builder, loader):
    folder = project()
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / loader
    words = {"kind": "load image-archive build/.image.tar", "minikube": "image load build/.image.tar"}
    program.write_text(TAKES.format(words=words[loader], seen=tmp_path / "seen"))
    program.chmod(0o755)
    path = f"{tmp_path / 'bin'}:{machine.env['PATH']}"
    said = machine.built("--load", loader, "--builder", builder, cwd=folder, PATH=path)
    assert json.loads((tmp_path / "seen").read_text())[0]["RepoTags"] == [said["pinned"]]
