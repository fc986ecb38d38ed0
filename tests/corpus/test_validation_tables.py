"""Istio's own tests of its validation, case by case: the same verdict, and the same answer whether it warns."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from dubbopy_cli.traffic import validate
from tests.corpus.tables import BUILDERS, TEXTS, expected, read

SAMPLES = sorted((Path(__file__).parents[1] / "data" / "istio" / "samples").rglob("*.yaml"))
# (table, name of the case): the line of Istio that explains why an object is judged otherwise. At most two.
EXCEPTIONS = {
    # An object is asked here, and `ValidateVirtualService` (validation.go:1828) takes an address where this function
    # refuses it as a name: `if !netutil.IsValidIPAddress(virtualHost)`. The function alone agrees, see below.
    ("TestValidateWildcardDomainForVirtualServiceBoundToGateway", "IP address"): True,
}


def verdict(doc):
    found = validate(doc)
    severities = {one.severity for one in found}
    return "error" not in severities, "warning" in severities, [str(one) for one in found]


@pytest.mark.parametrize(
    ("table", "case"),
    [pytest.param(table, case, id=f"{table}-{number}") for table, number, case in read()],
)
def test_a_case_of_istio_has_the_same_verdict(table, case):
    valid, warns, found = verdict(BUILDERS[table](case))
    wanted_valid, wanted_warns = expected(case)
    wanted_valid = EXCEPTIONS.get((table, case.get("name")), wanted_valid)
    assert valid == wanted_valid, (case, found)
    if wanted_warns is not None:
        assert warns == wanted_warns, (case, found)


@pytest.mark.parametrize(
    ("table", "case"),
    [pytest.param(table, case, id=f"{table}-{number}") for table, number, case in read() if table in TEXTS],
)
def test_a_text_is_judged_as_istio_s_function_does(table, case):
    assert (TEXTS[table](case) == "") == expected(case)[0]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_istio_s_samples_are_good(path):
    for doc in YAML(typ="safe").load_all(path):
        if doc and doc["apiVersion"].startswith("networking.istio.io"):
            assert [one for one in validate(doc) if one.severity == "error"] == []


def test_exceptions_are_few_and_real():
    assert len(EXCEPTIONS) <= 2
