"""What somebody named, among what is deployed."""

from __future__ import annotations

from collections.abc import Sequence

from dubbopy_cli import names
from dubbopy_cli.errors import UsageError


def version(application: str, known: Sequence[str], wanted: str, namespace: str) -> str:
    """Return the version that is named by itself or as its release; UsageError ``version-unknown`` if there is none."""
    meant = wanted if wanted in known else wanted.removeprefix(f"{application}-")
    if meant in known:
        return meant
    raise UsageError(
        "version-unknown",
        f"{application} has no version '{wanted}' (deployed: {', '.join(known) or 'none'})."
        + names.did_you_mean(wanted, list(known)),
        hint=f"dubbopy-cli status{names.in_namespace(namespace)}",
    )


def unknown(application: str, known: Sequence[str], namespace: str) -> UsageError:
    """Return the error for an application that is not there, with the nearest that is."""
    return UsageError(
        "application-unknown",
        f"no application '{application}' is deployed in namespace {namespace}."
        + names.did_you_mean(application, list(known)),
        hint=f"dubbopy-cli status{names.in_namespace(namespace)}",
    )
