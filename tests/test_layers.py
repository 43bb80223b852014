"""The structure: imports go one way, and only some modules open files, print or know click."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "bpcli"
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))

BELOW = {  # a place may import from itself and from these
    "errors": set(),
    "notation": set(),
    "naming": set(),
    "yaml12": {"errors", "notation"},
    "files": {"errors"},
    "pairs": set(),
    "namespaces": {"errors", "pairs"},
    "elements": set(),
    "balls": {"elements", "errors"},
    "formulas": {"errors", "namespaces", "pairs", "notation"},
    "calculus": {"errors", "namespaces", "elements", "balls", "notation", "naming", "formulas"},
    "datasets": {"errors", "namespaces", "notation", "naming", "formulas", "files", "yaml12"},
    "training": {"errors", "namespaces", "notation", "naming", "formulas", "files", "datasets", "yaml12"},
    "plots": {"errors", "notation", "formulas", "files", "datasets", "training"},
}
BELOW["api"] = set(BELOW) - {"plots"}
ABOVE = {"commands", "__init__", "__main__"}  # these may import everything


def place(name: str) -> str:
    return name.split("/")[0].removesuffix(".py")


def imported(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


@pytest.fixture(params=MODULES)
def module(request):
    return request.param, ast.parse((PACKAGE / request.param).read_text())


def test_every_module_begins_with_what_it_is_for(module):
    name, tree = module
    assert ast.get_docstring(tree), name


def test_imports_go_one_way(module):
    name, tree = module
    if place(name) in ABOVE:
        return
    ours = {part.split(".")[1] for part in imported(tree) if part.startswith("bpcli.") and part != "bpcli.__version__"}
    assert ours <= BELOW[place(name)] | {place(name)}, name


def test_only_commands_know_click_or_print(module):
    name, tree = module
    if place(name) == "commands":
        return
    assert not {"click", "tqdm"} & {part.split(".")[0] for part in imported(tree)}, name
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert "print" not in calls, name


def test_only_some_places_open_files(module):
    name, tree = module
    if place(name) in {"datasets", "files"} or name in {
        "training/config.py",
        "training/run.py",
        "training/checkpoint.py",
    }:
        return
    opening = {"open", "read_text", "write_text", "read_bytes", "write_bytes", "fromfile", "loadtxt", "savez", "save"}
    used = {
        node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }
    assert not used & opening - ({"open"} if name == "commands/output.py" else set()), name


@pytest.mark.parametrize("forbidden", ["eval", "exec", "compile", "__import__"])
def test_nothing_of_the_users_is_run_as_python(forbidden):
    for name in MODULES:
        tree = ast.parse((PACKAGE / name).read_text())
        calls = [n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
        assert forbidden not in calls, name
