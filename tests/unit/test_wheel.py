"""The wheel, in an environment that holds nothing else: a user's first minute."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from dubbopy_cli import __version__
from tests.scaffolding import contents, git, run

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Return the folder of the programs of an environment into which only the wheel was installed."""
    venv = tmp_path_factory.mktemp("empty") / "venv"
    uv = [sys.executable, "-m", "uv", "--quiet"]
    subprocess.run([*uv, "venv", "--python", sys.executable, venv], check=True, capture_output=True)
    subprocess.run([*uv, "pip", "install", "--python", venv / "bin/python", wheel], check=True, capture_output=True)
    return venv / "bin"


def used(*words, cwd):
    return subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True, check=False)


def test_the_wheel_carries_every_file_of_the_templates_and_no_litter(wheel):
    with zipfile.ZipFile(wheel) as archive:
        inside = {
            name.removeprefix("dubbopy_cli/templates/")
            for name in archive.namelist()
            if name.startswith("dubbopy_cli/templates/")
        }
    there = {
        path.relative_to(ROOT / "templates").as_posix()
        for path in (ROOT / "templates").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert inside == there


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="only a checkout has files that git ignores")
def test_no_file_of_the_templates_is_hidden_from_git():
    # A template's own .gitignore is in force in this repository too.
    ignored = git(ROOT, "ls-files", "--others", "--ignored", "--exclude-standard", "templates", "tests/golden")
    assert [name for name in ignored.splitlines() if "__pycache__" not in name] == []


@pytest.mark.parametrize("program", ["dubbopy-cli", "dubbopy"])
def test_both_commands_are_there(installed, tmp_path, program):
    done = used(installed / program, "--version", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"dubbopy-cli {__version__}\n"), done.stderr


@pytest.mark.parametrize("words", [(), ("--lang", "python", "--role", "client")])
def test_new_app_writes_what_it_writes_from_a_checkout(installed, tmp_path, words):
    (tmp_path / "wheel").mkdir()
    done = used(installed / "dubbopy-cli", "newApp", "shop", *words, cwd=tmp_path / "wheel")
    assert done.returncode == 0, done.stderr
    assert run("newApp", tmp_path / "checkout/shop", *words).returncode == 0
    assert contents(tmp_path / "wheel/shop") == contents(tmp_path / "checkout/shop")


def test_new_demo_works_too(installed, tmp_path):
    done = used(installed / "dubbopy-cli", "newDemo", "demo", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "demo/dubbo-go-client/cmd/app.go").is_file()
