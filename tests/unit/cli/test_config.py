"""Where a command works: who said it, who wins, and what is refused."""

import errno
import json

import pytest

from tests.errortexts import PROJECT, Told

SHOWN = """\
target     {}
context    {}
namespace  {}
builder    {}
"""


@pytest.fixture(autouse=True)
def user(desk, monkeypatch):
    """A user without settings of any kind."""
    for name in ("TARGET", "CONTEXT", "NAMESPACE", "BUILDER"):
        monkeypatch.delenv(f"DUBBOPY_{name}", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(desk.folder / "home"))
    return "home/dubbopy-cli/config.yaml"


@pytest.fixture
def kubeconfig(desk, monkeypatch):
    """Let a program that shows this configuration, and does nothing else, stand for kubectl."""

    def put(**config):
        desk.write({"bin/kubectl": f"#!/bin/sh\ncat <<'END'\n{json.dumps(config)}\nEND\n"})
        (desk.folder / "bin/kubectl").chmod(0o755)
        monkeypatch.setenv("DUBBOPY_KUBECTL", str(desk.folder / "bin/kubectl"))

    return put


def origins(desk, *words):
    return desk.cli("config", "list", "--show-origin", *words).out


def test_nobody_said_anything(desk):
    assert desk.cli("config", "list").out == SHOWN.format("local", "-", "default", "auto")
    assert origins(desk) == SHOWN.format("local  (default)", "-  (default)", "default  (default)", "auto  (default)")


def test_each_level_wins_over_those_below(desk, user, monkeypatch):
    desk.write({user: "builder: buildah\nnamespace: mine\n"})
    assert origins(desk).splitlines()[2:] == [
        f"namespace  mine  (user: TMP/{user})",
        f"builder    buildah  (user: TMP/{user})",
    ]
    desk.write(PROJECT)
    desk.write(
        {".dubbopy.yaml": PROJECT[".dubbopy.yaml"] + "target: kubernetes\ncontext: kind-dev\nnamespace: shops\n"}
    )
    assert origins(desk) == SHOWN.format(
        "kubernetes  (project: TMP/.dubbopy.yaml)",
        "kind-dev  (project: TMP/.dubbopy.yaml)",
        "shops  (project: TMP/.dubbopy.yaml)",
        f"buildah  (user: TMP/{user})",
    )
    monkeypatch.setenv("DUBBOPY_NAMESPACE", "fromenv")
    monkeypatch.setenv("DUBBOPY_BUILDER", "podman")
    assert origins(desk).splitlines()[2:] == [
        "namespace  fromenv  (environment: DUBBOPY_NAMESPACE)",
        "builder    podman  (environment: DUBBOPY_BUILDER)",
    ]
    assert origins(desk, "--namespace", "typed", "--context", "prod").splitlines()[:3] == [
        "target     kubernetes  (option: --context)",
        "context    prod  (option: --context)",
        "namespace  typed  (option: --namespace)",
    ]
    assert json.loads(desk.cli("config", "list", "--target", "local", "-o", "json").out)["data"]["settings"][0] == {
        "key": "target", "value": "local", "origin": "option", "source": "--target",
    }  # fmt: skip


def test_a_variable_left_over_does_not_beat_a_pinned_context(desk, monkeypatch):
    desk.write(PROJECT)
    desk.write({".dubbopy.yaml": PROJECT[".dubbopy.yaml"] + "target: kubernetes\ncontext: kind-dev\n"})
    monkeypatch.setenv("DUBBOPY_CONTEXT", "prod")
    assert desk.cli("status") == Told(
        6,
        "Error: TMP/.dubbopy.yaml pins context kind-dev, and DUBBOPY_CONTEXT says prod\n\n"
        "Try: say which one you mean: --context kind-dev, or --context prod\n[context-mismatch]\n",
    )
    assert desk.cli("config", "list", "--context", "prod").code == 0
    monkeypatch.setenv("DUBBOPY_CONTEXT", "kind-dev")
    assert desk.cli("config", "list").code == 0


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "target: kubernete\n",
            "TMP/home/dubbopy-cli/config.yaml says target: kubernete, which is none of local, kubernetes. "
            "Did you mean 'kubernetes'?",
            "dubbopy-cli config list --show-origin",
        ),
        (
            "context: 12\n",
            "TMP/home/dubbopy-cli/config.yaml says context: 12, which is not a text",
            'write it in quotes: context: "12"',
        ),
    ],
)
def test_a_value_that_cannot_be(desk, user, text, message, hint):
    desk.write({user: text})
    assert desk.cli("status") == Told(2, f"Error: {message}\n\nTry: {hint}\n[setting-invalid]\n")


def test_a_builder_of_another_name(desk, monkeypatch):
    desk.write(PROJECT)
    monkeypatch.setenv("DUBBOPY_BUILDER", "kaniko")
    desk.write({"go.mod": "module shop\n"})
    assert desk.cli("build", "--image", "--dry-run") == Told(
        2,
        "Error: DUBBOPY_BUILDER says builder: kaniko, which is none of auto, docker, podman, buildah.\n\n"
        "Try: dubbopy-cli config list --show-origin\n[setting-invalid]\n",
    )


