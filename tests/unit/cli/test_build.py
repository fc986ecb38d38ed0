from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from dubbopy_cli.cli import build
from dubbopy_cli.cli.main import app


@pytest.mark.parametrize(
    ("words", "proposed"), [([], "dubbopy-cli deploy"), (["my shop/v1"], "dubbopy-cli deploy 'my shop/v1'")]
)
def test_the_command_after_a_build_names_the_folder_that_was_named(monkeypatch, tmp_path, words, proposed):
    monkeypatch.setattr(build.project, "load", lambda _: SimpleNamespace(build_dir=tmp_path / "build"))
    monkeypatch.setattr(build, "said", lambda _: "built")
    monkeypatch.setattr(build, "run_build", lambda *_, **__: SimpleNamespace(to_dict=dict))
    done = CliRunner().invoke(app, ["build", *words])
    assert done.stderr == f"\nNext:\n  {proposed}\n"
