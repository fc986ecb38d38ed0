"""Names, addresses, durations and header values: what is one, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubbopy_cli.traffic import units
from dubbopy_cli.traffic.validation import headers, matches, names

LONG = "x" * 63


@pytest.mark.parametrize(
    ("judge", "good", "bad"),
    [
        (names.domain, ["a", "*", "*.a", "*a", "*-a", "Foo.bar", f"{LONG}.a", "a.", "1.a"], ["", "a.*", "*.*", "-", "a_b", f"{LONG}x.a", "a..b", "1.2.3.4", "a.+1", "a.99", "ä", "a\n"]),
        (names.fqdn, ["a", "a.b.", "a1"], ["", "*", "*.a", "a b", "1.1"]),
        (names.subnet, ["1.2.3.4", "10.0.0.1/8", "::1", "2001:1::1/64", "fe80::1%eth0", "fe80::1%a b"], ["", "1.2.3.4/33", "1.2.3.4/08", "1.2.3.4/255.0.0.0", "1.2.3", "fe80::%", "1.2.3.4%a", "a", "1/2/3"]),
        (names.partial_wildcard, ["*", "*.a", "a"], ["*a", "a*"]),
        (names.label_key, ["a", "a.b/c", "A_b"], ["", "/a", "a/", "a/b/c", "-a", f"{LONG}x", "a b"]),
        (names.label_value, ["", "a", "1.0_x"], ["-a", "a/b", "a\n"]),
        (names.port, [1, 65535], [0, 65536, -1]),
        (names.port_name, ["http", "HTTP-2"], ["", "a.b", "a_b", f"{LONG}x"]),
        (names.unix_socket, ["/a", "@a", "@"], ["", "a", "/", "/a/"]),
        (names.duration, ["1ms", "1s", "1m30s", "1.5s", "+2h", "1000us"], ["0s", "999us", "-1s", "1", "", "1 s", "1.0001s", None, 1, "10000000h"]),
        (matches.matched_name, ["a", "!#$%&'*+-.^_`|~", "a,b", ":path", "@request.auth.claims.a", "@REQUEST.auth.claims[a][b]"], ["", "a b", ":x", "ä", "@request.auth.claims", "@request.auth.claims[]", "@request.auth.claims-a"]),
        (headers.request_name, ["a", "Host", ":authority", "a b"], ["", ":path"]),
        (headers.response_name, ["a", "a b"], ["", ":path", "HOST", ":Authority"]),
        (headers.header_value, ["", "a\tb", "%%", "%A%", "a%A%b%B(c)%", '%A(["a", "b" ] )%', "%A( x\\)y)%", "%A(x) %", "100%%"], ["%", "a%b", "%A%%", "%A(", "%A()%", '%A(["a" "b"])%', "%A([a])%", "%A(x)y%", "%A(x\\", "a\x00", "\x7f", "a\nb"]),
        (matches.regex_fault, ["a", ".*", "x" * 1024, "(?i)a", r"\d+", r"\Q\C\E", r"\\C", "[(?P<ä>]", "(?P<a>b)"], ["", "*", "x" * 1025, "(?=a)", "[", r"(a)\1", r"a\C", "(?P<ä>a)"]),
    ],
)  # fmt: skip
def test_texts_are_told_from_one_another(judge, good, bad):
    assert [(one, judge(one)) for one in good if judge(one)] == []
    assert [one for one in bad if not judge(one)] == []


@pytest.mark.parametrize(
    ("host", "sni", "good"),
    [
        ("outbound_.80_._.a.b", True, True),
        ("outbound_.80_._.a.b", False, False),
        ("outbound_.a_._.a.b", True, False),
        ("outbound_.80_._.1.2", True, False),
        ("outbound_.80", True, False),
        ("outboundx", True, True),
    ],
)
def test_hosts_that_istio_makes_are_known_at_gateways_only(host, sni, good):
    assert (names.gateway_domain(host, sni=sni) == "") == good


@pytest.mark.parametrize(("value", "number"), [("1", 1), ("+1", 1), ("-0", 0), ("1_0", None), (" 1", None), ("٣", None), ("9" * 19, None), ("", None)])  # fmt: skip
def test_numbers_are_read_as_go_reads_them(value, number):
    assert names.number(value) == number


@given(st.integers(min_value=1, max_value=10**7))
def test_a_duration_reads_the_same_in_any_unit(milliseconds):
    wanted = milliseconds * 10**6
    for text in (f"{milliseconds}ms", f"{milliseconds * 1000}us", f"{milliseconds // 1000}s{milliseconds % 1000}ms"):
        assert units.nanoseconds(text) == wanted


@given(st.text())
def test_no_text_makes_a_judge_stumble(text):
    for judge in (
        names.domain,
        names.subnet,
        names.label_key,
        names.duration,
        headers.header_value,
        matches.matched_name,
    ):
        assert isinstance(judge(text), str)
