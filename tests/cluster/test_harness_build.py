"""What is built once is there for good: nothing is built or fetched twice, and nothing half made is ever used."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.cluster.harness import archive, build, pins

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def test_a_second_build_needs_neither_compiler_nor_network():
    built = build.everything()
    before = {path: path.stat().st_mtime_ns for path in pins.cache().glob("*-*/*")}
    argv = ["unshare", "--net", sys.executable, "-m", "tests.cluster.harness", "build"]
    # No go is in this PATH; one that is beside this Python would find no network.
    env = {**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.endswith(f"built: {built.programs} and {built.istio}")
    assert {path: path.stat().st_mtime_ns for path in pins.cache().glob("*-*/*")} == before


def test_the_programs_say_the_versions_of_the_pins():
    built = build.everything()
    for name, version in (
        ("kube-apiserver", f"Kubernetes v{pins.KUBERNETES}"),
        ("kubelet", f"Kubernetes v{pins.KUBERNETES}"),
        ("istioctl", f"client version: {pins.ISTIO}"),
    ):
        words = ["version", "--remote=false"] if name == "istioctl" else ["--version"]
        said = subprocess.run([built.program(name), *words], capture_output=True, text=True, check=True).stdout
        assert said.strip() == version
    assert build.istioctl() == built.program("istioctl")


def test_a_build_that_fails_or_is_killed_leaves_nothing_to_use(tmp_path, monkeypatch):
    monkeypatch.setattr(pins, "cache", lambda: tmp_path)

    def half(into):
        (into / "half").touch()
        raise KeyboardInterrupt

    def whole(into):
        assert list(into.iterdir()) == []
        (into / "whole").touch()

    with pytest.raises(KeyboardInterrupt):
        build._cached("part", half)
    assert not (tmp_path / "part").exists()
    assert [path.name for path in build._cached("part", whole).iterdir()] == ["whole"]
    assert [path.name for path in build._cached("part", half).iterdir()] == ["whole"]


BUILD = """
import sys
from pathlib import Path
from tests.cluster.harness import build, pins
pins.cache = lambda: Path(sys.argv[1])

def make(into):
    with (Path(sys.argv[1]) / "made").open("a") as file:
        file.write("x")
    (into / "file").touch()

print(build._cached("part", make))
"""


def test_of_many_at_once_one_builds(tmp_path):
    argv = [sys.executable, "-c", BUILD, str(tmp_path)]
    builds = [subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [each.communicate()[0] for each in builds] == [f"{tmp_path}/part\n"] * 4
    assert (tmp_path / "made").read_text() == "x"


def test_other_pins_are_another_build(monkeypatch):
    programs, images = pins.binaries_key(), pins.images_key()
    monkeypatch.setattr(pins, "LDFLAGS", pins.LDFLAGS + " -X a=b")
    assert programs != pins.binaries_key()
    assert images != pins.images_key()


def test_an_image_of_a_project_is_what_its_dockerfile_says(tmp_path):
    (tmp_path / "build").mkdir()
    (tmp_path / "build/app").write_bytes(b"program")
    (tmp_path / "build/dubbogo.yaml").write_text("dubbo: {}\n")
    path = archive.of_project(tmp_path, "localhost:5000/app:1", tmp_path / "image.tar")
    with tarfile.open(path) as image:
        names = image.getnames()
        layer = next(name for name in names if name.endswith("layer.tar"))
        with tarfile.open(fileobj=image.extractfile(layer)) as files:
            found = {file.name: (oct(file.mode), file.uid, file.size) for file in files}
    assert found == {
        "dubbogo": ("0o755", 0, 0),
        "etc": ("0o755", 0, 0),
        "tmp": ("0o1777", 0, 0),
        "dubbogo/app": ("0o755", 65532, 7),
        "dubbogo/dubbogo.yaml": ("0o644", 65532, 10),
    }
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["image.tar"]
