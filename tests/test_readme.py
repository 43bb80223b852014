"""What the README shows is what happens: each console block is run, line by line, in a folder like the repository's."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL)


def commands(block):
    """(command, expected output) pairs; a line `…` stands for any number of lines, a `…` behind a text for any end."""
    pairs = []
    for line in block.splitlines():
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


@pytest.fixture(scope="module")
def shell(tmp_path_factory, root):
    """Runs a command as the README's reader would: with `bpcli` and `python` on the path."""
    home = tmp_path_factory.mktemp("readme")
    for name in ("configs", "data"):
        (home / name).symlink_to(root / name)
    tools = home / "bin"
    tools.mkdir()
    for name, arguments in (("bpcli", "-m bpcli"), ("python", "")):
        script = tools / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        script.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(root), "NO_COLOR": "1"}

    def run(command):
        done = subprocess.run(
            ["bash", "-c", command], cwd=home, env=environment, capture_output=True, text=True, check=False
        )
        return done.stderr + done.stdout

    return run


@pytest.mark.parametrize("block", BLOCKS, ids=[commands(b)[0][0][:40] for b in BLOCKS])
def test_the_console_blocks_print_what_they_show(shell, block):
    for command, expected in commands(block):
        got = shell(command).splitlines()
        assert matches(expected, got), f"$ {command}\n" + "\n".join(got)


def test_the_config_shown_holds_every_key_and_is_valid(tmp_path):
    from bpcli.training.config.keys import KEYS
    from bpcli.training.config.loading import load_config

    (block,) = re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL)
    (tmp_path / "c.yaml").write_text(block)
    load_config(tmp_path / "c.yaml")
    shown = yaml.safe_load(block)
    for path in KEYS:
        *sections, name = path.split(".")
        assert name in (shown[sections[0]] if sections else shown), path


def test_the_readme_names_every_function_command_and_named_jacobian():
    from bpcli.calculus.rules.functions import FUNCTIONS
    from bpcli.commands import COMMANDS
    from bpcli.lecture.inputs import INPUTS

    words = set(re.findall(r"[a-z_0-9]+", README))
    assert {*FUNCTIONS, *INPUTS, *COMMANDS, *(name for names in INPUTS.values() for name in names)} <= words


def test_every_command_shows_a_working_example_in_its_help(bpcli, root, tmp_path, monkeypatch):
    from bpcli.commands import COMMANDS

    monkeypatch.chdir(root)
    for name in COMMANDS:
        shown = bpcli(name, "--help")
        assert shown.code == 0
        assert f"  bpcli {name}" in shown.out, name


def test_the_python_shown_gives_what_its_comments_say(tmp_path, root, monkeypatch):
    """Each line whose comment begins with a value is evaluated, and the values are compared as they print."""
    monkeypatch.chdir(tmp_path)
    for name in ("configs", "data"):
        (tmp_path / name).symlink_to(root / name)
    (block,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names: dict[str, object] = {}
    compared = 0
    for line in block.splitlines():
        code, _, comment = line.partition("  #")
        if not code.strip():
            continue
        if re.match(r"import |\w+ = ", code):
            exec(code, names)
            continue
        value = eval(code, names)
        shown = re.match(r" (array\(.*?\)|\[.*?\])(?=[:,]|$| )", comment)
        if shown:
            plain = re.sub(r"\s+", "", repr(value).replace("\n", ""))
            expected = re.sub(r"\s+", "", shown[1]).split("…")[0]
            assert plain.startswith(expected), (code, plain)
            compared += 1
    assert compared >= 6
