"""What the tests share: the command line run in this process, and the example data."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import settings

from bpcli.errors import MissingExtraError

ROOT = Path(__file__).parent.parent

# No test depends on how fast the machine is.
settings.register_profile("bpcli", deadline=None)
settings.load_profile("bpcli")


EXTRAS = {
    "certify": "flint",
    "symbolic": "sympy",
    "plot": "matplotlib",
    "sparse": "scipy",
    "arrow": "pyarrow",
    "onnx": "onnx",
}
WITNESSES = ("mpmath", "autograd", "jsonschema", "sklearn", "pandas")
ABSENT = {module for module in (*EXTRAS.values(), *WITNESSES) if find_spec(module) is None}


def absent(error: BaseException | None) -> str:
    """What is not installed, if that is why a test failed: it needs an extra, or a witness, and is skipped."""
    seen = set[int]()  # a chain of causes may lead back to itself
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in ABSENT:
            return str(error.name)
        if isinstance(error, MissingExtraError) and (name := EXTRAS.get(error.extra)) in ABSENT:
            return str(name)
        error = error.__cause__ or error.__context__
    return ""


@pytest.fixture(scope="session")
def run_by():
    """What Python prints of some arguments, run by so many processes under mpiexec; by one without it."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    mpiexec = shutil.which("mpiexec", path=places)

    def run(ranks, arguments, folder=None, **environment):
        if ranks > 1 and (find_spec("mpi4py") is None or mpiexec is None):
            pytest.skip("needs mpi4py and mpiexec, of the extra mpi")
        start = [mpiexec, "-n", str(ranks)] if ranks > 1 else []
        return subprocess.run(
            [*start, sys.executable, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        )

    run.mpiexec = mpiexec
    return run


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.excinfo and (name := absent(call.excinfo.value)):
        report.outcome, report.longrepr = "skipped", (str(item.path), item.location[1] or 0, f"{name} is not installed")
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    report = yield
    excinfo = report.call.excinfo if hasattr(report, "call") else None
    if report.outcome == "failed" and excinfo and (name := absent(excinfo.value)):
        report.outcome, report.longrepr = "skipped", (str(collector.path), 0, f"{name} is not installed")
        report.result = []
    return report


@pytest.fixture(autouse=True, scope="session")
def _interruptible() -> None:
    """Hear SIGINT, here and in processes that tests start, though a shell ignores it for a job in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class Result(NamedTuple):
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def json(self) -> list[Any]:
        return [json.loads(line) for line in self.lines]


@pytest.fixture
def bpcli(capsys, monkeypatch):
    """`bpcli("grad", "x**2", "--at", "1")` as a shell would run it, but in this process."""
    from bpcli.commands.running import run

    def call(*arguments: object, stdin: str | bytes = b"") -> Result:
        content = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        for extra in re.findall(r"pip install 'bpcli\[(\w+)\]'", printed.err):
            if EXTRAS.get(extra) in ABSENT:
                pytest.skip(f"{EXTRAS[extra]} is not installed")
        return Result(code, printed.out, printed.err)

    return call


@pytest.fixture
def quiet() -> Iterator[None]:
    """As the formulas ask of those who call them: infinities on the way are no warnings."""
    with np.errstate(all="ignore"):
        yield


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture
def shell(root) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """`shell("$B grad x | head")` runs a script of bash, in which $B is bpcli."""
    environment = {**os.environ, "PYTHONPATH": str(root), "B": f"{sys.executable} -m bpcli"}
    return lambda script: subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, env=environment, check=False
    )


@pytest.fixture(scope="session")
def iris_run(tmp_path_factory) -> Path:
    """A run to look at."""
    from bpcli.commands.running import run

    folder = tmp_path_factory.mktemp("runs") / "iris"
    assert run(["train", str(ROOT / "configs/iris.yaml"), "--output", str(folder), "--quiet"]) == 0
    return folder


class Page(HTMLParser):
    """An HTML page: its elements, each with its attributes, and the cells of its tables, row by row.

    Fails where an element is closed that is not open, or is left open.
    """

    VOID = frozenset({"meta", "br", "link", "hr", "img", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert len({name for name, _ in attrs}) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "caption":
            self._caption = ""
        if tag == "tr":
            self._rows.append([])
        if tag in ("td", "th"):
            self._rows[-1].append("")
        if tag == "data":
            self._rows[-1][-1] = dict(attrs)["value"]

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag == "caption":
            self._rows = self.tables[self._caption] = []

    def handle_data(self, data):
        if "style" in self.open:
            return
        self.text += data
        if "caption" in self.open:
            self._caption += data
        elif self.open and self.open[-1] in ("td", "th"):
            self._rows[-1][-1] += data

    def attributes(self, name):
        """The values of an attribute, of all elements that have it."""
        return [given[name] for _, given in self.elements if name in given]


@pytest.fixture(scope="session")
def read_page():
    return Page
