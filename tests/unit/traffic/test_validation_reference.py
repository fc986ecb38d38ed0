"""The reference of the validation's codes: complete, and each example gives what it stands under."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from dubbopy_cli.traffic import validate
from dubbopy_cli.traffic import validation as package
from dubbopy_cli.traffic.validation import unreachable

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "validation.md"
SECTION = r"^## (\S+) \(([^)]+)\)\n\n[^#]+?\n\n```yaml\n([^`]+)```\n\n\*\*Fix:\*\* \S"
SECTIONS = re.findall(SECTION, PAGE.read_text(), re.M)
CODES = {code for code, _, _ in SECTIONS}


@pytest.mark.parametrize(("code", "severities", "example"), SECTIONS, ids=[one[0] for one in SECTIONS])
def test_an_example_gives_the_finding_it_stands_under(code, severities, example):
    found = validate(YAML(typ="safe").load(example))
    # What is empty is told twice: what Istio says, and that the API server would not let it through.
    assert [one.code for one in found if one.code != "null" or code == "null"] == [code]
    assert found[-1].severity in severities.split(", ")


def test_every_code_has_its_section():
    text = "\n".join(path.read_text() for path in Path(package.__file__).parent.glob("*.py"))
    literal = set(re.findall(r'\b(?:error|warning|info|refused)\(\s*"([a-z0-9-]+)"', text))
    assert literal <= CODES
    assert {"kind", "schema", "base64", "load-balancer", unreachable.UNREACHABLE, unreachable.INEFFECTIVE} <= CODES
    assert len(CODES) == len(SECTIONS) == len(re.findall(r"^## ", PAGE.read_text(), re.M))
