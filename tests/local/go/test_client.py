import json
import re
import socket
import threading

import pytest

from tests.programs import LIMIT, free_port

from ._program import run, running, serving
from ._project import TAG, Project, compiled

ANSWER = rf'Z INFO call server response = name:"Hello laurence" id:"v{TAG}"$'
# The tutorial's edit of the source, typed in where the context is made.
TYPED = (
    "		ctx = context.WithValue(ctx, constant.AttachmentKey, attachments)\n",
    "		ctx = context.WithValue(ctx, constant.AttachmentKey, attachments)\n"
    "		ctx = context.WithValue(ctx, constant.AttachmentKey, map[string]string{\n"
    '			"user": "admin",\n'
    "		})\n",
)


def url(port):
    return {"DUBBO_SERVER_URL": f"tri://127.0.0.1:{port}"}


def report(done):
    """Return the one-shot mode's report, which is all there is on stdout."""
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


def given(text, port):
    return f"""
dubbo:
  consumer:
    references:
      GreeterClientImpl:
        protocol: tri
        url: tri://127.0.0.1:{port}
        interface: ""
        {text}
"""


def test_the_line_of_the_tutorial(server, client, tmp_path):
    with serving(server, tmp_path / "server") as (_, port), running(client, tmp_path / "log", **url(port)) as program:
        program.line(ANSWER, after=program.line(ANSWER))
        assert program.listening() == []
        assert program.terminate() == 0
    assert re.search(rf"Z INFO client v{TAG} calls api.Greeter once a second$", program.lines()[0])
    assert all(re.search(ANSWER, line) for line in program.lines()[1:])


def test_a_server_that_is_absent_and_then_restarted(server, client, tmp_path):
    failed = r"Z ERROR call server failed: UNAVAILABLE \S"
    port = free_port()
    with running(client, tmp_path / "log", **url(port)) as program:
        seen = program.line(failed, after=program.line(failed))
        for restart in ("first", "second"):
            with serving(server, tmp_path / restart, port) as (peer, _):
                seen = program.line(ANSWER, after=seen)
                assert peer.terminate() == 0
            seen = program.line(failed, after=seen)
        assert program.terminate() == 0


def test_sigterm_does_not_wait_for_an_answer(player, client, tmp_path):
    with serving(player, tmp_path / "server") as (peer, port):
        env = url(port) | {"DUBBO_TIMEOUT": "120s"}
        with running(client, tmp_path / "log", "-name", "slow:100s", **env) as program:
            peer.line("began slow")
            assert program.terminate() == 0
    assert not any("call server" in line for line in program.lines())


def test_one_shot(server, client, log):
    with serving(server, log) as (_, port):
        done = run(client, "-n", "200", "-c", "8", "-header", "user=admin", "-o", "json", **url(port))
    assert (done.returncode, done.stderr) == (0, "")
    found = report(done)
    latency, seconds = found.pop("latency_ms"), found.pop("seconds")
    assert found == {
        "method": "api.Greeter/SayHello",
        "calls": 200,
        "ok": 200,
        "failed": 0,
        "ids": {f"v{TAG}": 200},
        "errors": {},
        "answer": {"name": "Hello laurence", "id": f"v{TAG}", "age": 21},
    }
    assert list(latency) == ["min", "mean", "p50", "p90", "p99", "max"]
    assert 0 < latency["min"] <= latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["max"]
    assert seconds > 0


def test_one_shot_keeps_the_log_away_from_the_report(server, client, log):
    with serving(server, log) as (_, port):
        done = run(client, "--n", "3", "--o", "json", **url(port), DUBBO_LOG_LEVEL="debug")
    assert report(done)["ok"] == 3
    assert "[Triple]" in done.stderr


def test_one_shot_for_people(server, client, log):
    with serving(server, log) as (_, port):
        done = run(client, "-n", "3", **url(port))
    assert re.match(r"3 calls in \d+\.\d\d s: 3 answered, 0 failed\n", done.stdout)
    assert re.search(rf"^  v{TAG} +3  100\.0 %$", done.stdout, re.MULTILINE)


def test_one_shot_without_a_server(client):
    done = run(client, "-n", "3", "-o", "json", **url(free_port()))
    assert done.returncode == 1
    assert done.stderr.endswith("Z ERROR not every call was answered\n")
    found = report(done)
    assert (found["ok"], found["failed"], found["errors"]) == (0, 3, {"UNAVAILABLE": 3})
    assert "answer" not in found
    assert found["error_message"]


