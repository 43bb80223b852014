"""Where compiled programs are kept: in a folder that only the user can write to, or nowhere."""

import errno
import os
import subprocess
import sys

import numpy as np
import pytest

from bpcli.errors import MissingExtraError
from bpcli.training.descent import compiler

TEXT = "@_outer\ndef run(x):\n    return 2.0 * x\n"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    return tmp_path


def test_a_new_folder_is_the_users_own(home):
    folder = compiler.cache_folder()
    assert folder == home / "bpcli"
    assert folder.stat().st_mode & 0o077 == 0


def test_a_link_or_a_folder_that_others_write_to_is_not_used(home):
    (home / "other").mkdir()
    (home / "bpcli").symlink_to(home / "other")
    assert compiler.cache_folder() is None
    (home / "bpcli").unlink()
    (home / "bpcli").mkdir()
    (home / "bpcli").chmod(0o777)
    assert compiler.cache_folder() is None


def test_where_nothing_can_be_written_nothing_is_kept(home, monkeypatch):
    (home / "file").write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(home / "file"))
    assert compiler.cache_folder() is None
    assert not compiler.is_compiled(TEXT)


def test_the_folder_without_a_setting(home, monkeypatch):
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "xdg"))
    assert compiler.cache_folder() == home / "xdg" / "bpcli"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(home))
    if os.name == "posix":
        assert compiler.cache_folder() == home / ".cache" / "bpcli"


def test_without_numba_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(compiler, "LIBRARY", "no_such_library")
    with pytest.raises(MissingExtraError, match="no_such_library, which is not installed"):
        compiler.compiled_program(TEXT)


@pytest.mark.parametrize("broken", [False, True], ids=["kept", "not kept"])
def test_a_program_runs_and_is_kept(home, broken):
    pytest.importorskip("numba")
    if broken:
        (home / "bpcli").write_text("a file")
    before = set(sys.modules)
    run = compiler.compiled_program(TEXT)["run"]
    assert run(1.5) == 3.0
    assert compiler.is_compiled(TEXT) != broken
    for name in set(sys.modules) - before:
        if name.startswith("bpcli_descent"):
            del sys.modules[name]
    again = compiler.compiled_program(TEXT)["run"]
    assert again(1.5) == 3.0
    assert bool(again.stats.cache_hits) != broken


ALLOCATING = """
import math
import numpy as np
@_outer
def run(x):
    kept = np.zeros((3, len(x)))
    for i in range(len(x)):
        kept[i % 3, i] = math.log1p(math.expm1(x[i])) + math.erf(0.0) + math.frexp(x[i])[0] - math.frexp(x[i])[0]
    return kept.reshape(-1), float(len(kept))
"""


def test_a_second_start_loads_a_program_without_the_compiler(home):
    pytest.importorskip("numba")
    x = np.array([0.5, 1.0, 2.0, 4.0])
    expected = np.zeros((3, 4))
    expected[[0, 1, 2, 0], range(4)] = x
    entries, total = compiler.compiled_program(ALLOCATING)["run"](x)
    np.testing.assert_allclose(entries.reshape(3, 4), expected, rtol=1e-15)
    assert total == 3.0
    code = (
        "import sys; import numpy as np; from bpcli.training.descent.compiler import compiled_program\n"
        "run = compiled_program(sys.stdin.read())['run']\n"
        "entries, total = run(np.array([0.5, 1.0, 2.0, 4.0]))\n"
        "print(entries.tobytes().hex(), total, sum(run.stats.cache_hits.values()), 'scipy.linalg' in sys.modules)"
    )
    again = subprocess.run([sys.executable, "-c", code], input=ALLOCATING, capture_output=True, text=True, check=True)
    assert again.stdout.split() == [entries.tobytes().hex(), str(total), "1", "False"]


def test_a_file_that_was_changed_is_written_again(home):
    pytest.importorskip("numba")
    compiler.compiled_program(TEXT)
    (path,) = (home / "bpcli").glob("*.py")
    path.write_text("raise SystemExit")
    assert compiler.compiled_program(TEXT)["run"](1.0) == 2.0


def anew(text):
    """The function of a program, as another process has it."""
    for name in [name for name in sys.modules if name.startswith("bpcli_descent")]:
        del sys.modules[name]
    return compiler.compiled_program(text)["run"]


@pytest.mark.parametrize("damage", [lambda c: b"", lambda c: c[:-9], lambda c: c[:9] + bytes([c[9] ^ 1]) + c[10:]])
def test_what_is_kept_and_damaged_is_compiled_anew(home, damage):
    pytest.importorskip("numba")
    assert anew(TEXT)(1.5) == 3.0
    files = [path for path in (home / "bpcli").rglob("*") if path.suffix in (".nbi", ".nbc", ".digest")]
    assert len(files) == 3
    for path in files:
        path.write_bytes(damage(path.read_bytes()))
        assert not compiler.is_compiled(TEXT)
        again = anew(TEXT)
        assert again(1.5) == 3.0
        assert not again.stats.cache_hits
        assert compiler.is_compiled(TEXT)


def test_what_can_not_be_kept_runs_all_the_same(home, monkeypatch):
    pytest.importorskip("numba")
    real = os.replace

    def full(source, target):
        if str(target).endswith(".nbc"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(source, target)

    monkeypatch.setattr(os, "replace", full)
    assert anew(TEXT)(1.5) == 3.0
    assert not compiler.is_compiled(TEXT)
    assert [path.suffix for path in (home / "bpcli").rglob("*") if path.is_file()] == [".py"]
    monkeypatch.undo()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(home))
    assert anew(TEXT)(1.5) == 3.0
    assert compiler.is_compiled(TEXT)
