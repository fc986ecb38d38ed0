import os
import re
import signal

import psutil

from dubbopy_cli.targets.local import envoy
from dubbopy_cli.targets.local.waiting import wait_until

from .lab import APP, PORT, client, server


def states(lab):
    return {one.name: one.state for one in lab.target.check()}


def test_doctor_and_status_before_during_and_after(lab):
    assert states(lab) == {"local packages": "ok", "envoy": "ok", "state folder": "ok", "leftovers": "ok", "mesh": "ok"}
    assert lab.target.mesh().text().startswith("the mesh of namespace default does not run")
    assert not lab.folder.exists()

    lab.deploy(server("v1"))
    seen = lab.target.mesh()
    assert seen.running
    assert re.fullmatch(r"1\.\d+\.\d+", seen.envoy_version)
    assert [(one.application, one.service_port, one.address, one.bound) for one in seen.listeners] == [
        (APP, PORT, f"127.0.0.1:{PORT}", True)
    ]
    assert seen.to_dict()["envoy_pid"] == seen.envoy_pid > 0
    assert f"listener    127.0.0.1:{PORT}  {APP}:{PORT}" in seen.text()
    assert set(states(lab).values()) == {"ok"}

    os.kill(seen.supervisor_pid, signal.SIGKILL)
    assert wait_until(lambda: not lab.target.mesh().running, 10)
    found = {one.name: one for one in lab.target.check()}
    assert found["mesh"].state == "error"
    assert found["mesh"].hint == "dubbopy-cli local start"
    assert found["leftovers"].state == "warning"
    lab.target.recover()
    assert set(states(lab).values()) == {"ok"}


def test_another_installation_leaves_the_running_envoy_alone(lab, monkeypatch, tmp_path):
    lab.deploy(server("v1"))
    former = lab.target.mesh().envoy_pid
    other = tmp_path / "envoy"
    other.symlink_to(envoy.binary())
    monkeypatch.setenv("DUBBOPY_ENVOY", str(other))
    assert lab.another().recover() == ()
    lab.deploy(server("v2", "2.0.0"))
    assert lab.target.mesh().envoy_pid == former
    lab.target.stop()
    lab.target.start()
    assert psutil.Process(lab.target.mesh().envoy_pid).cmdline()[0] == str(other)


def test_a_crash_loop_is_shown_with_its_last_line(lab):
    lab.deploy(client())
    spec = lab.paths.spec("dubbo-go-client-v1-r1-0")
    spec.write_text(spec.read_text().replace("client.py", "gone.py"))
    (instance,) = lab.instances(name="dubbo-go-client")
    os.kill(instance.pid, signal.SIGKILL)
    seen = lambda: lab.instances(name="dubbo-go-client")[0]  # noqa: E731
    assert wait_until(lambda: seen().state == "crashed" and "gone.py" in seen().reason, 20)
    lab.target.recover()
    assert wait_until(lambda: lab.instances(name="dubbo-go-client")[0].state == "ready", 20)
