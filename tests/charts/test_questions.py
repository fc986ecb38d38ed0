from __future__ import annotations

from functools import partial

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from dubbopy_cli import names
from tests.charts.conftest import COMMON, render

QUESTIONS = {
    name: question
    for name, question in yaml.safe_load((COMMON / "copier.yml").read_text()).items()
    if not name.startswith("_")
}
ENVIRONMENT = SandboxedEnvironment(
    extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"], undefined=StrictUndefined
)
ANSWERS = {
    "name": "a", "lang": "go", "role": "client", "mesh": "sidecar", "module": "a", "image": "a", "app_version": "v1",
    "tag": "1", "port": 1, "server": "a",
}  # fmt: skip


def complaint(question: str, value: object, **others: object) -> str:
    template = ENVIRONMENT.from_string(QUESTIONS[question]["validator"])
    return template.render({**ANSWERS, **others, question: value})


def test_order_and_names_are_the_contract():
    assert list(QUESTIONS) == [
        "name", "lang", "role", "mesh", "module", "image", "app_version", "tag", "port", "server",
    ]  # fmt: skip


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_is_complete(name):
    question = QUESTIONS[name]
    assert question["help"]
    assert question["type"] in {"str", "int"}
    assert "default" in question
    assert "choices" in question or "validator" in question


SAMPLES = [
    "a", "A", "a-b", "-a", "a-", "a--b", "1a", "a1", "true", "", " ", "a b", "a\n", "ä", "a" * 50, "a" * 51, "a" * 128,
    "a" * 129, "a" * 255, "a" * 256, "a" * 12, "a" * 13, "v1", "2", "1.10", "_x", ".x", "x.", "x_y", "x__y", "x___y", "x._y",
    "localhost:5000/x", "localhost:5000/x:1", "Registry.example.com/team/x", "team/X", "x//y", "/x", "x/", "[::1]:5000/x",
    "[::1]/x", "10.0.0.1:5000/a/b/c", "x@sha256:0", "example.com/a~b", "example.com/.a", "example.com/a./b", "a/b.c",
    "class", "lambda", "None", "a$(id)", 'a"b', "a'b", "a;b", "{{ name }}", "a,b", "a\\b", "../a", "a:b",
]  # fmt: skip
RULES = {
    "name": names.application,
    "server": names.application,
    "app_version": names.version,
    "tag": names.tag,
    "image": names.image,
}


@pytest.mark.parametrize("value", SAMPLES)
@pytest.mark.parametrize("question", RULES)
def test_validator_agrees_with_the_flag(question, value):
    assert (complaint(question, value) == "") is names.accepts(RULES[question], value)


@pytest.mark.parametrize("value", SAMPLES)
@pytest.mark.parametrize(("lang", "rule"), [("go", names.go_module), ("python", names.python_module)])
def test_module_validator_agrees_with_the_flag(lang, rule, value):
    assert (complaint("module", value, lang=lang) == "") is names.accepts(rule, value)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(RULES)),
    st.text(alphabet="ab19AZ-_.:/[]\n ", max_size=20) | st.from_regex(r"[a-z0-9.-]{1,60}", fullmatch=True),
)
@example("image", "a.b-c__d---e/f")
def test_validator_agrees_with_the_flag_on_anything(question, value):
    assert (complaint(question, value) == "") is names.accepts(RULES[question], value)


@pytest.mark.parametrize("port", [-1, 0, 1, 20000, 65535, 65536])
def test_port_validator_agrees_with_the_flag(port):
    assert (complaint("port", port) == "") is names.accepts(names.port, str(port))


def test_a_release_fits_into_helms_limit():
    assert complaint("app_version", "v1", name="a" * 50) == ""
    assert "53 characters" in complaint("app_version", "v10", name="a" * 50)


def test_a_server_calls_nobody():
    assert complaint("server", "", role="server") == ""
    assert complaint("server", "", role="client") != ""


@pytest.mark.parametrize("folder", ["My Shop_2", "dubbo-go-server", "42-things", "x" * 70])
def test_name_defaults_to_the_folders(folder, tmp_path):
    root = render(tmp_path / folder)
    written = yaml.safe_load((root / "chart/app/Chart.yaml").read_text())["name"]
    assert written == names.slug(folder)
    assert names.accepts(names.application, written)


def test_the_other_defaults(tmp_path):
    root = render(tmp_path / "shop-front", lang="python", role="client")
    values = yaml.safe_load((root / "chart/app/values.yaml").read_text())
    assert values["image"]["repository"] == "localhost:5000/shop-front"
    assert values["image"]["tag"] == "1.0.0"
    assert values["version"]["labels"]["dubbogoAppVersion"] == "v1"
    marker = yaml.safe_load((root / ".dubbopy.yaml").read_text())
    assert marker == {
        "template": "builtin:python-client",
        "answers": {"lang": "python", "role": "client", "mesh": "sidecar", "module": "shop_front"},
        "target": "local",
    }


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"name": "Shop"}, "lower-case letters, digits and '-', starting with a letter"),
        ({"image": "shop:1"}, "without a tag"),
        ({"port": 0}, "a number from 1 to 65535"),
        ({"lang": "cobol"}, "lang"),
        ({"mesh": "ambient"}, "mesh"),
        ({"mesh": "proxyless", "lang": "python"}, "only dubbo-go"),
    ],
)
def test_a_bad_answer_stops_the_rendering(answers, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        render(tmp_path / "shop", **answers)
    assert not (tmp_path / "shop").exists()


render_shop = partial(render, name="shop")


@pytest.mark.parametrize("module", ["cmd", "std/x"])
def test_go_keeps_some_modules_for_itself(module, tmp_path):
    with pytest.raises(ValueError, match="for itself"):
        render_shop(tmp_path / "shop", module=module)


@pytest.mark.parametrize("module", ["if", "2to3", "a-b", "A"])
def test_python_needs_an_importable_name(module, tmp_path):
    with pytest.raises(ValueError, match="no keyword"):
        render_shop(tmp_path / "shop", lang="python", module=module)
