"""An application's two charts: the words that Helm is given for them, and what they would make or change."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import unified_diff
from pathlib import Path

from dubbopy_cli.errors import UsageError
from dubbopy_cli.targets.base import ChartRequest, ReleaseRequest
from dubbopy_cli.targets.kubernetes.helm import Helm, HelmRelease

SERVICE_CHART = "service"
# A pod's template that differs makes new pods: the same version deployed again starts anew, as it does elsewhere.
DEPLOYED = "dubbopy.deployed"

# What is given already: a second value would not be seen, or make another release than the one that is named.
_GIVEN = {
    "image.repository": "it stands in chart/app/values.yaml",
    "image.tag": "give it by --tag",
    "image.digest": "it is that of the image that was pushed",
    "version.labels.dubbogoAppVersion": "give it by --version",
}


@dataclass(frozen=True)
class Chart:
    """One chart as a release of a name, with Helm's options for its values."""

    release: str
    path: Path
    options: tuple[str, ...]

    def upgrade(self, *more: str) -> tuple[str, ...]:
        """Return the words that install the release, or upgrade it where it is there."""
        return ("upgrade", "--install", self.release, str(self.path), *self.options, *more)

    def rendered(self, helm: Helm, server: str) -> str:
        """Return the objects of the release as they would be on a server of that version, hooks left out."""
        # Helm does not ask the server here, and a chart makes other objects for an older one.
        words = ("--no-hooks", "--kube-version", server)
        return helm.run("template", self.release, str(self.path), *self.options, *words).stdout

    def difference(self, helm: Helm, server: str) -> str:
        """Return a unified diff from the objects of the release as it is to those that it would have."""
        before, after = (_lines(text) for text in (helm.manifest(self.release), self.rendered(helm, server)))
        return "".join(unified_diff(before, after, f"{self.release} (now)", f"{self.release} (wanted)"))


def version_chart(request: ReleaseRequest, chart: ChartRequest) -> Chart:
    """Return the chart of one version; UsageError for a value that is given elsewhere."""
    for one in chart.sets:
        for pair in re.split(r"(?<!\\),", one):
            if reason := _GIVEN.get(pair.partition("=")[0]):
                raise UsageError("usage", f"'{pair}' cannot be set: {reason}", hint="leave it out of --set")
    values = {
        "image.repository": chart.repository,
        "image.tag": request.tag,
        **({"image.digest": chart.digest} if chart.digest else {}),
        "version.labels.dubbogoAppVersion": request.version,
    }
    words = [f"--values={one}" for one in chart.files]
    words += [f"--set={one}" for one in chart.sets]
    words += [f"--set-string={','.join(f'{key}={value}' for key, value in values.items())}"]
    words += [f"--set=replicaCount={chart.replicas}"] if chart.replicas is not None else []
    return Chart(f"{request.application}-{request.version}", chart.root / "chart/app", tuple(words))


def once_more(request: ReleaseRequest, chart: ChartRequest) -> tuple[str, ...]:
    """Return the options of this very deploy: the mark on its pods, and what `helm history` says of it."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    mark = DEPLOYED.replace(".", r"\.")
    image = f"image {request.tag}" + (f" {chart.digest}" if chart.digest else "")
    return (f"--set-string=podAnnotations.{mark}={now}", f"--description={image}")


def service_chart(request: ReleaseRequest, chart: ChartRequest, target_port: int = 0) -> Chart:
    """Return the chart that all versions share; ``target_port`` is a number where pods lack the port's name."""
    words = (f"--set=service.targetPort={target_port}",) if target_port else ()
    return Chart(request.application, chart.root / "chart/service", words)


def is_service(release: HelmRelease) -> bool:
    """Tell whether a release is of the chart that all versions of an application share."""
    return _chart_name(release) == SERVICE_CHART


def is_version(release: HelmRelease, application: str) -> bool:
    """Tell whether a release is of the chart of one version of the application."""
    return _chart_name(release) == application


def _chart_name(release: HelmRelease) -> str:
    # NAME-VERSION, where the version starts with a number and may hold further dashes.
    return re.sub(r"-v?\d+\.\d+.*$", "", release.chart)


def _lines(manifest: str) -> list[str]:
    """Return the lines that count: the mark of a deploy differs each time, and so do comments and ends of files."""
    kept = [one for one in manifest.splitlines() if one.strip() and f'"{DEPLOYED}":' not in one]
    return [f"{one}\n" for one in kept if one != "---" and not one.startswith("#")]
