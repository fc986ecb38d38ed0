"""newApp and newDemo as a user meets them: whole outputs, on a terminal and for programs."""

import json
import os
from pathlib import Path

import pytest

from dubbopy_cli import project
from tests.scaffolding import Terminal, contents, invoke, run, write

TEMPLATE = {
    "copier.yml": "name: {type: str, default: x}\ncount: {type: int, default: 1}\n_subdirectory: p\n",
    "p/README.md.jinja": "{{ name }} {{ count }}\n",
    "p/src/[{{ name }}].txt": "same\n",
}


@pytest.fixture
def template(tmp_path):
    return write(tmp_path / "template", TEMPLATE)


def data_of(done):
    return json.loads(done.stdout)["data"]


def test_the_tree_the_count_and_the_next_commands(tmp_path, template, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = invoke("newApp", "a b/shop", "--template", template)
    assert done.exit_code == 0
    # A name in brackets comes out as it is.
    assert done.stdout == f"{tmp_path}/a b/shop\n├── README.md\n└── src/\n    └── [shop].txt\n"
    assert done.stderr == "\nshop: 2 created\n\nNext:\n  cd 'a b/shop'\n"
    again = invoke("newApp", "a b/shop", "--template", template)
    assert again.exit_code == 0
    assert again.stdout == (
        f"{tmp_path}/a b/shop\n├── README.md  (unchanged)\n└── src/\n    └── [shop].txt  (unchanged)\n"
    )
    assert again.stderr == "\nshop: 2 unchanged\n\nNext:\n  cd 'a b/shop'\n"


def test_a_conflict_and_the_way_out(tmp_path, template):
    target = write(tmp_path / "shop", {"README.md": "mine\n"})
    done = invoke("newApp", target, "--template", template)
    assert done.exit_code == 6
    assert done.stdout == ""
    assert done.stderr == (
        f"Error: {target} holds 1 file already that differs from the project's, nothing was written\n\n"
        "  README.md\n\n"
        "Try: the same command with --force, which keeps a copy of each\n[path-conflict]\n"
    )
    dry = invoke("newApp", target, "--template", template, "--dry-run")
    assert (dry.exit_code, dry.stderr) == (6, done.stderr)
    forced = invoke("newApp", target, "--template", template, "--force")
    assert forced.exit_code == 0
    assert forced.stdout == f"{target}\n├── README.md  (replaced)\n└── src/\n    └── [shop].txt\n"
    (kept,) = target.glob(".dubbopy-orig/*/README.md")
    assert forced.stderr == (
        f"\nshop: 1 created, 1 replaced\nCopies of the replaced files:\n  {kept}\n\nNext:\n  cd {target}\n"
    )
    assert kept.read_text() == "mine\n"


def test_for_programs(tmp_path, template):
    target = write(tmp_path / "shop", {"README.md": "mine\n"})
    done = invoke("newApp", target, "--template", template, "--force", "--data", "count=3", "-o", "json")
    document = json.loads(done.stdout)
    (kept,) = target.glob(".dubbopy-orig/*/README.md")
    assert document == {
        "schema": "dubbopy.cli/v1",
        "command": "newApp",
        "status": "ok",
        "data": {
            "path": str(target),
            "name": "shop",
            "template": str(template),
            "answers": {"name": "shop", "count": 3},
            "files": [
                {"path": "README.md", "state": "replaced"},
                {"path": "src/[shop].txt", "state": "created"},
            ],
            "backups": [kept.relative_to(target).as_posix()],
            "dry_run": False,
        },
        "warnings": [],
        "errors": [],
    }
    refused = invoke("newApp", target, "--template", template, "--data", "count=4", "-o", "json")
    assert refused.exit_code == 6
    assert json.loads(refused.stdout) == {
        "schema": "dubbopy.cli/v1",
        "command": "newApp",
        "status": "error",
        "data": {},
        "warnings": [],
        "errors": [
            {
                "code": "path-conflict",
                "message": f"{target} holds 1 file already that differs from the project's, nothing was written",
                "hint": "the same command with --force, which keeps a copy of each",
                "details": "README.md",
            }
        ],
    }


def test_a_dry_run_writes_nothing(tmp_path, template):
    before = contents(tmp_path)
    done = invoke("newApp", tmp_path / "new/shop", "--template", template, "--dry-run")
    assert done.exit_code == 0
    assert done.stdout == f"{tmp_path}/new/shop\n├── README.md\n└── src/\n    └── [shop].txt\n"
    assert done.stderr == "\nshop: 2 created (dry run, nothing was written)\n"
    assert contents(tmp_path) == before
    programs = data_of(invoke("newApp", tmp_path / "new/shop", "--template", template, "--dry-run", "-o", "json"))
    assert programs["dry_run"] is True
    assert [file["state"] for file in programs["files"]] == ["created", "created"]


def test_answers_that_a_template_refuses(tmp_path, template):
    done = invoke("newApp", tmp_path / "p", "--template", template, "--port", "1")
    assert done.exit_code == 2
    assert done.stderr == (
        f"Error: --port: the template {template} has no question 'port'. It asks for count, name\n\n"
        "Try: correct it, or leave it out\n[answer-unknown]\n"
    )
    write(template, {"copier.yml": "age:\n  type: int\n  validator: '{% if age < 0 %}too young{% endif %}'\n"})
    missing = invoke("newApp", tmp_path / "p", "--template", template)
    assert missing.exit_code == 2
    assert missing.stderr == (
        f"Error: the template {template} asks for 'age' and has no default for it\n\n"
        "Try: --data age=VALUE, or --interactive\n[answer-missing]\n"
    )
    wrong = invoke("newApp", tmp_path / "p", "--template", template, "--data", "age=-1")
    assert wrong.exit_code == 2
    assert wrong.stderr == (
        "Error: 'age' is refused by the template: too young\n\nTry: --data age=VALUE\n[answer-invalid]\n"
    )
    assert not (tmp_path / "p").exists()


def test_an_answer_of_any_kind_reaches_the_envelope(tmp_path):
    settings = "when_: {type: yaml, default: 2026-11-23}\nkey: {type: str, default: s, secret: true}\n"
    template = write(tmp_path / "t", {"copier.yml": settings, "x": ""})
    done = invoke("newApp", tmp_path / "p", "--template", template, "-o", "json")
    assert data_of(done)["answers"] == {"when_": "2026-11-23"}


@pytest.mark.parametrize(
    ("lang", "role", "port"),
    [("go", "server", 20000), ("go", "client", 20001), ("python", "server", 1), ("python", "client", 65535)],
)
def test_a_built_in_project_is_one_that_the_other_commands_know(tmp_path, lang, role, port):
    target = tmp_path / "some-shop"
    words = ["--lang", lang, "--role", role, "--port", str(port), "--tag", "1.10", "--app-version", "v7"]
    done = invoke("newApp", target, *words, "--image", "ghcr.io/acme/shop", "-o", "json")
    assert done.exit_code == 0, done.stdout
    made = data_of(done)
    assert (made["name"], made["template"]) == ("some-shop", f"builtin:{lang}-{role}")
    assert sorted(file["path"] for file in made["files"]) == sorted(contents(target))
    here = project.load(target)
    assert (here.template, here.lang, here.role, here.mesh) == (f"builtin:{lang}-{role}", lang, role, "sidecar")
    assert (here.name, here.image, here.tag, here.version, here.port) == (
        "some-shop",
        "ghcr.io/acme/shop",
        "1.10",
        "v7",
        port,
    )
    assert here.references == ((("dubbo-go-server", port),) if role == "client" else ())


def test_new_app_here(tmp_path, monkeypatch):
    here = tmp_path / "My Shop"
    here.mkdir()
    monkeypatch.chdir(here)
    done = invoke("newApp", ".")
    assert done.exit_code == 0, done.stderr
    assert done.stderr.endswith("\n\nNext:\n  dubbopy-cli build\n  dubbopy-cli deploy\n")
    assert project.load(here).name == "my-shop"
    assert invoke("newApp", ".").exit_code == 0


def test_a_second_folder_joins_the_same_application(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert invoke("newApp", "dubbo-go-server").stderr.endswith("Next:\n  cd dubbo-go-server\n  dubbopy-cli deploy\n")
    words = ["--name", "dubbo-go-server", "--app-version", "v2", "--tag", "2.0.0"]
    assert invoke("newApp", "second", *words).exit_code == 0
    first, second = project.load(tmp_path / "dubbo-go-server"), project.load(tmp_path / "second")
    assert (first.name, first.version, first.tag) == ("dubbo-go-server", "v1", "1.0.0")
    assert (second.name, second.version, second.tag) == ("dubbo-go-server", "v2", "2.0.0")
    differing = {
        path
        for path, text in contents(tmp_path / "second").items()
        if text != contents(tmp_path / "dubbo-go-server")[path]
    }
    assert differing == {"chart/app/values.yaml"}


def test_an_alias_names_language_and_role(tmp_path):
    done = invoke("new", tmp_path / "p", "--template", "builtin:python-client", "--role", "client", "-o", "json")
    assert done.exit_code == 0
    assert data_of(done)["template"] == "builtin:python-client"
    refused = invoke("new", tmp_path / "q", "--template", "builtin:python-client", "--lang", "go")
    assert refused.exit_code == 2
    assert refused.stderr == (
        "Error: --lang go and --template builtin:python-client contradict each other\n\nTry: keep one\n[usage]\n"
    )


def test_the_mesh_is_one_that_is_known(tmp_path):
    done = invoke("newApp", tmp_path / "p", "--mesh", "proxy")
    assert done.exit_code == 2
    assert "[answer-invalid]" in done.stderr
    assert not (tmp_path / "p").exists()


def test_no_question_without_a_terminal(tmp_path):
    done = invoke("newApp", tmp_path / "p", "--interactive")
    assert done.exit_code == 2
    assert done.stderr == (
        "Error: --interactive needs a terminal to ask on, and there is none or CI is set\n\n"
        "Try: leave it out and answer by flags: --name, --lang, --role, --module, --image, --tag, --data\n[usage]\n"
    )


def test_no_question_with_ci_set(tmp_path):
    terminal = Terminal("newApp", "p", "--interactive", cwd=tmp_path, env={"CI": "true"})
    assert terminal.end() == 2
    assert "Error: --interactive needs a terminal" in terminal.text
    assert contents(tmp_path) == {}


def test_questions_on_a_terminal(tmp_path):
    terminal = Terminal("newApp", "shop", "--interactive", "--role", "server", "-q", cwd=tmp_path)
    terminal.expect("Language of the program (go, python) [go]: ")
    terminal.send("rust\n")
    terminal.expect("'rust' is none of go, python.")
    terminal.expect("Language of the program (go, python) [go]: ")
    terminal.send("python\n")
    terminal.expect("Name of the application, which becomes its Service and its address [shop]: ")
    terminal.send("Shop!\n")
    terminal.expect("'Shop!' is not a valid application name: ")
    terminal.expect("[shop]: ")
    terminal.send("\n")
    terminal.expect("How Istio steers the calls")
    terminal.send("\n")
    terminal.expect("Name of the Python package [shop]: ")
    terminal.send("\n")
    terminal.expect("Image repository to push to, without a tag [localhost:5000/shop]: ")
    terminal.send("ghcr.io/acme/shop\n")
    terminal.expect("[v1]: ")
    terminal.send("\n")
    terminal.expect("Tag of the image [1.0.0]: ")
    terminal.send("\n")
    terminal.expect("TCP port of the Service [20000]: ")
    terminal.send("99999\n")
    terminal.expect("'99999' is not a valid port: a number from 1 to 65535")
    terminal.expect("[20000]: ")
    terminal.send("20001\n")
    assert terminal.end() == 0, terminal.text
    here = project.load(tmp_path / "shop")
    assert (here.lang, here.name, here.image, here.port) == ("python", "shop", "ghcr.io/acme/shop", 20001)


@pytest.mark.parametrize("key", ["\x03", "\x04"])
def test_ctrl_c_and_ctrl_d_at_a_question_leave_nothing(tmp_path, key):
    terminal = Terminal("newApp", "new/shop", "--interactive", cwd=tmp_path)
    terminal.expect("[go]: ")
    terminal.send(key)
    assert terminal.end() == 130
    assert "[interrupted]" in terminal.text
    assert contents(tmp_path) == {}


def test_questions_of_a_foreign_template_on_a_terminal(tmp_path):
    settings = "age:\n  type: int\n  help: How old?\n  validator: '{% if age < 0 %}too young{% endif %}'\n"
    template = write(tmp_path / "t", {"copier.yml": settings, "x.jinja": "{{ age }}"})
    terminal = Terminal("newApp", "p", "--interactive", "--template", template, cwd=tmp_path)
    terminal.expect("How old?")
    terminal.send("7\r")
    assert terminal.end() == 0, terminal.text
    assert contents(tmp_path / "p") == {"x": "7"}
    stopped = Terminal("newApp", "q", "--interactive", "--template", template, cwd=tmp_path)
    stopped.expect("How old?")
    stopped.send("\x03")
    assert stopped.end() == 130
    assert not (tmp_path / "q").exists()


@pytest.mark.parametrize(("lang", "short"), [("go", "go"), ("python", "py")])
def test_a_demo_is_a_server_and_a_client_that_know_each_other(tmp_path, monkeypatch, lang, short):
    monkeypatch.chdir(tmp_path)
    done = invoke("newDemo", "demo", "--lang", lang)
    assert done.exit_code == 0, done.stderr
    assert done.stderr.endswith("\n\nNext:\n  cd demo\n  make run\n")
    assert f"dubbo-{short}-server and dubbo-{short}-client: " in done.stderr
    server = project.load(tmp_path / f"demo/dubbo-{short}-server")
    client = project.load(tmp_path / f"demo/dubbo-{short}-client")
    assert (server.name, server.role, server.lang) == (f"dubbo-{short}-server", "server", lang)
    assert (client.name, client.role, client.lang) == (f"dubbo-{short}-client", "client", lang)
    assert client.references == ((server.name, server.port),)
    assert {path.name for path in (tmp_path / "demo").iterdir()} == {"README.md", "Makefile", server.name, client.name}


def test_a_demo_for_programs_and_as_a_whole(tmp_path):
    target = write(tmp_path / "demo", {"dubbo-go-client/go.mod": "mine"})
    refused = invoke("newDemo", target, "-o", "json")
    assert refused.exit_code == 6
    assert json.loads(refused.stdout)["errors"][0]["details"] == "dubbo-go-client/go.mod"
    assert contents(target) == {"dubbo-go-client/go.mod": "mine"}
    made = data_of(invoke("newDemo", tmp_path / "other", "--dry-run", "-o", "json"))
    assert set(made) == {"path", "applications", "files", "backups", "dry_run"}
    assert [(one["name"], one["path"], one["template"]) for one in made["applications"]] == [
        ("dubbo-go-server", f"{tmp_path}/other/dubbo-go-server", "builtin:go-server"),
        ("dubbo-go-client", f"{tmp_path}/other/dubbo-go-client", "builtin:go-client"),
    ]
    assert made["applications"][1]["answers"]["server"] == "dubbo-go-server"
    assert not (tmp_path / "other").exists()


def test_a_built_in_project_on_a_terminal_without_colour_or_control(tmp_path):
    terminal = Terminal("newApp", "shop", cwd=tmp_path)
    assert terminal.end() == 0
    assert "\x1b" not in terminal.text


def test_help_needs_no_copier(tmp_path):
    check = (
        "import sys, dubbopy_cli.cli.new; sys.exit(any(m in sys.modules for m in ('copier', 'jinja2', 'ruamel.yaml')))"
    )
    assert os.spawnv(os.P_WAIT, Path(os.sys.executable), [os.sys.executable, "-c", check]) == 0
    assert "--app-version" in run("newApp", "--help").stdout
