"""What a user reads when a release or a call fails on a mesh that runs: the whole text."""

import re
import shutil
import tempfile
from concurrent import futures
from pathlib import Path

import grpc
import pytest

from dubbopy_cli.targets.base import CallRequest
from dubbopy_cli.targets.local import caller, reflection
from dubbopy_cli.targets.local.reflection import Method
from tests.errortexts import Desk, Told

from .lab import Lab, server


@pytest.fixture
def desk(monkeypatch):
    # Not tmp_path: its long names would always take the socket to /tmp.
    folder = Path(tempfile.mkdtemp(prefix="dubbopy-lab-"))
    yield Desk(folder, monkeypatch)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def lab(desk):
    found = Lab(desk.folder / "state/local")
    yield found
    found.close()


def untimed(told):
    """Return what was told with the moments in log lines, and an instance's port, replaced."""
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", told.text)
    return Told(told.code, re.sub(r"127\.0\.0\.1:\d+", "ADDRESS", text))


def test_calls_that_the_server_cannot_understand(desk, lab):
    lab.deploy(server(env={"EXTRA_METHODS": "SayBye"}))
    call = "call", "--app", "dubbo-go-server"
    assert desk.cli(*call) == Told(
        2,
        "Error: dubbo-go-server has 2 methods: api.Greeter/SayBye, api.Greeter/SayHello\n\n"
        "Try: name one: dubbopy-cli call api.Greeter/SayBye --app dubbo-go-server\n[method-unknown]\n",
    )
    assert desk.cli(*call, "SayHallo") == Told(
        2,
        "Error: dubbo-go-server has no unary method 'SayHallo', it has api.Greeter/SayBye, api.Greeter/SayHello."
        " Did you mean 'SayHello'?\n\n"
        "Try: dubbopy-cli call api.Greeter/SayHello --app dubbo-go-server\n[method-unknown]\n",
    )
    assert desk.cli(*call, "SayHello", "-d", '{"nam": "x"}') == Told(
        2,
        'Error: the body does not fit api.HelloRequest (name): Message type "api.HelloRequest" has no field named'
        ' "nam" at "HelloRequest".\n Available Fields(except extensions): "[\'name\']"\n\n'
        'Try: dubbopy-cli call api.Greeter/SayHello --app dubbo-go-server -d \'{"name": ""}\'\n[body-invalid]\n',
    )
    assert desk.cli(*call, "SayHello", "-H", "grpc-x=1") == Told(
        2,
        "Error: 'grpc-x: 1' cannot be sent as a header: names are letters, digits, '-', '_' and '.', not grpc-* or"
        " *-bin; values are printable ASCII\n\n"
        "Try: for example --header user=admin\n[header-invalid]\n",
    )


def test_servers_that_do_not_tell_their_methods(desk):
    silent = grpc.server(futures.ThreadPoolExecutor(2))
    port = silent.add_insecure_port("127.0.0.1:0")
    silent.start()
    try:
        assert desk.told(lambda: caller.call(CallRequest("shop"), port, [port])) == Told(
            1,
            "Error: shop does not tell its methods: gRPC server reflection (v1alpha) answered UNIMPLEMENTED\n\n"
            "Try: register server reflection in the server, as the projects of newApp do\n[reflection-missing]\n",
        )
    finally:
        silent.stop(0).wait()
    assert desk.told(lambda: reflection.pick((), "", "shop")) == Told(
        2,
        "Error: shop offers no unary method\n\n"
        "Try: write one into api/api.proto, then: dubbopy-cli generate\n[method-unknown]\n",
    )
    two = tuple(Method(f"api.{name}", "SayHello", None, None) for name in ("A", "B"))
    assert desk.told(lambda: reflection.pick(two, "SayHello", "shop")) == Told(
        2,
        "Error: shop has 2 methods that 'SayHello' may mean: api.A/SayHello, api.B/SayHello\n\n"
        "Try: name one: dubbopy-cli call api.A/SayHello --app shop\n[method-unknown]\n",
    )


def test_releases_that_do_not_become_ready(desk, lab):
    kept = "; the new instances were taken away, what served before still does\n\n"
    crashed = untimed(desk.told(lambda: lab.deploy(server(env={"CRASH": "no database"}))))
    assert crashed == Told(
        5,
        "Error: dubbo-go-server-v1-r1-0 ended while it was starting"
        f"{kept}  TIME INFO about to crash\n  cannot start: no database\n\n"
        "Try: mend the cause in the log above, then: dubbopy-cli deploy\n[rollout-failed]\n",
    )
    late = untimed(desk.told(lambda: lab.deploy(server(env={"NEVER_READY": "1"}, timeout=5))))
    assert re.sub(r"in \S+/releases/\S+", "in FOLDER", late.text) == (
        "Error: dubbo-go-server-v1-r1-0 did not become ready within 5 s: it answers that it is not SERVING"
        f"{kept}  TIME INFO serving 1.0.0 in FOLDER\n\n"
        "Try: mend the cause in the log above, then: dubbopy-cli deploy, or give it longer: "
        "dubbopy-cli deploy --timeout 60\n[rollout-failed]\n"
    )
    assert late.code == 5
    assert lab.running() == ()
