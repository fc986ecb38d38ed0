from fractions import Fraction
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubbopy_cli.errors import UsageError
from dubbopy_cli.traffic import verify
from dubbopy_cli.traffic.binomial import between, interval, plausible
from dubbopy_cli.traffic.verify import calls_needed

SPLIT = {"v1": 90, "v2": 10}


@pytest.mark.parametrize(
    ("counts", "expected", "result"),
    [
        ({"v1": 9000, "v2": 1000}, SPLIT, "pass"),
        ({"v1": 8894, "v2": 1106}, SPLIT, "pass"),
        ({"v1": 8893, "v2": 1107}, SPLIT, "fail"),
        ({"v1": 9103, "v2": 897}, SPLIT, "pass"),
        ({"v1": 9104, "v2": 896}, SPLIT, "fail"),
        ({"v1": 8500, "v2": 1500}, SPLIT, "fail"),
        ({"v1": 888, "v2": 97}, SPLIT, "undecided"),
        ({"v1": 888, "v2": 98}, SPLIT, "pass"),
        ({"v1": 890, "v2": 110}, {"v1": Fraction(9, 10), "v2": Fraction(1, 10)}, "pass"),
        ({"v1": 9, "v2": 1}, SPLIT, "undecided"),
        ({}, SPLIT, "undecided"),
        ({"v1": 1000}, SPLIT, "fail"),
        ({"v1": 200}, {"v1": 1}, "pass"),
        ({"v1": 10}, {"v1": 1}, "undecided"),
        ({"v1": 10_000, "v2": 1}, {"v1": 1}, "fail"),
        ({"v1": 10_000, "v2": 1}, {"v1": 1, "v2": 0}, "fail"),
        ({"v1": 200, "v2": 0}, {"v1": 1, "v2": 0}, "pass"),
        ({"v1": 900_123, "v2": 99_877}, SPLIT, "pass"),
    ],
)
def test_counts_are_judged(counts, expected, result):
    verdict = verify(counts, expected)
    assert verdict.result == result
    assert bool(verdict) is (result == "pass")


def test_a_verdict_says_what_would_be_plausible_and_what_is_needed():
    verdict = verify({"v1": 85, "v2": 15}, SPLIT)
    assert verdict.reason == "100 calls are too few to tell: 986 are needed"
    verdict = verify({"v1": 8500, "v2": 1500}, SPLIT)
    assert verdict.reason == (
        "v1 got 8500 calls where 8894 to 9103 would be plausible for 0.9; "
        "v2 got 1500 calls where 897 to 1106 would be plausible for 0.1"
    )
    assert [(one.version, one.lowest, one.highest, one.fits) for one in verdict.versions] == [
        ("v1", 8894, 9103, False),
        ("v2", 897, 1106, False),
    ]


def test_calls_needed():
    assert calls_needed(SPLIT, {"v1": 85, "v2": 15}) == 986
    assert calls_needed(SPLIT) == 986
    assert calls_needed(SPLIT, SPLIT) == 0
    assert calls_needed({"v1": 1}) == 135
    assert 2000 < calls_needed({"v1": 1, "v2": 1}) < 2500
    assert calls_needed({"v1": 999, "v2": 1}) > 8000
    assert calls_needed(SPLIT, confidence=0.95) < calls_needed(SPLIT)


def test_nonsense_is_refused():
    for counts, expected, confidence in (
        ({"v1": -1}, SPLIT, 0.9),
        ({}, SPLIT, 1),
        ({}, {}, 0.9),
        ({}, {"v1": -1, "v2": 2}, 0.9),
    ):
        with pytest.raises(UsageError):
            verify(counts, expected, confidence=confidence)


def tail(calls, share, first, last):
    share = Fraction(share)
    return sum(comb(calls, one) * share**one * (1 - share) ** (calls - one) for one in range(first, last + 1))


shares = st.integers(1, 99).map(lambda one: one / 100)
alphas = st.sampled_from([0.1, 0.01, 0.001, 0.00025])


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 120), shares, alphas)
def test_plausible_counts_are_those_of_the_exact_test(calls, share, alpha):
    lowest, highest = plausible(calls, share, alpha)
    limit = Fraction(alpha) / 2
    assert tail(calls, share, 0, lowest - 1) <= limit < tail(calls, share, 0, lowest)
    assert tail(calls, share, highest + 1, calls) <= limit < tail(calls, share, highest, calls)
    assert between(lowest, highest, calls, share) == pytest.approx(
        float(tail(calls, share, lowest, highest)), abs=1e-12
    )


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 400), st.data(), shares, alphas)
def test_a_count_is_plausible_for_a_share_when_the_share_is_for_the_count(calls, data, share, alpha):
    seen = data.draw(st.integers(0, calls))
    low, high = interval(seen, calls, alpha)
    lowest, highest = plausible(calls, share, alpha)
    assert (lowest <= seen <= highest) is (low <= share <= high)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["v1", "v2", "v3"]), st.integers(1, 99), min_size=1), st.integers(0, 50))
def test_few_calls_never_pass(expected, calls):
    counts = {one: calls // len(expected) for one in expected}
    assert verify(counts, expected).result != "pass"


def test_a_million_calls_are_as_exact():
    assert plausible(10**6, 0.1, 0.0005) == (98957, 101046)
    # At either end of the interval the tail that the count starts has just the chance it may have.
    low, high = interval(100_000, 10**6, 0.0005)
    assert 1 - between(0, 99_999, 10**6, low) == pytest.approx(0.00025, rel=1e-5)
    assert between(0, 100_000, 10**6, high) == pytest.approx(0.00025, rel=1e-5)
