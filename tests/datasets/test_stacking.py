"""Several files are one table: its rows, columns and places."""

import numpy as np
import pytest

from bpcli.datasets.reading import Files, read_blocks, read_files
from bpcli.datasets.stored import stored
from bpcli.errors import DataError

CSV = {"a.csv": "x,y,z\n1,a,2.5\n2,b,3\n", "b.csv": "z;y;x\n4;c;9007199254740993\n", "c.csv": "y,x,z\nd,,w\n"}


def write(folder, files):
    for name, content in files.items():
        (folder / name).write_text(content)
    return Files(tuple(folder / name for name in files))


def check(table, folder):
    assert list(table.names) == ["x", "y", "z"]
    assert table.rows == 4
    assert table.text("y") == ["a", "b", "c", "d"]
    assert table.numeric("x").tolist()[:3] == [1, 2, 9007199254740992]
    assert np.isnan(table.numeric("x")[3])
    assert table.text("z") == ["2.5", "3", "4", "w"]
    assert [table.where(row, "x") for row in (1, 2, 3)] == [
        f"{folder / 'a.csv'}:3: column x",
        f"{folder / 'b.csv'}:2: column x",
        f"{folder / 'c.csv'}:2: column x",
    ]


def test_columns_are_matched_by_name_and_rows_keep_their_places(tmp_path):
    files = write(tmp_path, CSV)
    check(read_files(files), tmp_path)
    assert read_files(files).exact("x")[2] == 9007199254740993
    check(stored(files, ("y",), tmp_path / ".cache"), tmp_path)
    assert [block.first_row for block in read_blocks(files)] == [0, 2, 3]


def test_the_first_file_with_other_columns_is_named(tmp_path):
    files = write(tmp_path, {**CSV, "d.csv": "x,y,w\n1,2,3\n"})
    for read in (read_files, lambda files: list(read_blocks(files))):
        with pytest.raises(DataError, match=r"d\.csv has other columns than .*a\.csv: it lacks z and has w besides"):
            read(files)


def test_sparse_files_are_one_matrix(tmp_path):
    pytest.importorskip("scipy")
    table = read_files(write(tmp_path, {"a.svm": "1 1:2\n-1 2:3\n", "b.svm": "1 5:4\n"}))
    assert table.matrix.toarray()[:, 1:].tolist() == [[2, 0, 0, 0, 0], [0, 3, 0, 0, 0], [0, 0, 0, 0, 4]]
    assert table.numeric("none").tolist() == [1, -1, 1]
    assert table.where(2) == f"{tmp_path / 'b.svm'}:1"
    with pytest.raises(DataError, match="can't be one table"):
        read_files(Files((tmp_path / "a.svm", *write(tmp_path, CSV).paths)))


def test_what_is_unusual_in_some_files_is_said_of_them(tmp_path):
    write(tmp_path, {"a.csv": "x;y\n1;2\n", "b.csv": "x,y\n3,4\n", "c.csv": "x;y\n5;6\n"})
    table = read_files(Files(tuple(tmp_path / name for name in ("a.csv", "b.csv"))))
    assert table.notes == [f"{tmp_path / 'a.csv'} and 1 more: read with semicolons between cells in a.csv"]
    table = read_files(Files(tuple(tmp_path / name for name in ("a.csv", "c.csv"))))
    assert table.notes == [f"{tmp_path / 'a.csv'} and 1 more: read with semicolons between cells"]
