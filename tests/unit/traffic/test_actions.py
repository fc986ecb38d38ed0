"""What timeouts, retries, faults and mirrors do to rules, whole objects compared."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubbopy_cli.errors import DubbopyError
from dubbopy_cli.traffic import actions, edit, owners, validate
from dubbopy_cli.traffic.actions import Fault
from dubbopy_cli.traffic.difference import difference
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import VIRTUAL_SERVICE, RuleSet, plain
from dubbopy_cli.traffic.yamlio import dump, parse

SHOP = Service("shop")
VERSIONS = ["v1", "v2"]
SPLIT = edit.set_weights(RuleSet(), SHOP, {"v1": 90, "v2": 10}, VERSIONS)
MATCHED = edit.match(SPLIT, SHOP, {"user": "admin"}, "v2", VERSIONS)


def http(rules):
    (rule,) = rules.of_kind(VIRTUAL_SERVICE)
    return plain(rule.spec["http"])


def extras(rules):
    return [{k: v for k, v in one.items() if k not in {"name", "route", "match"}} for one in http(rules)]


def test_a_timeout_is_put_on_every_route_and_taken_off_again():
    limited = actions.timeout(MATCHED, SHOP, "2s")
    assert extras(limited) == [{"timeout": "2s"}, {"timeout": "2s"}]
    assert dump(actions.timeout(limited, SHOP, "")) == dump(MATCHED)


def test_one_route_alone():
    assert extras(actions.timeout(MATCHED, SHOP, "2s", route="user-admin")) == [{"timeout": "2s"}, {}]


def test_without_rules_everybody_gets_the_timeout_and_nothing_is_left_without_it():
    limited = actions.timeout(RuleSet(), SHOP, "2s")
    assert http(limited) == [
        {"name": "default", "route": [{"destination": {"host": SHOP.fqdn}}], "timeout": "2s"},
    ]
    assert not actions.timeout(limited, SHOP, "")


def test_no_retry_and_istios_own_again():
    none = actions.retries(SPLIT, SHOP, 0)
    assert extras(none) == [{"retries": {"attempts": 0}}]
    some = actions.retries(none, SHOP, 3, per_try="500ms", on="unavailable")
    assert extras(some) == [{"retries": {"attempts": 3, "perTryTimeout": "500ms", "retryOn": "unavailable"}}]
    assert extras(actions.retries(some, SHOP, 1)) == [
        {"retries": {"attempts": 1, "perTryTimeout": "500ms", "retryOn": "unavailable"}}
    ]
    assert extras(actions.retries(some, SHOP, 0)) == [{"retries": {"attempts": 0}}]
    assert dump(actions.retries(some, SHOP, None)) == dump(SPLIT)


def test_faults_of_both_kinds():
    broken = actions.fault(SPLIT, SHOP, Fault(1, abort=503))
    slow = actions.fault(broken, SHOP, Fault(12.5, delay="2s"))
    assert extras(slow) == [
        {
            "fault": {
                "abort": {"httpStatus": 503, "percentage": {"value": 1}},
                "delay": {"fixedDelay": "2s", "percentage": {"value": 12.5}},
            }
        }
    ]
    named = actions.fault(SPLIT, SHOP, Fault(100, abort="UNAVAILABLE"))
    assert extras(named)[0]["fault"] == {"abort": {"grpcStatus": "UNAVAILABLE", "percentage": {"value": 100}}}
    assert dump(actions.fault(slow, SHOP, None)) == dump(SPLIT)


def test_copies_go_to_a_version_but_not_from_a_route_that_leads_there_alone():
    mirrored = actions.mirror(MATCHED, SHOP, "v2", VERSIONS, percent=5)
    copies = {"mirror": {"host": SHOP.fqdn, "subset": "v2"}, "mirrorPercentage": {"value": 5}}
    assert extras(mirrored) == [{}, copies]
    assert dump(actions.mirror(mirrored, SHOP, "", VERSIONS)) == dump(MATCHED)


def test_copies_to_a_version_that_has_no_subset_yet_define_it():
    alone = edit.set_weights(RuleSet(), SHOP, {"v1": 100}, VERSIONS)
    mirrored = actions.mirror(alone, SHOP, "v2", VERSIONS)
    assert [one["name"] for one in mirrored.rules[0].spec["subsets"]] == ["v1", "v2"]


@pytest.mark.parametrize(
    ("change", "message", "hint"),
    [
        (
            lambda rules: actions.timeout(rules, SHOP, "2s", route="user-admi"),
            "shop has no route 'user-admi', only user-admin, default. Did you mean 'user-admin'?",
            "dubbopy-cli traffic show --app shop",
        ),
        (
            lambda rules: actions.mirror(rules, SHOP, "v3", VERSIONS),
            "there is no version 'v3', only v1, v2.",
            "dubbopy-cli status",
        ),
    ],
)
def test_what_is_not_there(change, message, hint):
    with pytest.raises(DubbopyError) as refused:
        change(MATCHED)
    assert (refused.value.message, refused.value.hint) == (message, hint)


FOREIGN = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: shop
  annotations: {argo-rollouts.argoproj.io/managed-by-rollouts: shop}
spec:
  hosts: [shop]
  http:
  - {name: away, redirect: {uri: /}}
  - name: rest
    mirrors: [{destination: {host: shop, subset: v1}}]
    route: [{destination: {host: shop, subset: v1}}]
"""


