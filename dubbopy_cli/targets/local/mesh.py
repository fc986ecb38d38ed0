"""The pieces of one namespace on this machine, handed to every operation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dubbopy_cli.process import Runner
from dubbopy_cli.targets.local import rulestore
from dubbopy_cli.targets.local.envoy import Admin
from dubbopy_cli.targets.local.paths import Paths
from dubbopy_cli.targets.local.state import State
from dubbopy_cli.targets.local.store import Store
from dubbopy_cli.targets.local.supervisor import Supervisor
from dubbopy_cli.traffic.history import Origin
from dubbopy_cli.traffic.model import RuleSet


@dataclass(frozen=True)
class Mesh:
    """What an operation needs: where things lie, who runs them, and whom to tell."""

    namespace: str
    paths: Paths
    store: Store
    supervisor: Supervisor
    runner: Runner
    say: Callable[[str], None]
    origin: Origin

    def load(self) -> State:
        """Return the desired state; what is wrong with its file is said."""
        state, notes = self.store.load()
        for note in notes:
            self.say(note)
        return state

    def rules(self) -> RuleSet:
        """Return every rule of the namespace."""
        return rulestore.read(self.paths, self.namespace)

    def admin(self, state: State) -> Admin:
        """Return Envoy's admin interface."""
        return Admin(state.admin)
