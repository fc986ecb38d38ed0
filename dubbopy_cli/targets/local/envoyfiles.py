"""Moving Envoy from the files it has to the files it should have, without losing a call."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dubbopy_cli.errors import DubbopyError
from dubbopy_cli.process import Runner
from dubbopy_cli.targets.local import xds
from dubbopy_cli.targets.local.envoy import Admin, AdminError
from dubbopy_cli.targets.local.files import read_text, remove_tree, write_atomic
from dubbopy_cli.targets.local.logs import last_lines
from dubbopy_cli.targets.local.paths import Paths
from dubbopy_cli.targets.local.validation import refused
from dubbopy_cli.targets.local.waiting import wait_until
from dubbopy_cli.targets.local.wanted import EnvoyFiles
from dubbopy_cli.targets.local.xds import MeshPaths, Resources

APPLY_SECONDS = 15.0
_EMPTY: Resources = {"version_info": "", "resources": []}


@dataclass(frozen=True)
class EnvoyConfig:
    """Envoy's files of one namespace on disk, and the Envoy that follows them."""

    paths: Paths
    runner: Runner
    admin: Admin

    @property
    def _places(self) -> MeshPaths:
        return MeshPaths(self.paths.envoy)

    def on_disk(self) -> EnvoyFiles:
        """Return the files as they are; a missing or damaged one counts as empty."""
        folders = self.paths.envoy.glob("routes/*/routes.json")
        return EnvoyFiles(
            clusters=_read(Path(self._places.clusters)),
            listeners=_read(Path(self._places.listeners)),
            routes={path.parent.name: _read(path) for path in folders},
        )

    def write_all(self, bootstrap: Resources, files: EnvoyFiles) -> None:
        """Write every file at once, for an Envoy that does not run yet."""
        self.write_bootstrap(bootstrap)
        for application, routes in files.routes.items():
            self._put(Path(self._places.routes(application)), routes)
        self._put(Path(self._places.clusters), files.clusters)
        self._put(Path(self._places.listeners), files.listeners)
        self._forget_routes(files)

    def write_bootstrap(self, bootstrap: Resources) -> None:
        """Write the part that Envoy reads once, when it starts."""
        self._put(self.paths.envoy / "bootstrap.json", bootstrap)

    def move(self, wanted: EnvoyFiles) -> bool:
        """Take Envoy to ``wanted`` and return whether anything had to change.

        New clusters come before the routes that use them and old ones go after them. Raises DubbopyError
        ``envoy-refused`` when Envoy rejects a file, ``port-taken`` when it cannot listen, ``mesh-failed`` when it is
        silent; the former files are put back.
        """
        former = self.on_disk()
        if former == wanted:
            self._wait("cds", wanted.clusters)
            self._wait("lds", wanted.listeners, lambda: self._refusals("lds") > 0)
            return False
        try:
            self._steps(former, wanted)
        except DubbopyError:
            self._put_back(former)
            raise
        self._forget_routes(wanted)
        return True

    def _steps(self, former: EnvoyFiles, wanted: EnvoyFiles) -> None:
        kept = _union(former.clusters, wanted.clusters)
        self._change(Path(self._places.clusters), former.clusters, kept, "cds")
        served = {one["name"] for one in former.listeners["resources"]}
        for application, routes in wanted.routes.items():
            name = routes["resources"][0]["name"]
            # Envoy asks for a table only once it has the listener that uses it.
            known = name if name in served else ""
            self._change(Path(self._places.routes(application)), former.routes.get(application, _EMPTY), routes, known)
        self._change(Path(self._places.listeners), former.listeners, wanted.listeners, "lds")
        self._change(Path(self._places.clusters), kept, wanted.clusters, "cds")

    def _change(self, path: Path, former: Resources, wanted: Resources, name: str) -> None:
        if former == wanted:
            return
        before = self._refusals(name)
        self._put(path, wanted)
        if name:
            self._wait(name, wanted, lambda: self._refusals(name) > before)

    def _wait(self, name: str, wanted: Resources, rejected: Callable[[], bool] = lambda: False) -> None:
        seen: list[str] = []

        def settled() -> bool:
            try:
                if self.admin.versions().get(name) == wanted["version_info"]:
                    return True
                if rejected():
                    seen.append(name)
                    return True
            except AdminError:
                pass  # Envoy is being started again; the bound below ends the wait
            return False

        if not wait_until(settled, APPLY_SECONDS, poll=0.005):
            raise DubbopyError(
                "mesh-failed",
                f"Envoy has not taken its new {name} within {APPLY_SECONDS:g} s",
                hint="dubbopy-cli doctor",
                details=last_lines(self.paths.log("envoy"), 10),
            )
        if seen:
            text = last_lines(self.paths.log("envoy"), 5)
            raise _taken(text) if "cannot bind" in text else refused(text)

    def _refusals(self, name: str) -> int:
        try:
            return self.admin.rejected().get(name, 0)
        except AdminError:
            return 0

    def _put(self, path: Path, resources: Resources) -> None:
        text = xds.render(resources)
        if read_text(path) == text:
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomic(path, text, self.paths.scratch)

    def _put_back(self, former: EnvoyFiles) -> None:
        for application, routes in former.routes.items():
            self._put(Path(self._places.routes(application)), routes)
        self._put(Path(self._places.clusters), former.clusters)
        self._put(Path(self._places.listeners), former.listeners)

    def _forget_routes(self, wanted: EnvoyFiles) -> None:
        for path in self.paths.envoy.glob("routes/*"):
            if path.name not in wanted.routes:
                remove_tree(path)


def _union(former: Resources, wanted: Resources) -> Resources:
    names = {one["name"] for one in wanted["resources"]}
    old = [one for one in former["resources"] if one["name"] not in names]
    return xds.envelope([*wanted["resources"], *old]) if old else wanted


def _read(path: Path) -> Resources:
    try:
        found: Resources = json.loads(read_text(path) or "null")
    except ValueError:
        return _EMPTY
    return found if isinstance(found, dict) and "resources" in found else _EMPTY


def _taken(text: str) -> DubbopyError:
    return DubbopyError(
        "port-taken",
        "a port that was free a moment ago is held by another program, so Envoy cannot listen on it",
        hint="run the same command again: it takes another port",
        details=text,
    )
