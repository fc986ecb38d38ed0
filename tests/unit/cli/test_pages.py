"""Pages whose files and commands need no target: what they show is what comes."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs"
PAGES = ("explanation/one-call.md", "how-to/lint.md")
BLOCK = re.compile(r"```(yaml|console)\n(.*?)```", re.DOTALL)
PIPES = {"head": lambda lines, count: lines[:count], "tail": lambda lines, count: lines[-count:]}


def piped(text, command):
    """Return what is left of a text behind ``| head -N``, ``| tail -N`` or ``| grep ^WORD``."""
    lines = text.splitlines(keepends=True)
    for pipe in command.split(" | ")[1:]:
        verb, word = pipe.split()
        if verb == "grep":
            lines = [line for line in lines if re.match(word, line)]
        else:
            lines = PIPES[verb](lines, int(word.removeprefix("-")))
    return "".join(lines)


def play(desk, page):
    """Yield the page with what its commands print in place of what it shows."""
    import shlex

    def replaced(found):
        kind, body = found.groups()
        if kind == "yaml":
            desk.write({body.partition("\n")[0].removeprefix("# "): body})
            return found[0]
        shown = ""
        for step in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
            command = step.partition("\n")[0]
            done = desk.cli(*shlex.split(command.partition(" | ")[0])[1:])
            assert done.text == "", command
            shown += f"$ {command}\n{piped(done.out, command)}"
        return f"```console\n{shown}```"

    return BLOCK.sub(replaced, page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_shows_what_comes(desk, name, request):
    page = DOCS / name
    found = play(desk, page)
    if request.config.getoption("--update-golden"):
        page.write_text(found, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == found
    assert found.count("$ dubbopy-cli") >= 3
