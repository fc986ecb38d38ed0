"""Templates that try to leave their place, to run code, or to confuse: nothing of them may be left."""

import json
import os

import pytest

from tests.scaffolding import STRICT, contents, invoke, repository, write


def attempt(tmp_path, files, *words, links=None, into=None):
    """Use a template; return the error and make sure that nothing at all has changed."""
    template = write(tmp_path / "template", {"copier.yml": "", **files})
    for name, goal in (links or {}).items():
        (template / name).parent.mkdir(parents=True, exist_ok=True)
        (template / name).symlink_to(goal)
    secret = tmp_path / "secret"
    secret.write_text("password")
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    before = contents(tmp_path)
    done = invoke("newApp", into or work / "new/app", "--template", template, "-o", "json", *words)
    assert contents(tmp_path) == before, "something was left or changed"
    document = json.loads(done.stdout)
    assert document["status"] == "error"
    assert done.exit_code in {1, 2, 6}
    return document["errors"][0]


UNSAFE = "the template is not safe to use: "


@pytest.mark.parametrize(
    ("files", "message"),
    [
        # A rendered name that goes up, by an answer, by a function and by a folder.
        (
            {"copier.yml": "up: ..\n", "{{ up }}/x": "1"},
            UNSAFE + ".. leads out of the project or of the template",
        ),
        (
            {"copier.yml": "up: ../../x\n", "{{ up }}.jinja": "1"},
            UNSAFE + "../../x leads out of the project or of the template",
        ),
        (
            {"{{ pathjoin('a', '..', '..', 'secret') }}": "1"},
            UNSAFE + "a/../../secret leads out of the project or of the template",
        ),
        # An absolute one.
        (
            {"copier.yml": "root: '{{ _copier_conf.src_path }}'\n", "{{ root }}x": "1"},
            UNSAFE + "{template}x leads out of the project or of the template",
        ),
        # The part of the template that is rendered, and the answers file.
        ({"copier.yml": "_subdirectory: ..\n"}, UNSAFE + ".. leads out of the project or of the template"),
        (
            {"copier.yml": "_answers_file: ../answers\n", "{{ _copier_conf.answers_file }}.jinja": "1"},
            UNSAFE + "../answers leads out of the project or of the template",
        ),
        # Control characters, with which a name can redraw the terminal.
        ({"copier.yml": 'up: "\\e[2J"\n', "{{ up }}": "1"}, UNSAFE + r"'\x1b[2J' has a control character in its name"),
        # Code that git would run, under a name that only some file systems know for the same.
        ({"copier.yml": STRICT, "project/.GIT/hooks/post-checkout": "1"}, UNSAFE + ".GIT is inside a .git folder"),
    ],
)
def test_a_template_does_not_write_outside_its_project(tmp_path, files, message):
    error = attempt(tmp_path, files)
    assert error["code"] == "template-unsafe"
    assert error["message"] == message.replace("{template}", str(tmp_path / "template"))
    assert error["hint"] == "ask the template's author, or choose another template; nothing was written"


@pytest.mark.parametrize(
    ("settings", "links", "message"),
    [
        ("", {"x": "../secret"}, UNSAFE + "x leads out of the project or of the template"),
        ("", {"x": ".."}, UNSAFE + "x leads out of the project or of the template"),
        (
            "_preserve_symlinks: true\n",
            {"x": "../secret"},
            UNSAFE + "x is a link that leads out of the project, to ../secret",
        ),
        (
            "_preserve_symlinks: true\n",
            {"x": "/etc/passwd"},
            UNSAFE + "x is a link that leads out of the project, to /etc/passwd",
        ),
    ],
)
def test_a_link_in_a_template_does_not_lead_out(tmp_path, settings, links, message):
    error = attempt(tmp_path, {"copier.yml": settings}, links=links)
    assert (error["code"], error["message"]) == ("template-unsafe", message)


