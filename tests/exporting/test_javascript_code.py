"""A model as JavaScript, run by Node."""

import json
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


@pytest.mark.parametrize("cell", ["a", "constructor", "__proto__", "+-5", "1_0", "1e400"])
def test_a_cell_that_is_no_number_is_told(tampered, tmp_path, cell):
    (tmp_path / "model.js").write_bytes(javascript_code(tampered))
    good = dict(zip([column.name for column in tampered.inputs], tampered.rows[0].cells, strict=True))
    cells = json.dumps([*(good | {"x-y": cell}).items()])  # an object literal would take __proto__ for its prototype
    code = f"require('./model.js').predict(Object.fromEntries({cells}))"
    done = subprocess.run(["node", "-e", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert f'column x-y: "{cell}" is not a number' in done.stderr
