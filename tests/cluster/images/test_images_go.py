"""Images of Go by Podman and Buildah, read back from the registry they were pushed to."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path

import pytest

from tests.registry import Image

pytestmark = pytest.mark.slow

BUILDERS = ["podman", "buildah"]
TWO = "linux/amd64,linux/arm64"
# e_machine of an ELF file: EM_X86_64 and EM_AARCH64.
MACHINES = {"amd64": 62, "arm64": 183}


def name_of(folder: Path) -> str:
    text = (folder / "chart/app/values.yaml").read_text()
    return text.partition('repository: "')[2].partition('"')[0].partition("/")[2]


def change(folder: Path) -> None:
    with (folder / "cmd/app.go").open("a") as file:
        file.write("\n// changed\n")


def interpreter(program: bytes) -> bool:
    """Tell whether an ELF program of 64 bits asks for a loader, as one does that is not static."""
    (start,) = struct.unpack_from("<Q", program, 32)
    size, count = struct.unpack_from("<HH", program, 54)
    return any(struct.unpack_from("<I", program, start + at * size)[0] == 3 for at in range(count))


def assert_minimal(image: Image, architecture: str) -> None:
    """The program and its configuration, as a user that is not root, and nothing else to run."""
    assert (image.config["os"], image.config["architecture"]) == ("linux", architecture)
    assert image.config["config"]["User"] == "65532:65532"
    assert image.config["config"]["Entrypoint"] == ["/dubbogo/app"]
    assert not image.config["config"].get("Cmd")
    assert len(image.layers) <= 3
    files = {name: entry for name, entry in image.files().items() if not entry.isdir()}
    # No shell, no package manager, no libraries: there is nothing but these two.
    assert set(files) == {"dubbogo/app", "dubbogo/dubbogo.yaml"}
    assert {(entry.uid, entry.gid) for entry in files.values()} == {(65532, 65532)}
    assert files["dubbogo/app"].mode & 0o7777 == 0o755
    program = image.read("dubbogo/app")
    assert program[:4] == b"\x7fELF"
    assert struct.unpack_from("<H", program, 18) == (MACHINES[architecture],)
    assert not interpreter(program)
    assert sum(entry.size for entry in files.values()) < 30_000_000


@pytest.mark.parametrize("builder", BUILDERS)
def test_an_image_holds_the_program_alone_and_is_known_by_its_digest(machine, registry, project, builder):
    folder = project()
    said = machine.built("--builder", builder, cwd=folder)
    digest, _ = registry.manifest(name_of(folder), "1.0.0")
    assert said["pinned"] == f"{registry.host}/{name_of(folder)}@{digest}"
    assert (said["state"], said["builder"], said["pushed"]) == ("built", builder, True)
    image = registry.image(name_of(folder), "1.0.0")
    assert_minimal(image, "amd64")
    assert list(image.config["config"]["ExposedPorts"]) == ["20000/tcp"]
    assert image.config["config"]["Labels"]["dubbopy.content"] == said["content"]
    assert image.read("dubbogo/dubbogo.yaml") == (folder / "conf/dubbogo.yaml").read_bytes()
    record = json.loads((folder / "build/.images.json").read_text())
    assert record["images"][said["reference"]]["digest"] == digest


def test_one_tag_never_holds_two_contents(machine, registry, project):
    folder = project()
    first = machine.built("--image", cwd=folder)
    # Nothing changed: nothing is run, whoever asks.
    again = machine.cli("build", "--builder", "buildah", "-v", cwd=folder)
    assert again.stderr == "\nNext:\n  dubbopy-cli deploy\n"
    assert again.stdout == (f"{first['reference']} is in the registry already (linux/amd64)\n{first['pinned']}\n")
    change(folder)
    refused = machine.cli("build", "--image", cwd=folder)
    assert refused.returncode == 6
    assert refused.stderr == (
        f"Error: {first['reference']} is in the registry already and was made of other sources: pods may run it, "
        f"and one tag should never be two programs\n\n  in the registry: {first['digest']}\n\n"
        "Try: take a new tag: --tag, or image.tag in chart/app/values.yaml; or replace what is there: --force\n"
        "[image-tag-taken]\n"
    )
    assert registry.manifest(name_of(folder), "1.0.0")[0] == first["digest"]
    second = machine.built("--image", "--tag", "1.0.1", cwd=folder)
    assert second["digest"] != first["digest"]
    forced = machine.built("--image", "--force", cwd=folder)
    assert registry.manifest(name_of(folder), "1.0.0")[0] == forced["digest"] != first["digest"]
    # What was replaced can still be had by its digest.
    assert registry.manifest(name_of(folder), first["digest"])


def test_a_program_that_was_built_in_another_place_is_the_same_content(machine, project, tmp_path):
    folder = project()
    first = machine.built("--image", cwd=folder)
    copy = tmp_path / "elsewhere/shop"
    shutil.copytree(folder, copy, copy_function=shutil.copyfile, ignore=shutil.ignore_patterns(".*.json"))
    (copy / "build/app").unlink()
    again = machine.built("--image", cwd=copy)
    assert (again["state"], again["digest"]) == ("up-to-date", first["digest"])


@pytest.mark.parametrize("builder", BUILDERS)
def test_make_by_hand_makes_the_image_that_the_command_knows(machine, registry, project, builder):
    folder = project()
    made = machine.run("make", "build", f"DOCKER={builder}", cwd=folder)
    assert made.returncode == 0, made.stderr
    assert "warn" not in made.stdout + made.stderr
    assert_minimal(registry.image(name_of(folder), "1.0.0"), "amd64")
    assert machine.built("--image", cwd=folder)["state"] == "up-to-date"
    change(folder)
    assert machine.cli("build", "--image", cwd=folder).returncode == 6


@pytest.mark.parametrize("how", ["podman", "buildah", "make"])
def test_several_platforms_are_one_index(machine, registry, project, how):
    folder = project()
    if how == "make":
        machine.ran("make", "buildx-publish", f"PLATFORMS={TWO}", "DOCKER=buildah", cwd=folder)
    else:
        said = machine.built("--builder", how, "--platform", TWO, cwd=folder)
        assert said["digest"] == registry.manifest(name_of(folder), "1.0.0")[0]
    # Again: an index of the last time is in the builder's store, or an image.
    if how == "buildah":
        machine.built("--no-push", "--builder", how, "--force", cwd=folder)
    said = machine.built("--platform", TWO, "--force", cwd=folder)
    digest, index = registry.manifest(name_of(folder), "1.0.0")
    assert said["pinned"].endswith(f"@{digest}")
    assert sorted(entry["platform"]["architecture"] for entry in index["manifests"]) == ["amd64", "arm64"]
    for entry in index["manifests"]:
        assert_minimal(registry.image(name_of(folder), entry["digest"]), entry["platform"]["architecture"])


def test_a_platform_more_keeps_the_one_that_is_there(machine, registry, project):
    folder = project()
    machine.built("--image", cwd=folder)
    said = machine.built("--platform", "linux/arm64", cwd=folder)
    assert said["platforms"] == ["linux/amd64", "linux/arm64"]
    assert len(registry.manifest(name_of(folder), "1.0.0")[1]["manifests"]) == 2
    assert machine.built("--platform", "linux/arm64", cwd=folder)["state"] == "up-to-date"


def test_a_dry_run_makes_nothing(machine, registry, project):
    folder = project()
    before = sorted(folder.rglob("*"))
    done = machine.cli("build", "--builder", "buildah", "--dry-run", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "Nothing was changed.\n")
    lines = done.stderr.splitlines()
    assert [line.split()[:2] for line in lines[1:3]] == [["buildah", "build"], ["buildah", "push"]]
    assert lines[0].endswith("-o build/app ./cmd")
    assert sorted(folder.rglob("*")) == before
    assert registry.manifest(name_of(folder), "1.0.0") is None
    # The lines are what is run: by hand they make the same image.
    script = "\n".join(["set -e", lines[0], "cp conf/dubbogo.yaml build/dubbogo.yaml", *lines[1:3]])
    machine.ran("sh", "-c", script, cwd=folder)
    assert machine.built("--image", cwd=folder)["state"] == "up-to-date"
