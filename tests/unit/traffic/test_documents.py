"""Objects are read fast, and as `yamlio` reads rules: the same values, the same refusals; each with its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from dubbopy_cli.errors import UsageError
from dubbopy_cli.traffic.documents import objects, read
from dubbopy_cli.traffic.model import plain
from dubbopy_cli.traffic.yamlio import parse
from tests.rules import SOURCE_90_10, SOURCE_ADMIN_TO_V2, SOURCE_ALL_TO_V1, SOURCE_DESTINATION_RULE

HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
WORDS = [
    "yes",
    "no",
    "on",
    "off",
    "y",
    "n",
    "true",
    "True",
    "TRUE",
    "false",
    "null",
    "Null",
    "~",
    "1",
    "-1",
    "+1",
    "007",
    "0o17",
    "0x1F",
    "1.5",
    "-1.5",
    ".5",
    "1.",
    "1e3",
    "1.5e-3",
    ".inf",
    "-.inf",
    "2026-11-23",
    "1:30",
    "1.2.3",
    "v1",
    "0.0",
    "-0",
    "'1'",
    '"true"',
    "+.5",
    "1e",
    "0b11",
    "0xg",
    "10_0",
    "1_0.5",
    "!!str 1",
    "!!int 1",
    "!!int '1'",
    "'a: b'",
    '"a\\tb"',
    "''",
    "a b",
    "|-\n  a\n  b",
]


@pytest.mark.parametrize("text", [SOURCE_DESTINATION_RULE, SOURCE_ALL_TO_V1, SOURCE_ADMIN_TO_V2, SOURCE_90_10])
def test_rules_are_read_as_yamlio_reads_them(text):
    assert [one.document for one in read(text, source="x")] == [plain(one.document) for one in parse(text)]


@pytest.mark.parametrize("word", WORDS)
def test_scalars_mean_the_same(word):
    text = f"{HEAD}data: {word}\n"
    (found,) = read(text, source="x")
    expected = YAML(typ="safe", pure=True).load(text)["data"]
    value = found.document["data"]
    assert (type(value), value) == ((str, word) if word == "2026-11-23" else (type(expected), expected))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text("aé:#- \n'\"1.e~", max_size=8),
        lambda one: (
            st.lists(one, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=3), one, max_size=3)
        ),
    )
)
def test_what_another_program_writes_is_read_as_it_was(value):
    import yaml

    document = {"apiVersion": "v1", "kind": "ConfigMap", "data": value}
    (found,) = read(yaml.safe_dump(document, allow_unicode=True), source="x")
    assert found.document == document


def test_lists_aliases_merges_and_the_namespace():
    text = """\
# first
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {name: a, labels: &labels {app: x}}
- apiVersion: v1
  kind: Pod
  metadata:
    namespace: own
    labels: {<<: *labels, version: v1}
---

---
apiVersion: v1
kind: PodList
"""
    first, second, third = read(text, source="pods.yaml", namespace="shop")
    assert first.document["metadata"] == {"name": "a", "labels": {"app": "x"}, "namespace": "shop"}
    assert second.document["metadata"] == {"namespace": "own", "labels": {"app": "x", "version": "v1"}}
    assert (first.place(), second.place("metadata.labels.version")) == ("pods.yaml:5", "pods.yaml:12")
    assert (third.place(), third.document["kind"]) == ("pods.yaml:16", "PodList")


def test_a_place_is_that_of_the_nearest_line_known():
    (rule,) = read(SOURCE_90_10, source="w.yaml")
    assert [rule.place(path) for path in ("", "spec", "spec.http[0].route[1].weight", "spec.http[0].retries.on")] == [
        "w.yaml:1",
        "w.yaml:5",
        "w.yaml:17",
        "w.yaml:9",
    ]


def test_files_of_other_kinds_are_passed_over_where_that_is_wanted():
    text = f"image: {{tag: '1'}}\n---\n{HEAD}---\n- a list\n---\ntext\n"
    assert [one.line for one in objects(text, source="x")] == [3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image: x\n", "x.yaml:1: this is no Kubernetes object: it has no apiVersion and kind"),
        (HEAD + "data: [\n", "x.yaml:5: not valid YAML: did not find expected node content"),
        (HEAD + "data:\n\ta: 1\n", "x.yaml:5: a tab; YAML is indented by spaces alone"),
        (HEAD + "kind: Pod\n", "x.yaml:4: the key 'kind' stands here a second time"),
        (HEAD + "data: *a\n", "x.yaml:4: *a refers to nothing that stands before it"),
        (HEAD + "data: &a [*a]\n", "x.yaml:4: *a refers to nothing that stands before it"),
        (
            HEAD + "data: !python/object:os.system {}\n",
            "x.yaml:4: the tag !python/object:os.system has no meaning in a rule",
        ),
        (HEAD + "? [a]\n: 1\n", "x.yaml:4: a key is a text, not a mapping or a list"),
        (HEAD + "data: " + "[" * 80, "x.yaml:4: nested deeper than 60 levels"),
        (HEAD + "data: " + "[" * 100_000, "x.yaml:4: not valid YAML: exceeded maximum nesting depth"),
        (
            HEAD
            + "a: &a [1,1,1,1,1,1,1,1]\n"
            + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 8)}]\n" for a, b in zip("abcdef", "bcdefg", strict=True)),
            "x.yaml:9: aliases would expand this to more than 200000 values",
        ),
    ],
)
def test_what_is_broken_is_one_error_with_its_line(text, message):
    with pytest.raises(UsageError) as caught:
        read(text, source="x.yaml")
    assert (caught.value.code, caught.value.message) == ("rules-invalid", message)
