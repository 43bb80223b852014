"""Rows with their predictions: of several files in order, and of a pipe line by line."""

import os
from pathlib import Path

import pytest

import bpcli
from bpcli.api.predicted_rows import STDIN, PredictedRows
from bpcli.errors import DataError
from bpcli.training.run import load_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    (folder / "t.csv").write_text("a,b,y\n1,2,3\n2,1,3\n0,4,4\n5,5,10\n")
    config = {
        "model": {"type": "neuron"},
        "loss": "mse",
        "training": {"learning_rate": 0.02, "epochs": 100},
        "data": {"path": str(folder / "t.csv"), "target": "y"},
    }
    bpcli.train(config, output=folder / "run")
    return load_model(folder / "run")


def test_columns_of_several_files_are_found_by_name(model, tmp_path):
    (tmp_path / "1.csv").write_text("a,b\n1,2\n0,4\n")
    (tmp_path / "2.csv").write_text("b;more;a\n5;x;5\n")
    (tmp_path / "all.csv").write_text("a,b\n1,2\n0,4\n5,5\n")
    rows = PredictedRows(model, [tmp_path / "1.csv", tmp_path / "2.csv"], None, True)
    found = [value for _, (column,) in rows for value in column]
    ((_, (expected,)),) = PredictedRows(model, [tmp_path / "all.csv"], None, True)
    assert found == expected
    assert any("more" in text for text in rows.new_remarks())
    assert rows.new_remarks() == []


def test_each_row_of_a_pipe_is_answered_before_the_next_is_written(model):
    out, into = os.pipe()
    with open(out, "rb") as stream, open(into, "wb", buffering=0) as pipe:
        pipe.write(b"b,a\n")
        rows = PredictedRows(model, [Path(STDIN)], stream, True)
        assert rows.live is not None
        answers = iter(rows)
        for row in (b"2,1\n", b"4,0\n"):
            pipe.write(row)
            assert len(next(answers)[1][0]) == 1
        pipe.write(b"1,1\nx,2\n3,3\n")
        assert len(next(answers)[1][0]) == 1
        with pytest.raises(DataError, match="<stdin>:5: column b: 'x' is not a number"):
            next(answers)


def test_a_pipe_without_a_column_is_refused_by_its_header(model):
    out, into = os.pipe()
    with open(out, "rb") as stream, open(into, "wb", buffering=0) as pipe:
        pipe.write(b"a,c\n")
        with pytest.raises(DataError, match="has no column b"):
            PredictedRows(model, [Path(STDIN)], stream, True)
