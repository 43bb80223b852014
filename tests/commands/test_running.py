"""The command line in a shell: pipes, closed streams, completion, and what it imports."""

import subprocess
import sys

import pytest

from bpcli.commands import COMMANDS


def test_the_output_serves_shell_scripts(shell):
    done = shell('read gx gy < <($B grad "x**2+y**2" --at 1,2); echo "$gy $gx"')
    assert done.stdout == "4 2\n"
    done = shell("""$B grad "x**2+y**2" --at 1,2 --at 3,4 | awk '{ s += $1 } END { print s }'""")
    assert done.stdout == "8\n"
    done = shell('set -o pipefail; $B descend "x**2" --at 1 --lr 0.001 --steps 100000 | head -n 1')
    assert (done.stdout, done.stderr, done.returncode) == ("1 1\n", "", 0)


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        ('$B grad "x**2" --at 1 >&-', 3, "standard output is closed"),
        ("$B eval x --at @- <&-", 3, "a value is missing"),
        ("$B grad x --points - <&-", 3, "is empty"),
    ],
)
def test_closed_streams_are_errors_not_crashes(shell, command, code, message):
    done = shell(command)
    assert done.returncode == code
    assert message in done.stderr


def test_what_can_t_be_said_on_stderr_costs_neither_result_nor_code(shell):
    assert shell('$B grad "x***2" --at 1 2> /dev/full').returncode == 2
    done = shell('$B eval "1/0" 2> /dev/full')
    assert (done.stdout, done.returncode) == ("inf\n", 4)
    done = shell("printf 'x,z\\n1,2\\n' | $B grad 'x**2' --points - 2> /dev/full")
    assert (done.stdout, done.returncode) == ("2\n", 0)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_imports_only_what_it_needs(root, name):
    """Scripts call these in a loop: neither a scalar calculation nor the help imports NumPy, YAML or tqdm."""
    light = {"eval": "x", "grad": "x", "jacobian": "x", "hessian": "x", "descend": "x"}
    arguments = [name, light[name], "--at", "1"] if name in light else [name, "--help"]
    if name == "descend":
        arguments += ["--lr", "1"]
    if name == "hessian":
        pytest.importorskip("flint", reason="without it the digits are looked at in 50 decimals, by NumPy")
    of_balls = {"numpy", "dataclasses", "json", "csv", "difflib"} if name == "hessian" else set()
    code = f"import sys; from bpcli.commands.running import run; run({arguments!r}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    if name in light:
        # A Hessian is compared with one in balls, whose arrays are NumPy's.
        assert not loaded & ({"yaml", "tqdm"} | ({"numpy", "dataclasses", "json", "csv", "difflib"} - of_balls))
    assert not loaded & {"scipy", "pytest", "matplotlib", "sympy"}


def test_training_without_a_terminal_imports_no_progress_bar(root, tmp_path):
    arguments = [
        "train",
        "configs/iris.yaml",
        "--quiet",
        "--set",
        "training.epochs=2",
        "--output",
        str(tmp_path / "run"),
    ]
    code = f"import sys; from bpcli.commands.running import run; run({arguments!r}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert not loaded & {"tqdm", "scipy", "pandas", "pyarrow", "importlib.metadata", "multiprocessing"}


def test_module_and_command_are_the_same(shell):
    done = shell('$B --version; python3 -c "import bpcli" ; $B --help | head -n 1')
    assert done.stdout.splitlines() == ["bpcli 0.1.0", "Usage: bpcli [OPTIONS] COMMAND [ARGS]..."]


def test_bpcli_alone_is_wrong_usage_and_its_help_says_what_to_type(bpcli):
    alone, asked = bpcli(), bpcli("--help")
    assert (alone.code, alone.out, asked.code, asked.err) == (2, "", 0, "")
    assert alone.err == asked.out


def test_debug_shows_the_traceback(shell):
    done = shell('$B grad "foo(x)" --at 1 --debug')
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert "Traceback" not in shell('$B grad "foo(x)" --at 1').stderr


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_shell_completion_is_clicks_own(shell, name):
    done = shell(f"_BPCLI_COMPLETE={name}_source $B")
    assert "_BPCLI_COMPLETE" in done.stdout
    if name != "bash":
        return
    done = shell('_BPCLI_COMPLETE=bash_complete COMP_WORDS="bpcli gr" COMP_CWORD=1 $B')
    assert "grad" in done.stdout
