"""`bpcli export`: its files, and its errors."""

import os
import subprocess
import sys

import pytest

from bpcli.exporting.targets import EXPORTS


@pytest.fixture
def run(bpcli, tmp_path):
    (tmp_path / "t.csv").write_text("size,color,y\n1,red,0.5\n2,,1\n4,blue,2\n")
    (tmp_path / "c.yaml").write_text(
        "model: {type: neuron}\nloss: mse\ntraining: {learning_rate: 0.1, epochs: 100}\n"
        "data: {path: t.csv, target: y, categorical: [color], missing: most_frequent, standardize: true}\n"
    )
    assert bpcli("train", tmp_path / "c.yaml", "--output", tmp_path / "run").code == 0
    return tmp_path / "run"


@pytest.mark.parametrize("target", [name for name, row in EXPORTS.items() if not row.binary])
def test_a_file_holds_what_stdout_shows_and_is_not_overwritten(bpcli, run, tmp_path, target):
    shown = bpcli("export", run, "--format", target)
    assert (shown.code, shown.err) == (0, "")
    file = tmp_path / "out"
    assert bpcli("export", run / "model.npz", "--format", target, "--output", file).out == ""
    assert file.read_text() == shown.out
    again = bpcli("export", run, "--format", target, "--output", file)
    assert again.code == 2
    assert "--force" in again.err
    assert bpcli("export", run, "--format", target, "--output", file, "--force").code == 0


def test_what_does_not_go_together_is_refused(bpcli, run, tmp_path):
    assert bpcli("export", run).code == 2
    for option in ("--keep", "--table"):
        refused = bpcli("export", run, "--format", "python", option, "id")
        assert (refused.code, refused.out) == (2, "")
        assert option in refused.err
    assert bpcli("export", tmp_path / "none", "--format", "json").code == 3
    refused = bpcli("export", run, "--format", "sql", "--table", "a\0b")
    assert refused.code == 2
    assert "can't write the character" in refused.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--table", ""], "--table '': expected NAME or SCHEMA.NAME"),
        (["--table", "a."], "--table 'a.': expected NAME or SCHEMA.NAME"),
        (["--keep", "id,prediction"], "--keep prediction: the prediction has a column of this name itself"),
        (["--format", "sqll"], "did you mean sql?"),
    ],
)
def test_what_sql_is_given_wrong(bpcli, run, options, said):
    refused = bpcli("export", run, "--format", "sql", *options)
    assert (refused.code, refused.out) == (2, "")
    assert said in refused.err


def test_sql_is_given_its_table_and_columns_to_keep(bpcli, run):
    text = bpcli("export", run, "--format", "sql", "--table", 'my.t"able', "--keep", 'id,"a,b"').out
    assert 'FROM "my"."t""able" AS t' in text
    assert 'k0 AS "id"' in text
    assert 'k1 AS "a,b"' in text


def test_onnx_is_not_shown_on_a_terminal(run, root):
    pytest.importorskip("onnx")
    main, terminal = os.openpty()
    command = [sys.executable, "-m", "bpcli", "export", run, "--format", "onnx"]
    done = subprocess.run(command, stdout=terminal, stderr=subprocess.PIPE, cwd=root, text=True, check=False)
    os.close(terminal)
    os.close(main)
    assert done.returncode == 2
    assert "--output FILE" in done.stderr


def test_an_extension_of_another_target_is_refused(bpcli, iris_run, tmp_path):
    for name, row in EXPORTS.items():
        for other, its in EXPORTS.items():
            file = tmp_path / f"{name}.{its.extension}"
            done = bpcli("export", iris_run, "--format", name, "--output", file)
            assert (done.code, file.exists()) == ((0, True) if its is row else (2, False)), (done.err, other)
