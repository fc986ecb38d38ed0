"""Istio's own grid of analyzer tests: every case, its whole list of messages, and each message's level."""

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from dubbopy_cli.traffic.analysis import ANALYZERS, analyze
from dubbopy_cli.traffic.analysis.messages import MESSAGES

DATA = Path(__file__).parents[1] / "data/istio/analyzers"
# The grid's certificates were made to be valid for long, but not for ever.
NOW = datetime(2026, 8, 27, tzinfo=UTC)
NAMES = {"schemaValidation.CollectionValidationAnalyzer": ("schema.ValidationAnalyzer", "schema.UnreachableAnalyzer")}
# Cases that disagree, with the line of Istio's source that explains each; at most 5.
EXCEPTIONS: dict[str, str] = {}


def load(path):
    return list(YAML(typ="safe").load_all(path.read_text(encoding="utf-8")))


CASES = load(DATA / "analyzers_expected.yaml")[0]["cases"]


def analyzers_of(case):
    name = re.match(r"&?([\w.]+)", case["analyzer"])[1]
    return NAMES.get(name, (name,))


def objects_of(case):
    files = [*case["inputFiles"], *filter(None, [case["meshConfigFile"]])]
    return [one for name in files for one in load(DATA / name)]


@pytest.mark.parametrize("case", CASES, ids=[f"{place}-{one['name']}" for place, one in enumerate(CASES)])
def test_case(case):
    if case["name"] in EXCEPTIONS:
        pytest.xfail(EXCEPTIONS[case["name"]])
    found = analyze(objects_of(case), now=NOW, only=analyzers_of(case))
    wanted = Counter((one["code"], one["resource"], one["level"].lower()) for one in case["expected"])
    assert Counter((one.code, one.object, one.severity) for one in found) == wanted


def test_every_case_runs_and_few_are_exceptions():
    assert len(CASES) >= 60
    assert all(name in ANALYZERS for case in CASES for name in analyzers_of(case))
    assert len(EXCEPTIONS) <= 5


def test_codes_levels_and_parameters_are_those_of_istio():
    catalogue = load(DATA / "messages.yaml")[0]["messages"]
    for one in catalogue:
        ours = MESSAGES.get(one["code"])
        if ours:
            assert (ours.name, ours.severity) == (one["name"], one["level"].lower())
            used = {int(place) for place in re.findall(r"\{(\d)\}", ours.text)}
            assert used <= set(range(len(one.get("args", [])))), one["code"]
