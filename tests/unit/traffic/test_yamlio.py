import pytest

from dubbopy_cli.errors import UsageError
from dubbopy_cli.traffic.model import RuleSet, plain
from dubbopy_cli.traffic.yamlio import dump, parse
from tests.rules import SOURCE_90_10, SOURCE_ADMIN_TO_V2, SOURCE_ALL_TO_V1, SOURCE_DESTINATION_RULE

HEAD = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n"
COMMENTED = """\
# what this is for
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: greeter # the application
  annotations:
    owner: 'somebody'
    since: 2026-11-23
spec:
  # one host
  hosts:
  - greeter
  http:
  # everybody
  - name: "default"
    unknownField: {a: [1, 2], b: yes}
    route:
    - destination:
        host: greeter
        subset: v1
      weight: 90 # nearly all
    - weight: 10
      destination: {host: greeter, subset: v2}
# the end
"""


@pytest.mark.parametrize(
    "text", [SOURCE_DESTINATION_RULE, SOURCE_ALL_TO_V1.replace("    - dubbo", "  - dubbo"), COMMENTED]
)
def test_what_was_read_is_written_as_it_stood(text):
    assert dump(parse(text)) == text


@pytest.mark.parametrize("text", [SOURCE_ADMIN_TO_V2, SOURCE_90_10, SOURCE_ALL_TO_V1])
def test_mixed_indentation_keeps_its_meaning(text):
    (rule,) = parse(text)
    assert plain(parse(dump([rule]))[0].document) == plain(rule.document)


def test_several_documents_and_lists_are_read_in_order():
    text = SOURCE_DESTINATION_RULE + "---\n" + SOURCE_90_10 + "---\n\n---\n"
    assert [one.kind for one in parse(text)] == ["DestinationRule", "VirtualService"]
    assert dump(parse(SOURCE_DESTINATION_RULE + "---\n" + COMMENTED)) == SOURCE_DESTINATION_RULE + "---\n" + COMMENTED
    items = "".join(
        f"- apiVersion: networking.istio.io/v1\n  kind: VirtualService\n  metadata: {{name: {one}}}\n  spec: {{}}\n"
        for one in "ab"
    )
    assert [one.name for one in parse("apiVersion: v1\nkind: List\nitems:\n" + items)] == ["a", "b"]


def test_a_namespace_is_the_object_s_own_or_the_one_given():
    assert parse(COMMENTED, namespace="prod")[0].key == ("VirtualService", "prod", "greeter")
    own = COMMENTED.replace("  annotations", "  namespace: mine\n  annotations")
    assert parse(own, namespace="prod")[0].namespace == "mine"


def test_dates_stay_texts():
    assert parse(COMMENTED)[0].metadata["annotations"]["since"] == "2026-11-23"


def test_an_alias_becomes_a_copy_of_its_own():
    (rule,) = parse(HEAD + "  hosts: &h [a]\n  also: *h\n  more: {<<: &m {x: [1]}, y: 2}\n  http: [*m, *m]\n")
    assert rule.spec["hosts"] == rule.spec["also"]
    assert rule.spec["hosts"] is not rule.spec["also"]
    assert rule.spec["http"][0]["x"] is not rule.spec["http"][1]["x"]
    assert rule.spec["more"] == {"x": [1], "y": 2}
    assert "&" not in dump([rule])
    assert "*" not in dump([rule])


BOMB = HEAD + "  a: &a [x,x,x,x,x,x,x,x,x,x]\n"
for number in range(8):
    BOMB += f"  {chr(98 + number)}: &{chr(98 + number)} [{','.join(['*' + chr(97 + number)] * 10)}]\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f.yaml holds no rule"),
        ("---\n---\n", "f.yaml holds no rule"),
        ("# nothing\n", "f.yaml holds no rule"),
        ("a: b: c", "f.yaml:1: not valid YAML: mapping values are not allowed here"),
        ("a: 1\n b: 2\n", "f.yaml:2: not valid YAML: mapping values are not allowed here"),
        ('a: "x', "f.yaml:1: not valid YAML: found unexpected end of stream"),
        ("x:\n\ty: 1", "f.yaml:2: a tab; YAML is indented by spaces alone"),
        ("x:\n  - a\n\t- b", "f.yaml:3: a tab; YAML is indented by spaces alone"),
        ("- 1", "f.yaml:1: expected a Kubernetes object, found a list"),
        ("hello", "f.yaml: expected a Kubernetes object, found 'hello'"),
        (HEAD + "  a: 1\n  a: 2\n", "f.yaml:6: the key 'a' stands here a second time"),
        (HEAD + "  a: {b: {c: 1, c: 2}}\n", "f.yaml:5: the key 'c' stands here a second time"),
        (BOMB, "f.yaml:10: aliases would expand this to more than 200000 values"),
        ("[" * 5000, "f.yaml:1: nested deeper than 60 levels"),
        ("a: *b", "f.yaml:1: *b refers to nothing that stands before it"),
        ("a: &a [*a]", "f.yaml:1: *a refers to nothing that stands before it"),
        ("? [a]\n: b", "f.yaml:1: a key is a text, not a mapping or a list"),
        (HEAD + "  a: !!python/object:os.system x\n", "f.yaml:5: the tag tag:yaml.org,2002:python/object:os.system has no meaning in a rule"),
        ("x" * 5_000_000, "f.yaml is larger than 4 MiB"),
        ("a: \x00", "f.yaml is not valid YAML: unacceptable character #x0000: special characters are not allowed"),
        ("a: 1", "f.yaml:1: this object has no apiVersion and kind"),
        (HEAD.replace("VirtualService", "VirtualServise") + "  a: 1", "f.yaml:1: VirtualServise is no kind of traffic rule, expected DestinationRule or VirtualService. Did you mean 'VirtualService'?"),
        (HEAD.replace("istio.io/v1", "istio.io/v2") + "  a: 1", "f.yaml:1: VirtualService has apiVersion networking.istio.io/v2, expected networking.istio.io/v1 (or v1beta1, v1alpha3)"),
        (HEAD.replace("name: a", "name: 1.10") + "  a: 1", "f.yaml:1: this VirtualService has no metadata.name"),
        (HEAD.replace("name: a", "name: a, namespace: 1") + "  a: 1", "f.yaml:1: VirtualService a has no usable metadata.namespace"),
        (HEAD, "f.yaml:1: VirtualService a has no spec"),
        (HEAD + "  a: 1\n---\n" + HEAD + "  a: 2\n", "f.yaml:7: VirtualService default/a stands here a second time"),
    ],
)  # fmt: skip
def test_a_file_that_holds_no_rules_is_one_clear_error(text, message):
    with pytest.raises(UsageError) as caught:
        parse(text, source="f.yaml")
    assert caught.value.code == "rules-invalid"
    assert caught.value.message == message


def test_other_kinds_can_be_asked_for():
    text = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: []}\n"
    assert RuleSet.of(parse(text, kinds=("Service",))).of_kind("Service")
