"""Counting calls as callers meet them: each call once, by the version that answered, however often it was retried.

Envoy's own counters cannot tell that: those of a cluster have no version where several share one, and those of an
instance count every attempt.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_TYPE = "type.googleapis.com/"
PREFIX = "dubbopy_app"
# The cluster comes last: its name has dots. Every other value has none.
_CALLS = re.compile(
    rf"{PREFIX}\.calls\.app\.([^.]*)\.version\.([^.]*)\.grpc\.([^.]*)\.http\.([^.]*)\.cluster\.(.*)", re.DOTALL
)
_TIMES = re.compile(rf"{PREFIX}\.milliseconds\.app\.([^.]*)\.version\.([^.]*)\.cluster\.(.*)", re.DOTALL)


@dataclass(frozen=True)
class Counted:
    """What the name of a counter or histogram says; ``version`` is empty where no instance was reached."""

    application: str
    version: str
    cluster: str
    grpc_status: str = ""
    http_status: str = ""


def logger(application: str) -> dict[str, Any]:
    """Return the access logger that counts an application's calls, and how long they took."""
    version = _tag("version", "%UPSTREAM_METADATA(dubbopy:version)%")
    cluster = _tag("cluster", "%UPSTREAM_CLUSTER_RAW%")
    statuses = [_tag("grpc", "%GRPC_STATUS_NUMBER%"), _tag("http", "%RESPONSE_CODE%")]
    app = _tag("app", application)
    return {
        "name": "envoy.access_loggers.stats",
        "typed_config": {
            "@type": f"{_TYPE}envoy.extensions.access_loggers.stats.v3.Config",
            "stats_scope": {"prefix": PREFIX},
            "counters": [{"stat": {"name": "calls", "tags": [app, version, *statuses, cluster]}, "value_fixed": 1}],
            "histograms": [
                {
                    "stat": {"name": "milliseconds", "tags": [app, version, cluster]},
                    "unit": "Milliseconds",
                    "value_format": "%DURATION%",
                }
            ],
        },
    }


def counted(name: str) -> Counted | None:
    """Return what the name of a counter of calls says, None for any other name."""
    found = _CALLS.fullmatch(name)
    if not found:
        return None
    application, version, grpc, http, cluster = found.groups()
    return Counted(application, version, cluster, grpc, http)


def timed(name: str) -> Counted | None:
    """Return what the name of a histogram of calls says, None for any other name."""
    found = _TIMES.fullmatch(name)
    return Counted(*found.groups()) if found else None


def _tag(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value_format": value}
