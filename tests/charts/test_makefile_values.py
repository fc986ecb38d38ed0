from __future__ import annotations

import os
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.charts.bench import PLAIN, at
from tests.charts.conftest import render


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("image:\n  tag: 2.0.0\n", "2.0.0"),
        ("image:\n  tag: '2.0.0'   # why\n", "2.0.0"),
        ('image:\n  tag: "a#b" # c\n', "a#b"),
        ("image:\r\n  tag: 1.10\r\n", "1.10"),
        ("image: # the image\n    tag:    1.10   \n", "1.10"),
        ("config: |\n  image:\n    tag: 7\nimage:\n  tag: 8\n", "8"),
        (
            "other:\n  image:\n    tag: 7\n# image:\n#   tag: 6\nimage:\n  # tag: 5\n  pullPolicy: Always\n  tag: 8\n",
            "8",
        ),
        ("image:\n  tag: 8\nimage2:\n  tag: 9\n", "8"),
        ("list:\n  - tag: 7\nimage:\n  sub:\n    tag: 6\n  tag: 8\n", "8"),
        ("image:\n  tag: _\n", "_"),
    ],
)
def test_values_are_read_as_yaml_means_them(bench, text, tag):
    made = bench()
    (made.root / "chart/app/values.yaml").write_bytes(
        text.encode() + b"version:\n  labels:\n    dubbogoAppVersion: v1\n"
    )
    assert f"image x:{tag}, " in made.made("help", "IMAGE=x")


def test_a_missing_value_is_named(bench):
    made = bench()
    made.edit("chart/app/values.yaml", 'tag: "1.0.0"', "tag:")
    done = made.make("build")
    assert done.returncode == 2
    assert "chart/app/values.yaml has no value for image.tag" in done.stderr
    assert made.calls() == []


def test_a_folder_with_blanks_in_its_name(bench):
    made = bench()
    made.root = made.root.rename(made.root.parent / "my project")
    made.made("build", "deploy")
    assert len(made.calls()) == 5


def test_a_quoted_module_path(bench):
    made = bench()
    (made.root / "go.mod").write_text('module "example.com/a~b/c.v2" // why\n')
    made.made("compile")
    assert made.calls()[0][4] == "-s -w -X example.com/a~b/c.v2/pkg/service.tag=1.0.0"


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True),
    version=st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True),
    tag=st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", fullmatch=True),
    image=st.from_regex(
        r"(Reg\.example\.com:5000/|\[::1\]:5000/|h/)?[a-z0-9]{1,3}((__|[.]|-+)[a-z0-9]{1,3}){0,2}", fullmatch=True
    ),
)
def test_anything_the_validators_allow_works(tmp_path_factory, name, version, tag, image):
    folder = tmp_path_factory.mktemp("any")
    root = render(folder / "p", name=name, app_version=version, tag=tag, image=image)
    (root / "conf").mkdir()
    (root / "conf/dubbogo.yaml").touch()
    (root / "go.mod").write_text(f"module {name}\n")
    made = at(root, folder)
    made.made("build", "deploy", "remove")
    calls = made.calls()
    assert calls[0][4] == f"-s -w -X {name}/pkg/service.tag={tag}"
    assert calls[2] == ["docker", "push", f"{image}:{tag}"]
    assert calls[4][3] == f"{name}-{version}"
    assert calls[4][6] == f"image.repository={image},image.tag={tag},version.labels.dubbogoAppVersion={version}"
    assert calls[5] == ["helm", "uninstall", f"{name}-{version}"]
    shutil.rmtree(folder)


def test_deploy_renders_with_the_real_helm(bench, helm):
    made = bench(tag="1.10", app_version="2")
    made.stub("helm", PLAIN + f'case "$1" in upgrade) shift 2; exec {helm.helm} template "$@";; esac\nexit 1\n')
    made.edit("chart/app/values.yaml", 'tag: "1.10"', "tag: 1.10")
    made.edit("chart/app/values.yaml", 'dubbogoAppVersion: "2"', "dubbogoAppVersion: 2")
    env = {"HELM_CACHE_HOME": os.devnull, "KUBECONFIG": os.devnull}
    shown = made.made("deploy", "DEPLOY_FLAGS=", **env)
    assert 'image: "localhost:5000/dubbo-go-server:1.10"' in shown
    assert 'dubbogoAppVersion: "2"' in shown
    assert 'name: "dubbo-go-server-2"' in shown
