from __future__ import annotations

import fnmatch
import json
import re
from pathlib import Path

import pytest


def instructions(root: Path) -> list[tuple[str, str]]:
    text = (root / "build/Dockerfile").read_text()
    text = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in text.splitlines() if line)]


def values(found: list[tuple[str, str]], word: str) -> list[str]:
    return [rest for name, rest in found if name == word]


def last_stage(root: Path) -> list[tuple[str, str]]:
    found = instructions(root)
    start = max(at for at, (name, _) in enumerate(found) if name == "FROM")
    return found[start:]


def test_the_user_is_a_number_and_not_root(variant):
    assert values(last_stage(variant.root), "USER") == ["65532:65532"]


def test_the_program_is_started_without_a_shell(variant):
    stage = last_stage(variant.root)
    (entry,) = values(stage, "ENTRYPOINT")
    expected = ["/dubbogo/app"] if variant.lang == "go" else [
        "/dubbogo/venv/bin/python", "-m", variant.name.replace("-", "_"),
    ]  # fmt: skip
    assert json.loads(entry) == expected
    assert not values(stage, "CMD")
    assert not values(stage, "RUN")


def test_the_configuration_is_where_the_program_looks(variant):
    stage = last_stage(variant.root)
    assert any("DUBBO_GO_CONFIG_PATH=/dubbogo/dubbogo.yaml" in env for env in values(stage, "ENV"))
    assert "--chown=65532:65532 dubbogo.yaml /dubbogo/dubbogo.yaml" in values(stage, "COPY")


def test_only_a_server_exposes_a_port(variant):
    assert values(last_stage(variant.root), "EXPOSE") == (["20000"] if variant.role == "server" else [])


def test_a_go_image_holds_nothing_but_the_program(server):
    found = instructions(server.root)
    assert values(found, "FROM") == ["scratch"]
    assert not {"RUN", "ADD", "SHELL"} & {name for name, _ in found}
    assert len(values(found, "COPY")) == 2


def test_a_python_image_has_a_base_of_choice_and_wheels_alone(variants):
    found = instructions(variants["python", "server"].root)
    (base,) = [rest for rest in values(found, "ARG") if rest.startswith("PYTHON_IMAGE=")]
    assert base.endswith("-slim")
    assert values(found, "FROM") == ["${PYTHON_IMAGE} AS install", "${PYTHON_IMAGE}"]
    (run,) = values(found, "RUN")
    assert "--only-binary :all:" in run
    assert "/wheels/*.whl" in run


@pytest.mark.parametrize("path", ["app", "app-arm64", "dubbogo.yaml", "dist/x-0-py3-none-any.whl"])
def test_the_context_holds_what_is_copied(variant, path):
    allowed = [line[1:] for line in ignore(variant.root) if line.startswith("!")]
    assert any(fnmatch.fnmatch(path, pattern) for pattern in allowed)


@pytest.mark.parametrize("path", ["venv", "app.log", "Dockerfile", ".built.json"])
def test_the_context_holds_nothing_else(variant, path):
    lines = ignore(variant.root)
    assert lines[0] == "*"
    assert not any(fnmatch.fnmatch(path, line[1:]) for line in lines[1:])


def ignore(root: Path) -> list[str]:
    lines = (root / "build/.dockerignore").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]
