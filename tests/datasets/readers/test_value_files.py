"""Values out of files and standard input: text, or NumPy's own format."""

import io
import re
import sys

import numpy as np
import pytest

from bpcli import memory
from bpcli.calculus.points.values import parse_value
from bpcli.datasets.readers import value_files
from bpcli.datasets.readers.value_files import read_value_file
from bpcli.errors import DataError, TooLargeError


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
        (b"\x93NUMPY garbage", "v is not a .npy file of numbers"),
        (_saved(np.zeros((2, 2, 2))), "v has shape (2, 2, 2)"),
        (_saved(np.zeros((0, 2))), "there is no number in it"),
        (_saved(np.zeros(2, complex)), "v holds complex numbers"),
        (_saved(np.array(["a"])), "v holds <U1"),
        (_saved(np.array([{}], object)), "v holds Python objects, which are never loaded"),
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
    with pytest.raises(DataError, match="nowhere does not exist"):
        parse_value(f"@{tmp_path}/nowhere", read_value_file)
    with pytest.raises(DataError, match="is a folder, not a file"):
        parse_value(f"@{tmp_path}", read_value_file)


@pytest.mark.parametrize(
    ("byte", "message"),
    [
        (b"\0", "neither text nor a .npy file: it holds the control character"),
        (b"\xff", "neither text nor a .npy file: byte 0 is no UTF-8"),
        (b"q\n", "1:1: a value has no variables, and q is none"),
        (b"1,2\n3,q\n", "2:3: a value has no variables, and q is none"),
    ],
)
def test_what_is_wrong_at_the_start_of_an_endless_stream_is_told_at_once(monkeypatch, byte, message):
    stream = io.BytesIO(byte * (9_000_000 // len(byte)))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(stream)))
    with pytest.raises(DataError, match="standard input") as caught:
        parse_value("@-", read_value_file)
    assert message in str(caught.value)
    assert stream.tell() < 4_000_000


@pytest.mark.parametrize(("free", "most"), [(10**9, "62.5 MB"), (10**11, "67.1 MB")])
def test_a_value_has_a_bound(tmp_path, monkeypatch, free, most):
    monkeypatch.setattr(value_files, "available_memory", lambda: free)
    with (tmp_path / "v").open("wb") as file:
        file.truncate(70_000_000)
    monkeypatch.setattr(value_files, "_CONTROL", re.compile("never"))
    with pytest.raises(TooLargeError, match=f"v: no more than {most} of text are read"):
        list(read_value_file(str(tmp_path / "v")))


def test_entries_that_are_more_than_numbers_need_memory_that_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "limits", lambda: iter([("the machine", 10**8)]))
    (tmp_path / "v").write_text("1/3," * 300_000 + "1")
    with pytest.raises(TooLargeError, match="more than numbers needs 180 MB of memory, and 100 MB of memory is left"):
        parse_value(f"@{tmp_path}/v", read_value_file)
