"""The built-in templates: where they are, and which layers make which project."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from dubbopy_cli import names
from dubbopy_cli.errors import DubbopyError, UsageError
from dubbopy_cli.project import Lang, Role

BUILTIN = "builtin:"
LANGS: tuple[str, ...] = get_args(Lang)
ROLES: tuple[str, ...] = get_args(Role)
SIDECAR, PROXYLESS = "sidecar", "proxyless"
DEMO = "demo"


def root() -> Path:
    """Return the folder of the built-in templates: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).parents[1]
    for folder in (package / "templates", package.parent / "templates"):
        if (folder / "common/copier.yml").is_file():
            return folder
    raise DubbopyError(
        "template-invalid",
        f"the built-in templates are missing from {package}: the installation is broken",
        hint="pip install --force-reinstall dubbopy-cli",
    )


def layers(lang: str, role: str, mesh: str = SIDECAR) -> tuple[Path, ...]:
    """Return the layers of a built-in project in the order in which they are rendered.

    Those of a mesh come last and bring what the layers before them leave out for it (`_exclude` in their copier.yml).
    """
    folders = ["common", lang, f"{lang}-{role}"]
    if mesh != SIDECAR:
        folders += [f"{lang}-{mesh}", f"{lang}-{mesh}-{role}"]
    return tuple(root() / folder for folder in folders)


def alias(lang: str, role: str) -> str:
    """Return the name of a built-in template, valid on any machine."""
    return f"{BUILTIN}{lang}-{role}"


def parse_alias(source: str) -> tuple[str, str]:
    """Return language and role of ``builtin:LANG-ROLE``; UsageError if there is no such template."""
    known = {alias(lang, role): (lang, role) for lang in LANGS for role in ROLES}
    if source not in known:
        raise UsageError(
            "template-not-found",
            f"there is no built-in template '{source}'.{names.did_you_mean(source, list(known))}",
            hint=f"one of {', '.join(known)}",
        )
    return known[source]
