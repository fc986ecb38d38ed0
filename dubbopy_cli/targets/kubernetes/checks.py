"""What stands in a namespace and is not ours to change."""

from __future__ import annotations

from dubbopy_cli.errors import ConflictError
from dubbopy_cli.targets.kubernetes import charts, ownership
from dubbopy_cli.targets.kubernetes.kubectl import Object
from dubbopy_cli.targets.kubernetes.view import NAME_LABEL, Seen
from dubbopy_cli.traffic import owners
from dubbopy_cli.traffic.model import VERSION_LABEL, RuleSet


def check_release(seen: Seen, application: str, version: str) -> None:
    """Raise ConflictError ``release-foreign`` where releases or a Deployment of other making have the names."""
    name = f"{application}-{version}"
    shared, own = seen.releases.get(application), seen.releases.get(name)
    if shared and not charts.is_service(shared):
        raise _foreign(application, f"is of the chart {shared.chart}, not of chart/service")
    if own and not charts.is_version(own, application):
        raise _foreign(name, f"is of the chart {own.chart}, not of chart/app of {application}")
    deployment = next((one for one in seen.deployments if one["metadata"]["name"] == name), None)
    if deployment:
        _check_deployment(deployment, name, {NAME_LABEL: application, VERSION_LABEL: version})


def check_rules(seen: RuleSet, wanted: RuleSet) -> None:
    """Raise ConflictError ``rules-refused`` where another one's objects would have to change."""
    for one in owners.check(seen, wanted):
        raise ConflictError("rules-refused", str(one), hint="dubbopy-cli traffic lint")


def _check_deployment(deployment: Object, name: str, selector: dict[str, str]) -> None:
    if other := ownership.holder(deployment, name):
        raise ConflictError(
            "release-foreign",
            f"Deployment {name} is there, and {other} made it",
            hint="release another version: --version",
        )
    found = deployment["spec"].get("selector", {}).get("matchLabels", {})
    if found != selector:
        more = ", ".join(sorted(set(found) - set(selector))) or "other labels"
        raise ConflictError(
            "release-foreign",
            f"Deployment {name} was made by another chart: it selects its pods by {more} as well, "
            "and a selector can never be changed",
            hint="release another version (--version), give that the calls, and remove this one",
        )


def _foreign(name: str, why: str) -> ConflictError:
    return ConflictError("release-foreign", f"release {name} {why}", hint="another version or application name")
