"""What changes in rules, as a unified diff of their YAML."""

from __future__ import annotations

from difflib import unified_diff

from dubbopy_cli.traffic import yamlio
from dubbopy_cli.traffic.model import Rule, RuleSet
from dubbopy_cli.traffic.plan import same


def difference(seen: RuleSet, wanted: RuleSet) -> str:
    """Return a unified diff of every object that differs, by their keys; an empty text where none does."""
    parts: list[str] = []
    for key in sorted({rule.key for rule in (*seen, *wanted)}):
        before, after = seen.get(key), wanted.get(key)
        if not same(before, after):
            name = (after or before or wanted.rules[0]).title
            parts += unified_diff(_lines(before), _lines(after), f"{name} (now)", f"{name} (wanted)", n=3)
    return "".join(parts)


def _lines(rule: Rule | None) -> list[str]:
    return yamlio.dump([rule]).splitlines(keepends=True) if rule else []
