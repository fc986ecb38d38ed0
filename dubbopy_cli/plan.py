"""Ordered steps: what a command is going to do, printed by ``--dry-run`` or applied."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One step: a title for people, the action, and the line a user could type instead, if there is one."""

    title: str
    run: Callable[[], object]
    command: str = ""

    def to_dict(self) -> dict[str, str]:
        """Return the step without its action, for ``--dry-run -o json``."""
        return {"title": self.title, **({"command": self.command} if self.command else {})}


@dataclass(frozen=True)
class Plan:
    """Steps in the order in which they are applied; no steps means that nothing is to be done.

    ``guard`` is entered while the steps run, such as the lock that keeps a second command away. ``preview`` returns
    the objects that the steps would make, ``difference`` how they differ from those that are there; both as text.
    """

    steps: tuple[Step, ...] = ()
    guard: Callable[[], AbstractContextManager[object]] = nullcontext
    preview: Callable[[], str] = str
    difference: Callable[[], str] = str

    def __bool__(self) -> bool:
        return bool(self.steps)

    def apply(self, announce: Callable[[Step], None] = lambda _: None) -> None:
        """Run the steps in order, each announced before it starts; an error ends the run at that step."""
        with self.guard():
            for step in self.steps:
                announce(step)
                step.run()
