"""The page of the findings: it has every code, and every example on it gives the finding that it stands under."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from dubbopy_cli.errors import UsageError
from dubbopy_cli.traffic import lint
from dubbopy_cli.traffic.analysis import ANALYZERS, analyze
from dubbopy_cli.traffic.analysis.messages import MESSAGES
from dubbopy_cli.traffic.analysis.uncovered import NOT_COVERED
from dubbopy_cli.traffic.documents import read
from dubbopy_cli.traffic.explaining import files
from dubbopy_cli.traffic.findings import Finding
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import Rule, RuleSet

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


OWN = re.findall(
    r"^### (\S+) \((\w+)\)\n\n(.+?)\n\n(?:```yaml\n(.+?)```\n\n)?\*\*Fix:\*\* \S", PAGE, re.MULTILINE | re.DOTALL
)
# What runs while the examples are looked at: v1 is ready once, v2 not at all.
READY = {Service("greeter"): {"v1": 1, "v2": 0}}


def own_findings(example):
    """Return what lint and explain find in an example, as files and as the rules of a namespace."""
    try:
        items = read(example, source="example.yaml", namespace="default")
    except UsageError as error:
        return [Finding("error", error.code, error.message)]
    docs = [one.document for one in items]
    rules = RuleSet.of(Rule(one["kind"], "default", one["metadata"]["name"], one) for one in docs)
    return [
        *lint.of_objects(docs, "default"),
        *lint.twice(items),
        *lint.of_namespace(rules, READY, namespace="default", local=True),
        *lint.of_namespace(rules, READY, namespace="default", local=False, proxyless=["web"]),
        *files.with_service(docs, "greeter", "default", 20000)[1],
    ]


@pytest.mark.parametrize("section", [one for one in OWN if one[3]], ids=lambda one: one[0])
def test_the_example_gives_our_own_finding(section):
    code, severity, _, example = section
    assert (severity, code) in {(one.severity, one.code) for one in own_findings(example)}


def test_every_code_of_our_own_has_its_section():
    codes = [code for code, *_ in OWN]
    literal = set()
    for name in ("check.py", "lint.py", "proxyless.py", "unmodelled.py", "explaining/files.py"):
        text = (ROOT / "dubbopy_cli/traffic" / name).read_text(encoding="utf-8")
        literal |= set(re.findall(r'"(?:error|warning|info)", "([a-z-]+)"', text))
        literal |= set(re.findall(r'^[A-Z_]+ = "([a-z]+-[a-z-]+)"$', text, re.MULTILINE))
    assert len(codes) == len(set(codes))
    assert set(codes) == literal - {"warning"} | {"method-partial", "rules-invalid"}
    assert [code for code, *_, example in OWN if not example] == ["method-partial"]
