"""Tables from Python's data are those that a CSV file with the same cells gives."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.datasets.from_python import is_frame, table_of
from bpcli.errors import DataError
from tests.tables import read_table

CELLS = st.none() | st.floats(-1e6, 1e6) | st.integers(-1000, 1000) | st.sampled_from(["a", "b c", "NA", "1e3"])


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6))
def test_columns_by_name_are_those_of_a_file(rows):
    columns = dict(zip(("u", "v"), zip(*rows, strict=True), strict=True))
    data = {name: np.array(cells, object) for name, cells in columns.items()}
    lines = [",".join("" if cell is None else f'"{cell}"' for cell in row) for row in rows]
    text = "\n".join(["u,v", *(line or '"",""' for line in lines)]) + "\n"
    ours, theirs = table_of(data, ()), read_table(Path("t.csv"), "csv", io.BytesIO(text.encode()))
    for name in columns:
        assert ours.is_numeric(name) == theirs.is_numeric(name)
        np.testing.assert_array_equal(ours.missing(name), theirs.missing(name))
        if ours.is_numeric(name):
            np.testing.assert_array_equal(ours.numeric(name), theirs.numeric(name))


def test_an_array_has_the_names_that_are_given():
    table = table_of([[1, 2], [3, np.nan]], ["a", "b"])
    assert table.names == ["a", "b"]
    assert table.numeric("a").tolist() == [1, 3]
    assert table.missing("b").tolist() == [False, True]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([[1.0]], "expected rows of 2 columns"),
        ([1.0, 2.0], r"found an array of shape \(2,\)"),
        ({"a": [1, 2], "b": [1]}, r"column b has the shape \(1,\)"),
        ({"a": [1.0, np.inf], "b": [1, 2]}, "X, row 2: column a: inf is not a finite number"),
        ({1: [1.0], "1": [2.0]}, "two columns are named 1"),
        ([[1.0, 2.0], [3.0]], "a list has rows that make no array"),
    ],
)
def test_what_is_no_table(data, message):
    with pytest.raises(DataError, match=message):
        table_of(data, ["a", "b"])


class NAType:
    """As pandas has it for a gap: no comparison of it is true or false."""

    def __ne__(self, other):
        return self

    def __bool__(self):
        raise TypeError("boolean value of NA is ambiguous")

    __hash__ = object.__hash__


def test_gaps_of_pandas_and_whole_numbers_keep_what_they_are():
    big = 2**53 + 1
    columns = {"id": [big, NAType(), 2**70], "flag": [True, NAType(), False], "n": np.array([big, 1, 2])}
    table = table_of({name: np.array(c, object) if name != "n" else c for name, c in columns.items()}, [])
    assert table.text("id") == [str(big), "", str(2**70)]
    assert table.missing("id").tolist() == table.missing("flag").tolist() == [False, True, False]
    assert table.is_boolean("flag")
    assert table.exact("n") == [big, 1, 2]


class Whole(list):
    """A column of whole numbers and gaps that becomes doubles as an array, as those of pandas, Polars and Arrow."""

    def __array__(self, dtype=None, copy=None):
        return np.array([np.nan if cell is None else float(cell) for cell in self])

    def to_list(self):
        return list(self)


def test_whole_numbers_among_gaps_are_not_rounded():
    big = 2**53
    table = table_of({"id": Whole([big, big + 1, None]), "x": Whole([0.5, None, 2e300])}, ())
    assert table.text("id") == [str(big), str(big + 1), ""]
    assert table.exact("id")[:2] == [big, big + 1]
    np.testing.assert_array_equal(table.numeric("x"), [0.5, np.nan, 2e300])


@pytest.mark.parametrize("kind", [float, int, bool, object])
def test_what_a_mask_hides_is_a_gap(kind):
    hidden = [[False, False], [True, False], [False, False]]
    data = np.ma.array(np.array([[1, 0], [1, 1], [0, 1]]).astype(kind), mask=hidden)
    for table in (table_of(data, ["a", "b"]), table_of({"a": data[:, 0], "b": data[:, 1]}, ())):
        assert table.missing("a").tolist() == [False, True, False]
        assert not table.missing("b").any()
        assert table.numeric("a")[[0, 2]].tolist() == [1, 0]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_a_time_is_the_same_text_in_every_unit(unit):
    table = table_of({"t": np.array(["2020-01-02T03:04:05", "NaT"], f"M8[{unit}]")}, ())
    assert table.text("t") == ["2020-01-02 03:04:05", ""]
    assert not table.is_numeric("t")


def test_a_time_of_a_nanosecond_and_bytes_as_text():
    table = table_of({"t": np.array(["2020-01-02T00:00:00.000000001"], "M8[ns]"), "b": np.array([b" x"])}, ())
    assert (table.text("t"), table.text("b")) == (["2020-01-02 00:00:00.000000001"], ["x"])


@pytest.mark.parametrize("way", ["__arrow_c_stream__", "__dataframe__"])
def test_a_frame_that_only_hands_on_its_columns(way):
    table = pytest.importorskip("pyarrow").table({"a": [1.0, None, 3.0], "c": ["u", "v", None]})
    frame = type("Frame", (), {way: lambda self, *args, **named: getattr(table, way)(*args, **named)})()
    found = table_of(frame, ())
    assert found.names == ["a", "c"]
    np.testing.assert_array_equal(found.numeric("a"), [1, np.nan, 3])
    assert found.text("c") == ["u", "v", ""]


def test_a_frame_whose_rows_are_not_computed_yet_is_told():
    lazy = pytest.importorskip("polars").DataFrame({"a": [1.0]}).lazy()
    with pytest.raises(DataError, match=r"X is a LazyFrame, whose rows are not computed yet\n  X.collect\(\)"):
        is_frame(lazy)
