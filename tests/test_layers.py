"""The house: imports go one way between folders and between files; only some places open files, print or know click."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from bpcli.datasets.reading import READERS
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.layers import LAYERS
from bpcli.formulas.losses import LOSSES
from bpcli.formulas.optimizers import OPTIMIZERS
from bpcli.formulas.schedules import SCHEDULES
from bpcli.formulas.solvers import SOLVERS
from bpcli.training.metrics import METRICS

PACKAGE = Path(__file__).parent.parent / "bpcli"
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
TREES = {name: ast.parse((PACKAGE / name).read_text(encoding="utf-8")) for name in MODULES}

_READING = ("errors", "memory", "sums", "ranks", "sources", "archives", "text", "numbers", "formulas", "paths", "files")
BELOW = {  # a folder may import from itself and from these
    "other_names": set(),
    "errors": {"other_names"},
    "text": {"errors"},
    "docs": {"errors"},
    "memory": {"errors"},
    "sums": set(),
    "csv_lines": set(),
    "stop_signals": set(),
    "job": set(),
    "ranks": {"errors", "sums"},
    "mpi_ranks": {"errors", "sums", "job", "ranks", "stop_signals"},
    "sources": {"errors", "memory"},
    "archives": {"sources"},
    "paths": {"errors", "text"},
    "files": {"errors"},
    "folders": {"errors", "files"},
    "numbers": {"errors"},
    "formulas": {"errors", "text", "numbers"},
    "lecture": {"errors", "text", "numbers", "formulas", "calculus"},
    "calculus": {"errors", "memory", "csv_lines", "text", "numbers", "formulas"},
    "datasets": {*_READING, "csv_lines"},
    "training": {*_READING, "stop_signals", "mpi_ranks", "folders", "datasets", "calculus"},
    "exporting": {"errors", "text", "numbers", "formulas", "calculus", "datasets", "training"},
    "plots": {"errors", "text", "numbers", "formulas", "files", "datasets", "training"},
    "reporting": {"errors", "text", "datasets", "training", "plots"},
    "api": {
        "errors",
        "ranks",
        "text",
        "numbers",
        "formulas",
        "files",
        "datasets",
        "training",
        "calculus",
        "lecture",
        "exporting",
        "reporting",
    },
}
ABOVE = {"commands", "__init__", "__main__"}  # these may import everything


def place(name: str) -> str:
    return name.split("/")[0].removesuffix(".py")


def dotted(name: str) -> str:
    return ("bpcli." + name.removesuffix(".py").replace("/", ".")).removesuffix(".__init__")


FILES = {dotted(name): name for name in MODULES}


def imported(tree: ast.AST) -> set[str]:
    """All modules that are imported, anywhere in the file; of `from package import module` the module."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                found.add(module if module in FILES else node.module)
    return found


@pytest.fixture(params=MODULES)
def module(request):
    return request.param, TREES[request.param]


def test_every_module_begins_with_what_it_is_for(module):
    name, tree = module
    assert ast.get_docstring(tree), name


def test_imports_between_folders_go_one_way(module):
    name, tree = module
    if place(name) in ABOVE:
        return
    ours = {part.split(".")[1] for part in imported(tree) if part.startswith("bpcli.") and part != "bpcli.__version__"}
    assert ours <= BELOW[place(name)] | {place(name)}, name


def test_no_circle_of_folders():
    assert circle(BELOW) == []


def circle(graph: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_no_circle_of_files():
    graph = {dotted(name): imported(tree) & set(FILES) - {dotted(name)} for name, tree in TREES.items()}
    graph.pop("bpcli")  # offers the public names
    assert circle(graph) == []


def test_a_circle_of_any_length_is_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})


def test_no_two_modules_of_one_name():
    names = [Path(name).stem for name in MODULES if not name.endswith("__init__.py")]
    assert sorted(names) == sorted(set(names))


def test_only_commands_know_click_or_print(module):
    name, tree = module
    if place(name) == "commands":
        return
    assert not {"click", "tqdm"} & {part.split(".")[0] for part in imported(tree)}, name
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert "print" not in calls, name


def test_only_some_places_open_files(module):
    name, tree = module
    if place(name) in {"datasets", "docs", "files", "folders", "memory", "sources", "archives"} or name in {
        "training/config/loading.py",
        "training/run.py",
        "training/checkpoint.py",
        "training/selection/saved.py",
        "training/selection/unfinished.py",
        "training/descent/compiler.py",
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
    for name, tree in TREES.items():
        calls = [n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
        assert forbidden not in calls, name


OPTION = re.compile(r"(?<![\w-])--[a-z]")


def test_only_commands_name_options(module):
    name, tree = module
    if place(name) in ABOVE:
        return
    bodies = [node.body for node in ast.walk(tree) if isinstance(getattr(node, "body", None), list)]
    docstrings = {id(part.value) for body in bodies for part in body if isinstance(part, ast.Expr)}
    texts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]
    assert [text for text in texts if OPTION.search(text) and not text.startswith("pip install")] == []


def test_a_module_has_a_test_file_of_its_name():
    tests = Path(__file__).parent
    without = {
        name
        for name in MODULES
        if not name.endswith("__init__.py") and not (tests / name).with_name("test_" + name.split("/")[-1]).exists()
    }
    assert without == set()


def test_the_map_of_the_code_names_every_folder_and_file_at_the_top():
    page = (PACKAGE / "docs" / "developing.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.split("## To add", 1)[0].splitlines() if line.startswith("| `")]
    shown = set(re.findall(r"`([\w/]+(?:/|\.py))`", " ".join(rows)))
    folders = {f"{Path(name).parent}/" for name in MODULES if not name.endswith("__init__.py") and "/" in name} | {
        "docs/"
    }
    files = {name for name in MODULES if "/" not in name and not name.startswith("__")}
    assert shown == folders | files


NAMES = {*ACTIVATIONS, *LOSSES, *OPTIMIZERS, *SCHEDULES, *SOLVERS, *LAYERS, *METRICS, *READERS}
NAMES -= {
    "loss",
    "csv",
    "npy",
    "parquet",
}  # which are also a key of the config, and formats that results are written in
FORMULAS = ("calculus/", "numbers/", "lecture/writing.py")  # which know exp as a function of mathematics


@pytest.mark.parametrize("name", [name for name in MODULES if not name.startswith(FORMULAS)])
def test_no_name_of_a_row_is_compared_with_a_text(name):
    compared = [
        constant.value
        for node in ast.walk(TREES[name])
        if isinstance(node, ast.Compare | ast.MatchValue)
        for part in ([node.left, *node.comparators] if isinstance(node, ast.Compare) else [node.value])
        for constant in (part.elts if isinstance(part, ast.Tuple | ast.List | ast.Set) else [part])
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str)
    ]
    assert not NAMES.intersection(compared)
