"""Go and Python programs of the templates call each other."""

import json

import pytest
from go import _project as go
from go._program import App as GoApp
from go._program import serving as go_serving
from go.conftest import PLAY as GO_PLAY
from python import _project as py
from python._program import serving
from python.conftest import PLAY as PYTHON_PLAY

from tests.programs import free_port, run, running

ONE_SHOT = ("-n", "100", "-c", "4", "-o", "json")
# Longer than any limit here: who waits for the end of this time fails.
PATIENT = "dubbo: {shutdown: {consumer-update-wait-time: 100ms, step-timeout: 10m}}"


@pytest.fixture(scope="session")
def compiled(pytestconfig):
    """Compile a Go project, or take what a former test compiled."""
    cache = pytestconfig.cache.mkdir("go-projects")
    return lambda *project, **more: go.compiled(go.Project(*project, **more), cache)


@pytest.fixture(scope="session")
def go_client(compiled):
    return GoApp(compiled("client"))


@pytest.fixture(scope="session")
def go_player(compiled):
    return compiled("server", edits={"pkg/service/service.go": GO_PLAY})


@pytest.fixture(scope="session")
def interpreted(tmp_path_factory, worker_id):
    """Render a Python project and run it from its sources."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent

    def make(role, **more):
        project = py.Project(role, **more)
        folder = project.render(tmp_path_factory.mktemp(role))
        wants = [py.Project(one).render(tmp_path_factory.mktemp(one)) for one in ("server", "client")]
        python = py.environment(shared / "python-environment", wants)
        return py.App(folder, project.package, python)

    return make


@pytest.fixture(scope="session")
def python_client(interpreted):
    return interpreted("client")


@pytest.fixture(scope="session")
def python_player(interpreted):
    return interpreted("server", edits={"src/{package}/service.py": PYTHON_PLAY})


def url(port):
    return {"DUBBO_SERVER_URL": f"tri://127.0.0.1:{port}"}


def report(done):
    return json.loads(done.stdout)


def test_a_go_client_calls_a_python_server(go_client, python_player, tmp_path):
    with serving(python_player, tmp_path / "server") as (_, port):
        done = run(go_client, *ONE_SHOT, **url(port))
        assert (done.returncode, report(done)["ids"]) == (0, {"vdev": 100})
        sent = run(go_client, "-n", "1", "-o", "json", "-header", "user=admin", "-name", "header:user", **url(port))
        assert report(sent)["ids"] == {"admin": 1}


def test_a_python_client_calls_a_go_server(python_client, go_player, tmp_path):
    with go_serving(go_player, tmp_path / "server") as (_, port):
        done = run(python_client, *ONE_SHOT, **url(port))
        assert (done.returncode, report(done)["ids"]) == (0, {f"v{go.TAG}": 100})
        sent = run(python_client, "-n", "1", "-o", "json", "-header", "user=admin", "-name", "header:user", **url(port))
        assert report(sent)["ids"] == {"[admin]": 1}


@pytest.mark.parametrize("language", ["go", "python"])
def test_failures_have_the_same_names(language, request, go_player, python_player, tmp_path):
    client = request.getfixturevalue(f"{language}_client")
    failing, late = ("-name", "fail:"), ("-timeout", "50ms", "-name")
    with serving(python_player, tmp_path / "python") as (_, port):
        seen = run(client, "-n", "2", "-o", "json", *failing, **url(port))
        slow = run(client, "-n", "2", "-o", "json", *late, "slow:10", **url(port))
    assert (seen.returncode, report(seen)["errors"]) == (1, {"RESOURCE_EXHAUSTED": 2})
    assert report(slow)["errors"] == {"DEADLINE_EXCEEDED": 2}
    with go_serving(go_player, tmp_path / "go") as (_, port):
        seen = run(client, "-n", "2", "-o", "json", *failing, **url(port))
        slow = run(client, "-n", "2", "-o", "json", *late, "slow:10s", **url(port))
    assert (seen.returncode, report(seen)["errors"]) == (1, {"RESOURCE_EXHAUSTED": 2})
    assert report(slow)["errors"] == {"DEADLINE_EXCEEDED": 2}


def test_a_go_client_does_not_hold_a_python_server_at_its_end(go_client, python_player, tmp_path):
    """The client watches the server's health on a stream for as long as it is connected."""
    conf = tmp_path / "patient.yaml"
    conf.write_text(PATIENT)
    answer, port = r'INFO call server response = name:"Hello laurence" id:"vdev"$', free_port()
    with running(go_client, tmp_path / "client", **url(port)) as client:
        seen = 0
        for life in ("first", "second"):
            env = {"DUBBO_GO_CONFIG_PATH": str(conf)}
            with serving(python_player, tmp_path / life, port, **env) as (server, _):
                seen = client.line(answer, after=client.line(answer, after=seen))
                assert server.terminate() == 0
            seen = client.line("ERROR call server failed: UNAVAILABLE", after=seen)
        assert client.terminate() == 0


def test_a_python_client_outlives_a_go_server(python_client, go_player, tmp_path):
    answer, port = rf'INFO call server response = name:"Hello laurence" id:"v{go.TAG}"$', free_port()
    with running(python_client, tmp_path / "client", **url(port)) as client:
        seen = 0
        for life in ("first", "second"):
            with go_serving(go_player, tmp_path / life, port) as (server, _):
                seen = client.line(answer, after=client.line(answer, after=seen))
                assert server.terminate() == 0
            seen = client.line("ERROR call server failed: UNAVAILABLE", after=seen)
        assert client.terminate() == 0
