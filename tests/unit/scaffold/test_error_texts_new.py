"""What a user reads when newApp refuses answers, templates or places: the whole text."""

import errno
import os

import pytest

from dubbopy_cli.scaffold import catalogue, create
from dubbopy_cli.scaffold.faults import explained
from dubbopy_cli.scaffold.place import _appeared
from dubbopy_cli.scaffold.sources import Source
from tests.errortexts import Told

ONE_OF = "one of builtin:go-server, builtin:go-client, builtin:python-server, builtin:python-client"


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (["--data", "x"], "--data x: not of the form NAME=VALUE", "--data tag=2.0.0"),
        (["--tag", "1", "--data", "tag=2"], "--tag 1 and --data tag=2 contradict each other", "keep one"),
        (
            ["--data-file", "none.yaml"],
            "--data-file none.yaml cannot be read: No such file or directory",
            "ls -l none.yaml",
        ),
        (
            ["--data-file", "broken.yaml"],
            "--data-file broken.yaml is not valid YAML: line 2: expected the node content, but found '<stream end>'",
            "write one `question: answer` a line",
        ),
        (
            ["--data-file", "list.yaml"],
            "--data-file list.yaml holds no mapping",
            "write one `question: answer` a line",
        ),
        (
            ["--lang", "go", "--template", "builtin:python-client"],
            "--lang go and --template builtin:python-client contradict each other",
            "keep one",
        ),
        (["--ref", "v1"], "--ref goes with a template in git, not with a built-in one", "leave --ref out"),
        (
            ["--template", "plain", "--ref", "v1"],
            "TMP/plain is a folder and no git repository: it has no refs",
            "leave --ref out",
        ),
        (
            ["--interactive"],
            "--interactive needs a terminal to ask on, and there is none or CI is set",
            "leave it out and answer by flags: --name, --lang, --role, --module, --image, --tag, --data",
        ),
    ],
)
def test_words_that_cannot_be_meant(desk, words, error, hint):
    desk.write({"broken.yaml": "port: [\n", "list.yaml": "- a\n", "plain/copier.yml": "", "plain/a": ""})
    assert desk.cli("newApp", "p", *words) == Told(2, f"Error: {error}\n\nTry: {hint}\n[usage]\n")


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (
            ["--app-version", "V.1"],
            "--app-version: 'V.1' is not a valid version: lower-case letters, digits and '-', at most 12 characters",
            "for example 'v-1'",
        ),
        (
            ["--image", "x/app:1"],
            "--image: 'x/app:1' is not a valid image repository: [HOST[:PORT]/]PATH in lower case, without a tag",
            "for example 'x/app'",
        ),
        (["--port", "0"], "--port: '0' is not a valid port: a number from 1 to 65535", "for example '20000'"),
        (
            ["--tag", "a b"],
            "--tag: 'a b' is not a valid tag: letters, digits, '_', '.' and '-', at most 128 characters",
            "for example '1.0.0'",
        ),
        (
            ["--module", "a//b"],
            "--module: 'a//b' is not a valid Go module path: elements of letters, digits, '.', '-', '_' and '~'",
            "for example 'example.com/shop'",
        ),
        (
            ["--module", "cmd"],
            "--module: 'cmd' is not a valid Go module path: the go command keeps cmd and std for itself",
            "--module cmd-app",
        ),
        (
            ["--lang", "python", "--module", "My-App"],
            "--module: 'My-App' is not a valid Python package name: lower-case letters, digits and '_', no keyword",
            "for example 'my_app'",
        ),
        (
            ["--lang", "python", "--module", "json"],
            "--module: 'json' is not a valid Python package name: the standard library has a module of that name",
            "--module json_app",
        ),
        (
            ["--app-version", "v123456789", "--name", "a" * 50],
            f"--app-version: the release {'a' * 50}-v123456789 would be longer than the 53 characters that Helm allows",
            "a shorter --name or --app-version",
        ),
    ],
)
def test_names_that_nothing_can_have(desk, words, error, hint):
    assert desk.cli("newApp", "p", *words) == Told(2, f"Error: {error}\n\nTry: {hint}\n[name-invalid]\n")


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (["--lang", "pyton"], "--lang: 'pyton' is none of go, python. Did you mean 'python'?", "--lang go"),
        (
            ["--data-file", "tag.yaml"],
            "tag.yaml: tag: 1.1 is not a text",
            'write it in quotes, such as tag: "1.1"',
        ),
        (["--data-file", "port.yaml"], "port.yaml: port: True is not a number", "port: 20000"),
        (["--server", "x"], "--server: only a client calls a server", "--role client"),
        (
            ["--lang", "python", "--mesh", "proxyless"],
            "--mesh: 'proxyless' is for Go only: the program itself asks istiod, and grpcio has no Dubbo xds registry",
            "--mesh sidecar, or --lang go",
        ),
    ],
)
def test_answers_that_are_none(desk, words, error, hint):
    desk.write({"tag.yaml": "tag: 1.10\n", "port.yaml": "port: true\n"})
    assert desk.cli("newApp", "p", *words) == Told(2, f"Error: {error}\n\nTry: {hint}\n[answer-invalid]\n")


def test_questions_that_nobody_asks_or_answers(desk):
    assert desk.cli("newApp", "p", "--data", "porrt=1") == Told(
        2,
        "Error: --data porrt: the template has no question 'porrt'. Did you mean 'port'? It asks for app_version,"
        " image, lang, mesh, module, name, port, role, server, tag\n\n"
        "Try: correct it, or leave it out\n[answer-unknown]\n",
    )
    assert desk.cli("newApp", "42") == Told(
        2,
        "Error: the folder's name gives no application name: it has no letter in it\n\n"
        "Try: --name dubbo-go-server\n[answer-missing]\n",
    )


