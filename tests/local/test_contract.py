"""The contract with scripts: every command's JSON, with a real service behind it."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

# One world for all of them, in any order: each makes the rules it looks at.
pytestmark = pytest.mark.xdist_group("contract")


class World:
    """A folder with projects and a state of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.env = {**os.environ, "DUBBOPY_STATE_DIR": str(folder / "state"), "CI": "true"}

    def run(self, *words, folder="."):
        done = subprocess.run(
            [sys.executable, "-m", "dubbopy_cli", *words],
            cwd=self.folder / folder,
            env=self.env,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=600,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done

    def envelope(self, *words, folder=".", status=0):
        done = self.run(*words, "-o", "json", folder=folder)
        assert done.returncode == status, done.stdout + done.stderr
        envelope = json.loads(done.stdout)
        assert list(envelope) == ["schema", "command", "status", "data", "warnings", "errors"]
        assert envelope["schema"] == "dubbopy.cli/v1"
        return SimpleNamespace(**envelope)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("contract"))
    for name, words in (("v1", ()), ("v2", ("--app-version", "v2", "--tag", "2.0.0"))):
        made = world.envelope("newApp", name, "--name", "dubbo-go-server", *words)
        assert made.status == "ok"
    yield world
    for namespace in ("default", "leaving"):
        world.run("local", "reset", "--yes", "--namespace", namespace)


@pytest.fixture(scope="module")
def deployed(world):
    first = world.envelope("deploy", "v1")
    second = world.envelope("deploy", "v2", "--no-traffic", "--replicas", "2")
    return SimpleNamespace(world=world, first=first, second=second)


