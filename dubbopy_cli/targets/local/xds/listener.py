"""One Envoy listener for each application: plaintext HTTP/2 on loopback, routes from a file."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from dubbopy_cli.targets.local.xds import counting
from dubbopy_cli.targets.local.xds.mesh import MeshApplication

_TYPE = "type.googleapis.com/"
_HTTP = "envoy.extensions.filters.http."

# One line a call: which route took it, where it went, and why it failed.
_LOG_FIELDS = {
    "time": "%START_TIME%",
    "authority": "%REQ(:AUTHORITY)%",
    "path": "%REQ(:PATH)%",
    "status": "%RESPONSE_CODE%",
    "grpc_status": "%GRPC_STATUS%",
    "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "rule": "%METADATA(ROUTE:dubbopy:rule)%",
    "route": "%ROUTE_NAME%",
    "cluster": "%UPSTREAM_CLUSTER_RAW%",
    "upstream": "%UPSTREAM_HOST%",
    "version": "%UPSTREAM_METADATA(dubbopy:version)%",
    "instance": "%UPSTREAM_METADATA(dubbopy:instance)%",
    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "duration_ms": "%DURATION%",
}


def listener(app: MeshApplication, routes: dict[str, Any], access_log: PurePath | None) -> dict[str, Any]:
    """Return the listener that stands for the application's Service."""
    manager: dict[str, Any] = {
        "@type": f"{_TYPE}envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        # It starts the names of the listener's statistics.
        "stat_prefix": app.service.fqdn,
        # Follows the caller: gRPC speaks HTTP/2 with prior knowledge, curl HTTP/1.1.
        "codec_type": "AUTO",
        # As every sidecar of Istio: rules see a path without dots and needless escapes.
        "normalize_path": True,
        # A stream may be silent for as long as its ends like.
        "stream_idle_timeout": "0s",
        "access_log": [counting.logger(app.name)],
        "rds": {"route_config_name": app.service.fqdn, "config_source": routes},
        "http_filters": [
            {
                "name": "envoy.filters.http.fault",
                "typed_config": {"@type": f"{_TYPE}{_HTTP}fault.v3.HTTPFault"},
            },
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{_TYPE}{_HTTP}router.v3.Router"},
            },
        ],
    }
    if access_log is not None:
        manager["access_log"] += [_access_log(app.name, access_log)]
    return {
        "@type": f"{_TYPE}envoy.config.listener.v3.Listener",
        "name": app.service.fqdn,
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": app.listener_port}},
        # With it a second Envoy could listen on the same port and take half of the calls, and nobody would be told.
        "enable_reuse_port": False,
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }


def _access_log(application: str, path: PurePath) -> dict[str, Any]:
    return {
        "name": "envoy.access_loggers.file",
        "typed_config": {
            "@type": f"{_TYPE}envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": str(path),
            "log_format": {"json_format": {"application": application, **_LOG_FIELDS}},
        },
    }