def test_settings_are_written_and_all_else_stays(desk, user):
    desk.write({**PROJECT, ".dubbopy.yaml": "# mine\n" + PROJECT[".dubbopy.yaml"]})
    assert desk.cli("config", "set", "context", "kind-dev").out == "TMP/.dubbopy.yaml says context: kind-dev\n"
    assert desk.cli("config", "set", "context", "kind-dev").out == "TMP/.dubbopy.yaml says context: kind-dev already\n"
    text = "# mine\n" + PROJECT[".dubbopy.yaml"]
    assert (desk.folder / ".dubbopy.yaml").read_text() == text + "context: kind-dev\n"
    assert desk.cli("config", "unset", "context").out == "TMP/.dubbopy.yaml says no context\n"
    assert (desk.folder / ".dubbopy.yaml").read_text() == text
    assert desk.cli("config", "set", "target", "kubernetes", "--user").out == f"TMP/{user} says target: kubernetes\n"
    assert (desk.folder / user).read_text() == "target: kubernetes\n"
    assert desk.cli("config", "unset", "target", "--user").code == 0
    assert desk.cli("config", "list").out == SHOWN.format("local", "-", "default", "auto")


def test_what_is_no_setting(desk):
    assert desk.cli("config", "set", "contxt", "x") == Told(
        2,
        "Error: there is no setting 'contxt', only target, context, namespace, builder. Did you mean 'context'?\n\n"
        "Try: dubbopy-cli config list --show-origin\n[usage]\n",
    )


def test_the_context_of_the_kubeconfig(desk, kubeconfig):
    contexts = [
        {"name": "kind-dev", "context": {"cluster": "c", "user": "u", "namespace": "shops"}},
        {"name": "prod", "context": {"cluster": "c", "user": "u"}},
    ]
    kubeconfig(**{"contexts": contexts, "current-context": "kind-dev"})
    assert desk.cli("status", "--context", "prd") == Told(
        2,
        "Error: there is no context prd. Did you mean 'prod'?\n\nTry: kubectl config get-contexts\n[context-unknown]\n",
    )
    kubeconfig(**{"contexts": contexts, "current-context": ""})
    assert desk.cli("status", "--target", "kubernetes") == Told(
        3,
        "Error: the kubeconfig has no current context\n\n"
        "Try: name one of: kubectl config get-contexts; without a cluster: --target local\n[context-missing]\n",
    )
    kubeconfig(**{"contexts": contexts, "current-context": "gone"})
    assert desk.cli("status", "--target", "kubernetes").text.startswith(
        "Error: the kubeconfig's current context gone is not there\n"
    )
    kubeconfig(**{"contexts": None, "current-context": ""})
    assert desk.cli("status", "--target", "kubernetes").text.startswith(
        "Error: there is no kubeconfig with a context\n"
    )


def test_suggested_commands_name_the_place_again(desk):
    told = desk.cli("logs", "--app", "shop", "--target", "local")
    assert told == Told(
        2,
        "Error: no application 'shop' is deployed in namespace default.\n\n"
        "Try: dubbopy-cli deploy --target local in its project's folder\n[application-unknown]\n",
    )


def test_contexts_are_shown_and_pinned(desk, kubeconfig):
    contexts = [
        {"name": "kind-dev", "context": {"cluster": "c", "user": "u", "namespace": "shops"}},
        {"name": "prod", "context": {"cluster": "c", "user": "u"}},
    ]
    kubeconfig(**{"contexts": contexts, "current-context": "kind-dev"})
    shown = "  kind-dev  namespace shops  (kubectl's current one)\n{} prod  namespace default\n{}"
    assert desk.cli("context").out == shown.format(" ", "commands here work on the local target\n")
    desk.write(PROJECT)
    assert desk.cli("context", "prod").out == "TMP/.dubbopy.yaml pins context prod\n"
    assert desk.cli("context").out == shown.format("*", "")
    assert json.loads(desk.cli("context", "-o", "json").out)["data"] == {
        "target": "kubernetes",
        "context": "prod",
        "contexts": [
            {"name": "kind-dev", "namespace": "shops", "current": True},
            {"name": "prod", "namespace": "default", "current": False},
        ],
    }
    assert desk.cli("context", "nowhere").code == 2


def test_a_disk_without_room_loses_nothing(desk, monkeypatch):
    desk.write(PROJECT)

    def full(path, text, **_):
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.write_text", full)
        told = desk.cli("config", "set", "context", "kind-dev")
    assert told == Told(
        1,
        "Error: the system refused with 'No space left on device': TMP/.dubbopy.yaml\n\n"
        "Try: make room: df -h TMP/.dubbopy.yaml\n[io]\n",
    )
    assert (desk.folder / ".dubbopy.yaml").read_text() == PROJECT[".dubbopy.yaml"]
    assert not (desk.folder / ".dubbopy.yaml.new").exists()
