"""A namespace of its own for each test, requests to deploy into it, and load on it."""

import hashlib
import os
import shutil
import sys
import threading
from collections import Counter
from pathlib import Path

import grpc

from dubbopy_cli.artifact import Artifact
from dubbopy_cli.process import SubprocessRunner
from dubbopy_cli.targets.base import Reference, ReleaseRequest
from dubbopy_cli.targets.local import processes
from dubbopy_cli.targets.local.target import LocalTarget
from dubbopy_cli.targets.local.waiting import wait_until
from dubbopy_cli.traffic.hosts import Service

HERE = Path(__file__).parent
APP = "dubbo-go-server"
# One a process, so that tests that run at the same time do not take each other's address.
PORT = 20001 + os.getpid() % 900
SERVICE = Service(APP, port=PORT)


def artifact(script="server.py", **env):
    digest = hashlib.sha256(repr((script, sorted(env.items()))).encode()).hexdigest()
    return Artifact({script: HERE / script}, (sys.executable, "{release}/" + script), digest, env)


def server(version="v1", tag="1.0.0", *, port=PORT, app=APP, timeout=30.0, env=None, **more):
    return ReleaseRequest(app, version, tag, "server", port, artifact(TAG=tag, **(env or {})), timeout=timeout, **more)


def client(version="v1", *, calls=APP, **more):
    return ReleaseRequest(
        "dubbo-go-client", version, "1.0.0", "client", PORT, artifact("client.py"), (Reference(calls, PORT),), **more
    )


class Lab:
    """A namespace of its own, and what was said."""

    def __init__(self, folder):
        self.root = folder
        self.said = []
        self.runner = SubprocessRunner()
        self.target = self.another()

    def another(self, **options):
        return LocalTarget("default", self.runner, root=self.root, say=self.said.append, **options)

    @property
    def folder(self):
        return self.target.folder

    @property
    def paths(self):
        return self.target._mesh.paths

    def deploy(self, request=None, **options):
        self.target.deploy(request or server(**options)).apply()

    def app(self, name=APP):
        return next((one for one in self.target.applications() if one.name == name), None)

    def instances(self, version="v1", name=APP):
        return self.app(name).release(version).instances

    def running(self):
        return processes.ours(self.folder)

    def close(self):
        for process in processes.ours(self.folder):
            process.kill()
        processes.end_all(self.folder, grace=5)
        socket = self.paths.socket()
        shutil.rmtree(self.root, ignore_errors=True)
        socket.unlink(missing_ok=True)


class Load:
    """Calls through an application's address by several threads until it is stopped, each failure kept."""

    def __init__(self, port, workers=2, headers=()):
        self._port = port
        self._headers = headers
        self._stop = threading.Event()
        self.failures = []
        self.versions = Counter()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._work) for _ in range(workers)]

    def __enter__(self):
        for one in self._threads:
            one.start()
        self.wait_for(20)
        return self

    def __exit__(self, *_):
        self._stop.set()
        for one in self._threads:
            one.join()

    @property
    def calls(self):
        return self.versions.total() + len(self.failures)

    def wait_for(self, more):
        """Wait until `more` further calls have been made."""
        goal = self.calls + more
        assert wait_until(lambda: self.calls >= goal, 30)

    def _work(self):
        options = (("grpc.use_local_subchannel_pool", 1),)
        with grpc.insecure_channel(f"127.0.0.1:{self._port}", options=options) as channel:
            stub = channel.unary_unary("/api.Greeter/SayHello")
            # A breath between calls: they share one interpreter with what is under test.
            while not self._stop.wait(0.001):
                try:
                    _, call = stub.with_call(b"", timeout=20, metadata=self._headers)
                    version = dict(call.initial_metadata()).get("x-dubbopy-version")
                    with self._lock:
                        self.versions[version] += 1
                except grpc.RpcError as error:
                    with self._lock:
                        self.failures.append(f"{error.code().name}: {error.details()}")


def one_call(port, headers=()):
    """Return the version that answers one call, or the error's code."""
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=(("grpc.use_local_subchannel_pool", 1),)) as channel:
        try:
            _, call = channel.unary_unary("/api.Greeter/SayHello").with_call(b"", timeout=5, metadata=headers)
            return dict(call.initial_metadata()).get("x-dubbopy-version")
        except grpc.RpcError as error:
            return error.code().name
