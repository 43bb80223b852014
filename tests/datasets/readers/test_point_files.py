"""Points in bulk: what is written is read again, by any road, in any blocks; each mistake with its place."""

import io
import os
import tracemalloc
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bpcli.datasets.readers import point_files as points
from bpcli.datasets.readers.point_files import read_points, write_blocks
from bpcli.errors import DataError, UsageError

RNG = np.random.default_rng(11)
TABLE = RNG.normal(size=(1000, 3)) * 10.0 ** RNG.integers(-300, 300, (1000, 3))


def table_of(read):
    blocks = list(read.blocks)
    assert all(block.dtype == np.float64 for block in blocks)
    return np.concatenate(blocks) if blocks else np.empty((0, read.width))


def as_csv(names, table):
    return "\n".join([names, *(",".join(map(repr, row)) for row in table.tolist())]) + "\n"


def as_npy(table):
    file = io.BytesIO()
    np.save(file, table)
    return file.getvalue()


@pytest.mark.parametrize("rows", [1, 7, 999, 1000, 1001, 40000])
@pytest.mark.parametrize("kind", ["csv", "npy", "fortran"])
def test_a_file_and_a_pipe_in_blocks(tmp_path, kind, rows):
    content = (
        as_csv("x,y,z", TABLE).encode()
        if kind == "csv"
        else as_npy(np.asarray(TABLE, order="F" if kind == "fortran" else "C"))
    )
    path = tmp_path / f"p.{kind if kind == 'csv' else 'npy'}"
    path.write_bytes(content)
    pipe = io.BytesIO(content)
    pipe.seekable = lambda: False
    for read in (read_points(path, rows), read_points(path, rows, pipe), read_points(path, rows, io.BytesIO(content))):
        assert read.names == (["x", "y", "z"] if kind == "csv" else None)
        assert read.width == 3
        blocks = list(read.blocks)
        assert [len(b) for b in blocks] == [min(rows, 1000 - start) for start in range(0, 1000, rows)]
        np.testing.assert_array_equal(np.concatenate(blocks), TABLE)


@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", "<f2", "<i8", ">i2", "u1"])
def test_each_kind_of_number(tmp_path, dtype):
    table = np.arange(12).reshape(6, 2).astype(dtype)
    np.save(tmp_path / "p.npy", table)
    np.testing.assert_array_equal(table_of(read_points(tmp_path / "p.npy", 4)), table)


def test_a_lone_axis_is_a_column(tmp_path):
    np.save(tmp_path / "P.NPY.npy", np.arange(5.0))
    (tmp_path / "P.NPY.npy").rename(tmp_path / "P.NPY")
    assert table_of(read_points(tmp_path / "P.NPY", 2)).tolist() == [[0], [1], [2], [3], [4]]


