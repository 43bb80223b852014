"""NPY, NPZ and IDX: what NumPy wrote is read back, by its own values, and what is damaged is one clear error."""

import gzip
import io
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bpcli.datasets.readers import arrays as module
from bpcli.errors import DataError
from tests.tables import read_table


def npy(array, **options):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asanyarray(array), **options)
    return buffer.getvalue()


def npz(**members):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **members)
    return buffer.getvalue()


def idx(kind, *shape, values=b""):
    return struct.pack(f">4B{len(shape)}I", 0, 0, kind, len(shape), *shape) + values


def read(content, format_):
    return read_table(Path(f"t.{format_}"), stream=io.BytesIO(content))


def matrix(table):
    return np.column_stack([table.numeric(name) for name in table.names])


KINDS = st.sampled_from(["?", "<i1", "<u2", ">i4", "<i8", "<u8", "<f2", ">f4", "<f8", ">f8"])


@given(KINDS.flatmap(lambda kind: arrays.arrays(kind, arrays.array_shapes(max_dims=4, max_side=4))), st.booleans())
def test_npy_holds_what_numpy_wrote(array, by_columns):
    content = npy(np.asfortranarray(array) if by_columns else array)
    table = read(gzip.compress(content) if by_columns else content, "npy")
    flat = array.reshape(len(array), -1)
    assert table.names == [f"x{j}" for j in range(1, flat.shape[1] + 1)]
    for j, name in enumerate(table.names):
        column = flat[:, j].astype(np.float64)
        if np.isinf(column).any():  # no number to learn from: text, as in CSV
            assert not table.is_numeric(name)
        else:
            assert np.array_equal(table.numeric(name), column, equal_nan=True)
            assert np.array_equal(table.missing(name), np.isnan(column))
        expected = ["" if np.isnan(x) else x for x in column]
        words = {"false": 0.0, "true": 1.0} if array.dtype.kind == "b" else {"": ""}
        given_ = [words[cell] if cell in words else float(cell) for cell in table.text(name)]
        assert given_ == expected or array.dtype.kind in "iu"
        assert table.is_boolean(name) == (array.dtype.kind == "b")


def test_whole_numbers_keep_all_their_digits_as_text():
    assert read(npy([2**63 - 1, -5]), "npy").text("x1") == ["9223372036854775807", "-5"]


def test_text_is_text_and_numbers_in_text_are_numbers():
    assert read(npy(np.array([" a", "b\u00e9"])), "npy").text("x1") == ["a", "bé"]
    assert read(npy(np.array([b"1", b"2.5"])), "npy").numeric("x1").tolist() == [1, 2.5]


def test_npz_has_the_columns_of_x_and_then_y():
    X, y = np.arange(6.0).reshape(3, 2), np.array(["u", "v", "u"])
    for content in (npz(X=X, y=y, other=np.zeros(9)), gzip.compress(npz(y=y[:, None], X=X))):
        table = read(content, "npz")
        assert table.names == ["x1", "x2", "y"]
        assert table.text("y") == ["u", "v", "u"]
        assert table.numeric("x2").tolist() == [1, 3, 5]
    assert read(npz(X=X), "npz").names == ["x1", "x2"]
    assert read(npz(y=y), "npz").names == ["y"]


IDX = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


@pytest.mark.parametrize(("code", "kind"), IDX.items())
def test_idx_of_every_type(code, kind):
    values = np.array([[[1, 2], [3, 4]], [[5, 6], [7, 100]], [[0, 1], [0, 1]]], kind)
    table = read(idx(code, 3, 2, 2, values=values.tobytes()), "idx")
    assert table.names == ["x1", "x2", "x3", "x4"]
    assert np.array_equal(matrix(table), values.reshape(3, 4).astype(float))


def test_idx_written_by_hand_byte_for_byte():
    """The header of MNIST's label file, as its description has it: 00 00 08 01, the count, then a byte a label."""
    labels = bytes.fromhex("00000801 00000003 070201")
    assert read_table(Path("train-labels-idx1-ubyte"), stream=io.BytesIO(labels)).numeric("x1").tolist() == [7, 2, 1]


