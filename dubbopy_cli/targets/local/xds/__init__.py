"""Applications and rules -> what Envoy reads: bootstrap, listeners, clusters and routes as plain values.

Each function returns a whole file; equal input gives an equal ``version_info``, so an unchanged file need not move.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha256
from pathlib import PurePath
from typing import Any

from dubbopy_cli.targets.local.xds.cluster import clusters_of
from dubbopy_cli.targets.local.xds.listener import listener
from dubbopy_cli.targets.local.xds.mesh import MeshApplication as MeshApplication
from dubbopy_cli.targets.local.xds.mesh import MeshEndpoint as MeshEndpoint
from dubbopy_cli.targets.local.xds.mesh import MeshPaths as MeshPaths
from dubbopy_cli.targets.local.xds.route_table import VERSION_HEADER as VERSION_HEADER
from dubbopy_cli.targets.local.xds.route_table import route_configuration
from dubbopy_cli.traffic.model import RuleSet

# Istio's bootstrap sets the same; Envoy's own limit of 100 refuses rules that Istio takes.
_RE2_PROGRAM_SIZE = 32768

# Without a limit of some kind Envoy starts with a warning; file descriptors end long before this one.
_CONNECTIONS = {
    "name": "envoy.resource_monitors.global_downstream_max_connections",
    "typed_config": {
        "@type": "type.googleapis.com/"
        "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
        "max_active_downstream_connections": 100000,
    },
}

Resources = dict[str, Any]


def render(resources: Resources) -> str:
    """Return the text of a file, equal for equal resources."""
    return json.dumps(resources, indent=1, sort_keys=True) + "\n"


def bootstrap(paths: MeshPaths, admin_port: int) -> Resources:
    """Return Envoy's bootstrap: the admin on loopback, listeners and clusters from watched files."""
    return {
        "node": {"id": "dubbopy-local", "cluster": "dubbopy-local"},
        "admin": {"address": address("127.0.0.1", admin_port)},
        "layered_runtime": {
            "layers": [
                {"name": "static", "static_layer": {"re2.max_program_size.error_level": _RE2_PROGRAM_SIZE}},
                {"name": "admin", "admin_layer": {}},
            ]
        },
        # Envoy's histograms are as old as the last flush; a shift in steps of a second must not judge by older ones.
        "stats_flush_interval": "0.25s",
        "overload_manager": {"resource_monitors": [_CONNECTIONS]},
        "dynamic_resources": {"lds_config": source(paths.listeners), "cds_config": source(paths.clusters)},
    }


def listeners(apps: Iterable[MeshApplication], paths: MeshPaths, access_log: PurePath | None = None) -> Resources:
    """Return one listener an application, on 127.0.0.1; its routes come from the application's own file."""
    ordered = sorted(apps, key=lambda one: one.service.fqdn)
    return envelope([listener(one, source(paths.routes(one.name)), access_log) for one in ordered])


def clusters(apps: Iterable[MeshApplication], rules: RuleSet) -> Resources:
    """Return one cluster an application and one for each subset its DestinationRules define."""
    ordered = sorted(apps, key=lambda one: one.service.fqdn)
    return envelope([one for app in ordered for one in clusters_of(app, rules)])


def routes(app: MeshApplication, rules: RuleSet, others: Iterable[MeshApplication] = ()) -> Resources:
    """Return an application's routes as istiod makes them; ``others`` are the applications it may lead to."""
    ports = {one.service.fqdn: one.service_port for one in (*others, app)}
    return envelope([route_configuration(app.service, rules, ports)])


def envelope(resources: list[Resources]) -> Resources:
    """Return a discovery response whose version is the sha256 of its resources."""
    digest = sha256(json.dumps(resources, sort_keys=True).encode()).hexdigest()
    return {"version_info": digest, "resources": resources}


def address(host: str, port: int) -> Resources:
    """Return a socket address."""
    return {"socket_address": {"address": host, "port_value": port}}


def source(path: PurePath) -> Resources:
    """Return a config source that follows ``path`` when another file is moved over it."""
    return {
        "resource_api_version": "V3",
        "path_config_source": {"path": str(path), "watched_directory": {"path": str(path.parent)}},
    }