def test_one_shot_counts_failures_by_code(player, client, log):
    with serving(player, log) as (_, port):
        failed = run(client, "-n", "2", "-o", "json", "-name", "fail:", **url(port))
        late = run(client, "-n", "2", "-o", "json", "-name", "slow:10s", "-timeout", "50ms", **url(port))
    assert (failed.returncode, report(failed)["errors"]) == (1, {"RESOURCE_EXHAUSTED": 2})
    assert (late.returncode, report(late)["errors"]) == (1, {"DEADLINE_EXCEEDED": 2})


def test_a_failure_is_one_line(player, client, tmp_path):
    with (
        serving(player, tmp_path / "server") as (_, port),
        running(client, tmp_path / "log", "-name", "fail:", **url(port)) as program,
    ):
        program.line(r"Z ERROR call server failed: RESOURCE_EXHAUSTED .*as asked$")


@pytest.mark.parametrize("arguments", [("-c", "0"), ("-n", "-1"), ("-o", "xml"), ("-header", "user"), ("now",)])
def test_wrong_arguments(client, arguments):
    done = run(client, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage of" in done.stderr


def header(done):
    (value,) = report(done)["ids"]
    return value


def test_attachments_from_the_file(player, client, log, configured):
    with serving(player, log) as (_, port):
        file = configured(given("attachments: {User: admin}", port))
        assert header(run(client, "-n", "1", "-o", "json", "-name", "header:user", **file)) == "[admin]"


def test_attachments_from_the_environment_are_stronger(player, client, log, configured):
    with serving(player, log) as (_, port):
        env = configured(given("attachments: {user: admin}", port)) | {"DUBBO_ATTACHMENTS": "user=guest,k=v"}
        assert header(run(client, "-n", "1", "-o", "json", "-name", "header:user", **env)) == "[guest]"
        assert header(run(client, "-n", "1", "-o", "json", "-name", "header:k", **env)) == "[v]"


def test_headers_of_the_command_line_are_strongest(player, client, log):
    with serving(player, log) as (_, port):
        env = url(port) | {"DUBBO_ATTACHMENTS": "user=guest"}
        arguments = ("-n", "1", "-o", "json", "-header", "user=admin", "--header", "b=c")
        assert header(run(client, *arguments, "-name", "header:user", **env)) == "[admin]"
        assert header(run(client, *arguments, "-name", "header:b", **env)) == "[c]"


def test_the_edit_of_the_tutorial(player, go_cache, log):
    edited = compiled(Project("client", edits={"cmd/app.go": TYPED}), go_cache)
    with serving(player, log) as (_, port):
        assert header(run(edited, "-n", "1", "-o", "json", "-name", "header:user", **url(port))) == "[admin]"


def test_timeout_and_url_from_the_file(player, client, log, configured):
    with serving(player, log) as (_, port):
        file = configured(given("timeout: 50ms", port))
        done = run(client, "-n", "1", "-o", "json", "-name", "slow:10s", **file)
    assert report(done)["errors"] == {"DEADLINE_EXCEEDED": 1}


def connections(client, **env):
    """Count how often four calls turn to a server that hangs up at once."""
    made = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(LIMIT)
        stop = threading.Event()

        def hang_up():
            while not stop.is_set():
                listener.accept()[0].close()
                made.append(1)

        thread = threading.Thread(target=hang_up)
        thread.start()
        port = listener.getsockname()[1]
        assert report(run(client, "-n", "4", "-o", "json", **url(port), **env))["failed"] == 4
        stop.set()
        socket.create_connection(("127.0.0.1", port)).close()
        thread.join()
    return len(made) - 1


def test_retries_are_off_unless_asked_for(client):
    # Beside the calls, dubbo-go may connect once to watch the server's health.
    assert connections(client) in (4, 5)
    assert connections(client, DUBBO_RETRIES="2") in (12, 13)


def test_a_missing_reference_is_named(client, configured):
    done = run(client, **configured("dubbo:\n  application:\n    name: shop\n"))
    assert done.returncode == 1
    assert done.stderr.endswith("given.yaml: dubbo.consumer.references.GreeterClientImpl is missing\n")
