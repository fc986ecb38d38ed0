from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest

from dubbopy_cli.cli import views
from dubbopy_cli.cli.logs import known_version
from dubbopy_cli.cli.traffic import views as shown
from dubbopy_cli.console import Console
from dubbopy_cli.errors import UsageError
from dubbopy_cli.project import Project
from dubbopy_cli.targets.base import Application, Release
from dubbopy_cli.traffic.model import RuleSet
from dubbopy_cli.traffic.shares import Loss, RouteShare


def application(namespace, role="server"):
    releases = tuple(Release("greeter", version, 1, "1.0.0", "d", role, 1, 0.0, ()) for version in ("v1", "v2"))
    return Application("greeter", namespace, role, 20000, "127.0.0.1:20000", releases, RuleSet())


def here(folder):
    return Project(
        folder, "builtin:go-server", "go", "server", "sidecar", "greeter", "greeter", "r.example.com/shops/greeter",
        "1.0.0", "v1", 20000, (),
    )  # fmt: skip


def test_the_commands_after_a_deploy_reach_the_namespace_it_went_to():
    assert views.after_deploy(application("shop"), "v2", here(Path("/x/greeter"))) == [
        'dubbopy-cli call --app greeter --namespace shop -d \'{"name": "laurence"}\'',
        "dubbopy-cli traffic set --app greeter --namespace shop v2",
        "dubbopy-cli status --namespace shop",
    ]
    assert views.after_deploy(application("shop", "client"), "v2", here(Path("/x/greeter"))) == [
        "dubbopy-cli logs --app greeter --namespace shop -f",
        "dubbopy-cli status --namespace shop",
    ]
    assert (
        views.after_deploy(application("default", "client"), "v2", here(Path("/x/greeter")))[-1] == "dubbopy-cli status"
    )


def test_where_nobody_can_make_calls_a_client_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    alone = replace(application("shop"), has_client=False)
    words = "--role client --server greeter --image r.example.com/shops/greeter-client"
    assert [views.after_deploy(alone, "v2", here(tmp_path / one))[0] for one in ("v1", ".")] == [
        f"dubbopy-cli newApp greeter-client {words}",
        f"dubbopy-cli newApp ../greeter-client {words}",
    ]


def test_a_long_line_is_not_cut_where_nobody_s_terminal_sets_its_width(capsys):
    lost = RouteShare("default", "every call", {}, (Loss("no-instance", Fraction(1), "no ready instance " * 20),))
    with mock.patch.object(views, "routes", return_value=[lost]):
        frame = views.tree(SimpleNamespace(title="target local"), [application("shop")])
    Console("status").show(frame)
    Console("status").live([frame])
    lines = [line for line in capsys.readouterr().out.splitlines() if "route" in line]
    assert [line.split("lost: ")[1].rstrip() for line in lines] == [("no ready instance " * 20).rstrip()] * 2


def test_an_application_without_a_version_has_no_calls_to_lose():
    bare = replace(application("shop"), releases=())
    line = "no version is deployed; to take the rest away: dubbopy-cli remove --all --app greeter --namespace shop"
    target = SimpleNamespace(title="target kubernetes, context dev, namespace shop")
    assert [str(one.label) for one in views.tree(target, [bare]).children[0].children] == [line]
    assert views.application_dict(bare)["routes"] == []
    assert shown.text(bare) == f"greeter  127.0.0.1:20000\n  {line}"


def test_the_hint_for_an_unknown_version_names_the_namespace():
    with pytest.raises(UsageError) as refused:
        known_version(application("shop"), "v9")
    assert refused.value.hint == "dubbopy-cli status --namespace shop"
