"""Changing rules: the file first, then Envoy; a refused change leaves both as they were."""

from __future__ import annotations

from dubbopy_cli.errors import DubbopyError
from dubbopy_cli.targets.local import rulehistory, rulestore
from dubbopy_cli.targets.local.converge import converge
from dubbopy_cli.targets.local.mesh import Mesh
from dubbopy_cli.traffic.model import RuleSet


def change(mesh: Mesh, wanted: RuleSet) -> None:
    """Make ``wanted`` the rules of the namespace, on disk and in Envoy, in one step.

    Raises DubbopyError ``envoy-refused`` and keeps the former rules when Envoy does not take them.
    """
    former = mesh.rules()
    rulehistory.record(mesh.paths, mesh.origin, former, wanted)
    _write(mesh, former, wanted)
    state = mesh.load()
    if not state.running:
        return
    try:
        converge(mesh, state, wanted)
    except DubbopyError:
        _write(mesh, wanted, former)
        rulehistory.record(mesh.paths, mesh.origin, wanted, former)
        raise


def _write(mesh: Mesh, former: RuleSet, wanted: RuleSet) -> None:
    for rule in wanted:
        if former.get(rule.key) != rule:
            rulestore.put(mesh.paths, rule)
    for rule in former:
        if wanted.get(rule.key) is None:
            rulestore.delete(mesh.paths, rule.key)
