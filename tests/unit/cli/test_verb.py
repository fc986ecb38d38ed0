import json
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from dubbopy_cli.cli.verb import group, verb
from dubbopy_cli.console import Console
from dubbopy_cli.errors import ConflictError, UsageError


def outcome(action, *words):
    app = group("dubbopy-cli", "Test.")

    @verb(app, "act")
    def act(console: Console, number: int = 1) -> None:
        """Act."""
        action(console, number)

    @verb(app, "other")
    def other(console: Console) -> None:
        """Do nothing."""

    return CliRunner().invoke(app, ["act", *words])


def test_a_result_is_text_for_people_and_an_envelope_for_programs():
    def action(console, number):
        console.say("working")
        console.warn("careful")
        console.result({"number": number}, f"number {number}")
        console.next_steps(["dubbopy-cli status"])

    people = outcome(action, "--number", "3")
    assert people.stdout == "number 3\n"
    assert people.stderr == "working\nWarning: careful\n\nNext:\n  dubbopy-cli status\n"
    programs = outcome(action, "-o", "json")
    assert json.loads(programs.stdout) == {
        "schema": "dubbopy.cli/v1",
        "command": "act",
        "status": "ok",
        "data": {"number": 1},
        "warnings": ["careful"],
        "errors": [],
    }
    assert outcome(action, "-q").stderr == "Warning: careful\n"


def test_yaml_says_the_same():
    told = outcome(lambda console, number: console.result({"tag": "1.10", "n": number}), "-o", "yaml").stdout
    assert told == (
        "schema: dubbopy.cli/v1\ncommand: act\nstatus: ok\ndata:\n  tag: '1.10'\n  n: 1\nwarnings: []\nerrors: []\n"
    )


def fail(error):
    def action(console, number):
        raise error

    return action


def test_an_error_says_what_happened_and_what_to_do():
    error = ConflictError("declined", "it stays", hint="dubbopy-cli act", details="line 1\nline 2")
    people = outcome(fail(error))
    assert people.exit_code == 6
    assert people.stderr == "Error: it stays\n\n  line 1\n  line 2\n\nTry: dubbopy-cli act\n[declined]\n"
    programs = outcome(fail(error), "-o", "json")
    assert programs.exit_code == 6
    assert json.loads(programs.stdout)["errors"] == [
        {"code": "declined", "message": "it stays", "hint": "dubbopy-cli act", "details": "line 1\nline 2"}
    ]


@pytest.mark.parametrize(
    ("error", "code", "status", "message", "hint"),
    [
        (KeyboardInterrupt(), "interrupted", 130, "interrupted", "the same command again goes on from here"),
        (
            OSError(28, "No space left on device", "/x"),
            "io",
            1,
            "the system refused with 'No space left on device': /x",
            "make room: df -h /x",
        ),
        (
            OSError(13, "Permission denied", "/x"),
            "io",
            1,
            "the system refused with 'Permission denied': /x",
            "ls -ld /x",
        ),
    ],
)
def test_what_the_system_raises_is_told_in_our_words(error, code, status, message, hint):
    done = outcome(fail(error), "-o", "json")
    assert done.exit_code == status
    assert json.loads(done.stdout)["errors"] == [{"code": code, "message": message, "hint": hint}]


def test_a_fault_of_ours_is_kept_in_a_file_and_shows_no_traceback(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    done = outcome(fail(ZeroDivisionError("division by zero")))
    assert done.exit_code == 1
    (log,) = tmp_path.rglob("last-fault.log")
    assert done.stderr == (
        "Error: a fault in dubbopy-cli itself: ZeroDivisionError: division by zero\n\n"
        f"Try: report it with {log}\n[internal]\n"
    )
    assert "ZeroDivisionError" in log.read_text()


def test_exit_passes_through():
    assert outcome(fail(typer.Exit(6))).exit_code == 6


def cli(*words, **options):
    return subprocess.run(
        [sys.executable, "-m", "dubbopy_cli", *words], capture_output=True, text=True, check=False, **options
    )


@pytest.mark.parametrize("words", [["-h"], ["--help"], []])
def test_help_is_a_success(words):
    done = cli(*words)
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: dubbopy-cli [OPTIONS] COMMAND [ARGS]...")


@pytest.mark.parametrize("words", [["deplyo", "-o", "json"], ["deplyo", "-ojson"], ["deplyo", "--output=json"]])
def test_a_usage_error_is_an_envelope_too(words):
    done = cli(*words)
    assert done.returncode == 2
    assert json.loads(done.stdout)["errors"] == [
        {"code": "usage", "message": "No such command 'deplyo'. Did you mean 'deploy'?", "hint": "dubbopy-cli --help"}
    ]


def test_help_needs_nothing_slow():
    slow = "copier", "jinja2", "rich", "ruamel", "grpc", "supervisor", "psutil", "xmlrpc"
    code = f"import sys; from dubbopy_cli.cli.main import main\ntry: main()\nexcept SystemExit: print([m for m in {slow} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_unknown_error_code_cannot_be_written():
    assert UsageError("usage", "x").exit_code == 2
