"""Projects of `--mesh proxyless`, as far as no istiod is needed for them."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.greeter import channel
from tests.programs import LIMIT, environment, eventually, free_port
from tests.scaffolding import argv

from ._calls import say_hello, start_hello
from ._program import run, running, serving
from ._project import TAG, Project, compiled, go
from .conftest import PLAY

DATA = Path(__file__).parents[2] / "data/proxyless"

ANSWER = rf'Z INFO call server response = name:"Hello laurence" id:"v{TAG}"$'
# What the template writes, without the registry.
DIRECT = """
dubbo:
  protocols:
    triple:
      name: tri
      port: ${CHOSEN_PORT:20000}
  provider:
    services:
      GreeterServerImpl:
        interface: "" # read from stub
  shutdown:
    consumer-update-wait-time: 1s
    step-timeout: 15s
    offline-request-window-timeout: 300ms
"""
POD = {"POD_NAME": "shop-1", "POD_NAMESPACE": "default"}


@pytest.fixture(scope="module", params=["server", "client"])
def project(request, go_cache):
    return compiled(Project(request.param, mesh="proxyless"), go_cache)


@pytest.fixture(scope="module")
def server(go_cache):
    return compiled(Project("server", mesh="proxyless"), go_cache)


@pytest.fixture(scope="module")
def client(go_cache):
    return compiled(Project("client", mesh="proxyless"), go_cache)


@pytest.fixture(scope="module")
def player(go_cache):
    play = PLAY.replace("struct{}", "struct {\n\tapi.UnimplementedGreeterServer\n}")
    return compiled(Project("server", mesh="proxyless", edits={"pkg/service/service.go": play}), go_cache)


@pytest.fixture
def direct(configured):
    return configured(DIRECT)


def url(port):
    return {"DUBBO_SERVER_URL": f"tri://127.0.0.1:{port}"}


def test_vet_format_own_tests_and_a_tidy_module(project):
    assert subprocess.run(["gofmt", "-l", "."], cwd=project, capture_output=True, text=True, check=True).stdout == ""
    assert go(project, "mod", "tidy", "-diff") == ""
    go(project, "vet", "./...")
    go(project, "test", "./...")


def test_the_last_dubbo_go_with_xds_is_pinned(project):
    assert "dubbo.apache.org/dubbo-go/v3 v3.3.0\n" in (project / "go.mod").read_text()


def test_the_file_is_the_tutorials_and_one_line(server):
    import yaml

    written = yaml.safe_load((server / "conf/dubbogo.yaml").read_text())["dubbo"]
    assert written["registries"] == {
        "xds": {
            "protocol": "xds",
            "registry-type": "interface",
            "address": "istiod.istio-system.svc.cluster.local:15010",
        }
    }
    assert written["protocols"] == {"triple": {"name": "tri", "port": 20000}}
    assert written["provider"] == {"services": {"GreeterServerImpl": {"interface": ""}}}


@pytest.mark.parametrize("missing", POD)
def test_outside_a_pod_the_program_says_what_it_needs(project, missing):
    env = POD | {missing: "", "DUBBO_PORT": str(free_port())}
    done = run(project, **env)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.endswith(
        "Z ERROR conf/dubbogo.yaml: dubbo.registries.xds: the xds registry needs POD_NAME and POD_NAMESPACE,"
        f" which chart/app sets in a pod; {missing} is not set"
    )


@pytest.mark.parametrize("setting", ["", "      registry-type: service\n"])
def test_a_registry_type_that_makes_dubbo_go_panic_is_refused(project, configured, setting):
    text = f"dubbo:\n  registries:\n    xds:\n      protocol: xds\n{setting}      address: istiod:15010\n"
    done = run(project, **POD, **configured(text))
    assert done.returncode == 1
    assert "dubbo.registries.xds needs `registry-type: interface`" in done.stderr


def test_an_istiod_that_is_not_there_is_an_error_and_no_panic(project, configured):
    text = (project / "conf/dubbogo.yaml").read_text()
    address = "istiod.istio-system.svc.cluster.local:15010"
    port = free_port()
    # DUBBO_PORT: the port of the template may be taken on this machine.
    env = {"DUBBO_HOST": "127.0.0.1", "DUBBO_PORT": str(free_port())}
    done = run(project, **POD, **env, **configured(text.replace(address, f"127.0.0.1:{port}")))
    assert done.returncode == 1
    assert "panic" not in done.stderr.replace("going to panic", "")
    assert "goroutine" not in done.stderr
    assert done.stderr.endswith(" (istiod did not answer at the address of dubbo.registries, in plain text)\n")


def test_a_server_that_is_told_to_end_while_it_waits_for_istiod(server, configured, log):
    text = (server / "conf/dubbogo.yaml").read_text()
    text = text.replace("istiod.istio-system.svc.cluster.local:15010", f"127.0.0.1:{free_port()}")
    with serving(server, log, **POD, **configured(text)) as (program, port), channel(port) as opened:
        # Ready before it is registered: istiod tells of ready pods only.
        request = health_pb2.HealthCheckRequest(service="")
        assert health_pb2_grpc.HealthStub(opened).Check(request, timeout=5).status == 1
        assert program.terminate() == 0
    assert "goroutine" not in log.read_text()


def test_a_server_without_a_registry_serves(server, log, direct):
    with serving(server, log, **direct) as (program, port), channel(port) as opened:
        user = say_hello(opened, "laurence")
        assert (user.name, user.id, user.age) == ("Hello laurence", f"v{TAG}", 21)
        assert program.listening() == [("127.0.0.1", port)]
        for service in ("", "api.Greeter"):
            request = health_pb2.HealthCheckRequest(service=service)
            assert health_pb2_grpc.HealthStub(opened).Check(request, timeout=10).status == 1
        assert program.terminate() == 0
    (line,) = program.lines()
    assert line.endswith(f"Z INFO serving on 127.0.0.1:{port}")


def test_the_file_takes_values_from_the_environment(server, log, direct):
    port = free_port()
    with running(server, log, CHOSEN_PORT=str(port), DUBBO_HOST="127.0.0.1", **direct) as program:
        program.line(f"INFO serving on 127.0.0.1:{port}$")


def test_sigterm_lets_calls_in_flight_finish(player, log, direct):
    with serving(player, log, **direct) as (program, port), channel(port) as opened:
        call = start_hello(opened, "slow:10s")
        program.line("began slow:10s")
        assert program.terminate() == 0
        assert call.result().name == "Hello slow:10s"


def test_the_client_loops_and_survives_an_absent_and_restarted_server(server, client, tmp_path, direct):
    failed = r"Z ERROR call server failed: UNAVAILABLE \S"
    port = free_port()
    with running(client, tmp_path / "log", **url(port)) as program:
        seen = program.line(failed, after=program.line(failed))
        for restart in ("first", "second"):
            with serving(server, tmp_path / restart, port, **direct) as (peer, _):
                seen = program.line(ANSWER, after=seen)
                assert peer.terminate() == 0
            seen = program.line(failed, after=seen)
        assert program.terminate() == 0


def test_sigterm_of_a_client_does_not_wait_for_an_answer(player, client, tmp_path, direct):
    with serving(player, tmp_path / "server", **direct) as (peer, port):
        env = url(port) | {"DUBBO_TIMEOUT": "120s"}
        with running(client, tmp_path / "log", "-name", "slow:100s", **env) as program:
            peer.line("began slow")
            assert program.terminate() == 0
    assert not any("call server" in line for line in program.lines())


def test_one_shot(player, client, log, direct):
    with serving(player, log, **direct) as (_, port):
        done = run(client, "-n", "200", "-c", "8", "-header", "user=admin", "-o", "json", **url(port))
        assert (done.returncode, done.stderr) == (0, "")
        found = json.loads(done.stdout)
        assert {key: found[key] for key in ("calls", "ok", "failed", "ids", "errors")} == {
            "calls": 200, "ok": 200, "failed": 0, "ids": {f"v{TAG}": 200}, "errors": {},
        }  # fmt: skip
        header = run(client, "-n", "1", "-o", "json", "-header", "user=admin", "-name", "header:user", **url(port))
        assert json.loads(header.stdout)["ids"] == {"[admin]": 1}
        for name, code in {"fail:": "RESOURCE_EXHAUSTED", "slow:10s": "DEADLINE_EXCEEDED"}.items():
            done = run(client, "-n", "1", "-o", "json", "-name", name, "-timeout", "200ms", **url(port))
            assert done.returncode == 1
            assert json.loads(done.stdout)["errors"] == {code: 1}


def test_lines_have_a_time_a_level_and_a_bounded_length(server, log, direct):
    pattern = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARN|ERROR) [^\x1b]{1,400}")
    with serving(server, log, DUBBO_LOG_LEVEL="debug", **direct) as (program, port), channel(port) as opened:
        say_hello(opened, "laurence")
        assert program.terminate() == 0
    assert len(program.lines()) > 10
    eventually(lambda: all(pattern.fullmatch(line) for line in program.lines()), "well-formed lines")


def generate(folder, *words):
    return subprocess.run(argv("generate", folder, *words), capture_output=True, text=True, check=True)


def test_the_stubs_are_those_of_generate(project, tmp_path):
    folder = shutil.copytree(project, tmp_path / "project")
    done = generate(folder, "--check", "-o", "json")
    assert {file["path"] for file in json.loads(done.stdout)["data"]["files"]} == {"api/api.pb.go", "api/api.triple.go"}


def test_a_second_service_and_every_kind_of_rpc_work_after_generate(server, tmp_path, configured, direct):
    folder = shutil.copytree(server, tmp_path / "project")
    with (folder / "api/api.proto").open("a") as proto:
        proto.write((DATA / "talk.proto").read_text())
    generate(folder)
    shutil.copy(DATA / "talk.go", folder / "pkg/service/talk.go")
    (folder / "cmd/peer").mkdir()
    shutil.copy(DATA / "peer.go", folder / "cmd/peer/main.go")
    main = folder / "cmd/app.go"
    served = "&service.GreeterServerImpl{}"
    main.write_text(main.read_text().replace(f"{served})", f"{served}, &service.TalkServerImpl{{}})"))
    go(folder, "mod", "tidy")  # what a client needs besides
    go(folder, "vet", "./...")
    go(folder, "build", "-o", "build/app", "./cmd")
    go(folder, "build", "-o", "build/peer", "./cmd/peer")
    with serving(folder, tmp_path / "log", **direct) as (_, port):
        references = "".join(
            f"      {name}ClientImpl: {{protocol: tri, url: 'tri://127.0.0.1:{port}'}}\n"
            for name in ("Greeter", "Talk")
        )
        file = configured(f"dubbo:\n  consumer:\n    references:\n{references}")
        done = subprocess.run(
            [folder / "build/peer"], check=False, env=environment(file), capture_output=True, text=True, timeout=LIMIT
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "Hello a <nil>", "one b <nil>", "many c d <nil>", "a <nil>", "b <nil>", " EOF", "chat f <nil>", "chat g <nil>", "EOF",
    ]  # fmt: skip
