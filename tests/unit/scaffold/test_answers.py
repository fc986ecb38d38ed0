import json
from pathlib import Path

import pytest

from dubbopy_cli import names
from dubbopy_cli.errors import UsageError
from dubbopy_cli.scaffold import catalogue
from dubbopy_cli.scaffold.answers import Given, complete, gather, questions
from dubbopy_cli.scaffold.render import render
from dubbopy_cli.scaffold.sources import Source

FOLDER = Path("/somewhere/My Shop_2")


def completed(folder=FOLDER, **given):
    return complete({key: Given(value, f"--{key}") for key, value in given.items()}, questions(), folder)


def refused(action, *args, **kwargs):
    with pytest.raises(UsageError) as caught:
        action(*args, **kwargs)
    return caught.value.code, caught.value.message, caught.value.hint


def test_nothing_needs_to_be_given():
    assert completed() == {
        "lang": "go",
        "role": "server",
        "name": "my-shop-2",
        "mesh": "sidecar",
        "module": "my-shop-2",
        "image": "localhost:5000/my-shop-2",
        "app_version": "v1",
        "tag": "1.0.0",
        "port": 20000,
        "server": "",
    }


def test_defaults_follow_the_answers_given():
    answers = completed(lang="python", role="client", name="web")
    assert answers["module"] == "web"
    assert answers["image"] == "localhost:5000/web"
    assert answers["server"] == "dubbo-go-server"
    assert completed(lang="python", name="a-b")["module"] == "a_b"


@pytest.mark.parametrize(
    ("lang", "name", "module"),
    [
        ("python", "json", "json_app"),
        ("python", "import", "import_app"),
        ("python", "yaml", "yaml_app"),
        ("go", "cmd", "cmd-app"),
        ("go", "std", "std-app"),
    ],
)
def test_a_default_module_never_hides_what_the_language_keeps_for_itself(lang, name, module):
    assert completed(lang=lang, name=name)["module"] == module


def test_git_proposes_the_go_module_if_it_can_be_one():
    def proposed(text):
        return complete({}, questions(), FOLDER, module=lambda _: text)["module"]

    assert proposed("github.com/acme/shop") == "github.com/acme/shop"
    assert proposed("github.com/acme/.hidden") == "my-shop-2"
    assert proposed("") == "my-shop-2"


@pytest.mark.parametrize("role", ["server", "client"])
@pytest.mark.parametrize("lang", ["go", "python"])
def test_the_template_itself_has_the_same_questions_and_defaults(tmp_path, lang, role):
    # For those who render templates/common with copier alone.
    folder = tmp_path / "my-shop"
    folder.mkdir()
    ours = completed(folder, lang=lang, role=role)
    theirs = render(Source(str(catalogue.root() / "common")), folder, {"lang": lang, "role": role}).answers
    assert dict(theirs) == ours


def test_the_strongest_answer_wins(tmp_path):
    file = tmp_path / "answers.yaml"
    file.write_text('name: from-file\ntag: "3.0"\nport: 1234\n')
    given = gather({"name": "from-flag", "tag": None}, ["tag=from-data"], file)
    assert {key: (one.value, one.origin) for key, one in given.items()} == {
        "name": ("from-flag", "--name"),
        "tag": ("from-data", "--data tag"),
        "port": (1234, f"{file}: port"),
    }


def test_a_flag_and_data_that_contradict_each_other_are_refused():
    assert refused(gather, {"app_version": "v1"}, ["app_version=v2"], None) == (
        "usage",
        "--app-version v1 and --data app_version=v2 contradict each other",
        "keep one",
    )
    assert gather({"name": "a"}, ["name=a"], None)["name"].value == "a"


@pytest.mark.parametrize("word", ["tag", "=1", ""])
def test_data_has_a_name_and_a_value(word):
    assert refused(gather, {}, [word], None) == (
        "usage",
        f"--data {word}: not of the form NAME=VALUE",
        "--data tag=2.0.0",
    )


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("a: [", "is not valid YAML: line 1: expected the node content", "write one `question: answer` a line"),
        ("- a\n", "holds no mapping", "write one `question: answer` a line"),
        ("", "holds no mapping", "write one `question: answer` a line"),
        (b"\xff\xfe", "cannot be read: it is no UTF-8 text", "ls -l {file}"),
        (None, "cannot be read: No such file or directory", "ls -l {file}"),
    ],
)
def test_a_file_of_answers_that_is_none(tmp_path, text, message, hint):
    file = tmp_path / "answers.yaml"
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    code, said, tried = refused(gather, {}, [], file)
    assert code == "usage"
    assert said.startswith(f"--data-file {file} {message}")
    assert tried == hint.format(file=file)


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        ("name", "My_App", names.application),
        ("port", "0", names.port),
        ("port", "80\n", names.port),
        ("tag", "a b", names.tag),
        ("app_version", "v1-is-too-long-by-far", names.version),
        ("image", "repo/app:1", names.image),
        ("module", "a//b", names.go_module),
    ],
)
def test_one_rule_wherever_the_answer_comes_from(tmp_path, key, value, rule):
    code, message, hint = refused(rule, value)
    file = tmp_path / "answers.yaml"
    file.write_text(json.dumps({key: value}))
    for given, origin in (
        (gather({key: value}, [], None), f"--{key.replace('_', '-')}"),
        (gather({}, [f"{key}={value}"], None), f"--data {key}"),
        (gather({}, [], file), f"{file}: {key}"),
    ):
        assert refused(complete, given, questions(), FOLDER) == (code, f"{origin}: {message}", hint)


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        ({"lang": "pyton"}, "--lang: 'pyton' is none of go, python. Did you mean 'python'?", "--lang go"),
        ({"role": "x"}, "--role: 'x' is none of server, client.", "--role server"),
    ],
)
def test_a_choice_is_one_of_those_offered(given, message, hint):
    assert refused(completed, **given) == ("answer-invalid", message, hint)


