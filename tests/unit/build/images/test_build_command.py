"""`build` as a user types it, with programs that only write down what they were told."""

import json

import pytest

from tests.errortexts import Told

PODMAN = '#!/bin/sh\necho "podman $*" >> "$CALLS"\n[ "$1" = push ] && echo "Authorization: Basic $SECRET" >&2 && exit 1\nexit 0\n'
GO = '#!/bin/sh\n[ "$1" = env ] && echo go1.26.0 && exit 0\necho "go $*" >> "$CALLS"\necho program > build/app\n'


@pytest.fixture
def folder(desk, shop, monkeypatch):
    """The project's folder; PATH holds go and podman, whose push is denied with an echo of the login."""
    desk.write({"bin/podman": PODMAN, "bin/go": GO})
    for name in ("echo", "cp"):
        (desk.folder / "bin" / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("CALLS", str(desk.folder / "calls"))
    monkeypatch.setenv("SECRET", "ZGV2OnMzY3JldA==")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.chdir(shop.root)
    return desk.folder


def calls(folder):
    path = folder / "calls"
    return [line.partition(" -")[0] for line in path.read_text().splitlines()] if path.exists() else []


def test_build_alone_compiles(desk, folder, capsys):
    done = desk.cli("build")
    assert done.code == 0
    assert calls(folder) == ["go build"]
    assert desk.cli("build", "--dry-run") == Told(0, "")


def test_a_dry_run_of_the_program(desk, folder):
    assert desk.cli("build", "--dry-run") == Told(
        0,
        "  CGO_ENABLED=0 TMP/bin/go build -trimpath -ldflags '-s -w -X shop/pkg/service.tag=1.0.0' "
        "-o build/app ./cmd\n",
    )
    assert calls(folder) == []


@pytest.mark.parametrize(
    "words",
    [["--image"], ["--builder", "auto"], ["--platform", "linux/amd64"], ["--push"], ["--no-push"], ["--insecure"]],
)
def test_any_option_of_an_image_asks_for_one(desk, folder, words):
    done = desk.cli("build", *words, "--dry-run")
    assert "  podman build --label dubbopy.content=" in done.text
    assert ("podman push" in done.text) is ("--no-push" not in words)
    assert calls(folder) == []


def test_what_is_loaded_is_not_pushed_unless_told(desk, folder):
    assert "podman push" not in desk.cli("build", "--load", "kind", "--dry-run").text
    assert "podman push" in desk.cli("build", "--load", "kind", "--push", "--dry-run").text


def test_a_login_that_the_builder_repeats_is_not_shown(desk, folder, registry):
    done = desk.cli("build", "--image", "-vv")
    assert done.code == 1
    assert "  Authorization: Basic ***\n" in done.text
    assert "ZGV2" not in done.text
    assert calls(folder) == ["go build", "podman build", "podman push"]


def test_a_dry_run_for_programs(shop, folder, capfd, monkeypatch):
    from typer.testing import CliRunner

    from dubbopy_cli.cli.main import app

    done = CliRunner().invoke(app, ["build", "--image", "--dry-run", "-o", "json"])
    data = json.loads(done.stdout)["data"]
    assert data["dry_run"] is True
    assert [step.get("command", step["title"]).split()[:2] for step in data["steps"][1:]] == [
        ["podman", "build"],
        ["podman", "push"],
        ["read", "the"],
    ]


def test_an_image_for_programs(shop, folder):
    from typer.testing import CliRunner

    from dubbopy_cli.cli.main import app

    done = CliRunner().invoke(app, ["build", "--no-push", "-o", "json"])
    data = json.loads(done.stdout)["data"]
    image = data.pop("image")
    assert data == {"application": "shop", "tag": "1.0.0", "state": "built"}
    assert image.pop("content")
    assert image == {
        "reference": f"{shop.image}:1.0.0",
        "digest": "",
        "pinned": f"{shop.image}:1.0.0",
        "platforms": ["linux/amd64"],
        "builder": "podman",
        "pushed": False,
        "loaded": "",
        "state": "built",
    }
