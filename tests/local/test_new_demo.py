"""newDemo's `make run`: a server and a client with plain tools, and nothing left when it ends."""

import os
import signal
import socket
import subprocess

import psutil
import pytest

from tests.scaffolding import run, wait_for

pytestmark = pytest.mark.slow
LINE = 'call server response = name:"Hello laurence" id:"v1.0.0"'


@pytest.fixture(scope="module", params=["go", "python"])
def demo(request, tmp_path_factory):
    """Return a demo whose programs are compiled."""
    folder = tmp_path_factory.mktemp(request.param) / "demo"
    done = run("newDemo", folder, "--lang", request.param)
    assert done.returncode == 0, done.stderr
    subprocess.run(["make", "compile"], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def running(demo, tmp_path):
    """Start `make run` in a session of its own; return the process, its log and its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            ["make", "run", f"PORT={port}"], cwd=demo, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        wait_for(lambda: LINE in log.read_text() or process.poll() is not None, 240)
        assert LINE in log.read_text(), log.read_text()
        yield process, log, port
    finally:
        for one in session(process.pid):
            one.kill()
        process.wait()


def session(pid):
    """Return the processes that `make run` started and that still run."""
    found = []
    for one in psutil.process_iter():
        try:
            if os.getsid(one.pid) == pid and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return found


def test_a_server_and_a_client_run_until_ctrl_c(running):
    process, _, port = running
    parts = [connection for one in session(process.pid) for connection in one.net_connections()]
    # grpcio listens on IPv4 through an IPv6 socket.
    addresses = {(one.laddr.ip.removeprefix("::ffff:"), one.laddr.port) for one in parts if one.status == "LISTEN"}
    assert addresses == {("127.0.0.1", port)}
    os.killpg(process.pid, signal.SIGINT)
    wait_for(lambda: not session(process.pid), 30)
    assert process.wait(30) != 0


def test_when_one_of_the_two_ends_the_other_does_too(running):
    process, log, _ = running
    client = next(one for one in session(process.pid) if one.cwd().endswith("-client") and one.name() != "make")
    client.kill()
    assert process.wait(60) == 2
    wait_for(lambda: not session(process.pid), 30)
    assert "one of the two has ended, so the other is ended too" in log.read_text()