@pytest.mark.parametrize(
    ("content", "names", "table"),
    [
        ("x\n1\n", ["x"], [[1]]),
        ("x,y\n1,2", ["x", "y"], [[1, 2]]),
        ("\ufeffx,y\r\n1,2\r\n\r\n3,4\r\n", ["x", "y"], [[1, 2], [3, 4]]),
        ("\n\nx , y\n 1 ,\t2\n", ["x", "y"], [[1, 2]]),
        ('"x","A[0,1]",A[1,0], z\n"1",2,3,"4"\n', ["x", "A[0,1]", "A[1,0]", "z"], [[1, 2, 3, 4]]),
        ("x,y,z\ninf,-inf,nan\n", ["x", "y", "z"], [[np.inf, -np.inf, np.nan]]),
        ("x\n1e400\n-1E-400\n+.5\n0.1000000000000000055511151231257827\n", ["x"], [[np.inf], [0], [0.5], [0.1]]),
        ("ξ\n1\n", ["ξ"], [[1]]),
    ],
)
def test_what_a_csv_may_look_like(content, names, table):
    read = read_points("<stdin>", 100, io.BytesIO(content.encode()))
    assert read.names == names
    np.testing.assert_array_equal(table_of(read), table)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty: expected a header"),
        (b"\n \n", "is empty: expected a header"),
        (b"x,y\n1,2\n3,four\n", ":3: cell 2: 'four' is not a number"),
        (b"x,y\n1,2\n3,\n", ":3: cell 2: '' is not a number"),
        (b"x,y\n1,2\n3,1_0\n", ":3: cell 2: '1_0' is not a number"),
        (b"x,y\n1,2\n3,4 # five\n", ":3: cell 2: '4 # five' is not a number"),
        (b"x,y\n1;2\n", ":2: "),
        (b"x,y\n1,2\n\n\n3\n4,5\n", ":5: expected 2 numbers as in the header, found 1"),
        (b"x,y\n1,2,3\n1,2\n", ":2: expected 2 numbers as in the header, found 3"),
        (b"x,y\n" + b"1,2\n" * 6 + b"1,2,3\n" * 6, ":8: expected 2 numbers as in the header, found 3"),
        (b"x,y\n" + b"1,2\n\n" * 9 + b"no,2\n", ":20: cell 1: 'no' is not a number"),
        (b"x\xff\n1\n", "not UTF-8"),
        (b"x\n" + b"1\n" * 20_000 + b"\xff\n", "not UTF-8, after line "),
    ],
)
@pytest.mark.parametrize("rows", [3, 6])
def test_a_mistake_in_a_csv_has_its_line(tmp_path, content, message, rows):
    (tmp_path / "p.csv").write_bytes(content)
    for stream in (None, io.BytesIO(content)):
        with pytest.raises(DataError) as caught:
            table_of(read_points(tmp_path / "p.csv", rows, stream))
        assert message in str(caught.value)
        assert str(caught.value).startswith(str(tmp_path / "p.csv"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a .npy file"),
        (b"x,y\n1,2\n", "not a .npy file"),
        (as_npy(TABLE)[:50], "not a .npy file"),
        (as_npy(TABLE)[:-1], "ends before the last"),
        (as_npy(np.asfortranarray(TABLE))[:-1], "ends before the last"),
        (as_npy(TABLE)[:6] + b"\x09\x00" + as_npy(TABLE)[8:], "not a .npy file"),
        (as_npy(np.array([["a", "b"]])), "found an array of <U1 with 2 axes"),
        (as_npy(np.array([[True]])), "found an array of bool"),
        (as_npy(np.array([[1j]])), "holds complex numbers"),
        (as_npy(np.zeros((2, 2, 2))), "with 3 axes"),
        (as_npy(np.float64(3)), "with 0 axes"),
    ],
)
def test_a_npy_that_is_none(tmp_path, content, message):
    (tmp_path / "p.npy").write_bytes(content)
    with pytest.raises(DataError, match=message):
        table_of(read_points(tmp_path / "p.npy", 10))


