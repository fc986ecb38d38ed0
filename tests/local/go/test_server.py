import re
import socket
import stat
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tests.greeter import channel
from tests.programs import LIMIT, eventually, free_port

from ._calls import say_hello, start_hello
from ._program import run, running, serving
from ._project import TAG, Project, compiled

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARN|ERROR) [^\x1b]{1,400}")
SOURCE = """
dubbo:
  protocols:
    triple:
      name: tri
      port: 20000
  provider:
    services:
      GreeterServerImpl:
        interface: "" # read from stub
"""


def test_the_id_is_the_tag_of_the_build(server, log):
    with serving(server, log) as (_, port), channel(port) as opened:
        user = say_hello(opened, "laurence")
    assert (user.name, user.id, user.age) == ("Hello laurence", f"v{TAG}", 21)


def test_the_program_is_static_and_small(server):
    program = server / "build/app"
    assert program.stat().st_mode & stat.S_IXUSR
    assert b"/lib64/ld-linux" not in program.read_bytes()


@pytest.mark.parametrize("service", ["", "api.Greeter"])
def test_health(server, log, service):
    with serving(server, log) as (_, port), channel(port) as opened:
        request = health_pb2.HealthCheckRequest(service=service)
        assert health_pb2_grpc.HealthStub(opened).Check(request, timeout=10).status == request_status("SERVING")


def request_status(name):
    return health_pb2.HealthCheckResponse.ServingStatus.Value(name)


def test_reflection(server, log):
    with serving(server, log) as (_, port), channel(port) as opened:
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        answers = reflection_pb2_grpc.ServerReflectionStub(opened).ServerReflectionInfo(iter([request]), timeout=10)
        names = {service.name for service in next(answers).list_services_response.service}
    assert names >= {"api.Greeter", "grpc.health.v1.Health"}


def test_dubbo_host_binds_loopback_only(server, log):
    with serving(server, log) as (program, port):
        assert program.listening() == [("127.0.0.1", port)]


def test_without_dubbo_host_every_address_is_served(server, log):
    with serving(server, log, DUBBO_HOST="") as (program, port):
        assert program.listening() == [("::", port)]


def test_only_one_port_is_opened(go_cache, log, configured):
    # dubbo-go opens its second, random port for the metadata service where this protocol is part of the program.
    second = '\t_ "dubbo.apache.org/dubbo-go/v3/protocol/dubbo"\n'
    edit = {"cmd/imports.go": ("import (\n", "import (\n" + second)}
    folder = compiled(Project("server", edits=edit), go_cache)
    with serving(folder, log) as (program, port), channel(port) as opened:
        say_hello(opened, "laurence")
        assert program.listening() == [("127.0.0.1", port)]
    local = SOURCE.replace("dubbo:\n", "dubbo:\n  application: {metadata-type: local}\n", 1)
    with serving(folder, log, **configured(local)) as (program, _):
        eventually(lambda: len(program.listening()) == 2, "the port the file asked for")


def test_a_taken_port_ends_the_program(server):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run(server, DUBBO_HOST="127.0.0.1", DUBBO_PORT=str(port))
    assert done.returncode == 1
    assert done.stderr.endswith(f"Z ERROR cannot serve: listen tcp 127.0.0.1:{port}: bind: address already in use\n")


def test_an_application_version_is_refused(server, configured):
    done = run(server, **configured(SOURCE.replace("dubbo:\n", "dubbo:\n  application: {version: v2}\n", 1)))
    assert done.returncode == 1
    assert "dubbo.application.version must not be set" in done.stderr


def test_the_xds_registry_is_refused(server, configured):
    registry = "dubbo:\n  registries: {xds: {protocol: xds, address: istiod.istio-system.svc.cluster.local:15010}}\n"
    done = run(server, **configured(SOURCE.replace("dubbo:\n", registry, 1)))
    assert done.returncode == 1
    assert "dubbo.registries.xds: dubbo-go removed its xds registry after 3.3.0" in done.stderr


def test_the_file_of_the_tutorial_works(server, log, configured):
    with serving(server, log, **configured(SOURCE)) as (_, port), channel(port) as opened:
        assert say_hello(opened, "laurence").id == f"v{TAG}"


