import re
import socket

import grpc
import pytest

from tests.greeter import channel
from tests.programs import free_port, run, running

from ._calls import health, say_hello, services, start_hello, watch
from ._program import serving

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARN|ERROR|FATAL) [^\x1b]*")
# Longer than any limit here: who waits for the end of this time fails.
PATIENT = """
dubbo:
  shutdown:
    consumer-update-wait-time: 100ms
    step-timeout: 10m
"""


def test_without_a_build_the_id_is_dev(server, log):
    with serving(server, log) as (_, port), channel(port) as opened:
        user = say_hello(opened, "laurence")
    assert (user.name, user.id, user.age) == ("Hello laurence", "vdev", 21)


@pytest.mark.parametrize("service", ["", "api.Greeter"])
def test_health(server, log, service):
    with serving(server, log) as (_, port), channel(port) as opened:
        assert health(opened, service) == "SERVING"


def test_reflection(server, log):
    with serving(server, log) as (_, port), channel(port) as opened:
        assert services(opened) >= {"api.Greeter", "grpc.health.v1.Health"}


def test_dubbo_host_binds_loopback_only_and_one_port(server, log):
    with serving(server, log) as (program, port), channel(port) as opened:
        say_hello(opened, "laurence")
        assert program.listening() == [("127.0.0.1", port)]


def test_dubbo_host_may_be_an_ipv6_address(server, log):
    with serving(server, log, DUBBO_HOST="::1") as (program, port):
        assert program.listening() == [("::1", port)]


def test_without_dubbo_host_every_address_is_served(server, log):
    with serving(server, log, DUBBO_HOST="") as (program, port):
        assert program.listening() == [("::", port)]


def test_a_taken_port_ends_the_program(server):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run(server, DUBBO_HOST="127.0.0.1", DUBBO_PORT=str(port))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert LINE.fullmatch(line)
    assert line.endswith(f"Z ERROR cannot listen on 127.0.0.1:{port}: Address already in use")


@pytest.mark.parametrize("host", ["127.0.0.1", ""])
def test_a_second_server_does_not_share_the_port(server, log, host):
    with serving(server, log, DUBBO_HOST=host) as (_, port):
        done = run(server, DUBBO_HOST=host, DUBBO_PORT=str(port))
    assert done.returncode == 1
    assert "Address already in use" in done.stderr


def test_a_host_of_another_machine_ends_the_program(server):
    done = run(server, DUBBO_HOST="192.0.2.1", DUBBO_PORT=str(free_port()))
    assert done.returncode == 1
    assert "Cannot assign requested address" in done.stderr


def test_the_port_is_read_from_the_file(server, log, configured):
    port = free_port()
    text = f"dubbo: {{protocols: {{triple: {{ip: 127.0.0.1, port: '${{CHOSEN:{port}}}'}}}}}}"
    with running(server, log, **configured(text)) as program:
        program.line(rf"INFO .* serves GreeterServerImpl on 127\.0\.0\.1:{port}$")


def test_a_file_that_cannot_be_used_ends_the_program(server, configured):
    done = run(server, **configured("dubbo: {protocols: {triple: {port: many}}}"))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.endswith("given.yaml: dubbo.protocols.triple.port: 'many' is not a whole number from 1 to 65535")


def test_without_a_file_the_program_says_what_to_do(server, tmp_path):
    done = run(server, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.endswith(f"no conf/dubbogo.yaml in {tmp_path}; name the file in DUBBO_GO_CONFIG_PATH\n")


def test_sigterm_does_not_wait_for_a_health_watch(server, log, configured):
    with serving(server, log, **configured(PATIENT)) as (program, port), channel(port) as opened:
        statuses = watch(opened)
        assert next(statuses) == "SERVING"
        assert program.terminate() == 0
        assert next(statuses) == "NOT_SERVING"
        with pytest.raises(grpc.RpcError) as ended:
            next(statuses)
    assert ended.value.code() is grpc.StatusCode.UNAVAILABLE


def test_a_server_that_shuts_down_is_not_healthy_but_answers(server, log, configured):
    slow = PATIENT.replace("100ms", "10m")
    with serving(server, log, **configured(slow)) as (program, port), channel(port) as opened:
        program.process.terminate()
        program.line("INFO shutting down")
        assert health(opened, "") == health(opened, "api.Greeter") == "NOT_SERVING"
        assert say_hello(opened, "late").name == "Hello late"


def test_sigterm_lets_calls_in_flight_finish(player, log):
    with serving(player, log) as (program, port), channel(port) as opened:
        call = start_hello(opened, "slow:10")
        program.line("began slow:10")
        assert program.terminate() == 0
        assert call.result().name == "Hello slow:10"


def test_sigterm_cuts_what_takes_too_long(player, log, configured):
    hasty = PATIENT.replace("10m", "100ms")
    with serving(player, log, **configured(hasty)) as (program, port), channel(port) as opened:
        call = start_hello(opened, "slow:1000")
        program.line("began slow:1000")
        assert program.terminate() == 0
        assert call.code() is grpc.StatusCode.UNAVAILABLE


def test_a_second_sigterm_changes_nothing(player, log):
    with serving(player, log) as (program, port), channel(port) as opened:
        call = start_hello(opened, "slow:2")
        program.line("began slow:2")
        program.process.terminate()
        program.line("shutting down")
        assert program.terminate() == 0
        assert call.result().name == "Hello slow:2"


def test_a_client_that_goes_away_ends_its_watch_only(server, log):
    with serving(server, log) as (program, port):
        with channel(port) as opened:
            assert next(watch(opened)) == "SERVING"
        with channel(port) as opened:
            assert next(watch(opened)) == "SERVING"
            assert program.terminate() == 0
    assert [line for line in program.lines() if " ERROR " in line] == []


def test_a_quiet_life_is_three_lines(server, log):
    with serving(server, log) as (program, port), channel(port) as opened:
        say_hello(opened, "laurence")
        assert program.terminate() == 0
    said = [LINE.fullmatch(line) and line.split(" INFO ")[1] for line in program.lines()]
    assert said == [
        f"dubbo-py-server vdev serves GreeterServerImpl on 127.0.0.1:{port}",
        "shutting down: calls in flight have 15 s",
        "stopped",
    ]


def test_every_line_of_a_fault_has_its_time(player, log):
    with serving(player, log) as (program, port), channel(port) as opened:
        with pytest.raises(grpc.RpcError) as failed:
            say_hello(opened, "raise:")
        assert failed.value.code() is grpc.StatusCode.UNKNOWN
        assert program.terminate() == 0
    assert any("RuntimeError: as" in line for line in program.lines())
    assert [line for line in program.lines() if not LINE.fullmatch(line)] == []


def test_the_level_is_taken_from_the_environment(server, log):
    with running(server, log, DUBBO_HOST="127.0.0.1", DUBBO_PORT=str(free_port()), DUBBO_LOG_LEVEL="debug") as program:
        program.line(" serves ")
        assert program.terminate() == 0
    assert any(" DEBUG " in line for line in program.lines())
    done = run(server, DUBBO_LOG_LEVEL="loud")
    assert (done.returncode, "DUBBO_LOG_LEVEL: 'loud' is not one of debug" in done.stderr) == (1, True)
