"""`traffic shift` on a real mesh under load: what callers meet, what the rules become, and what is told."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from dubbopy_cli.targets.local.wanted import ENVOY

from .lab import APP, Load, server
from .test_deploy import address, weights
from .test_traffic_verbs import files, traffic

SHIFT = (sys.executable, "-m", "dubbopy_cli", "traffic", "shift", "--app", APP)
QUICK = ("--to", "v2", "--interval", "0.5s", "--min-calls", "10")


def deployed(lab, **v2):
    lab.deploy(server("v1"))
    lab.deploy(server("v2", "2.0.0", **v2))
    weights(lab, v1=100, v2=0)
    # A route before the default one, which no step may touch.
    traffic("match", "user=admin", "--to", "v1")
    return files(lab)


def shift(*words, code=0):
    done = subprocess.run([*SHIFT, *words], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stderr
    return done


@contextmanager
def begun(*words):
    """Run a shift that is watching its first step, until it ends."""
    argv = [*SHIFT, "--to", "v2", *words]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        while not (line := running.stderr.readline()).startswith("  "):
            assert line.startswith("target"), line + running.stderr.read()
        yield running


def error_of(running):
    """Return the lines that a shift ends with, from the one that says what happened."""
    _, text = running.communicate(timeout=60)
    lines = text.splitlines()
    return lines[[line.startswith("Error: ") for line in lines].index(True) :]


def share(lab):
    """Return the percentage that v2 has by the default route."""
    (rule,) = lab.target.rules().of_kind("VirtualService")
    return {one["destination"]["subset"]: one.get("weight", 100) for one in rule.spec["http"][-1]["route"]}.get("v2", 0)


def changes():
    return json.loads(traffic("history", "-o", "json"))["data"]["changes"]


def test_a_shift_loses_no_call_and_is_one_change_that_can_be_undone(desk):
    before = deployed(desk)
    with Load(address(desk)) as load:
        done = shift(*QUICK, "--steps", "20,60,100", "--abort-if", "errors>1%", "--abort-if", "p99>5s")
    assert load.failures == []
    assert load.versions.keys() == {"v1", "v2"}
    lines = done.stdout.splitlines()
    assert [re.split(r" {2,}", line.strip())[0] for line in lines[1:4]] == ["20 %", "60 %", "100 %"]
    assert [line.rpartition("  ")[2] for line in lines[1:4]] == ["ok"] * 3
    assert lines[4:] == [
        APP,
        "  user-admin: header user is 'admin' -> v1 100 %",
        "  default: every call -> v2 100 %",
    ]
    said = [re.sub(r"\d+(\.\d+)? (s:|calls|%\)|ms)|<1 ms", "N", line) for line in done.stderr.splitlines()]
    assert said[:3] == [
        "target local, namespace default",
        "  20 %: v1 80 %, v2 20 %",
        "    N v2 got N (N, 0 failed, p50 N, p99 N: ok",
    ]
    assert len(changes()) == 3
    traffic("undo")
    assert files(desk) == before


def figures(text):
    """Return a text with what differs from run to run replaced."""
    return re.sub(r"\b\d+(\.\d+)?(?= (calls|of|s\b))", "N", text)


@pytest.mark.parametrize(
    ("misbehaves", "condition", "told"),
    [
        ({"FAILS": "INTERNAL"}, "errors>1%", "errors>1%: N of N calls of v2 failed"),
        ({"SLOW": "0.05"}, "p90>20ms", "p90>20ms: N of N calls of v2 took longer than 20 ms"),
    ],
)
def test_a_version_that_fails_or_is_slow_loses_its_calls_again(desk, misbehaves, condition, told):
    before = deployed(desk, env=misbehaves)
    known = changes()
    with Load(address(desk)):
        done = shift("--to", "v2", "--interval", "30s", "--abort-if", condition, code=5)
    error = figures(done.stderr.partition("Error: ")[2])
    assert error.splitlines()[0] == f"the shift to v2 was stopped at 5 %: {told}; the former rules are back"
    assert error.splitlines()[-2:] == [f"Try: dubbopy-cli logs v2 --app {APP} --since 5m", "[shift-aborted]"]
    assert files(desk) == before
    # Nothing came of it, so nothing can be undone.
    assert changes() == known
    assert not list(desk.paths.shifts.glob("*.json"))


def test_too_few_calls_are_no_pass(desk):
    before = deployed(desk)
    words = ("--to", "v2", "--interval", "0.3s", "--patience", "1s", "--abort-if", "errors>1%", "-o", "json")
    done = shift(*words, code=5)
    found = json.loads(done.stdout)
    assert figures(found["errors"][0]["message"]) == (
        "the shift to v2 was stopped at 5 %: only N calls of v2 came in N s, and it takes 100 to judge;"
        " the former rules are back"
    )
    assert found["errors"][0]["hint"] == "more calls, a longer --patience, or fewer that are enough: --min-calls N"
    (step,) = found["data"]["steps"]
    assert (found["data"]["result"], step["percent"], step["state"], step["calls_needed"], step["versions"]) == (
        "aborted", 5, "too-few", 100, [],
    )  # fmt: skip
    assert files(desk) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_brings_the_former_rules_back(desk, number):
    before = deployed(desk)
    with begun("--interval", "60s") as running:
        assert share(desk) == 5
        running.send_signal(number)
        error = error_of(running)
    assert running.returncode == 130
    assert error[0] == "Error: the shift to v2 was interrupted at 5 %; the former rules are back"
    assert error[-3:] == ["", "Try: the same command again begins anew", "[interrupted]"]
    assert files(desk) == before


def test_a_shift_that_was_killed_goes_on_where_it_was(desk):
    before = deployed(desk)
    with begun("--interval", "60s", "--steps", "40,100", "--abort-if", "errors>5") as running:
        assert share(desk) == 40
        refused = shift("--to", "v2", code=6)
        assert refused.stderr.endswith(
            f"Error: another dubbopy-cli (pid {running.pid}) shifts the calls of {APP}\n\n"
            f"Try: wait for it to finish, or have it go back to the former rules: kill {running.pid}\n"
            "[shift-running]\n"
        )
        running.kill()
        running.communicate()
    assert "[shift-unfinished]" in shift("--to", "v2", code=6).stderr
    record = next(desk.paths.shifts.glob("*.json"))
    # The record says how it goes on; an hour would be long.
    record.write_text(record.read_text().replace('"interval": 60.0', '"interval": 0.5'))
    with Load(address(desk)) as load:
        done = shift("--resume", "-o", "json")
    assert load.failures == []
    found = json.loads(done.stdout)["data"]
    assert (found["result"], [one["percent"] for one in found["steps"]]) == ("done", [40, 100])
    assert share(desk) == 100
    # Both runs are one change, by the line that began it.
    assert len(changes()) == 3
    assert changes()[-1]["command"].endswith("--steps 40,100 --abort-if 'errors>5'")
    traffic("undo")
    assert files(desk) == before


def test_lost_counters_bring_the_former_rules_back(desk):
    before = deployed(desk)
    with begun("--interval", "60s", "--abort-if", "errors>1%") as running:
        os.kill(desk.target._mesh.supervisor.programs()[ENVOY].pid, signal.SIGKILL)
        line, *_ = error_of(running)
    assert running.returncode == 5
    assert line.startswith("Error: the shift to v2 was stopped at 5 %: ")
    assert line.endswith("; the former rules are back")
    assert files(desk) == before


@pytest.mark.parametrize(
    ("words", "kinds", "left"),
    # Undo writes one after the other: the shift may look between the two.
    [(("set", "v1=91", "v2=9"), ["VirtualService"], 9), (("undo",), ["VirtualService", "DestinationRule"], 0)],
)
def test_rules_that_somebody_else_changes_meanwhile_stay_as_they_made_them(desk, words, kinds, left):
    deployed(desk)
    with begun("--interval", "60s") as running:
        traffic(*words)
        line, *_ = error_of(running)
    assert running.returncode == 6
    assert line in [
        f"Error: {kind} default/{APP} is not as the shift left it: somebody else has changed it, so the shift"
        " ends at 5 % and the rules stay as they are now"
        for kind in kinds
    ]
    assert share(desk) == left


def test_the_report_is_written_when_the_shift_is_stopped_and_the_terminal_shows_it_live(desk):
    deployed(desk, env={"FAILS": "INTERNAL"})
    ours, theirs = pty.openpty()
    words = ("--to", "v2", "--interval", "30s", "--abort-if", "errors>1%", "--report", "report.html")
    with (
        Load(address(desk)),
        Path("stderr").open("w") as stderr,
        subprocess.Popen([*SHIFT, *words], stdout=theirs, stderr=stderr) as running,
    ):
        os.close(theirs)
        seen = b"".join(iter(lambda: read_all(ours), b""))
    told = Path("stderr").read_text()
    assert running.returncode == 5, told
    assert "% of the calls seen, 5 % wanted" in seen.decode()
    # The table stands above already.
    assert " state\n" not in told
    assert "report: report.html\n" in told
    page = Path("report.html").read_text()
    assert figures(page).count("the shift to v2 was stopped at 5 %: errors&gt;1%: N of N calls of v2 failed;") == 1
    assert 'class="result aborted"' in page


def read_all(terminal):
    try:
        return os.read(terminal, 65536)
    except OSError:
        # How Linux says that the other side is closed.
        return b""


def test_show_follows_who_really_gets_the_calls(desk):
    deployed(desk)
    weights(desk, v1=70, v2=30)
    argv = [*SHIFT[:4], "show", "--app", APP, "-w"]
    with Load(address(desk)):
        with subprocess.Popen(
            [*argv, "-o", "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as running:
            for line in running.stdout:
                found = json.loads(line)
                if found["calls"] >= 300:
                    break
            running.send_signal(signal.SIGINT)
            assert (running.wait(30), running.stderr.read()) == (130, "")
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
            lines = [running.stdout.readline() for _ in range(6)]
            running.send_signal(signal.SIGINT)
            assert (running.wait(30), running.stderr.read()) == (130, "")
    assert (found["application"], found["wanted"], found["ready"]) == (APP, {"v1": 70, "v2": 30}, {"v1": 1, "v2": 1})
    assert [(one["version"], one["errors"]) for one in found["seen"]] == [("v1", 0), ("v2", 0)]
    # Beyond that is less than one run in a million.
    assert 15 < found["seen"][1]["share"] < 45
    assert lines == [
        f"{APP}  {desk.app().address}  0 calls in the last 0 s\n",
        "  v1  1/1 ready  ░░░░░░░░░░░░░░░░░░░░   0.00 % seen, 70 % wanted  0 calls, 0 failed\n",
        "  v2  1/1 ready  ░░░░░░░░░░░░░░░░░░░░   0.00 % seen, 30 % wanted  0 calls, 0 failed\n",
        "\n",
        "the calls of these routes are among those seen:\n",
        "  user-admin: header user is 'admin' -> v1 100 %\n",
    ]
