import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.scaffolding import argv, contents, git, invoke, repository, run, write

FILES = {"copier.yml": "word: one\n", "x.jinja": "{{ word }} first"}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("COPIER_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")


@pytest.fixture
def template(tmp_path):
    folder = repository(tmp_path / "template", FILES, "1.0.0")
    repository(folder, {"x.jinja": "{{ word }} second"}, "1.1.0")
    repository(folder, {"x.jinja": "{{ word }} newest"})
    return folder


@pytest.mark.parametrize("form", ["{}", "git+{}", "git+file://{}", "file://{}/.git"])
@pytest.mark.parametrize(("ref", "text"), [("", "second"), ("1.0.0", "first"), ("main", "newest")])
def test_the_newest_tag_or_the_ref(tmp_path, template, form, ref, text):
    words = ["--ref", ref] if ref else []
    done = invoke("newApp", tmp_path / "p", "--template", form.format(template), "--data", "word=two", *words)
    assert done.exit_code == 0, done.stderr
    assert contents(tmp_path / "p") == {"x": f"two {text}"}


def test_the_short_form_for_github(tmp_path, template, monkeypatch):
    git(tmp_path, "clone", "-q", "--bare", template, "acme/tpl.git")
    # What git would fetch from GitHub it takes from here.
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.file://{tmp_path}/.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "https://github.com/")
    # In a process of its own: the library by which copier runs git keeps the environment of its import.
    done = run("newApp", tmp_path / "p", "--template", "gh:acme/tpl", "-o", "json")
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["data"]["template"] == "gh:acme/tpl"
    assert contents(tmp_path / "p") == {"x": "one second"}
    gone = run("newApp", tmp_path / "q", "--template", "gh:acme/gone", "-o", "json")
    assert gone.returncode == 4
    assert json.loads(gone.stdout)["errors"][0]["hint"] == "git ls-remote https://github.com/acme/gone.git"


def test_a_folder_is_a_template_without_git_too(tmp_path):
    write(tmp_path / "t", FILES)
    # In a process of its own: copier remembers whether there is a git.
    done = subprocess.run(
        argv("newApp", tmp_path / "q", "--template", tmp_path / "t"),
        env={key: value for key, value in os.environ.items() if key != "PATH"} | {"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "q") == {"x": "one first"}


def test_a_folder_with_changes_that_are_not_committed_warns(tmp_path, template):
    write(template, {"x.jinja": "{{ word }} draft"})
    done = invoke("newApp", tmp_path / "p", "--template", template, "--ref", "HEAD", "-o", "json")
    assert json.loads(done.stdout)["warnings"] == ["Dirty template changes included automatically."]
    assert contents(tmp_path / "p") == {"x": "one draft"}


def test_a_git_template_without_tags_says_nothing_by_itself(tmp_path):
    folder = repository(tmp_path / "t", FILES)
    done = invoke("newApp", tmp_path / "p", "--template", folder, "-q")
    assert done.exit_code == 0
    assert done.stderr == ""


def test_a_ref_that_is_not_there(tmp_path, template):
    done = invoke("newApp", tmp_path / "p", "--template", template, "--ref", "9.9")
    assert done.exit_code == 2
    assert done.stderr == (
        f"Error: the template {template} has no tag, branch or commit '9.9'\n\n"
        f"Try: git ls-remote {template}\n[template-not-found]\n"
    )
    assert not (tmp_path / "p").exists()


def test_a_ref_of_a_remote_that_is_not_there(tmp_path, template):
    done = invoke("newApp", tmp_path / "p", "--template", f"git+file://{template}", "--ref", "9.9")
    assert done.exit_code == 2
    assert f"has no tag, branch or commit '9.9'\n\nTry: git ls-remote file://{template}\n" in done.stderr


def test_a_ref_is_no_option_of_git(tmp_path, template):
    done = invoke("newApp", tmp_path / "p", "--template", template, "--ref", "--output=/tmp/x")
    assert done.exit_code == 2
    assert not (tmp_path / "p").exists()


def test_a_repository_that_cannot_be_fetched(tmp_path):
    url = f"file://{tmp_path}/gone.git"
    done = invoke("newApp", tmp_path / "p", "--template", f"git+{url}")
    assert done.exit_code == 4
    assert done.stderr == (
        f"Error: git cannot fetch the template git+{url}\n\n"
        f"  fatal: '{tmp_path}/gone.git' does not appear to be a git repository\n"
        "  fatal: Could not read from remote repository.\n"
        "  Please make sure you have the correct access rights\n"
        "  and the repository exists.\n\n"
        f"Try: git ls-remote {url}\n[template-unreachable]\n"
    )
    assert not (tmp_path / "p").exists()


def test_a_folder_has_no_refs(tmp_path):
    folder = write(tmp_path / "t", FILES)
    done = invoke("newApp", tmp_path / "p", "--template", folder, "--ref", "v1")
    assert done.exit_code == 2
    assert done.stderr.startswith(f"Error: {folder} is a folder and no git repository: it has no refs\n")


def test_a_built_in_template_has_no_refs(tmp_path):
    done = invoke("newApp", tmp_path / "p", "--ref", "v1")
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: --ref goes with a template in git, not with a built-in one\n")


def test_a_template_that_is_not_there(tmp_path):
    for text, meant in (("builtin:go-servr", "builtin:go-server"), ("bultin:go-server", "builtin:go-server")):
        done = invoke("newApp", tmp_path / "p", "--template", text)
        assert done.exit_code == 2
        assert f"'{text}'. Did you mean '{meant}'?" in done.stderr
        assert "[template-not-found]" in done.stderr


def test_an_answers_file_names_the_template_in_a_way_that_copier_can_update_from(tmp_path, template, monkeypatch):
    repository(
        template,
        {
            "copier.yml": "word: one\n_answers_file: .answers.yml\n",
            "{{ _copier_conf.answers_file }}.jinja": "{{ _copier_answers|to_nice_yaml }}",
        },
        "2.0.0",
    )
    monkeypatch.chdir(tmp_path)
    done = invoke("newApp", "p", "--template", Path("template"))
    assert done.exit_code == 0, done.stderr
    answers = (tmp_path / "p/.answers.yml").read_text()
    assert f"_src_path: {template}" in answers
    assert "_commit: 2.0.0" in answers
    git(tmp_path, "init", "-q", "p")
