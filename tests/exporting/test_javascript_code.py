"""A model as JavaScript, run by Node."""

import shutil
import subprocess

import pytest

from bpcli.exporting.javascript_code import javascript_code

pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="needs node")


def run(model, path):
    path.write_bytes(javascript_code(model))
    return subprocess.run(["node", path], capture_output=True, text=True, check=False)


def test_it_agrees_on_a_thousand_rows(export_of, tmp_path):
    done = run(export_of, tmp_path / "model.js")
    count = len(export_of.rows)
    assert (done.stdout, done.returncode) == (f"{count} of {count} rows agree with bpcli\n", 0), done.stderr


def test_it_finds_a_row_that_does_not_agree(tampered, tmp_path):
    done = run(tampered, tmp_path / "model.js")
    assert (done.stdout, done.returncode) == ("49 of 50 rows agree with bpcli\n", 1)