def test_any_setting_of_dubbo_go_in_the_file_works(server, log, configured):
    limited = (
        SOURCE
        + '        tps.limiter: method-service\n        tps.limit.interval: "60000"\n        tps.limit.rate: "3"\n'
    )
    with serving(server, log, **configured(limited)) as (_, port), channel(port) as opened:
        for _ in range(3):
            say_hello(opened, "laurence")
        with pytest.raises(grpc.RpcError) as refusal:
            say_hello(opened, "laurence")
    # dubbo-go's own handler answers INTERNAL, which no mesh tries again.
    assert refusal.value.code() is grpc.StatusCode.UNAVAILABLE


def test_the_file_takes_values_from_the_environment(server, log, configured):
    port = free_port()
    text = SOURCE.replace("20000", "${CHOSEN_PORT:20000}")
    with running(server, log, CHOSEN_PORT=str(port), **configured(text)) as program:
        program.line(f"INFO serving on :{port}$")


def test_the_file_is_found_from_a_folder_beside_conf(server, log, tmp_path):
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/dubbogo.yaml").write_text(SOURCE)
    (tmp_path / "bin/build").mkdir(parents=True)
    (tmp_path / "bin/build/app").symlink_to(server / "build/app")
    with serving(tmp_path / "bin", log) as (_, port), channel(port) as opened:
        say_hello(opened, "laurence")


def test_without_a_file_the_program_says_what_to_do(server, tmp_path):
    (tmp_path / "build").mkdir()
    (tmp_path / "build/app").symlink_to(server / "build/app")
    done = run(tmp_path)
    assert done.returncode == 1
    assert done.stderr.endswith("Z ERROR there is no conf/dubbogo.yaml here; name the file in DUBBO_GO_CONFIG_PATH\n")


def test_sigterm_ends_an_idle_server(server, log):
    # The limit is half of what a server takes that was started by dubbo.Load.
    with serving(server, log) as (program, _):
        assert program.terminate() == 0


def test_sigterm_lets_calls_in_flight_finish(player, log):
    with serving(player, log) as (program, port), channel(port) as opened:
        call = start_hello(opened, "slow:10s")
        program.line("began slow:10s")
        assert program.terminate() == 0
        assert call.result().name == "Hello slow:10s"


def test_sigterm_lets_answers_reach_the_caller(player, log):
    # dubbo-go takes a call for answered before the answer has left.
    with serving(player, log) as (program, port), ThreadPoolExecutor() as threads:
        calls = [threads.submit(large, port) for _ in range(6)]
        eventually(lambda: len([line for line in program.lines() if "began large" in line]) == 6, "six calls")
        assert program.terminate() == 0
        assert [call.result() for call in calls] == [3 << 20] * 6


def large(port):
    with channel(port) as opened:
        return len(say_hello(opened, "large:2s").name)


def test_sigterm_does_not_wait_for_health_watches(server, log, configured):
    # Each dubbo-go client keeps one open; a call in flight would be waited for beyond the limit.
    patient = SOURCE + "  shutdown: {consumer-update-wait-time: 10ms, step-timeout: 10m}\n"
    with serving(server, log, **configured(patient)) as (program, port), channel(port) as opened:
        watch = health_pb2_grpc.HealthStub(opened).Watch(health_pb2.HealthCheckRequest(service="api.Greeter"))
        assert next(watch).status == request_status("SERVING")
        assert program.terminate() == 0


def test_calls_that_come_too_late_are_unavailable(player, log, configured):
    short = SOURCE + "  shutdown: {consumer-update-wait-time: 10ms, step-timeout: 10ms}\n"
    with serving(player, log, **configured(short)) as (program, port), channel(port) as opened:
        say_hello(opened, "laurence")
        program.process.terminate()
        codes = set()
        while program.process.poll() is None:
            try:
                say_hello(opened, "laurence")
            except grpc.RpcError as error:
                codes.add(error.code())
        assert program.process.wait(LIMIT) == 0
    assert codes == {grpc.StatusCode.UNAVAILABLE}


def test_a_quiet_life_is_one_line(server, log):
    with serving(server, log) as (program, port), channel(port) as opened:
        say_hello(opened, "laurence")
        assert program.terminate() == 0
    (line,) = program.lines()
    assert LINE.fullmatch(line)
    assert line.endswith(f"Z INFO serving on 127.0.0.1:{port}")


def test_lines_have_a_time_a_level_and_a_bounded_length(server, log):
    with serving(server, log, DUBBO_LOG_LEVEL="debug") as (program, port), channel(port) as opened:
        say_hello(opened, "laurence")
        assert program.terminate() == 0
    assert any("export service" in line for line in program.lines())
    assert [line for line in program.lines() if not LINE.fullmatch(line)] == []