@pytest.mark.parametrize(
    ("lang", "module", "message"),
    [
        ("go", "cmd/x", "'cmd/x' is not a valid Go module path: the go command keeps cmd and std for itself"),
        (
            "python",
            "json",
            "'json' is not a valid Python package name: the standard library has a module of that name",
        ),
        (
            "python",
            "grpc",
            "'grpc' is not a valid Python package name: what the project itself uses has a module of that name",
        ),
    ],
)
def test_a_module_never_hides_what_the_language_keeps_for_itself(lang, module, message):
    separator = "-" if lang == "go" else "_"
    expected = ("name-invalid", f"--module: {message}", f"--module {module}{separator}app")
    assert refused(completed, lang=lang, module=module) == expected


@pytest.mark.parametrize(
    ("line", "said", "hint"),
    [
        ("tag: 1.10", "tag: 1.1 is not a text", 'write it in quotes, such as tag: "1.1"'),
        ("app_version: 2", "app_version: 2 is not a text", 'write it in quotes, such as app_version: "2"'),
        ("name: true", "name: True is not a text", 'write it in quotes, such as name: "True"'),
        ("name:", "name: None is not a text", 'write it in quotes, such as name: "None"'),
        ("port: 1.5", "port: 1.5 is not a number", "port: 20000"),
        ("port: true", "port: True is not a number", "port: 20000"),
        ("port: [1]", "port: [1] is not a number", "port: 20000"),
    ],
)
def test_what_yaml_has_already_changed_is_not_taken(tmp_path, line, said, hint):
    file = tmp_path / "answers.yaml"
    file.write_text(line)
    assert refused(complete, gather({}, [], file), questions(), FOLDER) == ("answer-invalid", f"{file}: {said}", hint)


def test_an_unknown_question_is_refused():
    assert refused(complete, gather({}, ["prot=1"], None), questions(), FOLDER) == (
        "answer-unknown",
        "--data prot: the template has no question 'prot'. Did you mean 'port'?"
        " It asks for app_version, image, lang, mesh, module, name, port, role, server, tag",
        "correct it, or leave it out",
    )


def test_only_a_client_calls_a_server():
    assert refused(completed, server="other") == (
        "answer-invalid",
        "--server: only a client calls a server",
        "--role client",
    )
    assert completed(server="")["server"] == ""
    assert completed(role="client", server="other")["server"] == "other"


def test_a_folder_whose_name_has_no_letter():
    assert refused(completed, Path("/2026/11")) == (
        "answer-missing",
        "the folder's name gives no application name: it has no letter in it",
        "--name dubbo-go-server",
    )
    assert completed(Path("/2026/11"), name="shop")["name"] == "shop"


def test_name_and_version_together_fit_a_helm_release():
    assert completed(name="a" * 50, app_version="v1")["app_version"] == "v1"
    assert refused(completed, name="a" * 50, app_version="v10") == (
        "name-invalid",
        f"--app_version: the release {'a' * 50}-v10 would be longer than the 53 characters that Helm allows",
        "a shorter --name or --app-version",
    )


class Person:
    """Types what it is told to; an answer that is refused is followed by the next."""

    def __init__(self, **typed):
        self.typed = {key: list(value) if isinstance(value, list) else [value] for key, value in typed.items()}
        self.asked = []
        self.heard = []

    def ask(self, question, default):
        self.asked.append((question, default))
        for start, answers in self.typed.items():
            if question.lower().startswith(start) and answers:
                return answers.pop(0)
        return ""

    def complain(self, text):
        self.heard.append(text)


def test_a_person_is_asked_what_was_not_given():
    person = Person(language="python", name="shop", image=["Bad Image", "ghcr.io/acme/shop"])
    answers = complete({"role": Given("client", "--role")}, questions(), FOLDER, prompter=person)
    asked = {question.split("(")[0].strip(): default for question, default in person.asked}
    assert asked == {
        "Language of the program": "go",
        "Name of the application, which becomes its Service and its address": "my-shop-2",
        "How Istio steers the calls": "sidecar",
        "Name of the Python package": "shop",
        "Image repository to push to, without a tag": "localhost:5000/shop",
        "Version of the application, which traffic rules name": "v1",
        "Tag of the image": "1.0.0",
        "TCP port of the Service": "20000",
        "Application that the client calls": "dubbo-go-server",
    }
    assert person.asked[0] == ("Language of the program (go, python)", "go")
    assert [text.split(":")[0] for text in person.heard] == ["'Bad Image' is not a valid image repository"]
    assert answers == {
        "lang": "python",
        "role": "client",
        "name": "shop",
        "mesh": "sidecar",
        "module": "shop",
        "image": "ghcr.io/acme/shop",
        "app_version": "v1",
        "tag": "1.0.0",
        "port": 20000,
        "server": "dubbo-go-server",
    }


def test_a_person_without_a_default_must_answer():
    person = Person(name=["", "shop"])
    assert complete({}, questions(), Path("/1"), prompter=person)["name"] == "shop"
    assert len(person.heard) == 1