def shape(value):
    """Return a value's keys and types, one row of a list standing for all."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


INSTANCE = {
    "name": "str",
    "state": "str",
    "pid": "int",
    "address": "str",
    "started": "float",
    "restarts": "int",
    "reason": "str",
}
RELEASE = {
    "name": "str",
    "version": "str",
    "revision": "int",
    "tag": "str",
    "digest": "str",
    "replicas": "int",
    "ready": "int",
    "deployed": "float",
    "share": "float",
    "instances": [INSTANCE],
}
ROUTE = {"name": "str", "condition": "str", "shares": {"v1": "float", "v2": "float"}, "losses": []}


def test_new_app(world):
    made = world.envelope("newApp", "another", "--dry-run")
    assert made.command == "newApp"
    assert {"path", "name", "template", "answers", "files", "backups"} <= set(made.data)
    assert shape(made.data["files"]) == [{"path": "str", "state": "str"}]
    assert not (world.folder / "another").exists()


def test_new_demo(world):
    made = world.envelope("newDemo", "pair", "--dry-run")
    assert made.command == "newDemo"
    assert [one["name"] for one in made.data["applications"]] == ["dubbo-go-server", "dubbo-go-client"]


def test_generate(world):
    made = world.envelope("generate", "v1", "--check")
    assert made.command == "generate"
    assert {one["state"] for one in made.data["files"]} == {"unchanged"}


def test_build(deployed):
    built = deployed.world.envelope("build", "v1")
    assert built.command == "build"
    assert shape(built.data) == {
        "application": "str",
        "tag": "str",
        "state": "str",
        "seconds": "float",
        "digest": "str",
        "output": "str",
    }
    assert built.data["state"] == "up-to-date"


def test_deploy(deployed):
    assert deployed.first.command == "deploy"
    assert set(deployed.first.data) == {"steps", "application", "version"}
    assert shape(deployed.first.data["steps"]) == [{"title": "str"}]
    application = deployed.second.data["application"]
    assert shape(application["releases"]) == [RELEASE]
    assert [(one["version"], one["share"], one["replicas"]) for one in application["releases"]] == [
        ("v1", 100.0, 1),
        ("v2", 0.0, 2),
    ]


def test_deploy_dry_run_changes_nothing(deployed):
    before = deployed.world.envelope("status").data
    planned = deployed.world.envelope("deploy", "v1", "--version", "v3", "--tag", "3.0.0", "--dry-run")
    assert planned.data["dry_run"] is True
    assert [one["title"] for one in planned.data["steps"]]
    after = deployed.world.envelope("status").data
    assert after == before


def test_status(deployed):
    deployed.world.envelope("traffic", "set", "v1=60", "v2=40", "--app", "dubbo-go-server")
    seen = deployed.world.envelope("status")
    assert seen.command == "status"
    assert set(seen.data) == {"target", "namespace", "applications"}
    (application,) = seen.data["applications"]
    assert shape(application) == {
        "name": "str",
        "role": "str",
        "address": "str",
        "releases": [RELEASE],
        "routes": [ROUTE],
        "rules": ["str"],
    }


def test_status_as_yaml_says_the_same(deployed):
    from ruamel.yaml import YAML

    done = deployed.world.run("status", "-o", "yaml")
    assert YAML(typ="safe").load(done.stdout)["data"]["namespace"] == "default"


def test_logs_are_one_document_a_line(deployed):
    deployed.world.envelope("call", "--app", "dubbo-go-server", "-d", '{"name": "laurence"}')
    done = deployed.world.run("logs", "--app", "dubbo-go-server", "-o", "json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines
    assert all(shape(one) == {"instance": "str", "version": "str", "time": "str", "text": "str"} for one in lines)


def test_call(deployed):
    made = deployed.world.envelope(
        "call", "api.Greeter/SayHello", "--app", "dubbo-go-server", "-d", '{"name": "laurence"}', "-n", "20", "-c", "4"
    )
    assert made.command == "call"
    latency = dict.fromkeys(("min", "mean", "p50", "p90", "p99", "max"), "float")
    assert shape(made.data) == {
        "method": "str",
        "calls": "int",
        "ok": "int",
        "failed": "int",
        "versions": dict.fromkeys(made.data["versions"], "int"),
        "errors": {},
        "error_message": "str",
        "latency_ms": latency,
        "seconds": "float",
        "answer": {"name": "str", "id": "str", "age": "int"},
    }
    assert made.data["answer"]["name"] == "Hello laurence"
    assert sum(made.data["versions"].values()) == 20


def test_traffic_changes(deployed):
    for words in (
        ("set", "v1=60", "v2=40"),
        ("match", "user=admin", "--to", "v2", "--name", "admins"),
        ("unmatch", "admins"),
    ):
        command = ("traffic", *words, "--app", "dubbo-go-server")
        changed = deployed.world.envelope(*command)
        assert changed.command == f"traffic {words[0]}"
        assert set(changed.data) == {"dry_run", "steps", "findings", "applications"}
        (application,) = changed.data["applications"]
        assert set(application) == {"application", "versions", "routes", "rules"}
        if words[0] != "unmatch":
            assert deployed.world.envelope(*command).data["steps"] == []


def test_traffic_apply_show_verify_reset(deployed):
    world = deployed.world
    world.envelope("traffic", "set", "v1=60", "v2=40", "--app", "dubbo-go-server")
    shown = world.envelope("traffic", "show", "--app", "dubbo-go-server")
    assert shown.command == "traffic show"
    rules = world.folder / "rules.yaml"
    text = world.run("traffic", "show", "--app", "dubbo-go-server").stdout
    rules.write_text(text[text.index("apiVersion") :])
    applied = world.envelope("traffic", "apply", "-f", "rules.yaml")
    assert applied.command == "traffic apply"
    assert applied.data["steps"] == []
    verified = world.envelope("traffic", "verify", "--app", "dubbo-go-server")
    assert verified.command == "traffic verify"
    assert verified.data["result"] == "pass"
    assert shape(verified.data["versions"]) == [
        {
            "version": "str",
            "seen": "int",
            "expected": "float",
            "plausible": ["int"],
            "share": ["float"],
            "fits": "bool",
        }
    ]
    too_few = world.envelope("traffic", "verify", "--app", "dubbo-go-server", "-n", "10", status=6)
    assert too_few.data["result"] == "undecided"
    reset = world.envelope("traffic", "reset", "--app", "dubbo-go-server")
    assert reset.data["applications"][0]["rules"] == []


def test_traffic_explain_and_lint_look_at_what_runs(deployed):
    world = deployed.world
    world.envelope("traffic", "set", "v1=60", "v2=40", "--app", "dubbo-go-server")
    explained = world.envelope("traffic", "explain", "dubbo-go-server", "--method", "greet.Greeter/SayHello")
    assert explained.command == "traffic explain"
    assert [(one["subset"], one["share"], one["instances"]) for one in explained.data["destinations"]] == [
        ("v1", "3/5", 1),
        ("v2", "2/5", 2),
    ]
    looked = world.envelope("traffic", "lint", "--all")
    assert looked.command == "traffic lint"
    assert [(one["severity"], one["code"]) for one in looked.data["findings"]] == [("info", "single-instance")]
    world.envelope("traffic", "reset", "--app", "dubbo-go-server")


def test_doctor(world):
    looked = world.envelope("doctor")
    assert looked.command == "doctor"
    assert shape(looked.data["checks"]) == [{"name": "str", "state": "str", "detail": "str", "hint": "str"}]


def test_local_status(deployed):
    looked = deployed.world.envelope("local", "status")
    assert looked.command == "local status"
    assert looked.data["running"] is True
    assert [one["application"] for one in looked.data["listeners"]] == ["dubbo-go-server"]


def test_local_stop_and_start(deployed):
    stopped = deployed.world.envelope("local", "stop")
    assert stopped.command == "local stop"
    assert len(stopped.data["ended"]) >= 5
    started = deployed.world.envelope("local", "start")
    assert started.data["running"] is True
    made = deployed.world.envelope("call", "--app", "dubbo-go-server", "-n", "10")
    assert made.data["failed"] == 0


def test_remove_needs_consent_and_takes_everything(world):
    where = ("--app", "dubbo-go-server", "--namespace", "leaving")
    world.envelope("deploy", "v1", "--namespace", "leaving")
    world.envelope("traffic", "set", "v1", *where)
    assert len(world.envelope("traffic", "history", *where).data["changes"]) == 1
    words = ("remove", "--all", *where)
    refused = world.envelope(*words, status=2)
    assert refused.errors == [
        {
            "code": "needs-yes",
            "message": "there is no terminal to ask on: Remove dubbo-go-server with dubbo-go-server-v1?",
            "hint": "add --yes",
        }
    ]
    removed = world.envelope(*words, "--yes")
    assert removed.command == "remove"
    assert removed.data["removed"] == ["v1"]
    assert world.envelope("status", "--namespace", "leaving").data["applications"] == []
    assert world.envelope("local", "status", "--namespace", "leaving").data["running"] is False
    # An application of the same name begins anew.
    world.envelope("deploy", "v1", "--namespace", "leaving")
    assert world.envelope("traffic", "history", *where).data["changes"] == []
