"""Tables: the target out of another file, and numbers as cells."""

from pathlib import Path

import numpy as np
import pytest

from bpcli.datasets.cells import to_numbers
from bpcli.datasets.reading import Files, read_blocks, read_files
from bpcli.datasets.table import Table, with_target
from bpcli.errors import DataError, UsageError
from tests.tables import read_table


def test_the_target_out_of_a_file_of_its_own(read):
    table = read("a\n1\n2\n")
    joined = with_target(table, read("label\nx\ny\n", "y.csv"), "species")
    assert joined.names == ["a", "species"]
    assert joined.text("species") == ["x", "y"]
    assert joined.text("a") == ["1", "2"]
    assert joined.where(1, "species").endswith("y.csv:3: column label")
    assert joined.where(1, "a").endswith("t.csv:3: column a")
    with pytest.raises(DataError, match=r"has 1 rows, .* has 2"):
        with_target(table, read("label\nx\n", "y.csv"), "species")
    with pytest.raises(DataError, match="did you mean labels"):
        with_target(read("a,c\n1,2\n2,3\n"), read("labels,b\nx,1\ny,2\n", "y.csv"), "label")
    with pytest.raises(UsageError, match="has a column a itself"):
        with_target(table, read("a\nx\ny\n", "y.csv"), "a")


def test_a_lone_dash_is_a_gap_among_numbers_and_a_value_among_words():
    assert np.isnan(to_numbers(["1", "-", " - ", "2.5"])).tolist() == [False, True, True, False]
    assert to_numbers(["a", "-"]) is None
    table = Table(Path("t"), {"a": ["a", "-", "NA", "x"]}, 4, lambda _: None, lambda _: [])
    assert table.missing("a").tolist() == [False, False, True, False]
    table.missing_words["a"] = frozenset({"x"})
    assert table.missing("a").tolist() == [False, False, False, True]


STANDING = [" a", "b ", "  ", " 7 ", "c"]


@pytest.mark.parametrize("quote", ['"', ""])
@pytest.mark.parametrize("position", [0, 1])
def test_blanks_around_cells_stay_where_cells_stand(tmp_path, quote, position):
    cells = STANDING if quote or not position else [f"\t{cell}" for cell in STANDING]
    rows = ("{0}{1}{0},{2}" if position == 0 else "{2},{0}{1}{0}").format
    lines = [rows(quote, cell, k) for k, cell in enumerate(cells)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["ab,cd", *lines]))
    name = ("ab", "cd")[position]
    table = read_table(path)
    assert table.as_they_stand(name) == cells
    assert table.text(name) == [cell.strip() for cell in cells]
    assert table.values(name) == [None if not cell.strip() else cell for cell in cells]
    (tmp_path / "u.csv").write_text(path.read_text())
    both = read_files(Files((path, tmp_path / "u.csv")))
    assert both.as_they_stand(name) == cells * 2
    assert [cell for block in read_blocks(Files((path,))) for cell in block.as_they_stand(name)] == cells


def test_blanks_around_cells_stay_in_arrays_and_parquet(tmp_path):
    np.save(tmp_path / "t.npy", np.array(STANDING)[:, None])
    assert read_table(tmp_path / "t.npy").as_they_stand("x1") == STANDING
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pa.table({"x1": STANDING}), tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").as_they_stand("x1") == STANDING


@pytest.mark.parametrize("lines", [["a, b", "1, x", "2, y "], ["a, b", '1, "x"', '2, "y "']])
def test_a_blank_behind_every_delimiter_belongs_to_it(tmp_path, lines):
    (tmp_path / "t.csv").write_text("\n".join(lines))
    table = read_table(tmp_path / "t.csv")
    assert table.as_they_stand("b") == ["x", "y "]
    assert table.values("a") == [1, 2]


def test_for_a_missing_feature_no_other_feature_is_offered(bpcli, tmp_path):
    rows = [f"{k % 7},{k % 5},{k % 3},{'ab'[k % 7 > 3]}" for k in range(40)]
    (tmp_path / "d.csv").write_text("\n".join(["worst_radius,error_radius,area,y", *rows]))
    (tmp_path / "c.yaml").write_text(
        "model: {type: neuron, activation: sigmoid}\nloss: bce\ntraining: {learning_rate: 0.1, epochs: 3}\n"
        "data: {path: d.csv, target: y}\n"
    )
    assert bpcli("train", tmp_path / "c.yaml", "--output", tmp_path / "run", "--quiet").code == 0
    for names, offered in (
        ("worst_radius,area", ""),
        ("worst_radius,area,eror_radius", "did you mean eror_radius?"),
        ("worst_radius,error_radios,area", "did you mean error_radios?"),
    ):
        new = "\n".join([names, ",".join("1" for _ in names.split(","))])
        told = bpcli("predict", tmp_path / "run", "-", stdin=new + "\n")
        assert told.code == 3
        assert "has no column error_radius" in told.err
        assert ("did you mean" in told.err) == bool(offered)
        assert offered in told.err
