import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from dubbopy_cli.process import SubprocessRunner
from dubbopy_cli.targets.base import Artifact, Reference, ReleaseRequest
from dubbopy_cli.targets.local import processes
from dubbopy_cli.targets.local.target import LocalTarget

HERE = Path(__file__).parent
APP = "dubbo-go-server"


def artifact(script="server.py", **env):
    digest = hashlib.sha256(repr((script, sorted(env.items()))).encode()).hexdigest()
    return Artifact({script: HERE / script}, (sys.executable, "{release}/" + script), digest, env)


def server(version="v1", tag="1.0.0", *, port=20000, app=APP, timeout=30.0, env=None, **more):
    return ReleaseRequest(
        app, version, tag, "server", port, artifact(TAG=tag, **(env or {})), timeout=timeout, **more
    )


def client(version="v1", *, calls=APP, **more):
    return ReleaseRequest(
        "dubbo-go-client", version, "1.0.0", "client", 20000, artifact("client.py"), (Reference(calls, 20000),), **more
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


@pytest.fixture
def lab():
    # Not tmp_path: its long names would always take the socket to /tmp.
    found = Lab(Path(tempfile.mkdtemp(prefix="dubbopy-lab-")))
    yield found
    found.close()
