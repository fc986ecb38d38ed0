import threading

import grpc
import pytest

from dubbopy_cli.targets.local.waiting import wait_until

from .lab import Load, one_call, server
from .test_crashes import consistent
from .test_deploy import address


def slow_call(port):
    """Start a call that takes as long as the instance likes, and return its thread and its outcome."""
    outcome = []

    def work():
        with grpc.insecure_channel(f"127.0.0.1:{port}", options=(("grpc.use_local_subchannel_pool", 1),)) as channel:
            try:
                channel.unary_unary("/api.Greeter/SayHello")(b"", timeout=60)
                outcome.append("OK")
            except grpc.RpcError as error:
                outcome.append(error.code().name)

    thread = threading.Thread(target=work)
    thread.start()
    return thread, outcome


def test_a_deploy_does_not_wait_for_a_long_call_and_the_call_is_answered(lab):
    lab.deploy(server("v1", env={"SLOW": "8"}))
    (former,) = lab.instances()
    thread, outcome = slow_call(address(lab))
    # The call has to be there before the instance is asked to end.
    log = lab.paths.log(former.name)
    assert wait_until(lambda: "asked" in log.read_text(), 10)

    lab.deploy(server("v1", "1.0.1"))
    assert lab.said == [f"{former.name} still finishes calls; it is out of the mesh and ends by itself"]
    assert {one.name: one.state for one in lab.instances()} == {
        former.name: "draining",
        "dubbo-go-server-v1-r2-0": "ready",
    }
    assert one_call(address(lab)) == "v1"
    # The next command neither ends it nor says a word about it.
    assert lab.target.recover() == ()
    thread.join(30)
    assert outcome == ["OK"]

    assert wait_until(lambda: [one.state for one in lab.instances()] == ["ready"], 30)
    assert lab.target.recover() == ()
    assert not log.exists()
    consistent(lab)


@pytest.mark.parametrize("command", ["stop", "remove"])
def test_stop_and_remove_wait_for_the_end(lab, command):
    lab.deploy(server("v1", env={"SLOW": "3"}))
    thread, outcome = slow_call(address(lab))
    log = lab.paths.log(lab.instances()[0].name)
    assert wait_until(lambda: "asked" in log.read_text(), 10)
    if command == "stop":
        lab.target.stop()
    else:
        lab.target.remove("dubbo-go-server", None).apply()
    assert lab.running() == ()
    thread.join(30)
    # A removal drains first; a stop ends Envoy with everything else.
    assert outcome == (["OK"] if command == "remove" else ["UNAVAILABLE"])


def test_a_removed_version_that_drains_gets_no_new_call(lab):
    lab.deploy(server("v1"))
    lab.deploy(server("v2", "2.0.0", env={"SLOW": "0.2"}))
    with Load(address(lab), workers=4) as load:
        lab.target.remove("dubbo-go-server", "v2").apply()
        gone = load.versions["v2"]
        load.wait_for(20)
    assert load.failures == []
    assert load.versions["v2"] == gone
