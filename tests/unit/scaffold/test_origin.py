from pathlib import Path

import pytest

from dubbopy_cli.process import SubprocessRunner
from dubbopy_cli.scaffold.origin import go_module
from tests.scaffolding import git


@pytest.mark.parametrize(
    ("remote", "module"),
    [
        ("https://github.com/acme/shop.git", "github.com/acme/shop/svc/cart"),
        ("https://user:token@github.com/acme/shop", "github.com/acme/shop/svc/cart"),
        ("git@github.com:acme/shop.git", "github.com/acme/shop/svc/cart"),
        ("ssh://git@git.acme.com:2222/team/shop.git/", "git.acme.com/team/shop/svc/cart"),
        ("file:///srv/git/shop.git", ""),
        ("/srv/git/shop.git", ""),
        ("../shop", ""),
    ],
)
def test_the_remote_names_the_module(tmp_path, remote, module):
    git(tmp_path, "init", "-q")
    git(tmp_path, "remote", "add", "origin", remote)
    assert go_module(tmp_path / "svc/cart", SubprocessRunner()) == module


def test_without_a_repository_or_a_remote_there_is_nothing(tmp_path):
    assert go_module(tmp_path / "x", SubprocessRunner()) == ""
    git(tmp_path, "init", "-q")
    assert go_module(tmp_path / "x", SubprocessRunner()) == ""


def test_without_git_there_is_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert go_module(Path("/somewhere"), SubprocessRunner()) == ""
