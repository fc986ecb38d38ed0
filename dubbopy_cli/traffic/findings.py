"""What is wrong, or worth knowing, about a rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from dubbopy_cli.errors import ConflictError
from dubbopy_cli.traffic.model import Rule

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Finding:
    """One finding; ``path`` is its place in the object, such as ``spec.http[0].route[1]``, ``object`` the object.

    ``parameters`` are those of Istio's message of the same code; a list among them is written ``[a b]``.
    """

    severity: Severity
    code: str
    message: str
    path: str = ""
    object: str = ""
    parameters: tuple[str, ...] = ()

    @property
    def subject(self) -> tuple[str, str, str]:
        """Return kind, namespace and name of the object; an empty namespace where it has none."""
        kind, _, place = self.object.partition(" ")
        namespace, _, name = place.rpartition("/")
        return kind, namespace, name

    def __str__(self) -> str:
        place = " ".join(filter(None, (self.object, self.path)))
        return f"{place}: {self.message}" if place else self.message


def finding(rule: Rule, severity: Severity, code: str, message: str, path: str = "") -> Finding:
    """Return a finding about an object."""
    return Finding(severity, code, message, path, rule.title)


_MEND = "mend the rules, or go on all the same with --force"
# Where the rules themselves are well.
_HINTS = {
    "subset-empty": "dubbopy-cli status, or go on all the same with --force",
    "proxyless-caller": "route by weight, or give the callers sidecars: dubbopy-cli newApp --mesh sidecar; "
    "--force if they do not call this application",
}


def enforce(findings: Iterable[Finding], *, force: bool = False) -> None:
    """Refuse a change with errors among its findings, ConflictError ``rules-refused``, unless it is forced."""
    errors = [one for one in findings if one.severity == "error"]
    if not errors or force:
        return
    rest = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    raise ConflictError(
        "rules-refused",
        f"{errors[0]}{rest}",
        hint=_HINTS.get(errors[0].code, _MEND) if len({one.code for one in errors}) == 1 else _MEND,
        details="\n".join(str(one) for one in errors) if rest else "",
    )
