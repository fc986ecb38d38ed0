"""What a user reads when a command about projects, releases or the local target is refused: the whole text."""

import subprocess
import sys

import pytest

from tests.errortexts import CLIENT, PROJECT, Told

TARGET = "target local, namespace default\n"
PLANNED = TARGET + "  build shop 1.0.0 if its sources have changed\n"
VALUES = "chart/app/values.yaml"


def test_a_program_of_its_own_says_the_same(desk):
    words = ["logs", "v9", "--app", "shop"]
    desk.deployed("v1", "v2")
    done = subprocess.run([sys.executable, "-m", "dubbopy_cli", *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "Error: shop has no version 'v9' (deployed: v1, v2).\n\nTry: dubbopy-cli status\n[version-unknown]\n"
    )
    assert desk.cli(*words) == Told(2, done.stderr)


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        ("traffic set", "Missing argument 'VERSION[=PERCENT]...'.", "dubbopy-cli traffic set --help"),
        ("deploy --zzz", "No such option: --zzz", "dubbopy-cli deploy --help"),
        ("remove --app shop", "say what to remove: one VERSION, or --all", "dubbopy-cli remove v1"),
        ("logs --since x --app shop", "'x' is no duration: write 30s, 5m or 1h", "--since 5m"),
        ("call -H x --app shop", "'x' is no header: write it as NAME=VALUE", "--header user=admin"),
        ("call -d @nope --app shop", "nope cannot be read: No such file or directory", "ls -l nope"),
        ("call -d @latin --app shop", "latin cannot be read: it is not UTF-8 text", "save it as UTF-8"),
        ("call -d [] --app shop", "the request is no JSON object", '-d \'{"name": "laurence"}\''),
        (
            "call -d { --app shop",
            "the request is no JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
            '-d \'{"name": "laurence"}\'',
        ),
    ],
)
def test_words_that_cannot_be_meant(desk, words, error, hint):
    desk.deployed("v1", "v2")
    (desk.folder / "latin").write_bytes(b"\xff")
    assert desk.cli(*words.split()) == Told(2, f"Error: {error}\n\nTry: {hint}\n[usage]\n")


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (
            "logs --app Shop!",
            "'Shop!' is not a valid application name: lower-case letters, digits and '-', starting with a letter,"
            " at most 50 characters",
            "for example 'shop'",
        ),
        (
            "status --namespace A_b",
            "'A_b' is not a valid namespace: lower-case letters, digits and '-', at most 63 characters",
            "for example 'a-b'",
        ),
    ],
)
def test_names_that_nothing_can_have(desk, words, error, hint):
    assert desk.cli(*words.split()) == Told(2, f"Error: {error}\n\nTry: {hint}\n[name-invalid]\n")


def test_what_is_not_deployed(desk):
    nothing = (
        "Error: no application 'shop' is deployed in namespace default.\n\n"
        "Try: dubbopy-cli deploy in its project's folder\n[application-unknown]\n"
    )
    assert desk.cli("logs", "--app", "shop") == Told(2, nothing)
    desk.deployed("v1", client=True)
    desk.deployed("v1", namespace="other")
    assert desk.cli("logs", "--app", "shopp") == Told(
        2,
        "Error: no application 'shopp' is deployed in namespace default. Did you mean 'shop'?\n\n"
        "Try: dubbopy-cli status\n[application-unknown]\n",
    )
    assert desk.cli("logs", "--app", "x", "--namespace", "other") == Told(
        2,
        "Error: no application 'x' is deployed in namespace other.\n\n"
        "Try: dubbopy-cli status --namespace other\n[application-unknown]\n",
    )


def test_a_removal_that_only_a_plan_can_refuse(desk):
    from dubbopy_cli.process import SubprocessRunner
    from dubbopy_cli.targets.local.target import LocalTarget

    desk.deployed("v1")
    target = LocalTarget("default", SubprocessRunner())
    assert desk.told(lambda: target.remove("shopp", None)) == Told(
        2,
        "Error: no application 'shopp' is deployed in namespace default. Did you mean 'shop'?\n\n"
        "Try: dubbopy-cli status\n[application-unknown]\n",
    )
    assert desk.told(lambda: target.remove("shop", "v11")) == Told(
        2,
        "Error: shop has no version 'v11' (deployed: v1). Did you mean 'v1'?\n\n"
        "Try: dubbopy-cli status\n[version-unknown]\n",
    )


def test_a_client_that_nobody_calls(desk):
    desk.deployed(client=True)
    assert desk.cli("traffic", "show", "--app", "caller") == Told(
        2,
        "Error: caller is a client: nobody calls it\n\n"
        "Try: deploy a server first: dubbopy-cli deploy\n[client-traffic]\n",
    )
    desk.deployed("v1", client=True)
    assert desk.cli("call", "--app", "caller") == Told(
        2, "Error: caller is a client: nobody calls it\n\nTry: name a server: --app shop\n[client-traffic]\n"
    )


