"""Parquet, Arrow and Feather: the same table as in CSV, cell by cell."""

import datetime
import decimal
import gzip
import io
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import csv, feather, parquet

from bpcli import memory
from bpcli.datasets.readers import columnar
from bpcli.errors import DataError, MissingExtraError, TooLargeError
from tests.tables import read_table


def to_parquet(table):
    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    return buffer.getvalue()


def to_feather(table):
    buffer = io.BytesIO()
    feather.write_feather(table, buffer)
    return buffer.getvalue()


def to_ipc(table, new=pa.ipc.new_file):
    buffer = io.BytesIO()
    with new(buffer, table.schema) as writer:
        writer.write_table(table)
    return buffer.getvalue()


WRITERS = {
    "parquet": to_parquet,
    "feather": to_feather,
    "arrow": to_ipc,
    "ipc": lambda table: to_ipc(table, pa.ipc.new_stream),
    "parquet.gz": lambda table: gzip.compress(to_parquet(table), mtime=0),
}


def read(content, format_):
    return read_table(Path(f"t.{format_}"), stream=io.BytesIO(content))


@pytest.mark.parametrize("format_", WRITERS)
@pytest.mark.parametrize("name", ["iris", "breast_cancer", "digits", "diabetes"])
def test_the_example_data_are_the_same_as_in_csv(root, tmp_path, name, format_):
    source = root / "data" / f"{name}.csv"
    path = tmp_path / f"t.{format_}"
    path.write_bytes(WRITERS[format_](csv.read_csv(source)))
    ours, theirs = read_table(source), read_table(path)
    assert (theirs.names, theirs.rows) == (ours.names, ours.rows)
    for column in ours.names:
        assert theirs.is_numeric(column) == ours.is_numeric(column)
        if ours.is_numeric(column):
            assert np.array_equal(theirs.numeric(column), ours.numeric(column))
        else:
            assert theirs.text(column) == ours.text(column)


numbers = st.none() | st.floats(allow_infinity=False)
singles = st.none() | st.floats(width=32, allow_infinity=False)
COLUMNS = st.one_of(
    st.tuples(st.just(pa.float64()), st.lists(numbers, min_size=3, max_size=3)),
    st.tuples(st.just(pa.float32()), st.lists(singles, min_size=3, max_size=3)),
    st.tuples(st.just(pa.int64()), st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=3, max_size=3)),
    st.tuples(st.just(pa.uint8()), st.lists(st.integers(0, 255), min_size=3, max_size=3)),
    st.tuples(st.just(pa.bool_()), st.lists(st.none() | st.booleans(), min_size=3, max_size=3)),
)


@given(COLUMNS)
def test_numbers_are_the_doubles_nearest_to_them_and_nulls_are_missing(column):
    kind, values = column
    table = read(to_parquet(pa.table({"a": pa.array(values, kind)})), "parquet")
    expected = np.array([np.nan if v is None else float(v) for v in values])
    assert np.array_equal(table.numeric("a"), expected, equal_nan=True)
    assert table.missing("a").tolist() == np.isnan(expected).tolist()
    if kind == pa.int64():
        assert table.text("a") == ["" if v is None else str(v) for v in values]


def test_text_of_every_kind():
    day = datetime.date(2024, 2, 29)
    table = pa.table(
        {
            "text": ["a ", None, "NA"],
            "digits": ["1", " 2.5", ""],
            "category": pa.array(["u", "v", None]).dictionary_encode(),
            "codes": pa.array([3, 4, None]).dictionary_encode(),
            "day": [day, None, day],
            "money": pa.array([decimal.Decimal("0.10"), None, decimal.Decimal("3.00")]),
            "list": [[1, 2], None, []],
            "bytes": [b"x", b"\xff", None],
            "none": pa.nulls(3),
            "infinite": [1.0, float("inf"), None],
        }
    )
    found = read(to_feather(table), "feather")
    assert found.text("text") == ["a", "", "NA"]
    assert found.missing("text").tolist() == [False, True, True]
    assert np.array_equal(found.numeric("digits"), [1, 2.5, np.nan], equal_nan=True)
    assert found.text("category") == ["u", "v", ""]
    assert np.array_equal(found.numeric("codes"), [3, 4, np.nan], equal_nan=True)
    assert found.text("day") == ["2024-02-29", "", "2024-02-29"]
    assert np.array_equal(found.numeric("money"), [0.1, np.nan, 3], equal_nan=True)
    assert found.text("list") == ["[1, 2]", "", "[]"]
    assert found.text("bytes") == ["x", "\ufffd", ""]
    assert found.missing("none").all()
    assert found.first_not_numeric("infinite") == (1, "inf")


BEYOND = pa.DictionaryArray.from_arrays(pa.array([0, 5]), pa.array(["u"]), safe=False)
GOOD = pa.table({"a": [1.0, 2.0]})


@pytest.mark.parametrize(
    ("format_", "content", "message"),
    [
        ("parquet", b"", "is not a whole Parquet file"),
        ("parquet", b"a,b\n1,2\n", "is not a whole Parquet file"),
        ("parquet", to_parquet(GOOD)[:-5], "is not a whole Parquet file"),
        ("arrow", b"", "is not a whole Arrow file"),
        ("arrow", to_ipc(GOOD)[:-5], "is not a whole Arrow file"),
        ("arrow", b"FEA1 and no more", "is a Feather file of version 1"),
        ("arrow", to_ipc(pa.table({"a": BEYOND})), "is not a whole Arrow file"),
        ("feather", to_parquet(GOOD), "is not a whole Arrow file"),
        ("parquet", to_parquet(pa.table({"a": pa.array([], pa.float64())})), "1 columns and 0 rows"),
        ("arrow", to_ipc(pa.table({})), "0 columns and 0 rows"),
        ("arrow", to_ipc(pa.table([[1], [2]], names=["a", "a"])), "columns 1 and 2 are both named a"),
        ("arrow", to_ipc(pa.table([[1], [2]], names=["a", ""])), "column 2 has no name"),
        ("parquet", gzip.compress(to_parquet(GOOD), mtime=0)[:-9], "damaged gzip"),
    ],
)
def test_what_is_damaged_is_one_clear_error(format_, content, message):
    with pytest.raises(DataError, match=message):
        read(content, format_)


def test_without_pyarrow_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"(?s)reading t\.parquet needs pyarrow.*bpcli\[arrow\]"):
        read(to_parquet(GOOD), "parquet")


def test_pyarrow_is_not_loaded_where_there_is_no_room_for_it(tmp_path, monkeypatch):
    monkeypatch.setattr(columnar, "is_tight", lambda: True)
    monkeypatch.setattr(memory, "available_memory", lambda: 10**8)
    monkeypatch.delitem(sys.modules, "pyarrow")
    with pytest.raises(TooLargeError, match=r"reading .*t\.parquet by pyarrow needs 330 MB"):
        columnar.pyarrow_for(tmp_path / "t.parquet")
    assert "pyarrow" not in sys.modules
