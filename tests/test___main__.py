"""The entry: what a command need not load it does not load, and its exit code is the process's."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

CONFIGS = Path(__file__).parents[1] / "configs"
CODE = """
import sys
from bpcli.__main__ import main
try:
    main()
finally:
    print(*sorted(set(sys.modules) & set({unwanted!r})), file=sys.stderr)
"""


def run(unwanted, *words):
    program = CODE.format(unwanted=unwanted)
    return subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, encoding="utf-8")


@pytest.mark.parametrize(
    ("unwanted", "words"),
    [
        (("numpy", "yaml"), ("grad", "x*y + sigmoid(x)", "--at", "1,2")),
        (("numpy", "yaml"), ("eval", "x*y", "--at", "1,2")),
        (("numpy", "yaml"), ("jacobian", "x*y", "x+y", "--at", "1,2")),
        (("numpy", "yaml"), ("descend", "x**2", "--at", "3", "--lr", "0.1")),
        (("numpy", "yaml"), ("help", "config")),
        (("numpy", "yaml"), ("grad", "x*y + sigmoid(x)*where(x>0,1,y) + k", "--let", "k=0.5")),
        (("numpy", "yaml"), ("hessian", "x**2*y + softplus(x)", "--latex")),
        (("numpy", "yaml"), ("jacobian", "x*y", "hypot(x, y)", "max(x, 1)")),
        (("numpy", "yaml"), ("grad", "x*y + tanh(x)", "--explain")),
        (
            ("numpy.ma", "scipy", "tqdm", "gzip", "bpcli.calculus.rules.duals", "bpcli.numbers.traced"),
            ("train", str(CONFIGS / "iris.yaml"), "--output", "runs/iris"),
        ),
    ],
)
def test_a_command_loads_what_it_needs(unwanted, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(unwanted, *words)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "")


@pytest.mark.parametrize(("words", "code"), [(("eval", "1+1"), 0), (("eval", "1+"), 2), (("eval", "log(0)"), 4)])
def test_the_exit_code_is_that_of_the_command(words, code):
    assert run((), *words).returncode == code


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_after_the_end_leaves_no_traceback(number):
    program = (
        f"import atexit, os, signal; signal.signal({int(number)}, signal.default_int_handler)\n"
        f"from bpcli.__main__ import main; atexit.register(os.kill, os.getpid(), {int(number)}); main()"
    )
    ended = subprocess.run([sys.executable, "-c", program, "eval", "1+1"], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (-number, "2\n", "")


@pytest.mark.parametrize("loaded", [False, True])
def test_with_arrow_the_interpreter_has_no_end_that_could_abort(loaded, tmp_path):
    """Its threads may abort the process there; the output is whole, and the exit code that of the command."""
    program = (
        f"import atexit, sys; atexit.register(print, 'the end')\n{'import pyarrow' if loaded else ''}\n"
        "from bpcli.__main__ import main; main()"
    )
    if loaded:
        pytest.importorskip("pyarrow")
    ended = subprocess.run([sys.executable, "-c", program, "eval", "log(0)"], capture_output=True, text=True)
    assert ended.stdout.split("\n") == ["-inf", *["the end"] * (not loaded), ""]
    assert "not finite" in ended.stderr
    assert ended.returncode == 4


def test_with_arrow_a_full_disk_is_still_told(tmp_path):
    pytest.importorskip("pyarrow")
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    program = "import pyarrow; from bpcli.__main__ import main; main()"
    with open("/dev/full", "w") as full:
        ended = subprocess.run([sys.executable, "-c", program, "eval", "1+1"], stdout=full, stderr=subprocess.PIPE)
    assert ended.returncode not in (0, -6)
