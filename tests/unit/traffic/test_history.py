"""What was done to rules, and the way back to the very text that was there."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubbopy_cli.errors import DubbopyError
from dubbopy_cli.traffic import edit, history
from dubbopy_cli.traffic.history import KEPT, Origin
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import RuleSet
from dubbopy_cli.traffic.yamlio import dump, parse

SHOP = Service("shop")
FOREIGN = """\
# whose it is
apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata:
  name: shop   # short
spec:
  hosts:
  - shop
  http:
  - route:
    - destination: {host: shop, subset: v1}
"""
VERSIONS = ["v1", "v2"]


def run(number):
    return Origin(f"dubbopy-cli traffic set {number}", "ada@desk", f"run{number}")


def split(rules, share):
    return edit.set_weights(rules, SHOP, {"v1": 100 - share, "v2": share}, VERSIONS)


def test_undo_brings_back_the_text_with_its_comments():
    before = edit.subsets(RuleSet.of(parse(FOREIGN)), SHOP, VERSIONS)
    after = split(before, 10)
    changes = history.record((), run(1), before, after, 7.0)
    assert [(one.number, one.time, one.origin.who) for one in changes] == [(1, 7.0, "ada@desk")]
    assert [one.what for one in changes[0].objects] == ["VirtualService default/shop changed"]
    assert dump(history.undo(after, changes, SHOP)) == dump(before)


def test_undo_of_what_made_the_rules_takes_them_away():
    after = split(RuleSet(), 10)
    changes = history.record((), run(1), RuleSet(), after, 1.0)
    assert [one.what for one in changes[0].objects] == [
        "DestinationRule default/shop made",
        "VirtualService default/shop made",
    ]
    assert not history.undo(after, changes, SHOP)


def test_an_undo_of_an_earlier_change_undoes_those_that_followed():
    sets = [RuleSet()]
    changes = ()
    for number, share in enumerate((10, 20, 30)):
        sets.append(split(sets[-1], share))
        changes = history.record(changes, run(number), sets[-2], sets[-1], float(number))
    assert dump(history.undo(sets[3], changes, SHOP, 2)) == dump(sets[1])
    assert dump(history.undo(sets[3], changes, SHOP, 3)) == dump(sets[2])


def test_the_steps_of_one_run_are_one_change_and_none_if_nothing_came_of_it():
    one, two = split(RuleSet(), 10), split(RuleSet(), 20)
    changes = history.record(history.record((), run(1), RuleSet(), one, 1.0), run(1), one, two, 2.0)
    assert len(changes) == 1
    assert dump(history.undo(two, changes, SHOP)) == ""
    assert history.record(changes, run(1), two, RuleSet(), 3.0) == ()


def test_changes_of_another_application_stay_out_of_it():
    other = Service("other")
    rules = edit.set_weights(split(RuleSet(), 10), other, {"v1": 100}, ["v1"])
    changes = history.record((), run(1), RuleSet(), split(RuleSet(), 10), 1.0)
    changes = history.record(changes, run(2), split(RuleSet(), 10), rules, 2.0)
    assert [one.number for one in changes if one.touches(SHOP)] == [1]
    left = history.undo(rules, changes, SHOP)
    assert {rule.name for rule in left} == {"other"}


def test_only_the_newest_are_kept_and_numbers_grow():
    changes = ()
    for number in range(KEPT + 5):
        before, after = split(RuleSet(), number % 2), split(RuleSet(), (number + 1) % 2)
        changes = history.record(changes, run(number), before, after, float(number))
    assert [one.number for one in changes] == list(range(6, KEPT + 6))


def test_what_somebody_else_changed_since_is_not_thrown_away():
    before, after = split(RuleSet(), 10), split(RuleSet(), 20)
    changes = history.record((), run(1), before, after, 1.0)
    meddled = split(after, 55)
    with pytest.raises(DubbopyError) as refused:
        history.undo(meddled, changes, SHOP)
    assert (refused.value.code, refused.value.message, refused.value.hint) == (
        "rules-refused",
        "VirtualService default/shop is not as the last change left it: somebody else has changed it since",
        "look at it with dubbopy-cli traffic show --app shop, then go on with --force",
    )
    assert dump(history.undo(meddled, changes, SHOP, force=True)) == dump(before)


def test_a_number_that_is_not_there():
    with pytest.raises(DubbopyError) as refused:
        history.undo(RuleSet(), (), SHOP)
    assert (refused.value.message, refused.value.hint) == (
        "no change of the rules of shop is recorded",
        "dubbopy-cli traffic history --app shop",
    )
    changes = history.record((), run(1), RuleSet(), split(RuleSet(), 10), 1.0)
    with pytest.raises(DubbopyError) as refused:
        history.undo(RuleSet(), changes, SHOP, 4)
    assert refused.value.message == "change 4 is none of shop: 1 are kept"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"changes": [{"number": 1}]}', '{"changes": [1]}'])
def test_a_damaged_history_is_named(text):
    with pytest.raises(DubbopyError) as damaged:
        history.loads(text, "history.json")
    assert damaged.value.code == "rules-damaged"
    assert damaged.value.message.startswith("the history of the rules cannot be read: history.json: ")
    assert damaged.value.hint == "move history.json away: the rules themselves are not touched by that"


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 100), min_size=1, max_size=8), st.data())
def test_undo_restores_byte_for_byte_whatever_was_done(shares, data):
    sets = [edit.subsets(RuleSet.of(parse(FOREIGN)), SHOP, VERSIONS)]
    changes = ()
    for number, share in enumerate(shares):
        sets.append(split(sets[-1], share))
        changes = history.record(changes, run(number), sets[-2], sets[-1], float(number))
    changes = history.loads(history.dumps(changes), "memory")
    if not changes:
        assert dump(sets[-1]) == dump(sets[0])
        return
    back = data.draw(st.sampled_from([one.number for one in changes]))
    target = next(index for index, one in enumerate(sets[1:]) if history_number(changes, index) == back)
    assert dump(history.undo(sets[-1], changes, SHOP, back)) == dump(sets[target])


def history_number(changes, index):
    return next((one.number for one in changes if one.origin.run == f"run{index}"), None)
