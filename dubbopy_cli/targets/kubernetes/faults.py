"""What kubectl and Helm mean by what they write when they fail."""

from __future__ import annotations

import re

from dubbopy_cli.errors import DubbopyError, PreflightError, UnreachableError, UsageError
from dubbopy_cli.process import CommandError, Completed

_UNREACHABLE = re.compile(
    r"connection refused|no such host|i/o timeout|Unable to connect|connection to the server|TLS handshake timeout"
    r"|context deadline exceeded|network is unreachable|cluster unreachable|EOF$",
    re.IGNORECASE | re.MULTILINE,
)
_DENIED = re.compile(r"Unauthorized|must be logged in|x509:|asked for the client to provide credentials")
_NO_CONTEXT = re.compile(r'context "?([^"\s]+)"? does not exist|no context exists with the name: "([^"]+)"')
_NO_NAMESPACE = re.compile(r'namespaces "([^"]+)" not found')
_FORBIDDEN = re.compile(r"is forbidden: User \"([^\"]*)\" cannot (\w+) resource \"([^\"]*)\"")


def fault(done: Completed) -> DubbopyError:
    """Return the error for a program that failed; what is not known is told in its own words."""
    text = (done.stderr or done.stdout).strip()
    last = text.splitlines()[-1] if text else ""
    if found := _NO_CONTEXT.search(text):
        name = found[1] or found[2]
        return UsageError("context-unknown", f"there is no context {name}", hint="kubectl config get-contexts")
    if found := _NO_NAMESPACE.search(text):
        return PreflightError(
            "namespace-missing", f"there is no namespace {found[1]}", hint=f"kubectl create namespace {found[1]}"
        )
    if found := _FORBIDDEN.search(text):
        return PreflightError(
            "cluster-forbidden",
            f"{found[1] or 'this user'} may not {found[2]} {found[3]}",
            hint=f"ask for a role that may; kubectl auth can-i {found[2]} {found[3]} shows it",
            details=last,
        )
    if _DENIED.search(text):
        return UnreachableError(
            "cluster-denied", f"the cluster does not let us in: {last}", hint="log in, then: kubectl auth whoami"
        )
    if _UNREACHABLE.search(text):
        return UnreachableError(
            "cluster-unreachable", f"the cluster does not answer: {last}", hint="kubectl cluster-info"
        )
    return CommandError(done)
