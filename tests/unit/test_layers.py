"""The shape of the code: who may import whom, who prints, who runs programs, how large a room may be."""

import ast
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "dubbopy_cli"
MODULES = sorted(ROOT.rglob("*.py"))
# From top to bottom; a module may import its own layer and those below.
LAYERS = (("cli",), ("scaffold", "build", "targets"), ("traffic",))
LEAVES = {
    "errors",
    "extras",
    "process",
    "atonce",
    "plan",
    "names",
    "project",
    "settings",
    "artifact",
    "console",
    "cleanup",
}


def imports(path):
    """Yield (module, at the top level or inside a function) for each import; what only types need does not count."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, id(node) in top
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, id(node) in top
            for name in node.names:
                yield f"{node.module}.{name.name}", id(node) in top


def part(module):
    return module.split(".")[1] if module.startswith("dubbopy_cli.") else ""


def depth(name):
    return next((number for number, layer in enumerate(LAYERS) if name in layer), len(LAYERS))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path):
    relative = path.relative_to(ROOT)
    own = relative.parts[0].removesuffix(".py")
    if own in {"__init__", "__main__"}:
        return
    for module, _ in imports(path):
        other = part(module)
        if other in {"", "__version__", own}:
            continue
        assert depth(other) > depth(own) or other in LEAVES, f"{relative} imports {module}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_command_line_knows_typer_and_rich(path):
    relative = path.relative_to(ROOT)
    names = {module.split(".")[0] for module, _ in imports(path)}
    if relative.parts[0] == "cli":
        return
    assert "typer" not in names
    assert "rich" not in names or relative.name == "console.py"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_one_module_runs_programs_and_one_prints(path):
    relative = str(path.relative_to(ROOT))
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {module.split(".")[0] for module, _ in imports(path)}
    assert "subprocess" not in names or relative == "process.py"
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert "print" not in calls
    if relative != "console.py":
        assert not calls & {"sys.stdout.write", "sys.stderr.write"}


def test_pure_rules_do_no_io():
    forbidden = {"os", "pathlib", "socket", "urllib.request", "http", "grpc", "time", "asyncio", "threading"}
    for path in (ROOT / "traffic").rglob("*.py"):
        assert not {module for module, _ in imports(path)} & forbidden, path


def test_slow_libraries_are_imported_where_they_are_used():
    slow = {"copier", "jinja2", "rich", "ruamel", "grpc", "supervisor", "psutil", "hypothesis", "jsonschema"}
    for path in MODULES:
        top = {module.split(".")[0] for module, at_top in imports(path) if at_top}
        # What only the local target imports is itself imported by a function.
        if path.is_relative_to(ROOT / "targets/local"):
            continue
        assert not top & slow, f"{path} imports {top & slow} at its top"


def test_no_room_is_too_full():
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {str(path) for path, lines in sizes.items() if lines > 450} == set()
    assert statistics.median(sizes.values()) <= 150


def test_functions_are_short():
    long = []
    lengths = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lengths.append(node.end_lineno - node.lineno + 1)
                if lengths[-1] > 60:
                    long.append(f"{path}:{node.name} ({lengths[-1]})")
    assert long == []
    assert statistics.quantiles(lengths, n=10)[-1] <= 40


def test_public_things_are_described():
    bare = []
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), path
        for node in tree.body:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
            if public and not ast.get_docstring(node):
                bare.append(f"{path}:{node.name}")
    assert bare == []
