"""Changed objects as Istio's own code judged them: no Go is needed to see that nothing has drifted.

Recorded from `mutations.py` with `pkg/config/validation` of Istio 1.31 (istio.io/istio of 2026-08-27) behind its JSON
decoder, and with its CRDs in `k8s.io/apiextensions-apiserver`: an object is refused if either refuses it. ``warns`` is
null where the CRD refuses it, for then nobody warns.
"""

import json
from pathlib import Path

from dubbopy_cli.traffic import validate
from tests.corpus.mutations import Mutator

RECORDS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data" / "istio" / "verdicts.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]


def differs(record):
    """Return what is judged otherwise here; an unknown field is for the API server, which drops it, to warn of."""
    found = [one for one in validate(record["doc"]) if one.code != "unknown-field"]
    severities = {one.severity for one in found}
    same_warning = record["warns"] is None or record["warns"] == ("warning" in severities)
    return (
        None if same_warning and record["refused"] == ("error" in severities) else (record, [str(one) for one in found])
    )


def test_recorded_verdicts_are_the_same():
    assert len(RECORDS) > 500
    assert {one["refused"] for one in RECORDS} == {True, False}
    assert [found for found in map(differs, RECORDS) if found] == []


def test_mutations_are_the_same_for_the_same_seed():
    one, other = Mutator(1), Mutator(1)
    assert [one.doc() for _ in range(50)] == [other.doc() for _ in range(50)]
