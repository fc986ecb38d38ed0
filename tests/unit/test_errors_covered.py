"""Every code of an error is raised, explained and shown whole by a test; so is every place that raises one."""

import ast
import re
import typing
from pathlib import Path

import pytest

from dubbopy_cli import errors
from dubbopy_cli.errors import ErrorCode

ROOT = Path(__file__).parents[2]
CODES = typing.get_args(ErrorCode)
# Functions that make an error of one code, and where their message stands among the arguments.
MAKERS = {"refuse": 0, "_invalid": 0, "_unfit": 1, "unsafe": 1, "_failed": 2}
RPC_ERRORS = {"FaultError", "RpcError", "AdminError"}
PAGE = ROOT / "docs/reference/errors.md"


def trees(folder):
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted((ROOT / folder).rglob("*.py"))}


def literals(node):
    return [one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def name_of(call):
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def raised():
    """Yield (place, class, code, message) for every error that is made with a code of its own."""
    for path, tree in trees("dubbopy_cli").items():
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            words = [arg.value for arg in call.args[:1] if isinstance(arg, ast.Constant)]
            if len(call.args) > 1 and words and words[0] in CODES:
                kind = name_of(call) if name_of(call) != "__init__" else "DubbopyError"
                yield f"{path.relative_to(ROOT)}:{call.lineno}", kind, words[0], call.args[1]


def messages():
    """Yield (place, longest literal piece of the message) for every error that is made."""
    for place, _, _, message in raised():
        yield place, max(literals(message), key=len, default="")
    for path, tree in trees("dubbopy_cli").items():
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            at = MAKERS.get(name_of(call))
            if at is not None and len(call.args) > at:
                yield f"{path.relative_to(ROOT)}:{call.lineno}", max(literals(call.args[at]), key=len, default="")


@pytest.fixture(scope="module")
def shown():
    """Every text that stands in a test, but in this one."""
    return "\n".join(text for path, tree in trees("tests").items() if path != Path(__file__) for text in literals(tree))


def test_no_code_is_listed_twice():
    assert len(CODES) == len(set(CODES))


def test_every_code_is_raised_somewhere():
    assert set(CODES) - {code for _, _, code, _ in raised()} == set()


def test_every_code_ends_the_whole_text_of_a_test(shown):
    assert [code for code in CODES if f"[{code}]\n" not in shown] == []


def test_every_message_stands_in_a_test(shown):
    assert [(place, piece) for place, piece in messages() if piece not in shown] == []


def test_every_code_has_one_exit_code():
    statuses = {}
    for _, kind, code, _ in raised():
        statuses.setdefault(code, set()).add(int(getattr(errors, kind).exit_code))
    assert {code for code, found in statuses.items() if len(found) > 1} == set()
    rows = {code: int(status) for code, status in re.findall(r"^\| `([a-z-]+)` \| (\d+) \|", PAGE.read_text(), re.M)}
    # verb.py ends an interrupted command by the shell's own rule, 128 and the signal's number.
    assert rows == {code: found.pop() for code, found in statuses.items()} | {"interrupted": 130}


def test_the_page_explains_each_code_in_the_order_of_the_source():
    text = PAGE.read_text(encoding="utf-8")
    source = Path(errors.__file__).read_text(encoding="utf-8").partition("ErrorCode = Literal[")[2].partition("]")[0]
    groups = re.findall(r"^    # (.+)$|^    \"([a-z-]+)\",$", source, re.MULTILINE)
    page = re.findall(r"^## (.+)$|^\| `([a-z-]+)` \|(?: [^|]+ \|){4}$", text, re.MULTILINE)
    rows = [(title.lower(), code) for title, code in page]
    assert [row for row in rows if row[0] != "exit codes"] == groups
