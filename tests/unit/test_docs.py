"""The pages agree with the program: their links lead somewhere, their options exist, their codes are all that there are."""

import ast
import re
import shlex
from functools import cache
from importlib import import_module

import pytest
import typer

from dubbopy_cli.cli import main
from tests.unit.test_errors_covered import CODES, ROOT, literals, raised

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
TROUBLE = ROOT / "docs/how-to/troubleshooting-kubernetes.md"
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


def links(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [one for one in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in one]


def anchors(page):
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in heads}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_somewhere(page):
    lost = []
    for one in links(page):
        name, _, anchor = one.partition("#")
        goal = page.parent / name if name else page
        if not goal.exists() or (anchor and anchor not in anchors(goal)):
            lost.append(one)
    assert lost == []


def test_every_page_is_linked_from_another():
    linked = {(page.parent / one.partition("#")[0]).resolve() for page in PAGES for one in links(page)}
    assert [name for name, page in zip(NAMES, PAGES, strict=True) if page not in linked and name != "README.md"] == []


def commands(page):
    """Yield the words behind each `dubbopy-cli` in a page's blocks."""
    for block in re.findall(r"^```(?:console)?\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"\s*(?:\||&&?|;|>)\s+", re.sub(r"\s#.*", "", line)):
                if found := re.match(r"(?:\$ )?dubbopy-cli (.+)", part):
                    yield shlex.split(found[1].partition(" > ")[0])


@cache
def program():
    for name in main._VERBS:
        import_module(f"dubbopy_cli.cli.{name}")
    return typer.main.get_command(main.app)


def unknown(words):
    """Return the first word of a command that the program does not know, if there is one."""
    command = program()
    for at, word in enumerate(words):
        if not hasattr(command, "commands"):
            return unknown_option(command, words[at:])
        if word not in command.commands:
            return word
        command = command.commands[word]
    return ""


def unknown_option(command, words):
    known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)} | {"--help", "-h"}
    named = [one.partition("=")[0] for one in words if re.match(r"--?[A-Za-z]", one)]
    return next((one for one in named if one not in known and not re.fullmatch(r"-v+", one)), "")


@pytest.mark.parametrize("page", [one for one in PAGES if one.name != "cli.md"], ids=lambda one: one.name)
def test_commands_in_pages_are_ones_that_there_are(page):
    assert [words for words in commands(page) if unknown(words)] == []


def modules(path):
    """Yield the files of the package that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("dubbopy_cli"):
            for name in (node.module, *(f"{node.module}.{one.name}" for one in node.names)):
                place = ROOT / name.replace(".", "/")
                yield from (one for one in (place.with_suffix(".py"), place / "__init__.py") if one.is_file())


def raised_on_kubernetes():
    """Return the messages of each code that a module of the target, or one that it imports, can raise."""
    left = list((ROOT / "dubbopy_cli/targets/kubernetes").glob("*.py"))
    known = set(left)
    while left:
        fresh = set(modules(left.pop())) - known
        known |= fresh
        left += fresh
    files = {str(one.relative_to(ROOT)) for one in known}
    found = {}
    for place, _, code, message in raised():
        if place.partition(":")[0] in files:
            found.setdefault(code, []).append(message)
    return found


def sections():
    """Return what the page says under each code."""
    parts = re.split(r"^### `([a-z-]+)`$", TROUBLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_the_page_on_trouble_has_a_section_for_each_code_of_the_target():
    assert set(sections()) == set(raised_on_kubernetes())
    assert set(sections()) <= set(CODES)


def test_the_page_on_trouble_shows_what_is_said():
    wrong = []
    for code, messages in raised_on_kubernetes().items():
        shown = re.search(r"^`{1,2}Error: (.+?)`{1,2}$", sections()[code], re.MULTILINE)
        pieces = [max(literals(one), key=len, default="").strip() for one in messages]
        if shown and not any(piece and piece in shown[0].replace("\n", " ") for piece in pieces) and all(pieces):
            wrong.append((code, shown[0], pieces))
    assert wrong == []


def test_the_page_on_trouble_names_each_cause_of_a_rollout_that_stops():
    tree = ast.parse((ROOT / "dubbopy_cli/targets/kubernetes/causes.py").read_text(encoding="utf-8"))
    named = {
        word
        for node in ast.walk(tree)
        if (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Cause")
        or (isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "name")
        for word in literals(node.args[0] if isinstance(node, ast.Call) else node.value)
        if re.fullmatch(r"[A-Z][A-Za-z]+", word)
    }
    assert "Quota" in named
    assert {one for one in named if f"`{one}`" not in sections()["rollout-failed"]} - {"Unhealthy"} == set()


def test_codes_that_pages_name_exist():
    pages = (TROUBLE, ROOT / "docs/how-to/local-clusters.md")
    named = [one for page in pages for one in re.findall(r"[( ]`([a-z]+-[a-z-]+)`[),]", page.read_text())]
    assert [one for one in named if one not in CODES] == []
    assert "context-mismatch" in named