def test_calls_to_what_was_stopped(desk):
    desk.deployed("v1")
    assert desk.cli("call", "--app", "shop") == Told(
        3, "Error: shop has no ready instance to call\n\nTry: dubbopy-cli local start\n[not-ready]\n"
    )


def test_questions_without_a_terminal(desk):
    desk.deployed("v1", "v2")
    assert desk.cli("remove", "--all", "--app", "shop") == Told(
        2,
        f"{TARGET}Error: there is no terminal to ask on: Remove shop with shop-v1, shop-v2?\n\n"
        "Try: add --yes\n[needs-yes]\n",
    )
    assert desk.cli("local", "reset") == Told(
        2,
        "Error: there is no terminal to ask on: Delete all releases, rules and logs of namespace default?\n\n"
        "Try: add --yes\n[needs-yes]\n",
    )


def test_a_question_answered_with_no(desk):
    from dubbopy_cli.cli.options import confirm

    class Asked:
        interactive = True

        def ask(self, question):
            return False

    assert desk.told(lambda: confirm(Asked(), "Remove it?", yes=False)) == Told(
        6, "Error: nothing was changed: the answer was no\n\nTry: answer y, or add --yes\n[declined]\n"
    )


def test_outside_a_project(desk):
    beginning = "Error: TMP is not inside a project: neither it nor a folder above it holds .dubbopy.yaml\n\n"
    assert desk.cli("build") == Told(
        3, f"{beginning}Try: cd into a project, or make one: dubbopy-cli newApp .\n[project-not-found]\n"
    )
    assert desk.cli("logs") == Told(
        3,
        f"{beginning}Try: cd into its project, or add --app NAME with one of the names of: dubbopy-cli status\n"
        "[project-not-found]\n",
    )


@pytest.mark.parametrize(
    ("file", "text", "error", "hint"),
    [
        (VALUES, None, f"TMP/{VALUES} is missing", "RESTORE"),
        ("conf/dubbogo.yaml", None, "TMP/conf/dubbogo.yaml is missing", "RESTORE"),
        ("go.mod", None, "TMP/go.mod is missing", "RESTORE"),
        ("go.mod", "go 1.25\n", "TMP/go.mod names no module", "mend TMP/go.mod"),
        (
            VALUES,
            "image: [",
            f"TMP/{VALUES} is not valid YAML: line 1: expected the node content, but found '<stream end>'",
            f"mend TMP/{VALUES}",
        ),
        (VALUES, "- a\n", f"TMP/{VALUES} holds no mapping", f"mend TMP/{VALUES}"),
        (
            VALUES,
            "image: {repository: a/b, tag: 1.10}\n",
            f"TMP/{VALUES} has no usable `image.tag`: 1.1 is not a text",
            'write it in quotes, such as tag: "1.0.0"',
        ),
        (
            VALUES,
            "image: {repository: a/b, tag: '1'}\n",
            f"TMP/{VALUES} has no usable `version.labels.dubbogoAppVersion`",
            'write it in quotes, such as dubbogoAppVersion: "v1"',
        ),
        (
            "chart/app/Chart.yaml",
            "name: My App\n",
            "TMP/chart/app/Chart.yaml: `name`: 'My App' is not a valid application name: lower-case letters, digits"
            " and '-', starting with a letter, at most 50 characters",
            "for example 'my-app'",
        ),
        (
            ".dubbopy.yaml",
            "template: x\nanswers: {lang: goo, role: client, mesh: sidecar, module: m}\n",
            "TMP/.dubbopy.yaml says `answers.lang: goo`, which is none of go, python. Did you mean 'go'?",
            "mend TMP/.dubbopy.yaml",
        ),
    ],
)
def test_a_project_with_a_broken_file(desk, file, text, error, hint):
    desk.write({**PROJECT, "go.mod": "module shop\n"})
    desk.go("go1.26.0")
    (desk.folder / file).unlink()
    if text is not None:
        desk.write({file: text})
    hint = hint.replace(
        "RESTORE", "restore it from version control, or take it from a new project: dubbopy-cli newApp ../another"
    )
    assert desk.cli("build") == Told(3, f"Error: {error}\n\nTry: {hint}\n[project-invalid]\n")


