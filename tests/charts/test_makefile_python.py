from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from tests.charts.bench import PLAIN, Bench

PYTHON_STUB = (
    PLAIN
    + """
while [ $# -gt 0 ]; do
  case "$1" in
    venv) while [ $# -gt 1 ]; do shift; done
      "$STUBS/bin/mkdir" -p "$1/bin"; cp "$0" "$1/bin/python";;
    -w|-o) "$STUBS/bin/mkdir" -p "$2"; touch "$2/x-0-py3-none-any.whl";;
  esac; shift
done
"""
)


@pytest.fixture
def python_bench(bench) -> Callable[..., Bench]:
    def make(*, uv: bool, **answers: str) -> Bench:
        made = bench("python", "server", name="shop-py", **answers)
        (made.stubs / "bin/mkdir").symlink_to(str(shutil.which("mkdir")))
        made.stub("uv" if uv else "python3", PYTHON_STUB)
        return made

    return make


def test_python_builds_a_wheel_that_carries_the_tag(python_bench):
    made = python_bench(uv=True)
    made.made("build", "TAG=1.10")
    assert made.calls() == [
        ["uv", "build", "--wheel", "-o", "build/dist", "."],
        ["docker", "build", "--label", made.label(), "-t", "localhost:5000/shop-py:1.10", "build"],
        ["docker", "push", "localhost:5000/shop-py:1.10"],
    ]
    assert (made.root / "src/shop_py/_tag.txt").read_text() == "1.10\n"
    assert (made.root / "build/dubbogo.yaml").exists()


def test_python_without_uv(python_bench):
    made = python_bench(uv=False)
    made.made("compile")
    assert made.calls() == [["python3", "-m", "pip", "wheel", "--no-deps", "-w", "build/dist", "."]]


def test_python_runs_what_was_built(python_bench):
    made = python_bench(uv=False)
    made.made("run")
    made.made("run")
    wheel = "build/dist/x-0-py3-none-any.whl"
    install = ["python", "-m", "pip", "install", "--quiet"]
    run = ["python", "-m", "shop_py"]
    build = ["python3", "-m", "pip", "wheel", "--no-deps", "-w", "build/dist", "."]
    again = [build, [*install, wheel], [*install, "--force-reinstall", "--no-deps", wheel], run]
    assert made.calls() == [build, ["python3", "-m", "venv", "build/venv"], *again[1:], *again]


def test_python_tests_run_in_an_environment_of_their_own(python_bench):
    made = python_bench(uv=True)
    made.stub("python", PLAIN)
    made.made("test")
    calls = made.calls()
    assert calls == [
        ["uv", "venv", "--quiet", "--python", "python3", ".venv"],
        ["uv", "pip", "install", "--quiet", "--python", ".venv/bin/python", "--editable", ".", "--group", "dev"],
        ["python", "-m", "pytest"],
    ]
    made.made("test")
    assert made.calls() == [["python", "-m", "pytest"]]


def test_python_buildx_publish(python_bench):
    made = python_bench(uv=True)
    made.made("buildx-publish", "PLATFORMS=linux/amd64,linux/arm64")
    assert made.calls()[-1] == [
        "docker", "buildx", "build", "--platform", "linux/amd64,linux/arm64", "--label", made.label(),
        "-t", "localhost:5000/shop-py:1.0.0", "--push", "build",
    ]  # fmt: skip


def test_python_clean(python_bench):
    made = python_bench(uv=True)
    made.made("build")
    made.made("clean")
    assert sorted(path.name for path in (made.root / "build").iterdir()) == [".dockerignore", "Dockerfile"]
    assert not (made.root / "src/shop_py/_tag.txt").exists()
