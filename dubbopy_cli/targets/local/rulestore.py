"""The rule objects of a namespace on disk: one YAML file each, which a person may read and keep."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from dubbopy_cli.errors import DubbopyError
from dubbopy_cli.targets.local.files import disk_errors, write_atomic
from dubbopy_cli.targets.local.paths import Paths
from dubbopy_cli.traffic import yamlio
from dubbopy_cli.traffic.model import Rule, RuleSet

Key = tuple[str, str, str]


def read(paths: Paths, namespace: str) -> RuleSet:
    """Return the rules of the namespace; DubbopyError ``rules-damaged`` when a file holds none."""
    return RuleSet.of(rule for path in sorted(paths.rules.glob("*.yaml")) for rule in _read(path, namespace))


def put(paths: Paths, rule: Rule) -> None:
    """Write one object in the place of the one with its key."""
    write_atomic(_path(paths, rule.key), yamlio.dump([rule]), paths.scratch)


def delete(paths: Paths, key: Key) -> None:
    """Delete the object with this key; nothing happens when there is none."""
    with disk_errors(paths.rules):
        _path(paths, key).unlink(missing_ok=True)


def _path(paths: Paths, key: Key) -> Path:
    kind, namespace, name = key
    return paths.rules / f"{kind.lower()}.{namespace}.{name}.yaml"


def _read(path: Path, namespace: str) -> tuple[Rule, ...]:
    try:
        return _parsed(path.read_text(encoding="utf-8"), str(path), namespace)
    except (DubbopyError, UnicodeDecodeError) as error:
        raise DubbopyError(
            "rules-damaged",
            f"a stored rule cannot be read: {error}",
            hint=f"mend the file, or delete it and write the rule again: rm {path}",
        ) from error


# A command reads the rules several times, and YAML with its comments takes 10 ms a file; a rule is never changed.
@lru_cache(maxsize=256)
def _parsed(text: str, source: str, namespace: str) -> tuple[Rule, ...]:
    return yamlio.parse(text, source=source, namespace=namespace)
