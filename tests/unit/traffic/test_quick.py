"""The quick ways of reading and accepting say what the careful ones say."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dubbopy_cli.traffic import documents
from dubbopy_cli.traffic.validation import KINDS, schema
from tests.corpus.fields import Fields
from tests.corpus.mutations import Mutator

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)


def read(text):
    items = documents.objects(text, source="a")
    return [(one.document, one.line, one.place("spec.a[0]"), one.place("spec.b.c")) for one in items]


@given(st.lists(VALUES, max_size=3), st.booleans())
def test_text_is_read_alike(specs, flow):
    docs = [{"apiVersion": "v1", "kind": "A", "spec": one} for one in specs]
    text = yaml.safe_dump_all(docs, default_flow_style=flow or None, sort_keys=False)
    # A comment with one of its signs makes the careful reader read it.
    assert read(text) == read(f"{text}\n# &")


@pytest.mark.parametrize("source", [Mutator, Fields])
def test_what_is_accepted_has_no_faults(source):
    made, accepted, judged = source(5), 0, 0
    for _ in range(1500):
        doc = made.doc()
        root, validator, accepts = schema._loaded(doc["kind"])
        spec = schema._clean(doc["spec"], root, "spec", [])
        good = accepts(spec)
        accepted += good
        judged += 1
        assert not good or not list(validator.iter_errors(spec)), json.dumps(doc)
        # What is quicker has to be so for what is good.
        assert good or "null" in json.dumps(doc) or list(validator.iter_errors(spec)), json.dumps(doc)
    assert judged / 4 < accepted < judged


@pytest.mark.parametrize("kind", KINDS)
def test_no_value_is_accepted_that_is_none(kind):
    _, validator, accepts = schema._loaded(kind)
    for value in (None, [], "a", 1, True, 1.5):
        assert not accepts(value) or not list(validator.iter_errors(value))
