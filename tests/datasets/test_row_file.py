"""Rows in a file are those of the array that was written there, in any selection."""

import gc
import os

import numpy as np
import pytest

from bpcli.datasets import row_file
from bpcli.datasets.row_file import RowFile
from bpcli.errors import DataError


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("mappable", [True, False])
def test_slices_pieces_and_selections(tmp_path, monkeypatch, dtype, mappable):
    if not mappable:  # as under a limit on addresses

        def refused(*arguments, **options):
            raise OSError

        monkeypatch.setattr(row_file.mmap, "mmap", refused)
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(50, 3)).astype(dtype)
    matrix = RowFile(tmp_path / "cache", 3, dtype)
    for part in (rows[:20], rows[20:21], rows[21:]):
        matrix.append(part)
    assert (matrix.shape, len(matrix), matrix.nbytes) == ((50, 3), 50, rows.nbytes)
    assert np.array_equal(matrix[7:13], rows[7:13])
    assert matrix[13:7].shape == (0, 3)
    assert np.array_equal(np.concatenate(list(matrix.pieces(8))), rows)
    chosen = rng.permutation(50)[:30]
    assert np.array_equal(matrix.take(chosen, 0, np.empty((30, 3), dtype)), rows[chosen])
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_file_is_open_as_long_as_something_reads_it(tmp_path):
    matrix = RowFile(tmp_path / "cache", 2, np.float64)
    matrix.append(np.arange(8.0).reshape(4, 2))
    pieces = matrix.pieces(2)
    found, number = [next(pieces)], matrix._file.fileno()
    del matrix
    gc.collect()
    found += pieces
    assert np.concatenate(found).tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]
    del pieces
    gc.collect()
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(number)


def test_nothing_is_written_through_a_link(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".cache").symlink_to("elsewhere")
    with pytest.raises(DataError, match="is a link"):
        RowFile(tmp_path / ".cache", 3, np.float64)