def test_foreign_routes_are_kept_and_refused_where_they_say_more():
    rules = RuleSet.of(parse(FOREIGN))
    assert extras(actions.timeout(rules, SHOP, "1s"))[0] == {"redirect": {"uri": "/"}}
    for change, message in (
        (lambda: actions.timeout(rules, SHOP, "1s", route="away"),
         "route away of VirtualService default/shop forwards no call to shop"),
        (lambda: actions.mirror(rules, SHOP, "", VERSIONS), "route rest of shop has a list of mirrors"),
    ):  # fmt: skip
        with pytest.raises(DubbopyError) as refused:
            change()
        assert refused.value.message == message


def test_an_object_of_a_controller_is_named_with_its_owner():
    rules = RuleSet.of(parse(FOREIGN))
    assert owners.check(rules, rules) == ()
    (found,) = owners.check(rules, actions.timeout(rules, SHOP, "1s"))
    assert str(found) == (
        "VirtualService default/shop: Argo Rollouts' Rollout shop owns it and would put it back, "
        "or be broken by the change: change it there"
    )
    assert found.severity == "error"


@pytest.mark.parametrize(
    ("metadata", "who"),
    [
        ("ownerReferences: [{kind: Canary, name: shop}]", "Flagger's Canary shop"),
        ("ownerReferences: [{kind: Shop, name: a}]", "Shop a"),
        ("annotations: {argocd.argoproj.io/tracking-id: 'shops:networking.istio.io'}", "Argo CD's application shops"),
        ("labels: {kustomize.toolkit.fluxcd.io/name: shops}", "Flux (shops)"),
        ("annotations: {meta.helm.sh/release-name: shop}", "the Helm release shop"),
        ("labels: {app: shop}", ""),
    ],
)
def test_owners(metadata, who):
    (rule,) = parse(FOREIGN.replace("annotations: {argo-rollouts.argoproj.io/managed-by-rollouts: shop}", metadata))
    assert owners.owner(rule) == who


def test_the_difference_of_one_weight_is_that_line():
    assert difference(SPLIT, edit.set_weights(SPLIT, SHOP, {"v1": 100}, VERSIONS)) == (
        "--- VirtualService default/shop (now)\n"
        "+++ VirtualService default/shop (wanted)\n"
        "@@ -14,8 +14,4 @@\n"
        "     - destination:\n"
        "         host: shop.default.svc.cluster.local\n"
        "         subset: v1\n"
        "-      weight: 90\n"
        "-    - destination:\n"
        "-        host: shop.default.svc.cluster.local\n"
        "-        subset: v2\n"
        "-      weight: 10\n"
        "+      weight: 100\n"
    )
    assert difference(SPLIT, SPLIT) == ""


verbs = st.one_of(
    st.builds(lambda seconds: lambda r: actions.timeout(r, SHOP, f"{seconds}s" if seconds else ""), st.integers(0, 9)),
    st.builds(lambda n: lambda r: actions.retries(r, SHOP, n), st.none() | st.integers(0, 5)),
    st.builds(
        lambda p, a: lambda r: actions.fault(r, SHOP, Fault(p, abort=a)),
        st.floats(0.0001, 100),
        st.sampled_from([503, "UNAVAILABLE"]),
    ),
    st.builds(lambda v, p: lambda r: actions.mirror(r, SHOP, v, VERSIONS, percent=p),
              st.sampled_from(["v1", "v2", ""]), st.floats(0.0001, 100)),
    st.builds(lambda p: lambda r: edit.set_weights(r, SHOP, {"v1": 100 - p, "v2": p}, VERSIONS), st.integers(0, 100)),
    st.just(lambda r: edit.match(r, SHOP, {"user": "admin"}, "v2", VERSIONS)),
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.lists(verbs, max_size=8), verbs)
def test_whatever_the_verbs_make_istio_accepts_and_a_verb_twice_is_a_verb_once(before, last):
    rules = RuleSet()
    for one in before:
        rules = one(rules)
    once = last(rules)
    assert dump(last(once)) == dump(once)
    for rule in once:
        assert [one for one in validate(plain(rule.document)) if one.severity == "error"] == []
    for route in [one for rule in once.of_kind(VIRTUAL_SERVICE) for one in plain(rule.spec["http"])]:
        assert len(route["route"]) == 1 or sum(one["weight"] for one in route["route"]) == 100
