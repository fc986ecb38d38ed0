"""What is told when a shift cannot be begun or gone on with: the whole text; and what it would do."""

import pytest

from dubbopy_cli.traffic import edit, yamlio
from dubbopy_cli.traffic.history import Origin
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import RuleSet
from dubbopy_cli.traffic.shift.record import Progress, Shift, dumps
from dubbopy_cli.traffic.shift.steps import Move
from tests.errortexts import Told

TARGET = "target local, namespace default\n"
SHOP = Service("shop")


def split(share):
    weights = {"v1": 100 - share, "v2": share}
    return edit.set_weights(edit.subsets(RuleSet(), SHOP, weights), SHOP, weights, ["v1", "v2"])


def cut_off(desk, former, wanted, now):
    """Let a shift of shop have been killed on its way from one set of rules to another one."""
    shift = Shift("shop", "v2", (Move(25, {"v1": 75, "v2": 25}),), 30, 600)
    progress = Progress(shift, Origin("dubbopy-cli traffic shift", "ada@desk", "run1")).at(0, former, wanted)
    desk.write({"state/local/default/shifts/shop.json": dumps(progress)})
    desk.rules(*(yamlio.dump([one]) for one in now))


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        ("", "say which version gets the calls", "dubbopy-cli traffic shift --to v2 --abort-if 'errors>1%'"),
        (
            "--resume --to v2",
            "--resume goes on as the shift was begun, so nothing else about it can be said",
            "dubbopy-cli traffic shift --resume",
        ),
        (
            "--to v2 --report no/r.html",
            "no/r.html cannot be written: there is no folder no",
            "mkdir -p no",
        ),
    ],
)
def test_words_that_cannot_be_meant(desk, words, error, hint):
    desk.deployed("v1", "v2")
    assert desk.cli("traffic", "shift", "--app", "shop", *words.split()) == Told(
        2, f"Error: {error}\n\nTry: {hint}\n[usage]\n"
    )


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        ("--interval 0s", "a step of no time cannot be watched", "--interval 30s"),
        (
            "--steps 50,25",
            "'50,25' are no steps: whole percentages from 1 to 100, each above the one before",
            "5,25,50,100",
        ),
        (
            "--abort-if errors>101%",
            "'errors>101%' can never hold, or counts parts of a call",
            "a percentage below 100, such as errors>0.5%, or a whole number of calls, such as errors>5",
        ),
        (
            "--abort-if late",
            "'late' is no condition: errors>1%, errors>5 or p50, p90, p95, p99 above a time",
            "--abort-if 'errors>1%' --abort-if 'p99>200ms'",
        ),
    ],
)
def test_steps_and_conditions_that_cannot_be_meant(desk, words, error, hint):
    desk.deployed("v1", "v2")
    assert desk.cli("traffic", "shift", "--app", "shop", "--to", "v2", *words.split()) == Told(
        2, f"{TARGET}Error: {error}\n\nTry: {hint}\n[usage]\n"
    )


def test_a_version_without_an_instance_gets_no_calls(desk):
    desk.deployed("v1", "v2")
    assert desk.cli("traffic", "shift", "--to", "v2", "--app", "shop") == Told(
        6,
        f"{TARGET}Warning: no other version is there to keep the rest: the steps to 5, 25, 50 % are left out\n"
        "Error: VirtualService default/shop spec.http[0].route[0]: subset v2 of shop (version v2) has no ready"
        " instance to take these calls\n\nTry: dubbopy-cli status, or go on all the same with --force\n[rules-refused]\n",
    )


def test_a_shift_that_was_cut_off_is_gone_on_with_or_undone_first(desk):
    desk.deployed("v1", "v2")
    cut_off(desk, RuleSet(), split(25), split(25))
    assert desk.cli("traffic", "shift", "--to", "v2", "--app", "shop") == Told(
        6,
        f"{TARGET}Error: a shift of shop to v2 was cut off at 25 %\n\n"
        "Try: go on with it: dubbopy-cli traffic shift --resume --app shop, or go back: dubbopy-cli traffic undo"
        " --app shop\n[shift-unfinished]\n",
    )


@pytest.mark.parametrize("now", [RuleSet(), split(7)])
def test_a_shift_whose_rules_are_gone_stands_in_nobodys_way(desk, now):
    desk.deployed("v1", "v2")
    cut_off(desk, RuleSet(), split(25), now)
    told = desk.cli("traffic", "shift", "--to", "v2", "--app", "shop", "--force", "--dry-run")
    assert (told.code, told.out.splitlines()[-1]) == (0, "Nothing was changed.")
    desk.cli("traffic", "shift", "--to", "v2", "--app", "shop", "--dry-run")
    assert not (desk.namespace / "shifts/shop.json").exists()


@pytest.mark.parametrize("now", [None, RuleSet()])
def test_nothing_to_go_on_with(desk, now):
    desk.deployed("v1", "v2")
    if now is not None:
        cut_off(desk, now, split(25), now)
    assert desk.cli("traffic", "shift", "--resume", "--app", "shop") == Told(
        2,
        f"{TARGET}Error: no shift of shop was cut off\n\n"
        "Try: dubbopy-cli traffic shift --to VERSION --app shop\n[usage]\n",
    )


def test_rules_that_somebody_else_changed_are_not_gone_on_with(desk):
    desk.deployed("v1", "v2")
    cut_off(desk, RuleSet(), split(25), split(7))
    assert desk.cli("traffic", "shift", "--resume", "--app", "shop") == Told(
        6,
        f"{TARGET}Error: VirtualService default/shop is not as the shift to v2 left it: somebody else has changed it"
        " since\n\nTry: begin a new one: dubbopy-cli traffic shift --to v2 --app shop\n[rules-refused]\n",
    )


def test_a_record_that_somebody_broke(desk):
    desk.deployed("v1", "v2")
    desk.write({"state/local/default/shifts/shop.json": "{}"})
    assert desk.cli("traffic", "shift", "--to", "v2", "--app", "shop") == Told(
        1,
        f"{TARGET}Error: the record of a shift that was cut off cannot be read: 'application'\n\n"
        "Try: dubbopy-cli traffic undo if need be, then the shift from its beginning with --force\n[rules-damaged]\n",
    )


def test_a_dry_run_shows_the_steps(desk):
    desk.deployed("v1", "v2")
    desk.rules(*(yamlio.dump([one]) for one in split(10)))
    words = ("--to", "v2", "--interval", "2m", "--abort-if", "errors>1%", "--abort-if", "p99 > 200ms", "--dry-run")
    told = desk.cli("traffic", "shift", "--app", "shop", "--force", *words)
    assert told.code == 0
    assert told.out == (
        "  25 %: v1 75 %, v2 25 %, for 120 s\n"
        "  50 %: v1 50 %, v2 50 %, for 120 s\n"
        " 100 %: v2 100 %, for 120 s\n"
        "back to the former rules if errors>1%, p99>200ms\n"
        "Nothing was changed.\n"
    )
    assert "Warning: v2 has 10 % of the calls already: the steps to 5 % are left out\n" in told.text


def test_a_version_that_has_all_calls_has_nothing_to_get(desk):
    desk.deployed("v1", "v2")
    desk.rules(*(yamlio.dump([one]) for one in split(100)))
    told = desk.cli("traffic", "shift", "--app", "shop", "--to", "v2")
    assert (told.code, told.out) == (0, "v2 has 100 % of the calls already\n")
