from contextlib import contextmanager

from typer.testing import CliRunner

from dubbopy_cli.cli import remove
from dubbopy_cli.cli.main import app
from dubbopy_cli.plan import Plan
from dubbopy_cli.targets.base import Application, Release
from dubbopy_cli.traffic.model import RuleSet


class Target:
    name, namespace = "local", "default"

    def __init__(self):
        self.events = []

    @contextmanager
    def exclusive(self):
        self.events.append("lock")
        try:
            yield
        finally:
            self.events.append("unlock")

    def applications(self):
        releases = tuple(Release("greeter", one, 1, "1.0.0", "d", "server", 1, 0.0, ()) for one in ("v1", "v2"))
        return (Application("greeter", "default", "server", 20000, "127.0.0.1:20000", releases, RuleSet()),)

    def remove(self, *_, **__):
        self.events.append("plan")
        return Plan(())


def test_a_removal_that_was_killed_at_its_end_leaves_no_lock_behind_when_it_is_typed_again(monkeypatch):
    target = Target()
    monkeypatch.setattr(remove, "open_target", lambda *_, **__: target)
    done = CliRunner().invoke(app, ["remove", "--all", "--yes", "--app", "shop"])
    assert done.exit_code == 2, done.output
    assert "[application-unknown]" in done.output
    assert target.events == ["lock", "unlock"]


def test_a_removal_is_planned_while_no_other_command_can_change_the_rules(monkeypatch):
    target = Target()
    monkeypatch.setattr(remove, "open_target", lambda *_, **__: target)
    done = CliRunner().invoke(app, ["remove", "v1", "--app", "greeter"])
    assert done.exit_code == 0, done.output
    assert target.events == ["lock", "plan", "unlock"]