def test_a_template_does_not_write_through_a_link_of_its_own(tmp_path):
    # `a` is rendered first, as a link; then a file is to be written below a folder of the same rendered name.
    files = {"copier.yml": "_preserve_symlinks: true\nname: a\n", "{{ name }}/x": "1"}
    error = attempt(tmp_path, files, "--data", "name=a", links={"a": "../work"})
    assert error["code"] in {"template-unsafe", "template-invalid", "io"}


def test_links_inside_a_project_are_kept(tmp_path):
    template = write(tmp_path / "t", {"copier.yml": "_preserve_symlinks: true\n", "a/x": "1"})
    (template / "b").symlink_to("a/x")
    done = invoke("newApp", tmp_path / "p", "--template", template)
    assert done.exit_code == 0, done.stderr
    assert contents(tmp_path / "p") == {"a/x": "1", "b": "-> a/x"}


def test_a_git_folder_of_a_template_is_left_out(tmp_path):
    template = write(tmp_path / "t", {"copier.yml": STRICT, "project/x": "1", "project/.git/hooks/pre-commit": "2"})
    write(template, {"project/__pycache__/x.pyc": "3", "project/.DS_Store": "4"})
    done = invoke("newApp", tmp_path / "p", "--template", template)
    assert done.exit_code == 0, done.stderr
    assert contents(tmp_path / "p") == {"x": "1"}


@pytest.mark.parametrize(
    ("setting", "what"),
    [
        ("_tasks: [touch ../../task]", "tasks"),
        ("_jinja_extensions: [os.path]", "Jinja extensions"),
        ("_migrations: [touch ../../migration]", "migrations"),
        ("_tasks: [touch x]\n_migrations: [touch y]", "tasks and migrations"),
    ],
)
def test_code_of_a_template_needs_trust(tmp_path, setting, what):
    error = attempt(tmp_path, {"copier.yml": f"{setting}\n", "x": "1"})
    assert error == {
        "code": "template-untrusted",
        "message": f"the template {tmp_path}/template wants to run its own code: it has {what}",
        "hint": "read it, and if you trust its author add --trust",
    }


def test_a_copier_configuration_of_the_user_is_no_trust(tmp_path, monkeypatch):
    settings = write(tmp_path, {"settings.yml": f"trust: [{tmp_path}/]\ndefaults: {{word: from settings}}\n"})
    monkeypatch.setenv("COPIER_SETTINGS_PATH", str(settings / "settings.yml"))
    error = attempt(tmp_path, {"copier.yml": "_tasks: [touch x]\n"})
    assert error["code"] == "template-untrusted"


def test_a_trusted_task_runs_in_the_staging_folder_and_off_stdout(tmp_path):
    files = {"copier.yml": "_tasks: ['echo loud; echo 1 > made; pwd > where']\n", "x": "1"}
    template = write(tmp_path / "t", files)
    done = invoke("newApp", tmp_path / "p", "--template", template, "--trust", "-o", "json")
    assert done.exit_code == 0, done.stderr
    assert [file["path"] for file in json.loads(done.stdout)["data"]["files"]] == ["made", "where", "x"]
    assert (tmp_path / "p/made").read_text() == "1\n"
    assert "/.dubbopy-new-" in (tmp_path / "p/where").read_text()


def test_a_task_that_fails_leaves_nothing(tmp_path):
    error = attempt(tmp_path, {"copier.yml": "_tasks: [exit 3]\n", "x": "1"}, "--trust")
    assert error == {
        "code": "template-invalid",
        "message": f"a task of the template {tmp_path}/template failed with exit status 3: exit 3",
        "hint": "mend the template, or ask its author; nothing was written",
    }


