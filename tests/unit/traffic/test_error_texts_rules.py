"""What a user reads when traffic rules or words about them are refused: the whole text."""

import pytest

from dubbopy_cli.traffic import edit, plan, verify
from dubbopy_cli.traffic.compose import condition
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import RuleSet
from dubbopy_cli.traffic.verify import calls_needed
from dubbopy_cli.traffic.yamlio import parse
from tests.errortexts import Told

TARGET = "target local, namespace default\n"
HEAD = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n"
SUBSETS = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop}
spec:
  host: shop
  subsets:
  - {name: v1, labels: {dubbogoAppVersion: v1}}
  - {name: v2, labels: {dubbogoAppVersion: v2}}
"""
TO_V1 = "{route: [{destination: {host: shop, subset: v1}}]}"
TO_V2 = "{route: [{destination: {host: shop, subset: v2}}]}"
UNNAMED = "{match: [{headers: {user: {exact: admin}}}], route: [{destination: {host: shop, subset: v1}}]}"
ADMIN = UNNAMED.replace("{match", "{name: user-admin, match", 1)


def routes(*http, hosts="[shop]"):
    return HEAD.replace("name: a", "name: shop") + f"  hosts: {hosts}\n  http: [{', '.join(http)}]\n"


@pytest.mark.parametrize(
    ("http", "error", "hint"),
    [
        ([TO_V1], " http[0]", "dubbopy-cli traffic set v2 --app shop"),
        ([ADMIN, TO_V2], " user-admin", "dubbopy-cli traffic unmatch user-admin --app shop"),
        ([UNNAMED, TO_V2], " http[0]", "dubbopy-cli traffic unmatch 'http[0]' --app shop"),
        (
            [ADMIN, TO_V1],
            "s user-admin, http[1]",
            "dubbopy-cli traffic unmatch user-admin --app shop && dubbopy-cli traffic set v2 --app shop",
        ),
    ],
)
def test_a_version_that_still_gets_calls(desk, http, error, hint):
    desk.deployed("v1", "v2")
    desk.rules(SUBSETS, routes(*http))
    assert desk.cli("remove", "v1", "--app", "shop") == Told(
        6, f"{TARGET}Error: shop v1 still gets calls by the rules: route{error}\n\nTry: {hint}\n[traffic-remains]\n"
    )


def test_the_way_out_names_the_namespace(desk):
    from dubbopy_cli.traffic.leaving import default_route

    service = Service("shop", "prod")
    assert service.options == "--app shop --namespace prod"
    assert default_route(RuleSet(), service) == ""


def test_versions_that_are_not_deployed(desk):
    desk.deployed("v1", "v2")
    assert desk.cli("traffic", "set", "v9", "--app", "shop") == Told(
        2,
        f"{TARGET}Error: there is no version 'v9', only v1, v2.\n\nTry: dubbopy-cli status\n[version-unknown]\n",
    )


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        ("set v1=x", "'v1=x' is no share of a version", "write VERSION=PERCENT, such as v1=90"),
        ("set v1=50 v1=50", "v1 is given twice", "give every version once"),
        ("set v1=90", "the percentages are 90 = 90, not 100", "for example v1=90 v2=10"),
        ("match user --to v2", "'user' is no header condition", "write NAME=VALUE, such as user=admin"),
        ("match a=1 A=2 --to v2", "the header A is given twice", "give every header once"),
        ("match user= --prefix --to v2", "an empty prefix would match every value", "write NAME=VALUE"),
        ("match --method a-b --to v2", "'a-b' names no method", "write Method or package.Service/Method"),
        (
            "unmatch user-admi",
            "shop has no route 'user-admi', only user-admin. Did you mean 'user-admin'?",
            "dubbopy-cli traffic show --app shop",
        ),
        (
            "unmatch http[1]",
            "'http[1]' is the default route of shop, which takes every other call",
            "dubbopy-cli traffic set VERSION --app shop, or to let all versions share: "
            "dubbopy-cli traffic reset --app shop",
        ),
    ],
)
def test_words_that_cannot_be_meant(desk, words, error, hint):
    desk.deployed("v1", "v2")
    desk.rules(SUBSETS, routes(ADMIN, TO_V2))
    # What needs no look at what is deployed is refused before the target is touched.
    seen = "" if "header" in error and "match" in words else TARGET
    assert desk.cli("traffic", *words.split(), "--app", "shop") == Told(
        2, f"{seen}Error: {error}\n\nTry: {hint}\n[usage]\n"
    )


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        ("retries two", "'two' is no number of retries", "dubbopy-cli traffic retries 0"),
        (
            "retries 0 --per-try 1s",
            "--per-try and --on need at least one retry",
            "dubbopy-cli traffic retries 1 --per-try 500ms",
        ),
        ("timeout 0s", "'0s' is no duration of at least 1ms", "write 500ms, 2s or 1m30s"),
        ("timeout soon", "'soon' is no duration of at least 1ms", "write 500ms, 2s or 1m30s"),
        (
            "fault --abort UNAVAIL",
            "'UNAVAIL' is neither an HTTP status nor the name of a gRPC status. Did you mean 'UNAVAILABLE'?",
            "write 503 or UNAVAILABLE",
        ),
        (
            "fault",
            "say which fault: --abort STATUS, --delay DURATION or both; or off",
            "dubbopy-cli traffic fault --abort 503 --percent 1",
        ),
        (
            "fault off --delay 1s",
            "say which fault: --abort STATUS, --delay DURATION or both; or off",
            "dubbopy-cli traffic fault --abort 503 --percent 1",
        ),
    ],
)
def test_actions_refused_before_the_target_is_looked_at(desk, words, error, hint):
    assert desk.cli("traffic", *words.split()) == Told(2, f"Error: {error}\n\nTry: {hint}\n[usage]\n")


def test_words_refused_before_the_target_is_looked_at(desk):
    assert desk.cli("traffic", "match", "user=admin") == Told(
        2,
        "Error: say which calls, by a header or --method, and --to which version; --prefix and --regex exclude each"
        " other\n\nTry: dubbopy-cli traffic match user=admin --to v2\n[usage]\n",
    )
    desk.deployed("v1")
    assert desk.cli("traffic", "unmatch", "x", "--app", "shop") == Told(
        2,
        f"{TARGET}Error: shop has no route 'x' that depends on a header.\n\n"
        "Try: dubbopy-cli traffic show --app shop\n[usage]\n",
    )


@pytest.mark.parametrize(
    ("action", "error", "hint"),
    [
        (
            lambda: edit.set_weights(RuleSet(), Service("shop"), {"v1": 110, "v2": -10}, ["v1", "v2"]),
            "the percentages are 110 + -10, and none lies below 0",
            "for example v1=90 v2=10",
        ),
        (
            lambda: condition({}, "", "exact"),
            "nothing to match: no header and no method",
            "dubbopy-cli traffic match user=admin --to v2",
        ),
        (
            lambda: verify({"v1": 1}, {"v1": 1}, confidence=1),
            "confidence lies between 0 and 1, and no count is negative",
            "--confidence 0.999",
        ),
        (
            lambda: calls_needed({"v1": 0}),
            "no expected share is negative, and not all of them are zero",
            "--expect v1=90,v2=10",
        ),
    ],
)
def test_values_that_the_commands_do_not_let_through(desk, action, error, hint):
    assert desk.told(action) == Told(2, f"Error: {error}\n\nTry: {hint}\n[usage]\n")


BY_HAND = "change the rules by hand: dubbopy-cli traffic apply -f FILE"


@pytest.mark.parametrize(
    ("rules", "words", "error", "hint"),
    [
        (
            [SUBSETS, routes("{redirect: {uri: /x}}")],
            "set v1",
            "route http[0] of VirtualService default/shop answers by redirect and forwards no call to a version",
            BY_HAND,
        ),
        (
            [SUBSETS, routes("{route: [{destination: {host: other}}]}")],
            "set v1",
            "route http[0] of VirtualService default/shop leads to another host, other",
            BY_HAND,
        ),
        (
            [SUBSETS, routes(TO_V1.replace("}]", "}, {destination: {host: shop, subset: v1}}]"))],
            "set v1",
            "route http[0] of VirtualService default/shop names a subset twice",
            BY_HAND,
        ),
        (
            [SUBSETS, routes(ADMIN, TO_V1)],
            "match user=admin --name other --to v1",
            "VirtualService default/shop already sends these calls by its route user-admin",
            "dubbopy-cli traffic unmatch 'user-admin' --app shop",
        ),
        (
            [SUBSETS, routes(ADMIN, TO_V1)],
            "match user=x --name user-admin --to v1",
            "VirtualService default/shop has other conditions in its route user-admin",
            "dubbopy-cli traffic unmatch 'user-admin' --app shop",
        ),
        (
            [SUBSETS, routes(TO_V1, hosts="[shop, other]")],
            "set v1",
            "VirtualService default/shop steers more than shop: other.default.svc.cluster.local",
            BY_HAND,
        ),
        (
            [SUBSETS, routes(TO_V1, hosts="[shop, other]")],
            "reset",
            "VirtualService default/shop steers more than shop: other.default.svc.cluster.local",
            BY_HAND,
        ),
        (
            [SUBSETS, routes(TO_V1).partition("  http")[0]],
            "set v1",
            "VirtualService default/shop has no http routes, so there is nothing that weights or headers could change",
            BY_HAND,
        ),
        (
            [SUBSETS.partition("  subsets")[0].replace("host: shop", "host: '*.default.svc.cluster.local'")],
            "set v1",
            "DestinationRule default/shop acts on shop through the host *.default.svc.cluster.local; a second one for"
            " the application alone would hide its traffic policy",
            "write a DestinationRule for the host by hand: dubbopy-cli traffic apply -f FILE",
        ),
        (
            [SUBSETS.replace("dubbogoAppVersion: v1", "x: y")],
            "set v1",
            "subset v1 of DestinationRule default/shop selects x=y, which is not version v1 of shop",
            BY_HAND,
        ),
        (
            [SUBSETS.replace("host: shop", "host: other")],
            "set v1",
            "DestinationRule default/shop exists and does not act on shop (its host is other.default.svc.cluster.local)",
            BY_HAND,
        ),
        (
            [],
            "set v1",
            "VirtualService default/shop spec.http[0].route[0]: subset v1 of shop (version v1) has no ready instance"
            " to take these calls",
            "dubbopy-cli status, or go on all the same with --force",
        ),
    ],
)
def test_changes_that_would_lose_something(desk, rules, words, error, hint):
    desk.deployed("v1", "v2")
    desk.rules(*rules)
    assert desk.cli("traffic", *words.split(), "--app", "shop") == Told(
        6, f"{TARGET}Error: {error}\n\nTry: {hint}\n[rules-refused]\n"
    )


def test_several_faults_are_listed(desk):
    desk.deployed("v1")
    desk.write({"f.yaml": HEAD + "  hosts: [shopp, sho]\n  http: [{redirect: {uri: /x}}]\n"})
    first = (
        "VirtualService default/a spec.hosts[0]: shopp.default.svc.cluster.local is no application here,"
        " only shop.default.svc.cluster.local. Did you mean 'shop'?"
    )
    second = first.replace("hosts[0]: shopp", "hosts[1]: sho")
    assert desk.cli("traffic", "apply", "-f", "f.yaml") == Told(
        6,
        f"{TARGET}Error: {first} (and 1 more)\n\n  {first}\n  {second}\n\n"
        "Try: mend the rules, or go on all the same with --force\n[rules-refused]\n",
    )


def test_a_rule_that_cannot_move(desk):
    former = RuleSet.of(parse(SUBSETS + "---\n" + routes(TO_V1)))
    wanted = former.put(*parse(SUBSETS.replace("host: shop", "host: other")))
    assert desk.told(lambda: plan(former, wanted)) == Told(
        6,
        "Error: DestinationRule default/shop would move from shop.default.svc.cluster.local to"
        " other.default.svc.cluster.local while routes use its subsets, and no order of steps is safe\n\n"
        "Try: give the new one another name\n[rules-refused]\n",
    )


def test_calls_that_no_version_answers(desk):
    from dubbopy_cli.cli.traffic.verify import _expected
    from dubbopy_cli.targets.base import Application, Release

    rules = RuleSet.of(parse(SUBSETS + "---\n" + routes(ADMIN)))
    release = Release("shop", "v1", 1, "1", "0", "server", 1, 0.0, ())
    shop = Application("shop", "default", "server", 20000, "127.0.0.1:20000", (release,), rules)
    assert desk.told(lambda: _expected(shop, "", "api.Greeter/SayHello", ())) == Told(
        6,
        "Error: by the rules no version answers these calls: no route takes this call: 404\n\n"
        "Try: dubbopy-cli traffic show --app shop\n[nothing-expected]\n",
    )


MEND = "mend it, then the same command again"
BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{after}: &{after} [{','.join([f'*{before}'] * 10)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "error", "hint"),
    [
        ("", "f.yaml holds no rule", "it should hold objects of kind DestinationRule or VirtualService"),
        ("a: b: c", "f.yaml:1: not valid YAML: mapping values are not allowed here", "mend that line"),
        ("x:\n\ty: 1", "f.yaml:2: a tab; YAML is indented by spaces alone", "replace the tab by spaces"),
        ("- 1", "f.yaml:1: expected a Kubernetes object, found a list", MEND),
        (HEAD + "  a: 1\n  a: 2\n", "f.yaml:6: the key 'a' stands here a second time", "keep one of them"),
        ("[" * 70, "f.yaml:1: nested deeper than 60 levels", MEND),
        ("a: *b", "f.yaml:1: *b refers to nothing that stands before it", MEND),
        (BOMB, "f.yaml:6: aliases would expand this to more than 200000 values", MEND),
        ("? [a]\n: b", "f.yaml:1: a key is a text, not a mapping or a list", MEND),
        (
            HEAD + "  a: !!python/none x\n",
            "f.yaml:5: the tag tag:yaml.org,2002:python/none has no meaning in a rule",
            "take it out",
        ),
        (
            "a: \x00",
            "f.yaml is not valid YAML: unacceptable character #x0000: special characters are not allowed",
            "mend it",
        ),
        (
            "a: 1",
            "f.yaml:1: this object has no apiVersion and kind",
            "begin with `apiVersion: networking.istio.io/v1`",
        ),
        (
            HEAD.replace("VirtualService", "VirtualServise") + "  a: 1",
            "f.yaml:1: VirtualServise is no kind of traffic rule, expected DestinationRule or VirtualService."
            " Did you mean 'VirtualService'?",
            "correct it, or take it out of this file",
        ),
        (
            HEAD.replace("networking.istio.io/v1", "apps/v1") + "  a: 1",
            "f.yaml:1: VirtualService has apiVersion apps/v1, expected networking.istio.io/v1 (or v1beta1, v1alpha3)",
            MEND,
        ),
        (
            HEAD.replace("name: a", "x: a") + "  a: 1",
            "f.yaml:1: this VirtualService has no metadata.name",
            "give it one, in quotes if it looks like a number",
        ),
        (
            HEAD.replace("name: a", "name: a, namespace: 1") + "  a: 1",
            "f.yaml:1: VirtualService a has no usable metadata.namespace",
            "write it as a text",
        ),
        (HEAD.replace("spec:\n", ""), "f.yaml:1: VirtualService a has no spec", MEND),
        (
            f"{HEAD}  a: 1\n---\n{HEAD}  a: 1\n",
            "f.yaml:7: VirtualService default/a stands here a second time",
            "keep one of the two",
        ),
        ("x" * 5_000_000, "f.yaml is larger than 4 MiB", "split it into several files"),
    ],
)
def test_files_that_hold_no_rules(desk, text, error, hint):
    desk.write({"f.yaml": text})
    assert desk.cli("traffic", "apply", "-f", "f.yaml") == Told(2, f"Error: {error}\n\nTry: {hint}\n[rules-invalid]\n")


def test_files_that_cannot_be_applied_here(desk):
    assert desk.cli("traffic", "apply", "-f", "no such") == Told(
        2, "Error: no such cannot be read: No such file or directory\n\nTry: ls -l 'no such'\n[usage]\n"
    )
    (desk.folder / "latin").write_bytes(b"\xff")
    assert desk.cli("traffic", "apply", "-f", "latin") == Told(
        2, "Error: latin cannot be read: it is not UTF-8 text\n\nTry: save it as UTF-8\n[usage]\n"
    )
    desk.write({"f.yaml": HEAD.replace("name: a", "name: a, namespace: other") + "  a: 1"})
    assert desk.cli("traffic", "apply", "-f", "f.yaml") == Told(
        2,
        "Error: the rules are for namespace other, and this command works in default\n\n"
        "Try: dubbopy-cli traffic apply --namespace other -f f.yaml\n[usage]\n",
    )
