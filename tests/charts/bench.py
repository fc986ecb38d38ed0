"""A project with a PATH on which compilers, builders and Helm only write down how they were called."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from dubbopy_cli.build.images import content

# All that a Makefile may need beside compilers, docker and helm.
BASIC = ("sh", "make", "awk", "sed", "grep", "cp", "mv", "rm", "touch", "echo")
# And to say what an image is made of.
BASIC += ("find", "test", "sort", "cut", "sha256sum")
RECORD = """
{ printf '%s' "${0##*/}"; for word; do printf '\\t%s' "$word"; done; printf '\\n'; } >> "$STUBS/calls"
"""
# Keeps releases as files: the manifest of each, and whether its last deployment failed.
HELM = """#!/bin/sh
case "$1 $2" in
  "status "*) [ -f "$STUBS/$2.failed" ] && { echo "STATUS: failed"; exit 0; }
     [ -f "$STUBS/$2.release" ] && { printf 'NAME: %s\\nSTATUS: deployed\\n' "$2"; exit 0; }
     echo "Error: release: not found" >&2; exit 1;;
  "get manifest") cat "$STUBS/$3.release" 2>/dev/null && exit 0; echo "Error: release: not found" >&2; exit 1;;
  "list "*) cat "$STUBS/list" 2>/dev/null; exit 0;;
esac
RECORD
case "$1" in
  upgrade)
    case "$4" in chart/service) kind=Service;; *) kind=Deployment;; esac
    printf 'kind: %s\\n' "$kind" > "$STUBS/$3.release"; rm -f "$STUBS/$3.failed"
    printf 'Release "%s" does not exist. Installing it now.\\nNAME: %s\\nLAST DEPLOYED: now\\nNAMESPACE: default\\nSTATUS: deployed\\nREVISION: 1\\n' "$3" "$3";;
  uninstall) [ -f "$STUBS/$2.release" ] || exit 1; rm "$STUBS/$2.release"; echo "release \\"$2\\" uninstalled";;
esac
"""
GO = """#!/bin/sh
RECORD
echo "go: GOOS=$GOOS GOARCH=$GOARCH CGO_ENABLED=$CGO_ENABLED" >> "$STUBS/environment"
while [ $# -gt 0 ]; do [ "$1" = -o ] && echo built > "$2"; shift; done
"""
PLAIN = "#!/bin/sh\nRECORD\n"
# A builder answers; asking it changes nothing.
BUILDER = '#!/bin/sh\n[ "$1" = version ] && exit 0\nRECORD\n'


@dataclass
class Bench:
    """A project, a PATH with nothing but stubs and basic tools on it, and what the stubs were called with."""

    root: Path
    stubs: Path

    def make(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        env = {"PATH": str(self.stubs / "bin"), "STUBS": str(self.stubs), "HOME": str(self.stubs), **env}
        return subprocess.run(
            ["make", *arguments], cwd=self.root, env=env, capture_output=True, text=True, timeout=60, check=False
        )

    def made(self, *arguments: str, **env: str) -> str:
        done = self.make(*arguments, **env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def label(self) -> str:
        """Return the label of an image that is made of what is there now."""
        return f"dubbopy.content={content.digest(self.root)}"

    def calls(self) -> list[list[str]]:
        log = self.stubs / "calls"
        found = [line.split("\t") for line in log.read_text().splitlines()] if log.exists() else []
        log.unlink(missing_ok=True)
        return found

    def edit(self, file: str, before: str, after: str) -> None:
        path = self.root / file
        text = path.read_text()
        assert text.count(before) == 1, f"{before!r} in {file}: {text.count(before)} times"
        path.write_text(text.replace(before, after))

    def stub(self, name: str, text: str = PLAIN) -> None:
        path = self.stubs / "bin" / name
        path.write_text(text.replace("RECORD", RECORD))
        path.chmod(0o755)

    def listed(self, charts: dict[str, str]) -> None:
        """Let `helm list --output yaml` show these releases, each with its chart."""
        entry = (
            '- app_version: ""\n  chart: {}\n  name: {}\n  namespace: default\n  revision: "1"\n  status: deployed\n'
        )
        shown = "".join(entry.format(chart, name) for name, chart in charts.items())
        (self.stubs / "list").write_text(shown or "[]\n")

    def release(self, name: str, kind: str, *, failed: bool = False) -> None:
        (self.stubs / f"{name}.release").write_text(f"apiVersion: v1\nkind: {kind}\n")
        if failed:
            (self.stubs / f"{name}.failed").touch()


def at(root: Path, stubs: Path, *, builders: tuple[str, ...] = ("docker",)) -> Bench:
    """Set up the stubs beside a project."""
    (stubs / "bin").mkdir(parents=True)
    for name in (*BASIC, "cat"):
        (stubs / "bin" / name).symlink_to(str(shutil.which(name)))
    made = Bench(root, stubs)
    made.stub("helm", HELM)
    made.stub("go", GO)
    for name in builders:
        made.stub(name, BUILDER)
    return made
