"""What should run and what Envoy should read, computed from the state and the rules alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from dubbopy_cli.targets.local import envoy, xds
from dubbopy_cli.targets.local.paths import Paths
from dubbopy_cli.targets.local.ports import LOOPBACK
from dubbopy_cli.targets.local.programs import Program
from dubbopy_cli.targets.local.state import AppRecord, InstanceRecord, ReleaseRecord, Revision, State
from dubbopy_cli.targets.local.xds import MeshApplication, MeshEndpoint, MeshPaths, Resources
from dubbopy_cli.traffic.model import RuleSet, version_labels

ENVOY = "envoy"
_ENVOY_PRIORITY, _SERVER_PRIORITY, _CLIENT_PRIORITY = 10, 20, 30


@dataclass(frozen=True)
class EnvoyFiles:
    """Envoy's files as values; ``routes`` by application."""

    clusters: Resources
    listeners: Resources
    routes: Mapping[str, Resources]


@dataclass(frozen=True)
class Wanted:
    """Everything that converge makes true."""

    programs: tuple[Program, ...]
    bootstrap: Resources
    files: EnvoyFiles


def wanted(paths: Paths, namespace: str, state: State, rules: RuleSet) -> Wanted:
    """Return the programs and Envoy's files for a state and its rules."""
    bootstrap = xds.bootstrap(MeshPaths(paths.envoy), state.admin)
    instances = tuple(
        _program(paths, state, app, release, one)
        for app in state.applications
        for release in app.releases
        for one in release.instances
    )
    return Wanted((_envoy(paths, state, bootstrap), *instances), bootstrap, files(paths, namespace, state, rules))


def files(paths: Paths, namespace: str, state: State, rules: RuleSet) -> EnvoyFiles:
    """Return Envoy's files; only instances that serve are in them."""
    apps = tuple(mesh_application(app, namespace) for app in state.applications if app.role == "server")
    return EnvoyFiles(
        clusters=xds.clusters(apps, rules),
        listeners=xds.listeners(apps, MeshPaths(paths.envoy)),
        routes={app.name: xds.routes(app, rules, apps) for app in apps},
    )


def mesh_application(app: AppRecord, namespace: str) -> MeshApplication:
    """Return the application as the translation of rules knows it."""
    endpoints = tuple(
        MeshEndpoint(LOOPBACK, one.port, release.version, one.name, version_labels(app.name, release.version))
        for release in app.releases
        for one in release.phase("serving")
    )
    return MeshApplication(app.name, namespace, app.port, app.listener, endpoints)


def _envoy(paths: Paths, state: State, bootstrap: Resources) -> Program:
    # The digest makes a changed bootstrap a changed program, which is started anew.
    digest = sha256(xds.render(bootstrap).encode()).hexdigest()[:16]
    argv = envoy.argv(state.envoy, paths.envoy / "bootstrap.json")
    return Program(ENVOY, argv, paths.root, _ENVOY_PRIORITY, {"DUBBOPY_BOOTSTRAP": digest})


def _program(paths: Paths, state: State, app: AppRecord, release: ReleaseRecord, one: InstanceRecord) -> Program:
    revision = release.revision(one.revision)
    if revision is None:
        raise KeyError(f"{one.name} belongs to revision {one.revision}, which {app.name} {release.version} lacks")
    folder = paths.release(f"{app.name}-{release.version}", revision.digest)

    def filled(word: str) -> str:
        return word.replace("{release}", str(folder))

    env = {key: filled(value) for key, value in revision.env.items()}
    env |= {"DUBBO_HOST": LOOPBACK, "DUBBO_PORT": str(one.port)} if app.role == "server" else {}
    env |= _server_url(state, revision)
    priority = _SERVER_PRIORITY if app.role == "server" else _CLIENT_PRIORITY
    return Program(one.name, tuple(filled(word) for word in revision.command), folder, priority, env)


def _server_url(state: State, revision: Revision) -> dict[str, str]:
    """Return the address of the application that the first reference names; a client has one in most cases."""
    for reference in revision.references[:1]:
        server = state.app(reference.application)
        if server and server.listener:
            return {"DUBBO_SERVER_URL": f"tri://{LOOPBACK}:{server.listener}"}
    return {}
