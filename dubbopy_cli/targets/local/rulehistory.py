"""The history of the rules on disk, beside the rules."""

from __future__ import annotations

import time

from dubbopy_cli.targets.local.files import read_text, write_atomic
from dubbopy_cli.targets.local.paths import Paths
from dubbopy_cli.traffic import history
from dubbopy_cli.traffic.history import Change, Origin
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import RuleSet


def read(paths: Paths) -> tuple[Change, ...]:
    """Return the changes, the oldest first; DubbopyError ``rules-damaged`` when the file holds none."""
    text = read_text(paths.history)
    return history.loads(text, str(paths.history)) if text else ()


def record(paths: Paths, origin: Origin, former: RuleSet, wanted: RuleSet) -> None:
    """Keep what is about to be done; recorded first, so that a crash leaves nothing that cannot be undone."""
    seen = read(paths)
    found = history.record(seen, origin, former, wanted, time.time())
    if found != seen:
        write_atomic(paths.history, history.dumps(found), paths.scratch)


def forget(paths: Paths, service: Service) -> None:
    """Take what was done to the rules of ``service`` out of the history."""
    seen = read(paths)
    left = history.without(seen, service)
    if left != seen:
        write_atomic(paths.history, history.dumps(left), paths.scratch)