BROKEN = [
    ("npy", b"", "is not a .npy file"),
    ("npy", b"a,b\n1,2\n", "is not a .npy file"),
    ("npy", npy([1.0, 2.0])[:-1], "cut short: it ends before the last of the 2 values"),
    ("npy", npy([1.0, 2.0])[:40], "is not a .npy file"),
    ("npy", npy([1.0]) + npy([2.0]), "goes on behind its array"),
    ("npy", npy([1.0]).replace(b"(1,)", b"(-1,)"), "damaged: it announces an array of shape"),
    ("npy", npy(np.ones(1)).replace(b"(1,), }    ", b"(9**9,), }  "), "is not a .npy file"),
    ("npy", npy(np.ones(1)).replace(b"(1,), }" + b" " * 16, b"(1" + b"0" * 16 + b",), }"), "cut short"),
    ("npy", npy(np.array(3.0)), "shape \\(\\)"),
    ("npy", npy(np.zeros((0, 4))), r"shape \(0, 4\)"),
    ("npy", npy(np.zeros((4, 0))), r"shape \(4, 0\)"),
    ("npy", npy(np.array([1j])), "complex numbers"),
    ("npy", npy(np.array([(1, 2.0)], "i4,f8")), "records of fields"),
    ("npy", npy(np.array(["2020-01-01"], "M8[D]")), "holds datetime64"),
    ("npy", npy(np.array([{}], object), allow_pickle=True), "Python objects, which are never loaded"),
    ("npy", gzip.compress(npy(np.arange(999.0)), mtime=0)[:-9], "damaged gzip"),
    ("npz", b"PK\x03\x04 no archive", "not a .npz file, or is damaged"),
    ("npz", npz(X=np.arange(999.0))[:500], "not a .npz file, or is damaged"),
    ("npz", npz(features=np.ones(3)), "has no array X, and none named y; its arrays are features"),
    ("npz", npz(X=np.ones((3, 2)), y=np.ones(4)), "X has 3 rows, y has 4"),
    ("npz", npz(X=np.ones((3, 2)), y=np.eye(3)), r"array y has shape \(3, 3\)"),
    ("npz", npz(X=np.array([[None]])), "array X holds Python objects"),
    ("idx", b"", "begins with nothing"),
    ("idx", b"\x89PNG", "is not an IDX file: it begins with 89 50 4e 47"),
    ("idx", struct.pack("<4B", 1, 8, 0, 0), "has to be big-endian|have to be big-endian"),
    ("idx", idx(0x08, 3)[:6], "ends within its header"),
    ("idx", idx(0x08, 3, values=b"ab"), "before the last of 3 values"),
    ("idx", idx(0x08, 2**32 - 1, 2**32 - 1, 2**32 - 1, values=b"ab"), "cut short"),
    ("idx", idx(0x08, 1, values=b"ab"), "goes on behind the 1 values"),
    ("idx", idx(0x08, 0), r"shape \(0,\)"),
    ("idx", idx(0x08), "is not an IDX file"),
]


@pytest.mark.parametrize(("format_", "content", "message"), BROKEN)
def test_what_is_damaged_is_one_clear_error(format_, content, message):
    with pytest.raises(DataError, match=message):
        read(content, format_)


@pytest.mark.parametrize("kind", IDX.values())
@pytest.mark.parametrize("format_", ["npy", "idx"])
def test_a_file_that_is_mapped_into_memory_holds_what_is_read_of_a_stream(tmp_path, monkeypatch, format_, kind):
    values = np.arange(24).astype(kind).reshape(4, 2, 3)
    code = {name: code for code, name in IDX.items()}[kind]
    content = npy(values) if format_ == "npy" else idx(code, 4, 2, 3, values=values.tobytes())
    file, mapped = tmp_path / f"t.{format_}", []
    monkeypatch.setattr(module, "_MAPPED", 1)
    monkeypatch.setattr(module, "MappedFile", lambda path, of=module.MappedFile: mapped.append(path) or of(path))
    file.write_bytes(content)
    assert np.array_equal(matrix(read_table(file)), matrix(read(content, format_)))
    assert mapped == [file]
    for damaged in (content[:-1], content + b"\0"):
        file.write_bytes(damaged)
        with pytest.raises(DataError):
            read_table(file)


def test_a_member_that_is_changed_is_seen():
    content = bytearray(npz(X=np.arange(999.0)))
    content[300] ^= 1
    with pytest.raises(DataError, match="is damaged"):
        read(bytes(content), "npz")


def test_nothing_is_unpickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return (tmp_path.joinpath("sprung").touch, ())

    for content in (pickle.dumps(Trap()), npy(np.array([Trap()], object), allow_pickle=True)):
        with pytest.raises(DataError):
            read(content, "npy")
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("X.npy", content)
        with pytest.raises(DataError):
            read(packed.getvalue(), "npz")
    assert not tmp_path.joinpath("sprung").exists()


@given(st.data())
def test_no_damage_to_a_file_is_anything_but_an_error_or_other_numbers(data):
    whole = data.draw(
        st.sampled_from([("npy", npy(np.eye(3))), ("npz", npz(X=np.eye(3))), ("idx", idx(8, 2, 3, values=bytes(6)))])
    )
    content = bytearray(whole[1])
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    try:
        table = read(bytes(content[: data.draw(st.integers(0, len(content)))]), whole[0])
    except DataError:
        return
    assert table.rows > 0


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("gap", [False, True])
def test_a_file_that_is_cut_while_it_is_read_is_an_error(tmp_path, monkeypatch, order, gap):
    # Reading beyond the end of a file that is mapped into memory would end the process.
    monkeypatch.setattr(module, "_MAPPED", 1)
    monkeypatch.setattr(module, "_BLOCK", 1 << 12)
    X = np.ones((10_000, 2), order=order)
    X[0] = np.nan if gap else 1
    path = tmp_path / "X.npy"
    np.save(path, X)
    blocks = module.npy_blocks(path)
    next(blocks)
    table = module.read_npy(path)
    with path.open("r+b") as file:
        file.truncate(2000)
    with pytest.raises(DataError, match=r"X\.npy"):
        list(blocks)
    if order == "C":
        with pytest.raises(DataError, match="has become shorter while it was read"):
            table.numeric("x2")
