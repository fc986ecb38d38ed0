"""The report of a shift: whole, by itself, and with the figures in it."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from dubbopy_cli.cli.traffic.plots import Line, Plot, kinds, stairs
from dubbopy_cli.cli.traffic.shiftreport import render
from dubbopy_cli.traffic.counters import Counts, Interval, total
from dubbopy_cli.traffic.shift.conditions import condition, judge
from dubbopy_cli.traffic.shift.record import Shift
from dubbopy_cli.traffic.shift.steps import Move
from dubbopy_cli.traffic.shift.story import Sample, Stage, Story, data

CONDITIONS = (condition("errors>1%"), condition("p99>200ms"))
MOVES = (Move(5, {"v1": 95, "v2": 5}), Move(50, {"v1": 50, "v2": 50}))
SHIFT = Shift("shop", "v2", MOVES, 30, 600, CONDITIONS)
FIRST = Interval(30, {"v1": Counts(950, 1, {2.0: 950}), "v2": Counts(50, 0, {4.0: 50})})
SECOND = Interval(7, {"": Counts(3, 3), "v1": Counts(60, 0, {2.0: 60}), "v2": Counts(60, 9, {4.0: 50, 310.0: 10})})


def story(samples=1):
    parts = [Sample(30 * (one + 1) / samples, 5, FIRST) for one in range(samples)]
    stages = (
        Stage(MOVES[0], 0, FIRST, judge(CONDITIONS, FIRST.of("v2")), over=True),
        Stage(MOVES[1], 30, SECOND, judge(CONDITIONS, SECOND.of("v2"))),
    )
    return Story(SHIFT, 1.0, "aborted", "errors <& more", stages, (*parts, Sample(37, 50, SECOND)))


class Page(HTMLParser):
    VOID = ("meta",)

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.rows = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


def test_the_report_holds_the_figures_and_needs_nothing_else():
    text = render(story(), "dubbopy-cli traffic shift --to v2 --abort-if 'errors>1%'")
    page = Page(text)
    assert page.rows == [
        ["step", "time", "version", "wanted", "calls", "share", "failed", "p50", "p99", "judged"],
        ["5 %", "30 s", "no version", "", "0", "", "0", "", "", ""],
        ["", "", "v1", "95 %", "950", "95.00 %", "1", "2 ms", "2 ms", ""],
        ["", "", "v2", "5 %", "50", "5.00 %", "0", "4 ms", "4 ms", "too few calls, 100 are needed"],
        ["50 %", "7 s", "no version", "", "3", "", "3", "", "", ""],
        ["", "", "v1", "50 %", "60", "50.00 %", "0", "2 ms", "2 ms", ""],
        ["", "", "v2", "50 %", "60", "50.00 %", "9", "4 ms", "310 ms", "breach (errors>1%)"],
    ]
    for part in ('<span class="result aborted">aborted</span>: errors &lt;&amp; more', "<code>errors&gt;1%</code>",
                 "dubbopy-cli traffic shift --to v2 --abort-if &#39;errors&gt;1%&#39;", "each step watched for 30 s"):  # fmt: skip
        assert part in text
    assert not {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe"}
    assert not re.search(r"https?:|url\(|@import", text)


def test_the_plots_are_drawings_with_a_line_a_version():
    text = render(story(), "x")
    plots = [ElementTree.fromstring(one) for one in re.findall(r"<svg.*?</svg>", text, re.DOTALL)]
    assert [one.get("aria-label") for one in plots] == [
        "Share of the calls over time", "Calls that failed over time", "Latency: p99, and p50 dotted over time",
    ]  # fmt: skip
    drawn = [[(path.find("title").text, path.get("class")) for path in one.iter("path")] for one in plots]
    assert drawn[0] == [("wanted", "wanted"), ("no version", "c1"), ("v1", "c2"), ("v2", "c0")]
    assert drawn[1] == drawn[0][1:]
    assert [one.text for one in plots[1].iter("text")][-3:] == ["5 %", "50 %", "errors>1%"]
    assert [one.text for one in plots[2].iter("text")][-1] == "p99>200ms"


def test_a_long_shift_makes_no_large_file():
    assert len(render(story(10_000), "x")) < 3 * len(render(story(200), "x"))


def test_a_shift_that_counted_nothing_has_a_report():
    text = render(Story(Shift("shop", "v2", MOVES, 30, 600), 1.0, "interrupted", "interrupted at 5 %"), "x")
    assert "No condition would have stopped it;" in text
    Page(text)


def test_the_data_of_a_shift():
    found = data(story())
    assert (found["result"], found["conditions"]) == ("aborted", ["errors>1%", "p99>200ms"])
    assert found["steps"][1] == {
        "percent": 50,
        "weights": {"v1": 50, "v2": 50},
        "seconds": 7,
        "state": "breach",
        "calls_needed": 0,
        "versions": [
            {"version": "", "calls": 3, "share": 0, "errors": 3, "latency_ms": {}},
            {"version": "v1", "calls": 60, "share": 50, "errors": 0,
             "latency_ms": {"p50": 2, "p90": 2, "p95": 2, "p99": 2}},
            {"version": "v2", "calls": 60, "share": 50, "errors": 9,
             "latency_ms": {"p50": 4, "p90": 310, "p95": 310, "p99": 310}},
        ],
    }  # fmt: skip


def test_a_line_has_a_gap_where_nothing_is_known():
    line = Line("v1", "c0", ((0, 0), (5, None), (10, 100)))
    plot = Plot("x", "%", (line,), 10, ceiling=100)
    assert plot.path(line) == "M58.0 164.0L58.0 164.0M746.0 20.0L746.0 20.0"
    assert [one.text for one in plot.rows] == ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]
    assert [one.text for one in plot.columns] == ["0 s", "2 s", "4 s", "6 s", "8 s", "10 s"]


def test_stairs_hold_until_the_next_step():
    assert stairs([(0, 5), (3, 50)], 9) == ((0, 5), (3, 5), (3, 50), (9, 50))
    assert kinds(["v1", "v2", "v3"], "v2") == {"v2": "c0", "v1": "c1", "v3": "c2"}


@given(st.lists(st.floats(0, 1e7), min_size=1), st.floats(0, 1e6))
def test_every_value_lies_within_the_field(values, seconds):
    plot = Plot("x", "ms", (Line("v1", "c0", tuple((0.0, one) for one in values)),), seconds)
    left, top, right, bottom = plot.frame
    assert all(top <= plot.y(one) <= bottom for one in values)
    assert all(left <= one.at <= right for one in plot.columns)
    assert len(plot.columns) <= 9


def test_intervals_of_a_step_are_summed():
    assert total([FIRST, SECOND]).of("v2") == Counts(110, 9, {4.0: 100, 310.0: 10})
