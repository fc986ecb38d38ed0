"""The reference of the command line is what --help says; `pytest --update-golden` writes it anew."""

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/reference/cli.md"


def help_of(*words):
    env = {**os.environ, "COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1"}
    argv = [sys.executable, "-m", "dubbopy_cli", *words, "--help"]
    return subprocess.run(argv, env=env, capture_output=True, text=True, check=True).stdout.rstrip()


def verbs(text):
    return re.findall(r"^  (\w+) ", text.partition("Commands:\n")[2], re.MULTILINE)


def page():
    parts = ["# The command line\n", f"```\n{help_of()}\n```\n"]
    for verb in verbs(help_of()):
        text = help_of(verb)
        parts.append(f"## {verb}\n\n```\n{text}\n```\n")
        parts += [f"### {verb} {below}\n\n```\n{help_of(verb, below)}\n```\n" for below in verbs(text)]
    return "\n".join(parts)


def test_the_reference_is_fresh(request):
    if request.config.getoption("--update-golden"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_verb_is_in_the_readme():
    readme = (PAGE.parents[2] / "README.md").read_text(encoding="utf-8")
    assert [verb for verb in verbs(help_of()) if f"`{verb}" not in readme] == []
