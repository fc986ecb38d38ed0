import os
from dataclasses import replace
from pathlib import Path

import pytest

from dubbopy_cli.project import Project
from tests.fakeregistry import FakeRegistry, serving
from tests.fakes import FakeRunner


def programs(folder: Path, monkeypatch, *names: str) -> None:
    """Let PATH hold programs of these names alone; they are found and never run."""
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text("#!/bin/sh\nexit 99\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.fixture
def registry():
    with serving(FakeRegistry()) as one:
        yield one


@pytest.fixture
def shop(tmp_path, monkeypatch, registry):
    """A Go server whose image belongs into the registry; podman and the logins of nobody are on this machine."""
    programs(tmp_path / "bin", monkeypatch, "go", "podman")
    for name in ("DUBBOPY_BUILDER", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "DOCKER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DUBBOPY_GO", str(tmp_path / "bin/go"))
    root = tmp_path / "shop"
    for name, text in {
        "conf/dubbogo.yaml": "dubbo: {}\n",
        "cmd/app.go": "package main\n",
        "go.mod": "module shop\n",
        "build/Dockerfile": "FROM scratch\n",
        "build/.dockerignore": "*\n",
        ".dubbopy.yaml": "template: builtin:go-server\nanswers: {lang: go, role: server, mesh: sidecar, module: shop}\n",
        "chart/app/Chart.yaml": "name: shop\n",
        "chart/app/values.yaml": f'image: {{repository: "{registry.host}/team/shop", tag: "1.0.0"}}\n'
        "version: {labels: {dubbogoAppVersion: v1}}\n",
        "chart/service/values.yaml": "service: {port: 20000}\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return Project(
        root, "builtin:go-server", "go", "server", "sidecar", "shop", "shop",
        f"{registry.host}/team/shop", "1.0.0", "v1", 20000, (),
    )  # fmt: skip


@pytest.fixture
def python_shop(shop):
    """The same as a Python project."""
    (shop.root / "src/shop").mkdir(parents=True)
    (shop.root / "src/shop/app.py").write_text("pass\n")
    return replace(shop, lang="python", template="builtin:python-server")


class Machine(FakeRunner):
    """Programs that leave what the real ones leave: a file of go's, and a push in the registry."""

    def __init__(self, registry: FakeRegistry) -> None:
        super().__init__()
        self.registry = registry
        self.built: dict[str, tuple[str, tuple[str, ...]]] = {}

    def run(self, argv, **options):
        done = super().run(argv, **options)
        words = list(argv)
        if done.ok and "-o" in words and words[1] == "build":
            (Path(options["cwd"]) / words[words.index("-o") + 1]).write_bytes(b"program")
        if done.ok and "--label" in words:
            name = words[next(words.index(one) for one in ("-t", "--manifest") if one in words) + 1]
            platforms = words[words.index("--platform") + 1] if "--platform" in words else "linux/amd64"
            content = words[words.index("--label") + 1].partition("=")[2]
            self.built[name] = (content, tuple(platforms.split(",")))
        if done.ok and ("push" in words or "--push" in words):
            name = next(one for one in words if one in self.built)
            path, _, tag = name.partition("/")[2].rpartition(":")
            content, platforms = self.built[name]
            self.registry.put(path, tag, content, *platforms)
        return done

    def go(self) -> None:
        self.expect(os.environ["DUBBOPY_GO"], "env", "GOVERSION", stdout="go1.26.8\n")
        self.expect(os.environ["DUBBOPY_GO"], "build")


@pytest.fixture
def machine(registry, monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    return Machine(registry)
