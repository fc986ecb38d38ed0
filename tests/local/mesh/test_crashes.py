import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from dubbopy_cli.errors import ConflictError, DubbopyError, PreflightError
from dubbopy_cli.targets.base import CallRequest
from dubbopy_cli.targets.local import ports, processes
from dubbopy_cli.targets.local.waiting import wait_until

from .lab import APP, PORT, Lab, Load, client, one_call, server
from .test_deploy import address, weights

SCRIPT = Path(__file__).with_name("killed.py")


def run_until(lab, change, command):
    """Run a command that dies at its `change`-th change; return whether it came to its end before."""
    argv = [sys.executable, str(SCRIPT), str(lab.root), str(change), command, str(PORT)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode == 0


def pids(lab):
    return {one.name: one.pid for app in lab.target.applications() for r in app.releases for one in r.instances}


def consistent(lab):
    """Assert that what runs is what the state says, all of it ready, and that nothing is left to mend."""
    known = lab.target.mesh()
    assert {one.pid for one in lab.running()} == {known.supervisor_pid, known.envoy_pid, *pids(lab).values()}
    every = lambda: [release for app in lab.target.applications() for release in app.releases]  # noqa: E731
    assert wait_until(lambda: all(one.ready == one.replicas for one in every()), 20), every()
    assert lab.target.recover() == ()


@pytest.mark.slow
@pytest.mark.parametrize(("command", "ruled"), [("deploy", True), ("redeploy", False)])
def test_a_command_killed_at_any_change_loses_no_call_and_is_mended(lab, command, ruled):
    lab.deploy(server("v1"))
    if ruled:
        weights(lab, v1=100)
    change = 1
    with Load(address(lab)) as load:
        while not run_until(lab, change, command):
            lab.target.recover()
            consistent(lab)
            app = lab.app()
            if command == "deploy" and app.release("v2"):
                lab.target.remove(APP, "v2").apply()
            load.wait_for(5)
            change += 1
        load.wait_for(5)
    assert load.failures == []
    assert load.versions.keys() == {"v1"}
    assert change > 8
    lab.target.remove(APP, None).apply()
    assert lab.running() == ()


@pytest.mark.slow
def test_a_removal_killed_at_any_change_is_finished_or_undone(lab):
    lab.deploy(server("v1"))
    lab.deploy(server("v2", "2.0.0"))
    weights(lab, v1=100, v2=0)
    change = 1
    with Load(address(lab)) as load:
        while not run_until(lab, change, "remove"):
            lab.target.recover()
            consistent(lab)
            if lab.app().release("v2") is None:
                lab.deploy(server("v2", "2.0.0"))
            load.wait_for(5)
            change += 1
    assert load.failures == []
    assert load.versions.keys() == {"v1"}
    assert change > 5


@pytest.mark.parametrize("change", [1, 2, 5])
def test_a_first_deploy_that_is_killed_leaves_nothing_behind(lab, change):
    argv = [sys.executable, str(SCRIPT), str(lab.root), str(change), "deploy", str(PORT)]
    assert subprocess.run(argv, timeout=60, check=False).returncode == -signal.SIGKILL
    lab.target.recover()
    assert lab.running() == ()
    assert lab.target.applications() == ()
    lab.deploy(server("v1"))
    consistent(lab)


def test_a_killed_instance_comes_back_and_is_counted(lab):
    lab.deploy(server("v1"))
    (instance,) = lab.instances()
    os.kill(instance.pid, signal.SIGKILL)
    assert wait_until(lambda: lab.instances()[0].state == "ready" and lab.instances()[0].restarts == 1, 30)
    assert lab.instances()[0].pid != instance.pid
    consistent(lab)


def test_a_killed_envoy_comes_back(lab):
    lab.deploy(server("v1"))
    former = lab.target.mesh().envoy_pid
    os.kill(former, signal.SIGKILL)
    lab.target.recover()
    assert lab.target.mesh().envoy_pid != former
    assert one_call(address(lab)) == "v1"
    consistent(lab)


def test_after_a_killed_supervisor_nothing_runs_twice(lab):
    lab.deploy(server("v1", replicas=2))
    lab.deploy(client())
    former = {one.pid for one in lab.running()}
    os.kill(lab.target.mesh().supervisor_pid, signal.SIGKILL)
    assert not lab.target.mesh().running
    # The instances are orphans now, and still answer.
    assert one_call(PORT) == "v1"
    assert lab.target.recover() == ("the supervisor was not running: everything was started again",)
    assert not former & {one.pid for one in lab.running()}
    assert one_call(address(lab)) == "v1"
    consistent(lab)


def test_a_stale_socket_and_pid_file_are_no_reason_to_touch_others(lab):
    lab.deploy(server("v1"))
    for process in lab.running():
        process.kill()
    assert wait_until(lambda: lab.running() == (), 10)
    innocent = subprocess.Popen(["sleep", "100"])
    try:
        lab.paths.supervisor_pid.write_text(str(innocent.pid))
        assert lab.paths.socket().exists()
        lab.target.recover()
        assert innocent.poll() is None
        consistent(lab)
        lab.target.stop()
        lab.paths.supervisor_pid.write_text(str(innocent.pid))
        lab.target.recover()
        assert innocent.poll() is None
        assert not lab.paths.supervisor_pid.exists()
    finally:
        innocent.kill()
        innocent.wait()


def test_looking_at_nothing_makes_nothing(lab):
    assert lab.target.recover(wait=False) == ()
    assert lab.target.applications() == ()
    assert not lab.folder.exists()


def test_a_deleted_socket_is_found_out(lab):
    lab.deploy(server("v1"))
    lab.paths.socket().unlink()
    assert lab.target.recover() == ("the supervisor was not running: everything was started again",)
    consistent(lab)


@pytest.fixture
def strangers():
    """Return a function that listens on ports as other programs would, until the test ends."""
    held = []

    def take(*ports):
        for port in ports:
            one = socket.socket()
            held.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(("127.0.0.1", port))
            one.listen()

    yield take
    for one in held:
        one.close()


def test_ports_that_others_took_meanwhile_are_given_up_and_clients_are_told(lab, strangers):
    lab.deploy(server("v1"))
    lab.deploy(client())
    admin = lab.target.mesh().admin_port
    (instance,) = lab.instances()
    lab.target.stop()
    strangers(PORT, admin, int(instance.address.rpartition(":")[2]))
    notes = lab.target.start()
    moved = address(lab)
    assert moved != PORT
    assert notes[0] == (
        f"port {PORT} of {APP} has been taken by another program: it is now at 127.0.0.1:{moved}, and its clients were told"
    )
    assert len(notes) == 2
    assert one_call(moved) == "v1"
    consistent(lab)
    (line,) = lab.target.logs("dubbo-go-client", None, follow=False, since=None, tail=1)
    assert line.text.endswith(f"calling tri://127.0.0.1:{moved}")


def test_an_envoy_that_lost_its_ports_while_it_was_down_moves(lab, strangers):
    lab.deploy(server("v1"))
    lab.deploy(client())
    admin = lab.target.mesh().admin_port
    # As after a crash in which another program was faster.
    lab.target._mesh.supervisor.stop(["envoy"])
    strangers(PORT, admin)
    notes = lab.target.recover()
    assert notes[0] == "Envoy was not running: it was started again"
    assert one_call(address(lab)) == "v1"
    assert address(lab) != PORT
    consistent(lab)


def test_a_taken_service_port_is_said_and_another_one_is_used(lab, strangers):
    strangers(PORT)
    lab.deploy(server("v1"))
    assert address(lab) != PORT
    assert f"port {PORT} is taken on this machine: {APP} is at 127.0.0.1:{address(lab)}" in lab.said
    assert one_call(address(lab)) == "v1"


def test_a_port_that_is_taken_between_look_and_use_is_given_up(lab, monkeypatch, strangers):
    strangers(PORT)
    honest, lies = ports.is_free, [True]
    monkeypatch.setattr(ports, "is_free", lambda port: (port == PORT and lies and lies.pop()) or honest(port))
    lab.deploy(server("v1"))
    assert address(lab) != PORT
    assert one_call(address(lab)) == "v1"
    consistent(lab)


def test_a_second_command_waits_and_says_for_whom(lab):
    lab.deploy(server("v1"))
    holding, done = threading.Event(), threading.Event()

    def hold():
        with lab.another().exclusive():
            holding.set()
            done.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait(10)
    with pytest.raises(ConflictError) as busy:
        lab.another(busy_seconds=0.2).recover()
    assert busy.value.code == "busy"
    assert busy.value.message == (f"another dubbopy-cli (pid {os.getpid()}) has been changing this namespace for 0.2 s")
    assert lab.said == [f"waiting for another dubbopy-cli (pid {os.getpid()}) to finish, at most 0.2 s"]
    # What only looks does not wait.
    assert lab.another(busy_seconds=30).recover(wait=False) == ()
    assert lab.another(busy_seconds=0.2).applications()
    waiting = threading.Thread(target=lab.another().recover)
    waiting.start()
    done.set()
    thread.join()
    waiting.join(30)
    assert not waiting.is_alive()


def test_two_deploys_at_once_both_come_through(lab):
    lab.deploy(server("v1"))
    one = subprocess.Popen([sys.executable, str(SCRIPT), str(lab.root), "0", "deploy", str(PORT)])
    other = lab.another()
    other.recover()
    other.deploy(server("v3", "3.0.0")).apply()
    assert one.wait(60) == 0
    assert [release.version for release in lab.app().releases] == ["v1", "v2", "v3"]
    consistent(lab)


def test_a_damaged_state_file_is_kept_aside_and_said(lab):
    lab.deploy(server("v1"))
    lab.paths.state.write_text("{")
    (first, second) = lab.target.recover()
    (aside,) = lab.folder.glob("state.damaged-*.json")
    assert first.startswith("the state file was damaged (Expecting property name")
    assert str(aside) in first
    assert second == "processes of a mesh that should not run were ended"
    assert lab.running() == ()
    lab.deploy(server("v1"))
    consistent(lab)


def test_a_newer_state_is_refused_and_kept(lab):
    lab.deploy(server("v1"))
    document = json.loads(lab.paths.state.read_text())
    lab.paths.state.write_text(json.dumps({**document, "schema": 2}))
    with pytest.raises(PreflightError) as refused:
        lab.target.recover()
    assert refused.value.code == "state-newer"
    lab.paths.state.write_text(json.dumps(document))
    consistent(lab)


def test_a_damaged_rule_is_said_and_stops_nobody_from_mending_it(lab):
    lab.deploy(server("v1"))
    weights(lab, v1=100)
    file = next(lab.paths.rules.glob("virtualservice*"))
    good = file.read_text()
    file.write_text("kind: [")
    (note,) = lab.target.recover()
    assert "a stored rule cannot be read" in note
    file.write_text(good)
    consistent(lab)


@pytest.fixture
def small_disk(lab):
    """Put the lab's folder on a file system of 4 MB where that is allowed."""
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m,mode=0700", "dubbopy-lab", str(lab.root)],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("needs the right to mount")
    yield lab
    for process in lab.running():
        process.kill()
    wait_until(lambda: lab.running() == (), 10)
    subprocess.run(["umount", "-l", str(lab.root)], check=True)


def test_a_full_disk_leaves_what_was_there(small_disk, tmp_path):
    lab = small_disk
    lab.deploy(server("v1"))
    big = tmp_path / "big"
    big.write_bytes(b"x" * 5_000_000)
    request = server("v1", "1.0.1")
    request = replace(request, artifact=replace(request.artifact, files={**request.artifact.files, "big": big}))
    with pytest.raises(DubbopyError) as full:
        lab.deploy(request)
    assert full.value.code == "disk-full"
    assert one_call(address(lab)) == "v1"
    consistent(lab)

    filler = lab.root / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    before = lab.paths.state.read_text()
    with pytest.raises(DubbopyError) as full:
        weights(lab, v1=100)
    assert full.value.code == "disk-full"
    assert list(lab.paths.rules.iterdir()) == []
    with pytest.raises(DubbopyError) as full:
        lab.deploy(server("v2", "2.0.0"))
    assert full.value.code == "disk-full"
    assert lab.paths.state.read_text() == before
    assert one_call(address(lab)) == "v1"
    filler.unlink()
    weights(lab, v1=100)
    lab.deploy(server("v2", "2.0.0"))
    consistent(lab)


def test_a_full_disk_is_told_from_other_errors(lab, monkeypatch):
    lab.deploy(server("v1"))
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    before = lab.paths.state.read_text()
    with pytest.raises(DubbopyError) as full:
        lab.target.remove(APP, None).apply()
    assert full.value.code == "disk-full"
    monkeypatch.undo()
    assert lab.paths.state.read_text() == before
    assert one_call(address(lab)) == "v1"
    consistent(lab)


@pytest.mark.parametrize("name", ["with space", "100%s;#x", "l" * 100, "ä'\"$HOME"])
def test_any_folder_name_does(lab, name):
    (lab.root / name).mkdir()
    odd = Lab(lab.root / name)
    try:
        odd.deploy(server("v1", env={"ODD": "%(here)s;#\"'"}))
        assert odd.target.call(CallRequest(APP)).ok == 1
        assert odd.paths.socket().parent.stat().st_mode & 0o077 == 0
        (process,) = [one for one in odd.running() if one.pid == odd.instances()[0].pid]
        assert process.environ()["ODD"] == "%(here)s;#\"'"
        odd.target.remove(APP, None).apply()
        assert odd.running() == ()
    finally:
        odd.close()


def test_a_shell_that_an_instance_opened_is_spared(lab):
    lab.deploy(server("v1"))
    marker = psutil.Process(lab.instances()[0].pid).environ()["DUBBOPY_STATE"]
    argv = [
        sys.executable,
        "-c",
        f"from pathlib import Path; from dubbopy_cli.targets.local import processes as p; import os; print(os.getpid() in [one.pid for one in p.ours(Path({marker!r}))])",
    ]
    done = subprocess.run(argv, env={**os.environ, "DUBBOPY_STATE": marker}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    assert processes.by_pid(os.getpid(), lab.folder) is None
