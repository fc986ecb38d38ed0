"""The verbs that act on calls on their way, and the way back: the command line on a real mesh."""

import json
import subprocess
import sys
from pathlib import Path

from dubbopy_cli.targets.base import CallRequest
from dubbopy_cli.targets.local.waiting import wait_until
from dubbopy_cli.traffic import edit

from .lab import APP, SERVICE, server
from .test_deploy import address, steer

HAMMER = Path(__file__).with_name("hammer.py")
# Where an instance logs each call that it is asked.
NOTES_CALLS = {"SLOW": "0.001"}


def cli(*words, code=0):
    argv = [sys.executable, "-m", "dubbopy_cli", *words, "-q"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout


def traffic(verb, *words, **options):
    return cli("traffic", verb, *words, "--app", APP, **options)


def asked(lab, version):
    return sum(lab.paths.log(one.name).read_text().count("asked") for one in lab.instances(version))


def files(lab):
    return {path.name: path.read_bytes() for path in lab.paths.rules.iterdir()}


def test_copies_reach_the_version_and_no_answer_of_its(desk):
    desk.deploy(server("v1"))
    traffic("set", "v1")
    desk.deploy(server("v2", "2.0.0", env=NOTES_CALLS))
    traffic("mirror", "v2")
    assert desk.target.call(CallRequest(APP, count=40, concurrency=4)).versions == {"v1": 40}
    assert wait_until(lambda: asked(desk, "v2") >= 40, 10)
    traffic("mirror", "off")
    assert desk.target.call(CallRequest(APP, count=40, concurrency=4)).versions == {"v1": 40}
    assert asked(desk, "v2") == 40


def test_faults_timeouts_and_retries_are_what_the_caller_meets(desk):
    desk.deploy(server("v1", env={"SLOW": "0.3"}))
    traffic("timeout", "50ms")
    # Without retries each call reaches the instance once.
    traffic("retries", "0")
    report = desk.target.call(CallRequest(APP, count=4))
    assert (report.errors, report.error_message) == ({"UNAVAILABLE": 4}, "upstream request timeout")
    traffic("timeout", "off")
    assert desk.target.call(CallRequest(APP, count=2)).ok == 2
    traffic("fault", "--abort", "resource_exhausted")
    report = desk.target.call(CallRequest(APP, count=4))
    assert report.errors == {"RESOURCE_EXHAUSTED": 4}
    traffic("fault", "off")
    assert desk.target.call(CallRequest(APP, count=2)).ok == 2


def test_undo_brings_back_the_very_files_and_history_says_who_did_what(desk):
    desk.deploy(server("v1"))
    desk.deploy(server("v2", "2.0.0"))
    traffic("set", "v1=90", "v2=10")
    before = files(desk)
    traffic("match", "user=admin", "--to", "v2")
    traffic("timeout", "2s")

    told = json.loads(traffic("history", "-o", "json"))["data"]["changes"]
    assert [one["number"] for one in told] == [1, 2, 3]
    assert [one["command"] for one in told] == [
        f"dubbopy-cli traffic set v1=90 v2=10 --app {APP} -q",
        f"dubbopy-cli traffic match user=admin --to v2 --app {APP} -q",
        f"dubbopy-cli traffic timeout 2s --app {APP} -q",
    ]
    assert {one["who"].count("@") for one in told} == {1}
    assert [item["kind"] for item in told[0]["objects"]] == ["DestinationRule", "VirtualService"]

    traffic("undo", "2")
    assert files(desk) == before
    assert [one["number"] for one in json.loads(traffic("history", "-o", "json"))["data"]["changes"]] == [1, 2, 3, 4]
    # The undo is a change like any other.
    traffic("undo")
    assert "timeout: 2s" in traffic("show")
    traffic("undo", "1")
    assert files(desk) == {}


def test_a_dry_run_shows_the_difference_and_changes_nothing(desk):
    desk.deploy(server("v1"))
    desk.deploy(server("v2", "2.0.0"))
    traffic("set", "v1=90", "v2=10")
    before = files(desk)
    shown = traffic("set", "v1=80", "v2=20", "--dry-run", "--diff")
    assert shown.splitlines()[:2] == [
        f"--- VirtualService default/{APP} (now)",
        f"+++ VirtualService default/{APP} (wanted)",
    ]
    assert [line for line in shown.splitlines() if line[0] in "+-"][2:] == [
        "-      weight: 90", "+      weight: 80", "-      weight: 10", "+      weight: 20",
    ]  # fmt: skip
    assert shown.splitlines()[-1] == "Nothing was changed."
    assert files(desk) == before
    assert len(json.loads(traffic("history", "-o", "json"))["data"]["changes"]) == 1


def test_rules_that_are_exported_are_those_that_apply_takes(desk):
    desk.deploy(server("v1"))
    traffic("set", "v1")
    before = files(desk)
    written = traffic("export", "--dir", "rules").split()
    assert written == [f"rules/destinationrule.default.{APP}.yaml", f"rules/virtualservice.default.{APP}.yaml"]
    assert "".join(Path(one).read_text() + "---\n" for one in written).removesuffix("---\n") == traffic("export")
    traffic("reset")
    cli("traffic", "apply", *(word for one in written for word in ("-f", one)))
    assert files(desk) == before


def test_a_hundred_changes_with_subsets_that_come_and_go_lose_none_of_twenty_thousand_calls(desk):
    desk.deploy(server("v1"))
    desk.deploy(server("v2", "2.0.0"))
    argv = [sys.executable, str(HAMMER), str(address(desk))]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as hammer:

        def calls():
            hammer.stdin.write("\n")
            hammer.stdin.flush()
            return int(hammer.stdout.readline())

        changes = 0
        while changes < 100 or calls() < 20_000:
            rules = desk.target.rules()
            if changes % 2:
                # Back to one version, and its subset goes.
                rules = edit.set_weights(rules, SERVICE, {"v1": 100}, ["v1", "v2"])
                steer(desk, edit.subsets(rules, SERVICE, (), ["v2"]))
            else:
                share = changes % 99 + 1
                steer(desk, edit.set_weights(rules, SERVICE, {"v1": 100 - share, "v2": share}, ["v1", "v2"]))
            changes += 1
        hammer.stdin.close()
        met = json.loads(hammer.stdout.read())
    assert changes >= 100
    assert met.keys() == {"v1", "v2"}
    assert sum(met.values()) >= 20_000
