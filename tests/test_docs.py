"""The README and the pages show what happens: each block is run, in a folder like the repository's."""

import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
from glob import glob
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

import bpcli
from bpcli import docs
from bpcli.commands import COMMANDS
from bpcli.formulas.activations import ACTIVATIONS, Activation
from bpcli.formulas.losses import LOSSES
from bpcli.training.config.keys import KEYS
from bpcli.training.config.loading import load_config

ROOT = Path(__file__).parent.parent
PAGES = {
    "README": (ROOT / "README.md").read_text(encoding="utf-8"),
    **{name: docs.page(name) for name in docs.topics()},
}

NEEDED = {
    "certify": "flint",
    "symbolic": "sympy",
    "plot": "matplotlib",
    "sparse": "scipy",
    "arrow": "pyarrow",
    "onnx": "onnxruntime",
}
"""The module that a block needs whose first line names an extra: ```console certify."""


class Block(NamedTuple):
    """A fenced block: its page, its number on the page, its language, the word behind that, and its lines."""

    page: str
    number: int
    language: str
    word: str
    text: str

    def __str__(self) -> str:
        first = self.text.partition("\n")[0]
        return f"{self.page}-{self.number}-{first[:40]}"


BLOCKS = [
    Block(page, number, *match)
    for page, text in PAGES.items()
    for number, match in enumerate(re.findall(r"^```(\w+) ?(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE), 1)
]


def blocks(language):
    slow = {"plot": [pytest.mark.slow]}
    return [
        pytest.param(block, id=str(block), marks=slow.get(block.word, ()))
        for block in BLOCKS
        if block.language == language
    ]


def commands(block):
    """(command, expected output) pairs; a line `…` stands for any number of lines, a `…` behind a text for any end."""
    pairs = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            pairs.append((line[2:], []))
        else:
            pairs[-1][1].append(line)
    return pairs


def matches(expected, got):
    if not expected:
        return not got
    if expected[0] == "…":
        return any(matches(expected[1:], got[i:]) for i in range(len(got) + 1))
    start = expected[0].removesuffix("…")
    same = bool(got) and (got[0].startswith(start) if start != expected[0] else got[0] == start)
    return same and matches(expected[1:], got[1:])


def lacks(block):
    """Why the block can't be run here, or nothing."""
    if block.word in NEEDED and not find_spec(NEEDED[block.word]):
        return f"needs the extra {block.word}"
    if block.word == "jq" and not shutil.which("jq"):
        return "needs jq"
    return ""


class Reader:
    """Someone who types what a page shows, from the top, in a folder of their own with `bpcli` and `python`."""

    def __init__(self, page, home):
        self.page, self.home = page, home
        self.printed = {}
        for name in ("configs", "data"):
            (home / name).symlink_to(ROOT / name)
        tools = home / "bin"
        tools.mkdir()
        for name, arguments in (("bpcli", "-m bpcli"), ("python", "")):
            script = tools / name
            script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
            script.chmod(0o755)
        path = f"{tools}:{os.environ['PATH']}"
        self.environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}

    def output_of(self, block):
        """What each command of the block prints, after all blocks above it."""
        for each in BLOCKS:
            due = each.page == self.page and each.number <= block.number and each not in self.printed
            if due and each.language == "console" and not lacks(each):
                self.printed[each] = [self.run(command) for command, _ in commands(each)]
        return self.printed[block]

    def run(self, command):
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.home, env=self.environment, capture_output=True, text=True, check=False
        )
        return (done.stderr + done.stdout).splitlines()


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    readers = {}

    def of(page):
        if page not in readers:
            readers[page] = Reader(page, tmp_path_factory.mktemp(page))
        return readers[page]

    return of


@pytest.mark.parametrize("block", blocks("console"))
def test_a_console_block_prints_what_it_shows(reader, block):
    if lacks(block):
        pytest.skip(lacks(block))
    for (command, expected), got in zip(commands(block), reader(block.page).output_of(block), strict=True):
        assert matches(expected, got), f"$ {command}\n" + "\n".join(got)


@pytest.mark.parametrize("block", blocks("yaml"))
def test_a_config_shown_is_valid(block, tmp_path):
    """Whole, or of word `keys` the part of one that a page is about."""
    shown = yaml.safe_load(block.text)
    if block.word == "keys":
        base = yaml.safe_load((ROOT / "configs/iris.yaml").read_text())
        for name, part in shown.items():
            base[name] = {**base.get(name, {}), **part} if name in {"model", "training", "data"} else part
        shown = base
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(shown))
    assert load_config(tmp_path / "c.yaml").model.type == shown["model"]["type"]


@pytest.mark.parametrize("block", blocks("python"))
def test_python_shown_gives_what_its_comments_say(block, tmp_path, monkeypatch):
    """Each line whose comment begins with a value is evaluated, and the values are compared as they print."""
    monkeypatch.chdir(tmp_path)
    for name in ("configs", "data"):
        (tmp_path / name).symlink_to(ROOT / name)
    names: dict[str, object] = {}
    compared = 0
    for line in block.text.splitlines():
        code, _, comment = line.partition("  #")
        if not code.strip():
            continue
        if re.match(r"import |\w+ = ", code):
            exec(code, names)
            continue
        value = eval(code, names)
        shown = re.match(r" (array\(.*?\)|\[.*?\]|'.*?'|[\d.]+)(?=[:,]|$| )", comment)
        if shown:
            plain = re.sub(r"\s+", "", repr(value).replace("\n", ""))
            expected = re.sub(r"\s+", "", shown[1]).split("…")[0]
            assert plain.startswith(expected), (code, plain)
            compared += 1
    assert compared


