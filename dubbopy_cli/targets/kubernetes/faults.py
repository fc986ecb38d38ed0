"""What kubectl and Helm mean by what they write when they fail."""

from __future__ import annotations

import re

from dubbopy_cli.errors import DubbopyError, PreflightError, UnreachableError, UsageError
from dubbopy_cli.process import CommandError, Completed

_UNREACHABLE = re.compile(
    r"connection refused|no such host|i/o timeout|Unable to connect|connection to the server|TLS handshake timeout"
    r"|context deadline exceeded|network is unreachable|cluster unreachable|connection reset by peer"
    r"|client connection lost|EOF$",
    re.IGNORECASE | re.MULTILINE,
)
_DENIED = re.compile(r"Unauthorized|must be logged in|x509:|asked for the client to provide credentials")
# kubectl get, kubectl config, Helm.
_NO_CONTEXT = re.compile(
    r'context was not found for specified context: (\S+)|context "?([^"\s]+)"? does not exist'
    r'|no context exists with the name: "([^"]+)"'
)
# Where the configuration names no cluster, both programs try this address of their own.
_NO_CLUSTER = re.compile(r"connection to the server localhost:8080 was refused|http://localhost:8080/")
_NO_NAMESPACE = re.compile(r'namespaces "([^"]+)" not found')
_CHART = re.compile(
    r"values don't meet the specifications|execution error at \(|failed parsing --set"
    r"|YAML parse error|parse error at \("
)
_FORBIDDEN = re.compile(
    r'^.*is forbidden: User "(?P<who>[^"]*)" cannot (?P<verb>\w+) resource "(?P<what>[^"]*)"'
    r' in API group "(?P<group>[^"]*)"(?: in the namespace "(?P<where>[^"]*)")?.*$',
    re.MULTILINE,
)


def fault(done: Completed) -> DubbopyError:
    """Return the error for a program that failed; what is not known is told in its own words."""
    text = (done.stderr or done.stdout).strip()
    last = text.splitlines()[-1].removeprefix("Error: ") if text else ""
    if _NO_CONTEXT.search(text) or _NO_CLUSTER.search(text):
        return _unknown(text)
    if found := _NO_NAMESPACE.search(text):
        return PreflightError(
            "namespace-missing", f"there is no namespace {found[1]}", hint=f"kubectl create namespace {found[1]}"
        )
    if _FORBIDDEN.search(text):
        return _forbidden(text)
    if _DENIED.search(text):
        return UnreachableError(
            "cluster-denied", f"the cluster does not let us in: {last}", hint="log in, then: kubectl auth whoami"
        )
    if _UNREACHABLE.search(text):
        return UnreachableError(
            "cluster-unreachable", f"the cluster does not answer: {last}", hint="kubectl cluster-info"
        )
    return _of_chart(text) or CommandError(done)


def _of_chart(text: str) -> UsageError | None:
    if not _CHART.search(text):
        return None
    what = "the chart cannot be rendered with these values"
    return UsageError("chart-invalid", what, hint="helm lint chart/app", details=text)


def _unknown(text: str) -> UsageError:
    found = _NO_CONTEXT.search(text)
    what = (
        f"there is no context {found[1] or found[2] or found[3]}"
        if found
        else "kubectl's configuration names no cluster"
    )
    return UsageError("context-unknown", what, hint="kubectl config get-contexts")


def _forbidden(text: str) -> PreflightError:
    found = list(_FORBIDDEN.finditer(text))
    one = found[0]
    what = ", ".join(dict.fromkeys(each["what"] for each in found))
    resource = f"{one['what']}.{one['group']}" if one["group"] and "/" not in one["what"] else one["what"]
    where = f" --namespace {one['where']}" if one["where"] else ""
    return PreflightError(
        "cluster-forbidden",
        f"{one['who'] or 'this user'} may not {one['verb']} {what}",
        hint=f"ask for a role that may; kubectl auth can-i {one['verb']} {resource}{where} shows it",
        details="\n".join(each[0].strip() for each in found),
    )