@pytest.mark.parametrize(
    ("files", "versions", "options", "expected"),
    [
        (
            {"chart/service/values.yaml": "service: {port: 20001}\n"},
            ["v2"],
            [],
            Told(
                6,
                f"{PLANNED}Error: the Service of shop has port 20000; v1 says 20001\n\n"
                "Try: write port: 20000 in chart/service/values.yaml\n[port-conflict]\n",
            ),
        ),
        (
            CLIENT,
            ["v2"],
            [],
            Told(
                6,
                f"{PLANNED}Error: shop is a server and cannot be a client at the same time\n\n"
                "Try: dubbopy-cli remove --all --app shop, or give the new project another name\n[role-conflict]\n",
            ),
        ),
        (
            {},
            [],
            ["--no-traffic"],
            Told(
                6,
                f"{PLANNED}Error: v1 would be the only version of shop: "
                "with no other version to take the calls there is nothing to keep from it\n\n"
                "Try: deploy it without --no-traffic\n[no-traffic-first]\n",
            ),
        ),
        (
            CLIENT,
            [],
            ["--no-traffic"],
            Told(2, f"{PLANNED}Error: shop is a client: nobody calls it\n\nTry: leave --no-traffic out\n[usage]\n"),
        ),
        (
            {".dubbopy.yaml": PROJECT[".dubbopy.yaml"].replace("sidecar", "proxyless")},
            [],
            [],
            Told(
                3,
                "target local, namespace default\n"
                "Error: shop is proxyless: it asks istiod for its rules, and the local target has no istiod\n\n"
                "Try: dubbopy-cli newApp ../shop-sidecar --mesh sidecar\n[proxyless-local]\n",
            ),
        ),
        (
            {},
            [],
            ["--replicas", "0"],
            Told(
                2,
                "Error: Invalid value for '--replicas': Input should be greater than or equal to 1\n\n"
                "Try: dubbopy-cli deploy --help\n[usage]\n",
            ),
        ),
    ],
)
def test_deploys_that_cannot_be(desk, files, versions, options, expected):
    desk.write({**PROJECT, "go.mod": "module shop\n", **files})
    if versions:
        desk.deployed(*versions)
    assert desk.cli("deploy", "--dry-run", *options) == expected


def test_a_plan_for_no_instance(desk):
    from dubbopy_cli.process import SubprocessRunner
    from dubbopy_cli.targets.base import Artifact, ReleaseRequest
    from dubbopy_cli.targets.local.target import LocalTarget

    request = ReleaseRequest("shop", "v1", "1", "server", 20000, Artifact({}, (), "0"), replicas=0)
    assert desk.told(lambda: LocalTarget("default", SubprocessRunner()).deploy(request)) == Told(
        2, "Error: 0 instances cannot be deployed\n\nTry: --replicas 1\n[usage]\n"
    )


def test_a_state_of_the_future(desk):
    desk.write({"state/local/default/state.json": '{"schema": 99}'})
    assert desk.cli("status") == Told(
        3,
        "Error: TMP/state/local/default/state.json was written by a newer dubbopy-cli (schema 99, known 1)\n\n"
        "Try: pip install --upgrade dubbopy-cli, or give the namespace up: "
        "dubbopy-cli local reset --namespace default\n[state-newer]\n",
    )


def test_a_stored_rule_that_somebody_broke(desk):
    desk.deployed("v1")
    desk.rules("kind: [")
    assert desk.cli("status") == Told(
        1,
        "Error: a stored rule cannot be read: TMP/state/local/default/rules/0.yaml:1: not valid YAML: "
        "expected the node content, but found '<stream end>'\n\n"
        "Try: mend the file, or delete it and write the rule again: rm TMP/state/local/default/rules/0.yaml\n"
        "[rules-damaged]\n",
    )


def test_counters_of_a_mesh_that_is_stopped(desk):
    from dubbopy_cli.process import SubprocessRunner
    from dubbopy_cli.targets.local.target import LocalTarget

    desk.deployed("v1")
    assert desk.told(lambda: LocalTarget("default", SubprocessRunner()).counters("shop")) == Told(
        4,
        "Error: nobody says how many calls shop got: Envoy does not run\n\n"
        "Try: dubbopy-cli local start\n[counters-missing]\n",
    )


def test_a_shift_that_another_command_holds(desk):
    from dubbopy_cli.process import SubprocessRunner
    from dubbopy_cli.targets.local.target import LocalTarget

    desk.deployed("v1")
    target = LocalTarget("default", SubprocessRunner())
    with target.shifting("shop") as record:
        record.write("{}")
        assert record.read() == "{}"
        assert desk.told(lambda: target.shifting("shop").__enter__()) == Told(
            6,
            "Error: another dubbopy-cli (pid PID) shifts the calls of shop\n\n"
            "Try: wait for it to finish, or have it go back to the former rules: kill PID\n[shift-running]\n",
        )
        record.write("")
    with target.shifting("shop") as record:
        assert record.read() == ""
