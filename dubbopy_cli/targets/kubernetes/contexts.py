"""The contexts of the kubeconfig: which one a command works in, and its namespace."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from dubbopy_cli import names
from dubbopy_cli.errors import PreflightError, UsageError
from dubbopy_cli.process import Runner
from dubbopy_cli.targets.kubernetes.kubectl import Kubectl

# What kubectl itself takes inside a pod that has no kubeconfig.
_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True)
class Context:
    """A context of the kubeconfig and its namespace; the name is empty for the service account of a pod."""

    name: str
    namespace: str


def known(runner: Runner) -> tuple[tuple[Context, ...], str]:
    """Return every context, and the name of the current one, which is empty where there is none."""
    seen = json.loads(Kubectl(runner, "", "").run("config", "view", "--output", "json", everywhere=True).stdout)
    there = seen.get("contexts") or ()
    return (
        tuple(Context(one["name"], one["context"].get("namespace") or "default") for one in there),
        seen.get("current-context", ""),
    )


def find(runner: Runner, wanted: str) -> Context:
    """Return the context ``wanted``, or the current one when that is empty.

    UsageError ``context-unknown`` for one that is not there, PreflightError ``context-missing`` when none is named.
    """
    there, current = known(runner)
    name = wanted or current
    if chosen := next((one for one in there if one.name == name), None):
        return chosen
    if wanted:
        raise UsageError(
            "context-unknown",
            f"there is no context {wanted}." + names.did_you_mean(wanted, [one.name for one in there]),
            hint="kubectl config get-contexts",
        )
    if not there and os.environ.get("KUBERNETES_SERVICE_HOST"):
        return Context("", _own_namespace())
    if name:
        what = f"the kubeconfig's current context {name} is not there"
    else:
        what = "the kubeconfig has no current context" if there else "there is no kubeconfig with a context"
    raise PreflightError(
        "context-missing",
        what,
        hint="name one of: kubectl config get-contexts; without a cluster: --target local",
    )


def _own_namespace() -> str:
    try:
        return _SERVICE_ACCOUNT.read_text(encoding="utf-8").strip()
    except OSError:
        return "default"
