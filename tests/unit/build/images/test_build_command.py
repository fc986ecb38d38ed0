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


KUBECTL = """#!/bin/sh
echo "$*" >> "$ASKED"
[ "$1" = config ] && echo '{"contexts": [{"name": "far", "context": {}}], "current-context": "far"}' && exit 0
[ "$*" = "--context far get --raw /api/v1/nodes --request-timeout=10s" ] || exit 64
NODES
"""
SAYS = "cat <<E\n{}\nE"
NOT_KNOWN = "  the platforms of the nodes are not known, so this machine's is taken: "


def node(architecture, system="linux", **spec):
    return {"spec": spec, "status": {"nodeInfo": {"architecture": architecture, "operatingSystem": system}}}


@pytest.fixture
def nodes(desk, folder, monkeypatch):
    """Let kubectl know a context `far`, and its nodes answer as is given; return what kubectl was asked."""
    monkeypatch.setenv("ASKED", str(folder / "asked"))
    monkeypatch.setenv("DUBBOPY_TARGET", "kubernetes")
    (folder / "bin/cat").symlink_to("/bin/cat")

    def answer(script):
        desk.write({"bin/kubectl": KUBECTL.replace("NODES", script)})
        (folder / "bin/kubectl").chmod(0o755)
        return lambda: (folder / "asked").read_text().splitlines() if (folder / "asked").exists() else []

    return answer


def test_an_image_is_for_the_nodes_of_the_chosen_cluster(desk, nodes):
    found = [node("arm64"), node("amd64"), node("amd64"), node("s390x", unschedulable=True), node("386", "windows")]
    nodes(SAYS.format(json.dumps({"items": found})))
    told = desk.cli("build", "--image", "--dry-run").text
    assert "  podman build --platform linux/amd64,linux/arm64 --build-arg PER_PLATFORM=yes" in told
    assert NOT_KNOWN not in told
    assert "  podman build --label" in desk.cli("build", "--image", "--dry-run", "--target", "local").text


@pytest.mark.parametrize("words", [[], ["--platform", "linux/s390x"], ["--load", "kind"]])
def test_a_cluster_is_not_asked_where_its_nodes_do_not_matter(desk, nodes, words):
    asked = nodes("exit 1")
    assert desk.cli("build", *words, "--dry-run").code == 0
    assert asked() == []


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo 'Unable to connect to the server: x' >&2; exit 1", "the cluster does not answer: Unable to connect to the server: x"),
        (
            'echo \'Error from server (Forbidden): nodes is forbidden: User "u" cannot list resource "nodes" '
            "in API group \"\" at the cluster scope' >&2; exit 1",
            "u may not list nodes",
        ),
    ],
)  # fmt: skip
def test_nodes_that_do_not_say_their_platform(desk, nodes, script, why):
    nodes(script)
    told = desk.cli("build", "--image", "--dry-run")
    assert (told.code, told.text.splitlines()[0]) == (0, NOT_KNOWN + why)
    assert "  podman build --label" in told.text


def test_a_machine_that_does_not_know_the_cluster_builds_for_itself(desk, nodes, monkeypatch):
    nodes("exit 1")
    monkeypatch.setenv("DUBBOPY_CONTEXT", "near")
    told = desk.cli("build", "--image", "--dry-run")
    assert (told.code, told.text.splitlines()[0]) == (0, NOT_KNOWN + "there is no context near.")
    # Whoever names it means it.
    told = desk.cli("build", "--image", "--dry-run", "--context", "near")
    assert (told.code, told.text.splitlines()[-1]) == (2, "[context-unknown]")
    monkeypatch.setenv("DUBBOPY_KUBECTL", "none")
    told = desk.cli("build", "--image", "--dry-run")
    assert (told.code, told.text.splitlines()[0]) == (0, NOT_KNOWN + "DUBBOPY_KUBECTL names none, which is no program")