def test_every_block_is_of_a_kind_that_is_known():
    """`sh` is what can't be run in a test, such as an installation, `py` a row to add; what else is shown is run."""
    assert {block.language for block in BLOCKS} <= {"console", "yaml", "python", "sh", "py"}
    assert {block.word for block in BLOCKS} <= {"", "keys", "grade", "jq", *NEEDED}
    assert all(PAGES[page].count("```") == 2 * sum(block.page == page for block in BLOCKS) for page in PAGES)


def test_the_front_page_is_short_and_leads_to_every_page():
    readme = PAGES["README"]
    assert len(readme.splitlines()) <= 200
    assert set(re.findall(r"bpcli/docs/(\w+)\.md", readme)) == set(docs.topics())


def test_every_link_and_topic_named_is_there():
    for name, text in PAGES.items():
        folder = ROOT if name == "README" else ROOT / "bpcli" / "docs"
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", text):
            assert (folder / target).exists(), (name, target)
        for topic in re.findall(r"bpcli help ([a-z]\w*)", text):
            assert topic in docs.topics(), (name, topic)


def test_every_topic_is_told_from_a_command_and_says_what_it_is_about():
    assert all(docs.topics().values())
    assert not set(docs.topics()) & set(COMMANDS)
    assert {row.page for row in COMMANDS.values()} <= {"", *docs.topics()}


def test_the_pages_name_every_key_function_command_and_named_jacobian():
    from bpcli.calculus.rules.functions import FUNCTIONS
    from bpcli.lecture.inputs import INPUTS

    words = set(re.findall(r"[a-z_0-9]+", " ".join(PAGES.values())))
    assert {*FUNCTIONS, *INPUTS, *COMMANDS, *(name for names in INPUTS.values() for name in names)} <= words
    assert {path.rpartition(".")[2] for path in KEYS} <= set(re.findall(r"[a-z_0-9]+", PAGES["config"]))


def test_the_page_python_has_every_public_name():
    for name in set(bpcli.__all__) - {"__version__"}:
        assert f"`{name}`" in PAGES["python"], name


def test_every_place_that_the_page_developing_names_is_there():
    for place in re.findall(r"`((?:\w+/)+(?:\w+\.py)?|\w+\.py)[` ]", PAGES["developing"]):
        inside = any((folder / place).exists() for folder in (ROOT, ROOT / "bpcli"))
        assert "NAME" in place or inside or list((ROOT / "bpcli").rglob(place)), place


def test_the_page_grading_has_every_finding():
    from bpcli.calculus.checks.grading import FINDINGS

    assert {*FINDINGS} <= set(re.findall(r"`(\w+)`", PAGES["grading"]))


def test_the_page_models_has_every_row():
    for row in (*ACTIVATIONS.values(), *LOSSES.values()):
        derivative = row.derivative_formula if isinstance(row, Activation) else row.slope_formula
        assert f"| `{row.name}` | `{row.formula}` | `{derivative}` |" in PAGES["models"]


def test_every_config_is_named_and_runs():
    for path in (ROOT / "configs").glob("*.yaml"):
        assert f"`{path.name}`" in PAGES["training"], path.name
        assert f"bpcli train configs/{path.name}" in path.read_text(), path.name


EXAMPLES = [
    (name, line.strip())
    for name in COMMANDS
    for line in import_module(f"bpcli.commands.{name}").command.help.splitlines()
    if line.strip().startswith("bpcli ")
]


def test_every_help_shows_an_example_and_its_page(bpcli):
    assert {name for name, _ in EXAMPLES} == set(COMMANDS)
    for name, row in COMMANDS.items():
        shown = bpcli(name, "--help").out
        assert not row.page or f"More: bpcli help {row.page}\n" in shown, name
        assert max(map(len, shown.splitlines())) <= 80, name


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with the files and runs that the examples of the helps name."""
    home = tmp_path_factory.mktemp("help")
    reader = Reader("help", home)
    table = (ROOT / "data" / "breast_cancer.csv").read_text().splitlines()[:50]
    (home / "new.csv").write_text("".join(f"{'id' if k == 0 else k},{row}\n" for k, row in enumerate(table)))
    (home / "points.csv").write_text("x,y\n1,2\n3,4\n")
    reader.run("bpcli init --data data/breast_cancer.csv --target diagnosis > cells.yaml")
    reader.run("bpcli exercise update --count 2 --key key.jsonl")
    for student in ("ada", "ben"):
        (home / f"{student}.txt").write_text("0,0\n0,0\n")
    for run, config in {"iris": "iris", "diabetes": "diabetes", "cells": "breast_cancer"}.items():
        reader.run(f"bpcli train configs/{config}.yaml --set training.epochs=5 --output runs/{run} --quiet")
    reader.run("bpcli train configs/iris.yaml --set training.learning_rate=0.01 --output runs/slow --quiet")
    for k, rows in enumerate((table[:20], [table[0], *table[20:]])):
        (home / f"part-{k}.csv").write_text("\n".join(rows) + "\n")
    return home


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=[example for _, example in EXAMPLES])
def test_the_examples_of_the_helps_work(bpcli, home, tmp_path, monkeypatch, name, example):
    words = shlex.split(example)
    written = {
        word for flag, word in itertools.pairwise(words) if flag in ("--output", "--key") and words[1] != "check"
    }
    for path in home.iterdir():
        if path.name not in written and (path.name != "runs" or not example.startswith("bpcli train")):
            (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    if name == "plot":
        pytest.importorskip("matplotlib")
    arguments = list(itertools.takewhile(lambda word: word not in {">", "|"}, shlex.split(example)))
    # As a shell does.
    arguments = [name for word in arguments for name in (sorted(glob(word)) if word.endswith("*.csv") else [word])]
    shown = bpcli(*arguments[1:])
    assert shown.code == ("--mine" in arguments), shown.err
