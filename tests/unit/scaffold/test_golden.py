"""What newApp writes, as a whole; `pytest --update-golden` writes it anew, for the diff to be read."""

import os
import re
from difflib import unified_diff

import pytest

from dubbopy_cli.scaffold import catalogue
from tests.goldens import CASES, FOLDER, golden
from tests.scaffolding import contents, invoke

# Jinja's, and not Helm's templates, Go's literals or a format string's.
LEFT = re.compile(
    r"{%-? *(if|else|elif|endif|for|endfor|set)\b|{{-? +(name|lang|role|mesh|module|image|tag|port|server)\b"
)


@pytest.mark.parametrize("case", CASES)
def test_the_tree_is_the_golden_one(tmp_path, monkeypatch, update_golden, case):
    monkeypatch.chdir(tmp_path)
    before = os.umask(0o022)
    try:
        done = invoke("newApp", *CASES[case])
    finally:
        os.umask(before)
    assert done.exit_code == 0, done.stderr
    made = golden(tmp_path / CASES[case][0], CASES[case])
    file = FOLDER / f"{case}.txt"
    if update_golden:
        file.write_text(made)
    kept = file.read_text()
    diff = "".join(unified_diff(kept.splitlines(True), made.splitlines(True), str(file), "newApp", n=1))
    assert made == kept, f"{diff}\nif this is meant: pytest --update-golden"


def test_every_golden_has_a_case():
    assert {file.stem for file in FOLDER.glob("*.txt")} == set(CASES)


@pytest.mark.parametrize("role", catalogue.ROLES)
@pytest.mark.parametrize("lang", catalogue.LANGS)
def test_no_layer_overwrites_a_file_of_another(lang, role):
    owners = {}
    for layer in catalogue.layers(lang, role):
        for name in contents_names(layer):
            assert name not in owners, f"{name} is in {owners[name]} and in {layer.name}"
            owners[name] = layer.name


def contents_names(layer):
    return {name.removesuffix(".jinja") for name in contents(layer / "project")}


@pytest.mark.parametrize("case", CASES)
def test_nothing_of_jinja_is_left_in_a_project(tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    assert invoke("newApp", *CASES[case]).exit_code == 0
    for name, text in contents(tmp_path / CASES[case][0]).items():
        assert not name.endswith(".jinja")
        assert not LEFT.search(text), name
        assert text.endswith("\n") or text in {"", "-"}, f"{name} does not end in a newline"
