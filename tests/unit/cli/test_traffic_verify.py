"""`traffic verify --from-logs`: who answered, by what a client has logged."""

import json
import time
from datetime import UTC, datetime

import pytest

from dubbopy_cli.traffic.answers import count, ids
from tests.errortexts import Told
from tests.scaffolding import write

LINE = 'call server response = name:"Hello laurence" id:"v{}"'
FAILED = "call server failed: UNAVAILABLE no route"


def log(desk, *entries):
    """Let the client's log hold (seconds ago, level, text)."""
    lines = (
        f"{datetime.fromtimestamp(time.time() - ago, UTC).isoformat(timespec='milliseconds')} {level} {text}\n"
        for ago, level, text in entries
    )
    write(desk.namespace, {"logs/caller-v1-r1-0.log": "".join(lines)})


@pytest.fixture
def shop(desk):
    desk.deployed("v1", "v2", client=True, tags=("1.0.0", "2.0.0-rc.1"))
    return desk


def verify(desk, *words):
    return desk.cli("traffic", "verify", "--app", "shop", "--from-logs", "caller", *words)


def test_answers_of_a_client_are_counted_by_the_deployed_tags(shop):
    log(
        shop,
        *[(3600, "INFO", LINE.format("2.0.0-rc.1"))] * 50,
        *[(60, "INFO", LINE.format("1.0.0"))] * 900,
        (30, "INFO", "something else"),
        *[(20, "INFO", LINE.format("2.0.0-rc.1"))] * 100,
    )
    done = verify(shop, "--since", "10m", "--expect", "v1=90,v2=10")
    assert done == Told(0, "")
    assert done.out == (
        "version      expected     seen    share   plausible\n"
        "v1             90.00%      900   90.00%   866..931\n"
        "v2             10.00%      100   10.00%   69..134\n"
        "pass: 1000 calls fit the expected shares (confidence 0.999)\n"
    )
    assert verify(shop, "--since", "2h", "--expect", "v1=100").code == 6


def test_failed_calls_and_strange_answers_do_not_pass(shop):
    log(shop, *[(9, "INFO", LINE.format("1.0.0"))] * 900, (8, "ERROR", FAILED), (7, "WARN", FAILED))
    done = verify(shop, "--expect", "v1=100", "-o", "json")
    data = json.loads(done.out)["data"]
    assert (done.code, data["result"], data["failed"], data["errors"]) == (6, "pass", 2, {"logged": 2})
    assert done.text.startswith("Warning: 2 of 902 calls failed: 20")
    assert done.text.endswith(f" WARN {FAILED}\n")
    log(shop, *[(9, "INFO", LINE.format("1.0.0"))] * 900, (8, "INFO", LINE.format("0.9.0")))
    done = verify(shop, "--expect", "v1=100")
    assert done == Told(6, "")
    assert "v0.9.0          0.00%        1    0.11%   0..0  <- does not fit\n" in done.out


def test_a_log_without_calls_decides_nothing(shop):
    log(shop, (400, "INFO", LINE.format("1.0.0")))
    done = verify(shop, "--expect", "v1=100")
    assert done == Told(6, "Warning: no log line of caller within that time tells of a call to shop\n")
    assert done.out.splitlines()[-1].startswith("undecided: ")


def test_a_change_of_rules_within_the_time_is_told(shop):
    log(shop, *[(9, "INFO", LINE.format("1.0.0"))] * 900)
    try:
        assert shop.cli("traffic", "set", "v1", "--app", "shop", "--force", "-q").code == 0
    finally:
        # A change of rules starts the mesh.
        assert shop.cli("local", "stop").code == 0
    done = verify(shop, "--expect", "v1=100")
    assert done.code == 0
    assert done.text.startswith("Warning: the rules were changed ")
    assert "s ago, so older lines are of other rules: --since " in done.text


def test_versions_with_one_tag_are_not_told_apart(desk):
    desk.deployed("v1", "v2", client=True)
    assert verify(desk) == Told(
        6,
        "Error: v1 and v2 of shop both have the tag 1.0.0, so what they answer looks the same\n\n"
        "Try: give one of them another image.tag and deploy it again, or count by calls, without --from-logs\n"
        "[tags-alike]\n",
    )


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        ("--since 5m", "--since is for logs, and calls are made here", "add --from-logs CLIENT"),
        (
            "--from-logs caller -n 9",
            "with --from-logs no calls are made, so --count and --data mean nothing",
            "dubbopy-cli traffic verify --from-logs caller --since 5m",
        ),
        ("--from-logs caller --since soon", "'soon' is no duration: write 30s, 5m or 1h", "--since 5m"),
    ],
)
def test_options_that_do_not_go_together(shop, words, error, hint):
    told = shop.cli("traffic", "verify", "--app", "shop", *words.split())
    assert told == Told(2, f"Error: {error}\n\nTry: {hint}\n[usage]\n")


def test_a_client_that_is_not_deployed(desk):
    desk.deployed("v1")
    assert verify(desk) == Told(
        2,
        "Error: no application 'caller' is deployed in namespace default.\n\nTry: dubbopy-cli status\n"
        "[application-unknown]\n",
    )


def test_lines_of_every_client_are_understood():
    known = ids("shop", {"v1": "1.0.0", "v2": "2.0.0"})
    found = count(
        [
            '2026-11-26T10:00:00.000Z INFO call server response = name:"Hello \\"id:\\"v2.0.0\\"" id:"v1.0.0"',
            '2021-11-26T10:00:00Z\tINFO\tcmd/client.go:52\tcall server response = name:"Hello laurence"  id:"v2.0.0" age:21',
            "2021-11-26T10:00:00Z\tERROR\tcmd/client.go:50\tno provider",
            "INFO the ERRORS are none",
            'call server response = id:"v3"',
        ],
        known,
    )
    assert (found.versions, found.failed) == ({"v1": 1, "v2": 1, "v3": 1}, 1)
    assert found.last_failure.endswith("no provider")