def test_a_pipe_in_a_template_does_not_hang(tmp_path):
    template = write(tmp_path / "t", {"copier.yml": ""})
    os.mkfifo(template / "pipe")
    done = invoke("newApp", tmp_path / "p", "--template", template, "-o", "json")
    assert json.loads(done.stdout)["errors"][0]["message"] == UNSAFE + "pipe is neither a file nor a folder"
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"x.jinja": "{{ wrod }}"}, "'wrod' is undefined (x.jinja, line 1)"),
        ({"{{ wrod }}": "1"}, "Error rendering template path {{ wrod }}: 'wrod' is undefined"),
        ({"d/x.jinja": "one\n{% if %}"}, "Expected an expression, got 'end of statement block' (d/x.jinja, line 2)"),
        ({"x.jinja": "{{ ''.__class__.__mro__[1].__subclasses__() }}"}, "access to attribute '__class__'"),
        ({"x.jinja": "{% include 'gone' %}"}, "it includes 'gone', which is not in it"),
        ({"copier.yml": "a: [\n"}, "its copier.yml is not valid YAML: while parsing a flow node"),
        ({"copier.yml": "_envops: {undefined: os.system}\n"}, "Unsupported envops.undefined value"),
        ({"copier.yml": "_min_copier_version: '99'\n"}, "This template requires Copier version >= 99"),
        ({"copier.yml": "q: {type: nonsense, default: 1}\n"}, ""),
        ({"copier.yml": "", "copier.yaml": ""}, "it has more than one copier.yml or copier.yaml"),
    ],
)
def test_a_template_with_a_mistake_is_named_and_nothing_is_left(tmp_path, files, message):
    error = attempt(tmp_path, files)
    assert error["code"] == "template-invalid"
    assert error["message"].startswith(f"the template {tmp_path}/template cannot be rendered: {message}")
    assert error["hint"] == "mend the template, or ask its author; nothing was written"


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"x.jinja": "{% include '../secret' %}"}, "template-invalid"),
        ({"x.jinja": "{% include '/etc/passwd' %}"}, "template-invalid"),
        (
            {"copier.yml": "_external_data: {s: ../../../secret}\n", "x.jinja": "{{ _external_data.s }}"},
            "template-unsafe",
        ),
        ({"copier.yml": "a: !include ../secret\n"}, "template-unsafe"),
        ({"copier.yml": "a: !!python/object/apply:os.system [id]\n"}, "template-invalid"),
    ],
)
def test_a_template_does_not_read_what_is_outside_of_it(tmp_path, files, code):
    error = attempt(tmp_path, files)
    assert error["code"] == code
    assert "password" not in error["message"]


def test_bytes_that_are_no_text_are_named(tmp_path):
    template = write(tmp_path / "t", {"copier.yml": ""})
    (template / "x.jinja").write_bytes(b"\xff\xfe")
    done = invoke("newApp", tmp_path / "p", "--template", template)
    assert done.exit_code == 1
    assert "[template-invalid]" in done.stderr
    assert not (tmp_path / "p").exists()


def test_a_template_may_ask_for_lenient_names(tmp_path):
    settings = "_envops: {undefined: jinja2.Undefined}\n"
    template = write(tmp_path / "t", {"copier.yml": settings, "x.jinja": "<{{ word }}>"})
    assert invoke("newApp", tmp_path / "p", "--template", template).exit_code == 0
    assert contents(tmp_path / "p") == {"x": "<>"}


def test_a_destination_with_a_link_in_it(tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    (work / "d").symlink_to(tmp_path)
    error = attempt(tmp_path, {"d/x": "1"}, "--force", into=work)
    assert error["code"] == "path-invalid"


def test_a_template_in_git_is_held_to_the_same(tmp_path):
    template = tmp_path / "t"
    template.mkdir()
    (template / "x").symlink_to("/etc/passwd")
    repository(template, {"copier.yml": "_preserve_symlinks: true\n"}, "1.0.0")
    done = invoke("newApp", tmp_path / "p", "--template", f"git+file://{template}", "-o", "json")
    assert json.loads(done.stdout)["errors"][0]["code"] == "template-unsafe"
    assert not (tmp_path / "p").exists()
