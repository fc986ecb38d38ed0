"""The README's tour and the how-to pages, line by line: what they show is what comes."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# The pages are for somebody who has come to the end of the tour.
PAGES = [
    ROOT / "README.md",
    *(ROOT / f"docs/how-to/{name}.md" for name in ("canary", "header-preview", "mirror", "shift", "undo")),
]
# Chance decides how many calls each version gets and how long they take; the port is another one where 20000 is taken.
BY_CHANCE = re.compile(r"(?<=%) +\d+ +\d+\.\d\d%|(?<=127\.0\.0\.1:)\d+|(?<=\d %) .*(?=  ok$)", re.MULTILINE)


def steps(page):
    """Yield (command, what it prints) from a page's console block."""
    (block,) = re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    if page.name != "README.md":
        # Each page starts from two versions without rules.
        yield "dubbopy-cli traffic reset -q > /dev/null", ""
    for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = step.partition("\n")
        yield command, output


def test_the_tour(tmp_path):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "DUBBOPY_STATE_DIR": str(tmp_path / "state")}
    folder = tmp_path / "tour"
    folder.mkdir()
    try:
        for command, expected in (step for page in PAGES for step in steps(page)):
            if command.startswith("cd "):
                folder /= command[3:]
                continue
            done = subprocess.run(
                ["bash", "-o", "pipefail", "-c", command],
                cwd=folder,
                env=env,
                stdout=subprocess.PIPE,
                text=True,
                timeout=600,
                check=True,
            )
            assert BY_CHANCE.sub("", done.stdout) == BY_CHANCE.sub("", expected), command
    finally:
        subprocess.run(
            [sys.executable, "-m", "dubbopy_cli", "local", "reset", "--yes"], env=env, check=True, capture_output=True
        )
