"""Where a template comes from: a folder, or a git repository."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from dubbopy_cli import names
from dubbopy_cli.errors import UsageError
from dubbopy_cli.scaffold import catalogue

# How copier tells a git source from a folder (`copier._vcs.get_repo`).
_REMOTE = re.compile(r"(?:gh|gl):|git@|git\+|[a-z]+://")


@dataclass(frozen=True)
class Source:
    """A template: a folder or a git source as copier takes it, a git ref or "", and whether it may run its own code."""

    url: str
    ref: str = ""
    trust: bool = False

    @property
    def git_url(self) -> str:
        """Return what git is asked for, the short forms written out."""
        for short, host in (("gh:", "github.com"), ("gl:", "gitlab.com")):
            if self.url.startswith(short):
                return f"https://{host}/{self.url.removeprefix(short).strip('/').removesuffix('.git')}.git"
        return self.url.removeprefix("git+")


def source(text: str, ref: str, *, trust: bool) -> Source:
    """Return the template that ``text`` means; UsageError if it is a folder that is not there."""
    if _REMOTE.match(text) or (text.endswith(".git") and not Path(text).exists()):
        return Source(text, ref, trust)
    path = Path(text).expanduser()
    if not path.exists():
        known = [catalogue.alias(lang, role) for lang in catalogue.LANGS for role in catalogue.ROLES]
        raise UsageError(
            "template-not-found",
            f"there is no template at '{text}'.{names.did_you_mean(text, known)}",
            hint=f"a folder, gh:OWNER/REPO, git+URL, or one of {', '.join(known)}",
        )
    # A relative path in an answers file would be right in one working directory only.
    return Source(str(path.resolve()), ref, trust)