def test_a_terminal_that_goes_away(desk):
    from copier.errors import InteractiveSessionError

    def ask():
        with explained(Source("/t")):
            raise InteractiveSessionError("gone")

    assert desk.told(ask) == Told(
        2, "Error: the terminal was closed at a question\n\nTry: --data NAME=VALUE\n[answer-missing]\n"
    )


@pytest.mark.parametrize(
    ("template", "error", "hint"),
    [
        (
            "builtin:go-serve",
            "there is no built-in template 'builtin:go-serve'. Did you mean 'builtin:go-server'?",
            ONE_OF,
        ),
        ("nowhere", "there is no template at 'nowhere'.", f"a folder, gh:OWNER/REPO, git+URL, or {ONE_OF}"),
    ],
)
def test_templates_that_are_not_there(desk, template, error, hint):
    assert desk.cli("newApp", "p", "--template", template) == Told(
        2, f"Error: {error}\n\nTry: {hint}\n[template-not-found]\n"
    )


def test_templates_with_code_or_links(desk):
    desk.write({"code/copier.yml": "_tasks: [touch x]\n", "code/a": "", "links/copier.yml": "", "links/a": ""})
    (desk.folder / "links/b").symlink_to("a")
    (desk.folder / "links/c").symlink_to("/etc/hosts")
    assert desk.cli("newApp", "p", "--template", "code") == Told(
        2,
        "Error: the template TMP/code wants to run its own code: it has tasks\n\n"
        "Try: read it, and if you trust its author add --trust\n[template-untrusted]\n",
    )
    assert desk.cli("newApp", "p", "--template", "links") == Told(
        1,
        "Error: the template is not safe to use: c leads out of the project or of the template\n\n"
        "Try: ask the template's author, or choose another template; nothing was written\n[template-unsafe]\n",
    )


@pytest.mark.parametrize(
    ("files", "error"),
    [
        ({"copier.yml": "_tasks: ['false']\n"}, "a task of the template TMP/t failed with exit status 1: false"),
        ({"x.jinja": "{{ nix }}"}, "the template TMP/t cannot be rendered: 'nix' is undefined (x.jinja, line 1)"),
        (
            {"copier.yml": "", "copier.yaml": ""},
            "the template TMP/t cannot be rendered: it has more than one copier.yml or copier.yaml",
        ),
        (
            {"copier.yml": "a: ["},
            "the template TMP/t cannot be rendered: its copier.yml is not valid YAML: while parsing a flow node"
            " expected the node content, but found '<stream end>' in \"TMP/t/copier.yml\", line 1, column 5",
        ),
    ],
)
def test_templates_that_cannot_be_rendered(desk, files, error):
    desk.write({"t/a": "", **{f"t/{name}": text for name, text in files.items()}})
    assert desk.cli("newApp", "p", "--template", "t", "--trust") == Told(
        1, f"Error: {error}\n\nTry: mend the template, or ask its author; nothing was written\n[template-invalid]\n"
    )


def test_an_installation_without_templates(desk, monkeypatch):
    monkeypatch.setattr(catalogue, "__file__", str(desk.folder / "package/scaffold/catalogue.py"))
    assert desk.cli("newApp", "p") == Told(
        1,
        "Error: the built-in templates are missing from TMP/package: the installation is broken\n\n"
        "Try: pip install --force-reinstall dubbopy-cli\n[template-invalid]\n",
    )


@pytest.mark.parametrize(
    ("path", "error", "hint"),
    [
        ("dangling", "dangling is a link to nothing", "rm dangling"),
        ("loop", "loop cannot be used: Symlink loop from 'TMP/loop'", "choose another folder"),
        ("file", "TMP/file is not a folder", "choose another folder"),
        ("file/in", "TMP/file is not a folder", "choose another folder"),
        (
            "linked",
            "TMP/linked/d is a link to TMP/elsewhere: d/e would be written there, outside the project",
            "rm TMP/linked/d, or choose another folder; nothing was written",
        ),
    ],
)
def test_places_where_no_project_can_be(desk, path, error, hint):
    desk.write({"t/copier.yml": "", "t/d/e": "", "file": "", "linked/x": "", "elsewhere/x": ""})
    (desk.folder / "dangling").symlink_to("nowhere")
    (desk.folder / "loop").symlink_to("loop")
    (desk.folder / "linked/d").symlink_to(desk.folder / "elsewhere")
    assert desk.cli("newApp", path, "--template", "t") == Told(2, f"Error: {error}\n\nTry: {hint}\n[path-invalid]\n")


def test_places_that_are_taken(desk):
    desk.write({"t/copier.yml": "", "t/d/e": "", "p/d": ""})
    assert desk.cli("newApp", "p", "--template", "t") == Told(
        6,
        "Error: TMP/p holds what is in the way of the project, nothing was written\n\n"
        "  d (a file, where the project has a folder)\n\n"
        "Try: move it away, or choose another folder\n[path-conflict]\n",
    )

    def appear():
        raise _appeared(desk.folder / "p/a")

    assert desk.told(appear) == Told(
        6,
        "Error: TMP/p/a appeared while the project was being made, nothing was written\n\n"
        "Try: the same command again\n[path-conflict]\n",
    )


@pytest.mark.parametrize(
    ("number", "text", "hint"),
    [(errno.EACCES, "Permission denied", "ls -ld TMP"), (errno.ENOSPC, "No space left on device", "df -h TMP")],
)
def test_places_that_cannot_be_written(desk, number, text, hint):
    def refuse():
        with create._refusals(desk.folder / "p"):
            raise OSError(number, os.strerror(number))

    assert desk.told(refuse) == Told(
        1, f"Error: TMP/p cannot be written: {text}; nothing was written\n\nTry: {hint}\n[io]\n"
    )
