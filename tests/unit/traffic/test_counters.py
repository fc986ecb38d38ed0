"""Two readings of counters, and what they say of the time between."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubbopy_cli.targets.local.xds import counting
from dubbopy_cli.traffic.counters import Counters, Counts, Interval, between, failed, milliseconds, total

LATENCIES = st.dictionaries(st.sampled_from([0.0, 1.0, 12.0, 204.5]), st.integers(1, 9), max_size=4)
COUNTS = st.builds(Counts, st.integers(0, 50), st.integers(0, 50), LATENCIES)


def reading(time, **sources):
    return Counters(time, sources)


def test_what_came_between_two_readings():
    before = reading(10.0, a={"v1": Counts(5, 1, {1.0: 5})})
    after = reading(12.5, a={"v1": Counts(8, 1, {1.0: 6, 7.0: 2}), "v2": Counts(1, 1, {0.0: 1})})
    found = between(before, after)
    assert found == Interval(2.5, {"v1": Counts(3, 0, {1.0: 1, 7.0: 2}), "v2": Counts(1, 1, {0.0: 1})})
    assert (found.calls, found.shares()) == (4, {"v1": 75, "v2": 25})
    assert found.of("v9") == Counts()


def test_calls_that_no_version_took_have_no_share():
    found = between(reading(0), reading(1, a={"": Counts(9, 9), "v1": Counts(1)}))
    assert (found.calls, found.shares(), found.lost) == (10, {"v1": 100}, False)
    assert between(reading(0), reading(1)).shares() == {}


@pytest.mark.parametrize(
    "after",
    [
        {"b": {"v1": Counts(2)}},
        {},
        {"a": {"v1": Counts(4, 0, {1.0: 4})}},
        {"a": {"v1": Counts(9, 0, {2.0: 9})}},
        {"a": {"v2": Counts(9, 0)}},
    ],
)
def test_counters_that_began_anew_are_lost_and_never_negative(after):
    found = between(reading(0, a={"v1": Counts(5, 0, {1.0: 5})}), reading(1, **after))
    assert found.lost
    assert found.versions == {version: one for versions in after.values() for version, one in versions.items()}


def test_one_source_of_several_may_go():
    before = reading(0, a={"v1": Counts(5)}, b={"v1": Counts(7)})
    found = between(before, reading(1, b={"v1": Counts(8)}, c={"v1": Counts(2)}))
    assert found == Interval(1, {"v1": Counts(3)})


def test_percentiles_are_values_that_were_seen():
    counts = Counts(100, 0, {1.0: 50, 5.0: 40, 200.0: 9, 900.0: 1})
    assert [counts.percentile(one) for one in (0, 50, 51, 90, 91, 99, 100)] == [1, 1, 5, 5, 200, 200, 900]
    assert (counts.slower(200), counts.slower(199), counts.slower(0)) == (1, 10, 100)
    assert (Counts(3).percentile(99), Counts().error_share, Counts(4, 1).error_share) == (None, 0, 0.25)


@pytest.mark.parametrize(
    ("grpc", "http", "fails"),
    [
        ("0", "200", False),
        ("5", "200", False),
        ("8", "200", False),
        ("14", "200", True),
        ("2", "200", True),
        ("InvalidCode", "200", True),
        ("", "200", False),
        ("", "404", False),
        ("", "503", True),
        # The caller gave up before an answer came.
        ("", "0", True),
        ("", "", True),
    ],
)
def test_which_calls_count_as_errors(grpc, http, fails):
    assert failed(grpc, http) is fails


def test_bins_hold_whole_milliseconds():
    assert [milliseconds(*one) for one in ((0, 0), (1, 0.1), (9.0, 0.1), (25, 1), (200, 10), (1000, 100))] == [
        0, 1, 9, 25, 204.5, 1049.5,
    ]  # fmt: skip


def test_names_of_counters_say_what_they_count():
    tail = "cluster.outbound|20000|v2|shop.default.svc.cluster.local"
    assert counting.counted(f"dubbopy_app.calls.app.shop.version.v2.grpc.14.http.200.{tail}") == counting.Counted(
        "shop", "v2", "outbound|20000|v2|shop.default.svc.cluster.local", "14", "200"
    )
    assert counting.timed(f"dubbopy_app.milliseconds.app.shop.version..{tail}") == counting.Counted(
        "shop", "", "outbound|20000|v2|shop.default.svc.cluster.local"
    )
    assert counting.counted("dubbopy_app.calls.app.shop.version..grpc..http.404.cluster.") == counting.Counted(
        "shop", "", "", "", "404"
    )
    assert (counting.counted("server.uptime"), counting.timed("dubbopy_app.x")) == (None, None)


@given(st.lists(COUNTS, min_size=1, max_size=6))
def test_intervals_that_follow_each_other_sum_up_to_the_whole(parts):
    grown = [Counts()]
    for one in parts:
        grown.append(grown[-1] + one)
    readings = [reading(float(at), a={"v1": one}) for at, one in enumerate(grown)]
    pieces = [between(*pair) for pair in itertools.pairwise(readings)]
    assert total(pieces) == between(readings[0], readings[-1])
    assert not total(pieces).lost
