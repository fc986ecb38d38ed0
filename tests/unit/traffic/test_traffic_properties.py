"""What has to hold for any rules: nothing is lost, weights sum to 100, no step sends a call to a missing subset."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from dubbopy_cli.traffic import edit, lookup, plan
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import VIRTUAL_SERVICE, RuleSet, plain
from dubbopy_cli.traffic.plan import same
from dubbopy_cli.traffic.routes import routes_of
from dubbopy_cli.traffic.shares import shares
from dubbopy_cli.traffic.yamlio import dump, parse
from tests.rules import destination_rule, rules, to, virtual_service

SERVICES = (Service("greeter"), Service("shop"))
VERSIONS = ("v1", "v2", "v3")

quick = settings(max_examples=60, deadline=None)


@st.composite
def splits(draw):
    """Whole percentages that sum to 100, for some versions."""
    chosen = draw(st.lists(st.sampled_from(VERSIONS), min_size=1, unique=True))
    cuts = sorted(draw(st.lists(st.integers(0, 100), min_size=len(chosen) - 1, max_size=len(chosen) - 1)))
    return {one: high - low for one, low, high in zip(chosen, [0, *cuts], [*cuts, 100], strict=True)}


names = st.text("abcdefghij-", min_size=1, max_size=8)
values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=8)


@st.composite
def ours(draw, service):
    """Rules that our own verbs make, in any order."""
    found = RuleSet()
    for _ in range(draw(st.integers(0, 4))):
        if draw(st.booleans()):
            found = edit.set_weights(found, service, draw(splits()), VERSIONS)
        else:
            found = edit.match(found, service, {draw(names): draw(values)}, draw(st.sampled_from(VERSIONS)), VERSIONS)
    return found


@st.composite
def foreign(draw, service):
    """Rules as somebody else may write them: short or full hosts, odd weights, fields we do not know."""
    host = draw(st.sampled_from([service.name, service.fqdn]))
    used = draw(st.lists(st.sampled_from(VERSIONS), min_size=1, unique=True))
    route = [
        {**to(one, draw(st.integers(1, 200)), host), **draw(st.sampled_from([{}, {"headers": {"x": 1}}]))}
        for one in used
    ]
    default = {
        **draw(st.sampled_from([{}, {"timeout": "5s"}, {"name": "rest", "future": [1, {"a": None}]}])),
        "route": route,
    }
    header = {"match": [{"headers": {draw(names): {"exact": draw(values)}}}], "route": [to(used[0], None, host)]}
    http = [*([header] if draw(st.booleans()) else []), default]
    return rules(
        destination_rule(*used, host=host, name=service.name),
        virtual_service(*http, hosts=(host,), name=service.name),
    )


def either(service):
    return st.one_of(ours(service), foreign(service), st.just(RuleSet()))


@st.composite
def any_rules(draw):
    return RuleSet.of(rule for service in SERVICES for rule in draw(either(service)))


def subsets_used(found):
    """Return (host, subset) of every route that acts on one of the services."""
    for service in SERVICES:
        rule = lookup.virtual_service(found, service.fqdn, "default")
        for route in routes_of(rule, service) if rule else ():
            for one in route.destinations:
                if one.subset:
                    yield one.host, one.subset


def is_safe(found):
    return all(lookup.destination(found, host, "default").subset(name) for host, name in subsets_used(found))


def changed(found, step):
    return found.drop(step.rule.key) if step.action == "delete" else found.put(step.rule)


@quick
@given(any_rules(), any_rules())
def test_a_plan_arrives_and_then_has_nothing_left_to_do(seen, wanted):
    state = seen
    for step in plan(seen, wanted):
        if step.action != "wait":
            state = changed(state, step)
    assert len(state) == len(wanted)
    assert all(same(state.get(one.key), one) for one in wanted)
    assert not plan(state, wanted)
    assert not plan(wanted, wanted)


@quick
@given(any_rules(), any_rules())
def test_no_step_of_a_plan_sends_a_call_to_a_missing_subset(seen, wanted):
    # Until a wait, a proxy may have any of the changes made since the last one, and not the others.
    settled, pending = seen, []
    for step in [*plan(seen, wanted), None]:
        if step is not None and step.action != "wait":
            pending.append(step)
            continue
        for arrived in product([False, True], repeat=len(pending)):
            state = settled
            for one, there in zip(pending, arrived, strict=True):
                state = changed(state, one) if there else state
            assert is_safe(state)
        for one in pending:
            settled = changed(settled, one)
        pending = []
    assert is_safe(settled)


@quick
@given(any_rules(), splits())
def test_weights_we_write_sum_to_100_and_mean_what_was_said(seen, split):
    service = SERVICES[0]
    found = edit.set_weights(seen, service, split, VERSIONS)
    route = found.rules[[one.key for one in found].index((VIRTUAL_SERVICE, "default", service.name))].spec["http"][-1][
        "route"
    ]
    assert len(route) == 1 or sum(one["weight"] for one in route) == 100
    default = shares(found, service, dict.fromkeys(VERSIONS, 1))[-1]
    assert {one: int(share * 100) for one, share in default.versions.items() if share} == {
        one: share for one, share in split.items() if share
    }
    assert edit.set_weights(found, service, split, VERSIONS) == found
    others = [one for one in seen if service.name not in one.name]
    assert [one for one in found if service.name not in one.name] == others


@quick
@given(any_rules(), names, values, st.sampled_from(VERSIONS))
def test_a_match_that_is_taken_back_leaves_the_former_rules(seen, header, value, version):
    service = SERVICES[0]
    # A subset for each version is there first: a match may have to define one, and leaves it defined.
    seen = edit.subsets(seen, service, VERSIONS) if lookup.acting(seen, service) else seen
    before = {one["name"] for rule in seen.of_kind(VIRTUAL_SERVICE) for one in rule.spec["http"] if "name" in one}
    found = edit.match(seen, service, {header: value}, version, VERSIONS)
    rule = lookup.virtual_service(found, service.fqdn, "default")
    new = [one["name"] for one in rule.spec["http"] if "name" in one and one["name"] not in before | {"default"}]
    if new:
        assert edit.unmatch(found, service, new[0]) == seen


@settings(quick, max_examples=20)
@given(any_rules())
def test_what_is_written_and_read_again_is_the_same(found):
    if not found:
        return
    text = dump(found)
    again = RuleSet.of(parse(text))
    assert [plain(one.document) for one in again] == [plain(one.document) for one in found]
    assert dump(again) == text
    assert not plan(found, again)


@quick
@given(foreign(SERVICES[0]), splits())
def test_an_edit_of_a_foreign_rule_keeps_every_other_field(seen, split):
    found = edit.set_weights(seen, SERVICES[0], split, VERSIONS)
    for before, after in zip(seen, found, strict=True):
        old, new = plain(before.document), plain(after.document)
        assert {**old, "spec": None} == {**new, "spec": None}
        if after.kind == VIRTUAL_SERVICE:
            assert old["spec"]["http"][:-1] == new["spec"]["http"][:-1]
            assert {**old["spec"]["http"][-1], "route": 0} == {**new["spec"]["http"][-1], "route": 0}
            kept = [one for one in old["spec"]["http"][-1]["route"] if "headers" in one]
            there = [{**one, "weight": 0} for one in new["spec"]["http"][-1]["route"]]
            assert all({**one, "weight": 0} in there for one in kept)
