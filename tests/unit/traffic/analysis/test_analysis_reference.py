"""The page of the findings: it has every code, and every example on it gives the finding that it stands under."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from dubbopy_cli.traffic.analysis import ANALYZERS, analyze
from dubbopy_cli.traffic.analysis.messages import MESSAGES
from dubbopy_cli.traffic.analysis.uncovered import NOT_COVERED

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs/reference/findings.md").read_text(encoding="utf-8")
SECTIONS = re.findall(r"^## (IST\d+) (\w+) \((\w+)\)\n\n(.+?)(?=^## )", PAGE, re.MULTILINE | re.DOTALL)
CATALOGUE = YAML(typ="safe").load((ROOT / "tests/data/istio/analyzers/messages.yaml").read_text(encoding="utf-8"))


def test_the_page_and_the_table_agree():
    assert [one[:3] for one in SECTIONS] == [(code, one.name, one.severity) for code, one in MESSAGES.items()]
    rows = re.findall(r"^\| (IST\d+) \| (.+) \|$", PAGE, re.MULTILINE)
    assert dict(rows) == NOT_COVERED


def test_every_code_of_istio_is_covered_or_has_a_reason():
    assert {one["code"] for one in CATALOGUE["messages"]} == MESSAGES.keys() | NOT_COVERED.keys()
    assert not MESSAGES.keys() & NOT_COVERED.keys()


@pytest.mark.parametrize("section", SECTIONS, ids=lambda one: one[0])
def test_the_example_gives_the_finding(section):
    code, *_, body = section
    (example,) = re.findall(r"```yaml\n(.+?)```", body, re.DOTALL)
    docs = list(YAML(typ="safe").load_all(example))
    found = [
        one
        for one in analyze(docs, now=datetime(2026, 1, 1, tzinfo=UTC), namespace="default", only=ANALYZERS)
        if one.code == code
    ]
    assert found
    assert all(one.message and "{" not in one.message for one in found)
    assert "**Fix:** " in body
