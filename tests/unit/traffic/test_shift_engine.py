"""The steps of a shift, the conditions that end it, and the record by which it can go on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubbopy_cli.errors import DubbopyError
from dubbopy_cli.traffic import edit
from dubbopy_cli.traffic.counters import Counts
from dubbopy_cli.traffic.history import Origin
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import RuleSet
from dubbopy_cli.traffic.shift.conditions import Judgement, condition, decide, judge
from dubbopy_cli.traffic.shift.record import Progress, Shift, dumps, loads
from dubbopy_cli.traffic.shift.steps import Move, moves, percentages
from dubbopy_cli.traffic.yamlio import dump

SHOP = Service("shop")
ERRORS, SLOW = condition("errors>1%"), condition("p99>200ms")


def calls(number, errors=0, slow=0):
    return Counts(number, errors, {10.0: number - slow, 300.0: slow})


@pytest.mark.parametrize(("text", "steps"), [("5,25,50,100", (5, 25, 50, 100)), ("100", (100,)), (" 1, 50 ", (1, 50))])
def test_steps_rise_and_need_not_end_at_100(text, steps):
    assert percentages(text) == steps


@pytest.mark.parametrize("text", ["", "0", "5,5", "10,5", "50,101", "2.5", "a", "5,,6", "5%", "-5"])
def test_what_are_no_steps(text):
    with pytest.raises(DubbopyError) as refused:
        percentages(text)
    assert refused.value.message == (
        f"'{text}' are no steps: whole percentages from 1 to 100, each above the one before"
    )


@pytest.mark.parametrize(
    ("steps", "shares", "expected"),
    [
        ((5, 100), {"v1": 100, "v2": 0}, [{"v1": 95, "v2": 5}, {"v1": 0, "v2": 100}]),
        # The others keep their proportion.
        ((10,), {"v1": 75, "v2": 0, "v3": 25}, [{"v1": 68, "v2": 10, "v3": 22}]),
        ((50,), {"v1": 30, "v2": 10, "v3": 60}, [{"v1": 17, "v2": 50, "v3": 33}]),
        # What it has already is no step.
        ((5, 25, 50, 100), {"v1": 75, "v2": 25}, [{"v1": 50, "v2": 50}, {"v1": 0, "v2": 100}]),
        ((5, 50, 100), {"v2": 100}, []),
        # Nobody gets any: ready instances decide.
        ((5,), {}, [{"v1": 95, "v2": 5}]),
    ],
)
def test_moves_take_from_those_that_have_the_rest(steps, shares, expected):
    assert [dict(one.weights) for one in moves(steps, "v2", shares, {"v1": 2, "v2": 1, "v3": 0})] == expected


@given(
    st.sets(st.integers(1, 100), min_size=1, max_size=6),
    st.dictionaries(st.sampled_from(["v1", "v2", "v3", "v4"]), st.integers(0, 100), max_size=4),
)
def test_weights_always_sum_to_100_and_rise(steps, shares):
    found = moves(sorted(steps), "v2", shares, {"v1": 1, "v2": 1})
    assert all(sum(one.weights.values()) == 100 and min(one.weights.values()) >= 0 for one in found)
    assert [one.weights["v2"] for one in found] == [one.percent for one in found] == sorted({o.percent for o in found})


@pytest.mark.parametrize(
    ("text", "needed"),
    [("errors>1%", 100), ("errors > 0.5 %", 200), ("errors>0%", 1), ("errors>5", 1), ("p99>200ms", 100),
     ("p95>1s", 20), ("p90>1.5s", 10), ("p50>30ms", 2)],
)  # fmt: skip
def test_how_many_calls_a_condition_needs(text, needed):
    assert condition(text).needed == needed


def test_conditions_read_their_limits():
    found = [condition(one) for one in ("errors > 2.5%", "p95 > 1.5s", "errors>5")]
    assert [(one.text, float(one.share), one.slow, one.count) for one in found] == [
        ("errors>2.5%", 0.025, None, None),
        ("p95>1.5s", 0.05, 1500, None),
        ("errors>5", 0, None, 5),
    ]


@pytest.mark.parametrize("text", ["", "errors", "errors<1%", "errors>", "p98>1s", "p99>200", "p99>1m", "latency>1s"])
def test_what_is_no_condition(text):
    with pytest.raises(DubbopyError) as refused:
        condition(text)
    assert refused.value.message == f"'{text}' is no condition: errors>1%, errors>5 or p50, p90, p95, p99 above a time"


@pytest.mark.parametrize("text", ["errors>100%", "errors>250%", "errors>1.5"])
def test_conditions_that_can_never_hold(text):
    with pytest.raises(DubbopyError) as refused:
        condition(text)
    assert refused.value.message == f"'{text}' can never hold, or counts parts of a call"


@pytest.mark.parametrize(
    ("conditions", "counts", "expected"),
    [
        ((), calls(0), Judgement("ok")),
        ((ERRORS,), calls(0), Judgement("too-few", 100, ERRORS)),
        ((ERRORS,), calls(99), Judgement("too-few", 100, ERRORS)),
        ((ERRORS,), calls(100), Judgement("ok", 100, ERRORS)),
        # Exactly 1 % is not above it.
        ((ERRORS,), calls(100, errors=1), Judgement("ok", 100, ERRORS)),
        ((ERRORS,), calls(200, errors=3), Judgement("breach", condition=ERRORS)),
        # One error among few may still turn out to be 1 %; two cannot.
        ((ERRORS,), calls(20, errors=1), Judgement("too-few", 100, ERRORS)),
        ((ERRORS,), calls(20, errors=2), Judgement("breach", condition=ERRORS)),
        ((SLOW,), calls(100, slow=1), Judgement("ok", 100, SLOW)),
        ((SLOW,), calls(150, slow=2), Judgement("breach", condition=SLOW)),
        ((condition("errors>2"), ERRORS), calls(500, errors=3), Judgement("breach", condition=condition("errors>2"))),
        ((condition("errors>2"),), calls(0), Judgement("too-few", 1, condition("errors>2"))),
        ((condition("p50>1s"), ERRORS), calls(50), Judgement("too-few", 100, ERRORS)),
    ],
)
def test_what_the_calls_of_a_step_say(conditions, counts, expected):
    assert judge(conditions, counts) == expected


def test_those_who_have_few_calls_say_how_many_are_enough():
    assert judge((ERRORS,), calls(20), 20) == Judgement("ok", 20, ERRORS)
    assert judge((ERRORS,), calls(20, errors=1), 20).state == "breach"
    assert judge((ERRORS,), calls(19), 20).state == "too-few"


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 300))
def test_a_breach_is_never_taken_back_by_good_calls_that_follow_up_to_those_needed(number, errors, more):
    errors = min(errors, number)
    early = judge((ERRORS,), calls(number, errors)).state
    later = judge((ERRORS,), calls(min(number + more, max(100, number)), errors)).state
    assert early != "breach" or later == "breach"


@pytest.mark.parametrize(
    ("state", "elapsed", "expected"),
    [
        ("breach", 0, "abort"), ("breach", 31, "abort"),
        ("ok", 29.9, "wait"), ("ok", 30, "next"),
        ("too-few", 29, "wait"), ("too-few", 30, "wait"), ("too-few", 599, "wait"), ("too-few", 600, "abort"),
    ],
)  # fmt: skip
def test_what_follows(state, elapsed, expected):
    assert decide(Judgement(state), elapsed, 30, 600) == expected


def test_patience_is_never_shorter_than_the_step():
    assert (decide(Judgement("too-few"), 20, 30, 1), decide(Judgement("too-few"), 30, 30, 1)) == ("wait", "abort")


def split(rules, share):
    return edit.set_weights(rules, SHOP, {"v1": 100 - share, "v2": share}, ["v1", "v2"])


PLAN = Shift("shop", "v2", (Move(5, {"v1": 95, "v2": 5}), Move(50, {"v1": 50, "v2": 50})), 30, 600, (ERRORS, SLOW), 9)
BEGUN = Progress(PLAN, Origin("dubbopy-cli traffic shift", "ada@desk", "run1"))


def test_the_record_tells_all_that_it_takes_to_go_on():
    first, second = split(RuleSet(), 5), split(RuleSet(), 50)
    progress = BEGUN.at(0, RuleSet(), first).at(1, first, second)
    assert loads(dumps(progress)) == progress
    assert progress.percent == 50
    assert not progress.former(second)


@pytest.mark.parametrize("text", ["", "[]", "{}", dumps(BEGUN).replace("errors>1%", "x"), '{"moves": 1}'])
def test_a_record_that_somebody_broke(text):
    with pytest.raises(DubbopyError) as damaged:
        loads(text)
    assert damaged.value.code == "rules-damaged"
    assert damaged.value.message.startswith("the record of a shift that was cut off cannot be read: ")
    assert damaged.value.hint == "dubbopy-cli traffic undo if need be, then the shift from its beginning with --force"


def test_the_former_rules_come_back_whatever_of_a_step_was_done():
    before = split(RuleSet(), 0)
    first, second = split(before, 5), split(before, 50)
    progress = BEGUN.at(0, before, first).at(1, first, second)
    half = first.put(*second.of_kind("DestinationRule"))
    for now in (before, first, half, second):
        assert progress.foreign(now) == ""
        assert progress.undone(now) is (now is before)
        assert dump(progress.former(now)) == dump(before)


def test_what_somebody_else_changed_is_noticed():
    before = split(RuleSet(), 0)
    progress = BEGUN.at(0, before, split(before, 5))
    assert progress.foreign(split(before, 7)) == "VirtualService default/shop"
    assert progress.foreign(RuleSet()) == "DestinationRule default/shop"
    assert BEGUN.foreign(before) == BEGUN.moved(before) == ""


def test_an_undo_by_somebody_else_is_no_step_of_the_shift():
    before = split(RuleSet(), 0)
    first, second = split(before, 5), split(before, 50)
    progress = BEGUN.at(0, before, first)
    assert (progress.moved(first), progress.moved(before)) == ("", "DestinationRule default/shop")
    assert progress.at(1, first, second).moved(first) == "VirtualService default/shop"
