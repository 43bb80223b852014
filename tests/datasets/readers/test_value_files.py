"""Values out of files and standard input: text, or NumPy's own format."""

import io
import sys

import numpy as np
import pytest

from bpcli.calculus.points.values import parse_value
from bpcli.datasets.readers.value_files import read_value_file
from bpcli.errors import DataError


def test_a_byte_order_mark_is_no_part_of_a_value(tmp_path):
    (tmp_path / "v.txt").write_bytes(b"\xef\xbb\xbf1,2\r\n")
    assert parse_value(f"@{tmp_path}/v.txt", read_value_file).tolist() == [1, 2]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.uint8, bool])
@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3)])
def test_npy_files(tmp_path, dtype, shape):
    array = (np.arange(np.prod(shape, dtype=int)).reshape(shape) % 2).astype(dtype)
    path = tmp_path / "v=1,2.npy"
    np.save(path, array)
    value = parse_value(f"@{path}", read_value_file)
    assert isinstance(value, float) if shape == () else value.dtype == np.float64
    np.testing.assert_array_equal(value, array.astype(float))


def test_standard_input_is_text_or_npy(monkeypatch):
    stored = io.BytesIO()
    np.save(stored, np.eye(2))
    for content, expected in ((b"1 2\n3 4\n", [[1, 2], [3, 4]]), (stored.getvalue(), np.eye(2))):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        np.testing.assert_array_equal(parse_value("@-", read_value_file), expected)


def _saved(array):
    stored = io.BytesIO()
    np.save(stored, array, allow_pickle=True)
    return stored.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1,2\n3,x\n", "v:2:3: a value has no variables, and x is none"),
        (b"1,2\n3\n", "v:2:1: row 2 has 1 entry, and row 1 has 2"),
        (b"", "v:1:1: a value is missing"),
        (b"x,y\n1,2\n", "v:1:1: a value has no variables"),
        (b"\xff\xfe1", "v is neither text nor a .npy file"),
        (b"\x93NUMPY garbage", "v can't be read as .npy"),
        (_saved(np.zeros((2, 2, 2))), "v has shape (2, 2, 2)"),
        (_saved(np.zeros((0, 2))), "there is no number in it"),
        (_saved(np.zeros(2, complex)), "v holds complex128"),
        (_saved(np.array(["a"])), "v holds <U1"),
        (_saved(np.array([{}], object)), "v can't be read as .npy"),
    ],
)
def test_files_that_hold_no_value(tmp_path, monkeypatch, content, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "v").write_bytes(content)
    with pytest.raises(DataError) as caught:
        parse_value("@v", read_value_file)
    assert caught.value.exit_code == 3
    assert message in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(DataError, match="nowhere can't be read: No such file"):
        parse_value(f"@{tmp_path}/nowhere", read_value_file)
    with pytest.raises(DataError, match="can't be read: Is a directory"):
        parse_value(f"@{tmp_path}", read_value_file)
