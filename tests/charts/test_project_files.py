from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from dubbopy_cli import project as projects
from dubbopy_cli.build import builder, compilers, toolchain
from tests.charts.conftest import COMMON, VARIANTS, render
from tests.fakes import FakeRunner

TEMPLATES = COMMON.parent


@pytest.fixture(scope="module", params=VARIANTS, ids="-".join)
def whole(request, tmp_path_factory) -> Path:
    """A project of all its layers."""
    import copier

    lang, role = request.param
    answers = {
        "name": "shop-front", "lang": lang, "role": role, "mesh": "sidecar", "image": "example.com/team/odd-image",
        "module": "shop_front", "app_version": "v77", "tag": "8.8.8", "port": 20001,
        "server": "dubbo-go-server" if role == "client" else "",
    }  # fmt: skip
    root = tmp_path_factory.mktemp("whole") / "shop-front"
    for layer in ("common", lang, f"{lang}-{role}"):
        copier.run_copy(str(TEMPLATES / layer), root, data=answers, defaults=True, quiet=True, overwrite=True)
    return root


def texts(root: Path) -> dict[str, str]:
    return {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("value", "files"),
    [
        ("8.8.8", {"chart/app/values.yaml"}),
        ("v77", {"chart/app/values.yaml"}),
        ("odd-image", {"chart/app/values.yaml"}),
    ],
)
def test_a_value_is_written_once(whole, value, files):
    assert {name for name, text in texts(whole).items() if value in text} == files


def test_the_command_line_reads_what_the_template_wrote(whole):
    found = projects.load(whole)
    assert (found.name, found.image, found.tag, found.version, found.port, found.module, found.mesh) == (
        "shop-front", "example.com/team/odd-image", "8.8.8", "v77", 20001, "shop_front", "sidecar",
    )  # fmt: skip
    assert found.template == f"builtin:{found.lang}-{found.role}"


def test_no_template_syntax_is_left(whole):
    for name, text in texts(whole).items():
        assert ".jinja" not in name
        if name.startswith(("build/", "README", "Makefile", ".d")) or name.endswith(("values.yaml", "Chart.yaml")):
            assert "{{" not in text, name
            assert "{%" not in text, name


def test_the_readme_names_files_that_exist(whole):
    readme = (whole / "README.md").read_text()
    named = set(re.findall(r"`([a-z][\w./-]*/[\w./-]+\.\w+|[A-Z]\w+)`", readme))
    for name in named & {"Makefile"} | {name for name in named if "/" in name}:
        assert (whole / name).is_file(), name


def test_the_readme_names_targets_that_exist(whole):
    readme = (whole / "README.md").read_text()
    makefile = (whole / "Makefile").read_text()
    targets = set(re.findall(r"(?:\$ |`|\d )make ([a-z-]+)", readme))
    assert {"build", "deploy", "remove", "run", "test"} <= targets
    for target in targets:
        assert re.search(rf"^{target}( image)?:", makefile, re.MULTILINE), target


def test_the_readme_speaks_of_one_role_and_language(whole):
    readme = (whole / "README.md").read_text()
    found = projects.load(whole)
    assert ("## A second version" in readme) is (found.role == "server")
    assert ("dubbo-go-server" in readme) is (found.role == "client")
    assert ("python" in readme.lower()) is (found.lang == "python")
    assert max(map(len, readme.splitlines())) <= 130


def test_no_file_ends_badly(whole):
    for name, text in texts(whole).items():
        if name.startswith(("chart/", "build/", "README", "Makefile", ".d")):
            assert text.endswith("\n"), name
            assert not text.endswith("\n\n"), name
            assert not re.search(r"[ \t]$", text, re.MULTILINE), name


def test_make_and_the_command_line_compile_alike(bench, whole, monkeypatch):
    found = projects.load(whole)
    monkeypatch.setattr(toolchain, "go", lambda _: toolchain.Toolchain(Path("go"), (1, 26, 0)))
    monkeypatch.setattr(toolchain, "uv", lambda: Path("uv"))
    first = next(compilers.compiler(found).commands(found, "9.9", FakeRunner()))
    made = bench()
    made.root = whole
    made.stub("uv")
    printed = [shlex.split(line) for line in made.made("-n", "compile", "TAG=9.9").splitlines()]
    assert shlex.split(builder.line(first)) in printed


def test_rendering_again_changes_nothing(tmp_path):
    render(tmp_path / "shop", name="shop")
    before = texts(tmp_path / "shop")
    render(tmp_path / "shop", name="shop")
    assert texts(tmp_path / "shop") == before
