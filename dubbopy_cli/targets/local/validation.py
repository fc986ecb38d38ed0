"""Envoy's own judgement of a configuration before it is used."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from dubbopy_cli.errors import DubbopyError
from dubbopy_cli.process import Runner
from dubbopy_cli.targets.local import envoy, xds
from dubbopy_cli.targets.local.files import write_atomic
from dubbopy_cli.targets.local.paths import Paths
from dubbopy_cli.targets.local.wanted import EnvoyFiles
from dubbopy_cli.targets.local.xds import Resources

_VALIDATE_SECONDS = 30.0


def check(paths: Paths, runner: Runner, bootstrap: Resources, files: EnvoyFiles) -> None:
    """Let ``envoy --mode validate`` judge the files; DubbopyError ``envoy-refused`` with its own words."""
    draft = paths.scratch / "validate.json"
    write_atomic(draft, xds.render(_inlined(bootstrap, files)), paths.scratch)
    try:
        done = runner.run(
            [str(envoy.binary()), "--mode", "validate", "-l", "error", "--disable-hot-restart", "-c", str(draft)],
            timeout=_VALIDATE_SECONDS,
            check=False,
        )
    finally:
        draft.unlink(missing_ok=True)
    if not done.ok:
        raise refused((done.stderr or done.stdout).strip())


def refused(text: str) -> DubbopyError:
    """Return the error for a configuration that Envoy does not take; ``text`` is what it says."""
    return DubbopyError(
        "envoy-refused",
        "Envoy refuses what the rules would make of its routes; the former rules stay in force",
        hint="dubbopy-cli traffic show",
        details=text,
    )


def _inlined(bootstrap: Resources, files: EnvoyFiles) -> Resources:
    """Return one static configuration of all files: validation does not follow the dynamic ones."""
    tables = {one["resources"][0]["name"]: one["resources"][0] for one in files.routes.values()}
    listeners = deepcopy(files.listeners["resources"])
    for listener in listeners:
        for chain in listener["filter_chains"]:
            for one in chain["filters"]:
                manager = one["typed_config"]
                manager["route_config"] = _bare(tables[manager.pop("rds")["route_config_name"]])
    static = {
        "listeners": [_bare(one) for one in listeners],
        "clusters": [_bare(one) for one in files.clusters["resources"]],
    }
    kept = {key: value for key, value in bootstrap.items() if key != "dynamic_resources"}
    return {**kept, "static_resources": static}


def _bare(resource: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in resource.items() if key != "@type"}
