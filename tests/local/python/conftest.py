import pytest

from ._project import App, Project, environment

# Answers late, with a header, or not at all, as the name asks.
PLAY = (
    '        return api_pb2.User(name=f"Hello {request.name}", id=self._id, age=21)\n',
    """        import asyncio
        import logging

        import grpc

        what, _, value = request.name.partition(":")
        found = self._id
        if what == "slow":
            logging.info("began %s", request.name)
            await asyncio.sleep(float(value))
        elif what == "header":
            found = str(dict(context.invocation_metadata()).get(value))
        elif what == "fail":
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "as\\nasked")
        elif what == "raise":
            raise RuntimeError("as\\nasked")
        return api_pb2.User(name=f"Hello {request.name}", id=found, age=21)
""",
)


@pytest.fixture(scope="session")
def shared(tmp_path_factory, worker_id):
    """A folder of this run that all its workers know."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Render a project of its own."""

    def make(role, **more):
        project = Project(role, **more)
        return project, project.render(tmp_path_factory.mktemp(role))

    return make


@pytest.fixture(scope="session")
def python(shared, made):
    """The Python of the one environment."""
    return environment(shared / "python-environment", [made(role)[1] for role in ("server", "client")])


@pytest.fixture(scope="session")
def app(made, python):
    """Render a project that runs from its sources."""

    def make(role, **more):
        project, folder = made(role, **more)
        return App(folder, project.package, python)

    return make


@pytest.fixture(scope="session")
def server(app):
    """The server as newApp writes it."""
    return app("server")


@pytest.fixture(scope="session")
def player(app):
    """A server that plays the difficult cases."""
    return app("server", edits={"src/{package}/service.py": PLAY})


@pytest.fixture(scope="session")
def client(app):
    """The client as newApp writes it."""
    return app("client")


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


@pytest.fixture
def configured(tmp_path):
    """Write a configuration file; return the variable that names it."""

    def write(text):
        path = tmp_path / "given.yaml"
        path.write_text(text)
        return {"DUBBO_GO_CONFIG_PATH": str(path)}

    return write
