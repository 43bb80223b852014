"""Rows of arrays and columnar files that processes share: each is read once, and as in the whole."""

import numpy as np
import pytest

from bpcli.datasets.reading import Files, read_files
from tests.datasets.shares import of_table, shared

ARRAYS = [
    np.arange(21.0).reshape(7, 3),
    np.asfortranarray(np.arange(21.0, dtype=np.float32).reshape(7, 3)),
    np.arange(12).reshape(3, 2, 2) % 2 == 0,
    np.array([1.0, np.nan, np.inf, 4.0, 5.0]),
    np.array([["a", "1"], ["b", "2"], ["", "x"]]),
    np.arange(5, dtype=np.longdouble),
    np.array([2**60 + 1, 3, 4]),
]


@pytest.mark.parametrize("array", ARRAYS)
@pytest.mark.parametrize("size", [2, 3, 8])
def test_npy(tmp_path, array, size):
    path = tmp_path / "rows.npy"
    np.save(path, array)
    files = Files((path,))
    assert shared(files, size) == of_table(read_files(files))


@pytest.mark.parametrize("cut", [0, -1, 4])
def test_a_file_that_is_no_whole_array_is_read_as_a_whole(tmp_path, cut):
    path = tmp_path / "rows.npy"
    np.save(path, np.empty((0, 3)) if not cut else np.ones((4, 2)))
    content = path.read_bytes()
    path.write_bytes(content[:cut] if cut < 0 else content + b"more"[:cut])
    assert shared(Files((path,)), 2) is None


COLUMNS = {
    "number": [1.5, None, 3.0, 4.0, 5.0],
    "whole": [1, 2, 2**60 + 1, 4, None],
    "text": ["a", None, "b", "1", "c"],
    "digits": ["1", "2", "3", "4", "x"],
    "boolean": [True, False, True, None, True],
    "infinite": [1.0, 2.0, 3.0, 4.0, float("inf")],
    "empty": [None, None, None, None, None],
}


@pytest.mark.parametrize("format_", ["parquet", "arrow"])
@pytest.mark.parametrize("size", [2, 3, 8])
@pytest.mark.parametrize("group", [1, 2, 5])
@pytest.mark.parametrize("files", [1, 2])
def test_columns(tmp_path, format_, size, group, files):
    pa = pytest.importorskip("pyarrow", reason="reads Parquet")
    paths = []
    for k in range(files):
        table = pa.table(COLUMNS)
        paths.append(tmp_path / f"part-{k}.{format_}")
        if format_ == "parquet":
            pytest.importorskip("pyarrow.parquet").write_table(table, paths[-1], row_group_size=group)
        else:
            with pytest.importorskip("pyarrow.ipc").new_file(str(paths[-1]), table.schema) as file:
                file.write_table(table, max_chunksize=group)
    found = Files(tuple(paths))
    assert shared(found, size) == of_table(read_files(found))
