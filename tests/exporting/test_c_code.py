"""A model as C, compiled and run."""

import shutil
import subprocess

import pytest

from bpcli.exporting.c_code import c_code

COMPILER = shutil.which("cc") or shutil.which("gcc")
pytestmark = pytest.mark.skipif(COMPILER is None, reason="needs a C compiler")
STRICT = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror"]


def run(model, folder):
    (folder / "model.c").write_bytes(c_code(model))
    subprocess.run([COMPILER, *STRICT, "-DTEST", "model.c", "-lm", "-o", "model"], cwd=folder, check=True)
    return subprocess.run([folder / "model"], capture_output=True, text=True, check=False)


def test_it_agrees_on_a_thousand_rows(export_of, tmp_path):
    done = run(export_of, tmp_path)
    count = len(export_of.rows)
    assert (done.stdout, done.returncode) == (f"{count} of {count} rows agree with bpcli\n", 0)


def test_it_finds_a_row_that_does_not_agree(tampered, tmp_path):
    done = run(tampered, tmp_path)
    assert (done.stdout, done.returncode) == ("49 of 50 rows agree with bpcli\n", 1)
