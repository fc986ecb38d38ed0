"""Proxyless programs and a control plane that speaks as istiod does, each with an address of its own."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from ._project import TAG, Project, compiled, go

DATA = Path(__file__).parents[2] / "data/proxyless"
UNSHARE = ("unshare", "--map-root-user", "--mount", "--net")


@pytest.fixture(scope="module")
def lab(go_cache, tmp_path_factory):
    """Run the lab once; return the folder that holds what it wrote down."""
    probe = subprocess.run(
        [*UNSHARE, "ip", "link", "add", "br0", "type", "bridge"], capture_output=True, text=True, check=False
    )
    if probe.returncode:
        pytest.skip(f"this machine lends out no network namespaces: {probe.stderr.strip()}")
    out = tmp_path_factory.mktemp("lab")
    client = compiled(Project("client", mesh="proxyless"), go_cache)
    servers = [compiled(Project("server", mesh="proxyless"), go_cache), compiled(_second(), go_cache)]
    programs = {"client": client, "v1": servers[0], "v2": servers[1]}
    for name, folder in programs.items():
        shutil.copy(folder / "build/app", out / name)
    for name, folder in {"client": client, "server": servers[0]}.items():
        text = (folder / "conf/dubbogo.yaml").read_text()
        (out / f"{name}.yaml").write_text(
            text.replace("istiod.istio-system.svc.cluster.local:15010", "10.9.0.254:15010")
        )
    project = shutil.copytree(servers[0], out / "project")
    (project / "cmd/istiod").mkdir()
    shutil.copy(DATA / "istiod.go", project / "cmd/istiod/main.go")
    go(project, "build", "-o", str(out / "istiod"), "./cmd/istiod")
    done = subprocess.run(
        [*UNSHARE, "sh", DATA / "lab.sh", out], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return out


def _second() -> Project:
    return Project("server", mesh="proxyless", edits={"pkg/service/service.go": ('"v" + tag', '"v2 of " + tag')})


def test_calls_are_shared_by_weight(lab):
    found = json.loads((lab / "share.json").read_text())
    assert (found["ok"], found["failed"]) == (1000, 0)
    # The 99.99 % interval of 10 % of 1000.
    assert 64 <= found["ids"][f"v2 of {TAG}"] <= 140
    assert found["ids"].keys() == {f"v{TAG}", f"v2 of {TAG}"}


def test_all_calls_go_to_one_version(lab):
    assert json.loads((lab / "all.json").read_text())["ids"] == {f"v2 of {TAG}": 200}


def test_servers_register_and_leave_quietly(lab):
    assert (lab / "ended").read_text().split() == ["0", "0"]
    for version in ("v1", "v2"):
        (line,) = (lab / f"{version}.log").read_text().splitlines()
        assert line.endswith("Z INFO serving on :20000")


def test_a_client_that_finds_nobody_says_what_may_be_wrong(lab):
    assert (lab / "nobody").read_text() == "1\n"
    (line,) = (lab / "nobody.log").read_text().splitlines()
    assert "No provider available of the service api.Greeter" in line
    assert line.endswith("its environment must have DEBUG_ENDPOINT_AUTH_ALLOWED_NAMESPACES)")