def test_objects_are_not_unpickled(tmp_path):
    np.save(tmp_path / "p.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(DataError, match="holds Python objects, which are never loaded"):
        read_points(tmp_path / "p.npy", 10)


def test_a_file_that_is_not_there_offers_the_nearest(tmp_path):
    (tmp_path / "points.csv").write_text("x\n1\n")
    with pytest.raises(DataError, match=r"did you mean .*points\.csv"):
        read_points(tmp_path / "ponts.csv", 10)
    with pytest.raises(DataError, match="is a folder"):
        read_points(tmp_path, 10)


class Endless(io.RawIOBase):
    """Rows without end."""

    def __init__(self, head, row):
        self.left, self.row, self.given = head, row, 0

    def readable(self):
        return True

    def readinto(self, buffer):
        while len(self.left) < len(buffer):
            self.left += self.row * 1000
        buffer[:], self.left = self.left[: len(buffer)], self.left[len(buffer) :]
        self.given += len(buffer)
        return len(buffer)


ENDLESS_NPY = io.BytesIO()
np.lib.format.write_array_header_1_0(ENDLESS_NPY, {"descr": "<f8", "fortran_order": False, "shape": (10**15, 2)})


@pytest.mark.parametrize(
    ("head", "row", "width"),
    [(b"x,y\n", b"1.25,2.5\n", 2), (ENDLESS_NPY.getvalue(), np.array([1.25, 2.5]).tobytes(), 2)],
)
def test_memory_does_not_grow_with_the_length(head, row, width):
    stream = Endless(head, row)
    read = read_points("<stdin>", 2000, stream)
    tracemalloc.start()
    for block in islice(read.blocks, 50):
        assert block.shape == (2000, width)
        assert block[-1].tolist() == [1.25, 2.5]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert stream.given > 750_000
    assert peak < 600_000


def test_wide_rows_come_fewer_at_a_time(monkeypatch):
    monkeypatch.setattr(points, "_BLOCK_CELLS", 10)
    for content in (as_npy(np.ones((9, 4))), b"a,b,c,d\n" + b"1,1,1,1\n" * 9):
        assert [len(b) for b in read_points("-", 100, io.BytesIO(content)).blocks] == [2, 2, 2, 2, 1]
    content = as_npy(np.ones((2, 99)))
    assert [len(b) for b in read_points("-", 100, io.BytesIO(content)).blocks] == [1, 1]


# Writing


@given(
    table=arrays.arrays(np.float64, st.tuples(st.integers(0, 40), st.integers(1, 4))),
    rows=st.integers(1, 50),
    order=st.sampled_from("CF"),
)
def test_what_is_written_is_read_again(tmp_path_factory, table, rows, order):
    path = tmp_path_factory.mktemp("p") / "g.npy"
    blocks = (np.asarray(table[at : at + rows], order=order) for at in range(0, len(table), rows))
    assert write_blocks(path, blocks, table.shape[1], False) == len(table)
    np.testing.assert_array_equal(np.load(path, allow_pickle=False), table)
    np.testing.assert_array_equal(table_of(read_points(path, 7)), table)


def test_no_blocks_are_an_empty_table(tmp_path):
    assert write_blocks(tmp_path / "g.npy", iter([]), 3, False) == 0
    assert np.load(tmp_path / "g.npy").shape == (0, 3)


@pytest.mark.parametrize("length", [1, 10, 10**5, 10**18])
def test_the_header_has_room_for_any_number_of_rows(tmp_path, length):

    file, empty = io.BytesIO(), io.BytesIO()
    for target, rows in ((file, length), (empty, 0)):
        np.lib.format.write_array_header_1_0(target, {"descr": "<f8", "fortran_order": False, "shape": (rows, 12)})
    assert file.tell() == empty.tell()


def test_nothing_is_left_of_a_write_that_failed(tmp_path):
    def failing():
        yield np.ones((5, 2))
        raise DataError("p.csv:7: no")

    with pytest.raises(DataError, match=r"p\.csv:7"):
        write_blocks(tmp_path / "g.npy", failing(), 2, False)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "g.npy").write_text("old")
    with pytest.raises(UsageError, match="force to replace it"):
        write_blocks(tmp_path / "g.npy", iter([np.ones((1, 1))]), 1, False)
    with pytest.raises(DataError):
        write_blocks(tmp_path / "g.npy", failing(), 2, True)
    assert (tmp_path / "g.npy").read_text() == "old"
    assert write_blocks(tmp_path / "g.npy", iter([np.ones((1, 1))]), 1, True) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["g.npy"]


def test_the_points_of_a_pipe_come_as_they_are_there():
    out, into = os.pipe()
    with open(out, "rb") as stream, open(into, "wb", buffering=0) as pipe:
        pipe.write(b"\nx,y\r\n1,2\r\n")
        read = read_points(Path("<stdin>"), 100, stream)
        assert read.names == ["x", "y"]
        blocks = (block for block in read.blocks if block is not None)
        assert next(blocks).tolist() == [[1, 2]]
        for line, row in ((b"3,4\n", [3, 4]), (b"\n5,6\n", [5, 6])):
            pipe.write(line)
            assert next(blocks).tolist() == [row]
        pipe.write(b"7,8\n9,10\n11,x\n13,14\n")
        assert sum(len(next(blocks)) for _ in range(1)) == 2
        with pytest.raises(DataError, match="<stdin>:9: cell 2: 'x' is not a number"):
            next(blocks)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "  "])
def test_delimiter_and_encoding_are_found(tmp_path, delimiter, encoding):
    (tmp_path / "t.csv").write_text(f"x{delimiter}y\n1.5{delimiter}2\n-3{delimiter}4e2\n", encoding=encoding)
    points = read_points(tmp_path / "t.csv", 10)
    assert points.names == ["x", "y"]
    assert np.concatenate(list(points.blocks)).tolist() == [[1.5, 2], [-3, 400]]


def test_entries_may_hold_commas_whatever_separates_them(tmp_path):
    (tmp_path / "t.csv").write_text("A[0,0];A[0,1]\n1;2\n")
    assert read_points(tmp_path / "t.csv", 10).names == ["A[0,0]", "A[0,1]"]


def test_a_decimal_comma_is_told(tmp_path):
    (tmp_path / "t.csv").write_text("x;y\n1,5;2\n")
    with pytest.raises(DataError, match=r"t\.csv:2: cell 1: '1,5' is not a number: a point stands before"):
        list(read_points(tmp_path / "t.csv", 10).blocks)
