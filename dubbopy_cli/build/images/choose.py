"""Which builder makes the image: the one that is named, or the first that can."""

from __future__ import annotations

from dubbopy_cli import process
from dubbopy_cli.build.images.builders import BUILDERS, Builder
from dubbopy_cli.build.images.request import BuilderChoice
from dubbopy_cli.errors import PreflightError
from dubbopy_cli.process import Runner

_SECONDS = 30


def choose(choice: BuilderChoice, runner: Runner) -> Builder:
    """Return the builder: docker only if its engine answers, then podman, then buildah.

    Raises PreflightError ``builder-missing`` or ``builder-down``.
    """
    down = ""
    for builder in BUILDERS:
        if choice not in {"auto", builder.name} or not process.find(builder.name):
            continue
        if builder.name != "docker":
            return builder
        # Without an engine the program still knows its own version.
        done = runner.run(["docker", "version", "--format", "{{.Server.Version}}"], timeout=_SECONDS, check=False)
        if done.ok:
            return builder
        down = done.stderr.strip() or done.stdout.strip()
    if down:
        others = "" if choice == "docker" else ", and neither podman nor buildah is installed"
        raise PreflightError(
            "builder-down",
            f"docker is installed but its engine does not answer{others}",
            details=down,
            hint="start it: sudo systemctl start docker; or take podman, which needs none: sudo apt-get install podman",
        )
    if choice == "auto":
        raise PreflightError(
            "builder-missing",
            "none of docker, podman and buildah is installed, so no image can be made",
            hint="sudo apt-get install podman, or compile without an image: dubbopy-cli build",
        )
    raise PreflightError(
        "builder-missing",
        f"{choice} is not installed",
        hint="take what is there: --builder auto",
    )
