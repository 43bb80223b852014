"""LIBSVM files beside scikit-learn's own reader and writer, and what is wrong in one, by its line."""

import gzip
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import dump_svmlight_file, load_svmlight_file

from bpcli.datasets.preparation.fitted import Preparation
from bpcli.datasets.preparation.fitting import fit_preparation
from bpcli.datasets.preparation.options import PreparationOptions
from bpcli.datasets.readers import libsvm
from bpcli.datasets.sparse import MAX_DENSE, Numbered, csr_array, dense
from bpcli.errors import DataError, MissingExtraError, UsageError
from bpcli.formulas.choices import Task
from tests.tables import read_table


def read(content, name="t.svm"):
    content = content.encode() if isinstance(content, str) else content
    return read_table(Path(name), stream=io.BytesIO(content))


entries = st.floats(-1e300, 1e300) | st.just(0.0)  # of the largest, scikit-learn writes 16 digits that round up


@given(
    st.lists(
        st.tuples(st.sampled_from([-1, 1, 2.5]), st.lists(entries, min_size=3, max_size=3)), min_size=1, max_size=9
    ),
    st.booleans(),
    st.booleans(),
)
def test_scikit_learn_writes_and_reads_the_same(rows, zero_based, packed):
    y, X = np.array([label for label, _ in rows]), np.array([values for _, values in rows])
    X[0, 0] = X[0, 2] = 1.0  # so that both know how many there are, and where they begin
    buffer = io.BytesIO()
    dump_svmlight_file(X, y, buffer, zero_based=zero_based)
    content = buffer.getvalue()
    table = read(gzip.compress(content) if packed else content)
    theirs, labels = load_svmlight_file(io.BytesIO(content), zero_based=zero_based)
    names = ["x0", "x1", "x2"] if zero_based else ["x1", "x2", "x3"]
    assert [*table.names] == [*names, "none"]
    assert np.array_equal(table.numeric("none"), labels)
    assert np.array_equal(np.column_stack([table.numeric(name) for name in names]), theirs.toarray())


@given(st.data())
def test_reading_by_numpy_and_line_by_line_agree(data):
    rows = data.draw(st.lists(st.dictionaries(st.integers(0, 99), entries, max_size=5), min_size=1, max_size=9))
    block = "".join(
        f"{i % 3 - 1} " + " ".join(f"{j}:{x!r}" for j, x in sorted(r.items())) + "\n" for i, r in enumerate(rows)
    )
    quick, refined = libsvm._plain(block.encode()), libsvm._line_by_line(Path("t"), block.encode(), 1)
    assert quick is not None
    for one, other in zip(quick, refined, strict=True):
        assert np.array_equal(one, other)


def test_blocks_end_where_lines_do(monkeypatch):
    content = "".join(f"{i % 2} {i + 1}:{i}.5 {i + 7}:-1e-3\n" for i in range(50)).rstrip("\n")
    whole = read(content)
    monkeypatch.setattr(libsvm, "_BLOCK", 13)
    parts = read(content)
    assert (whole.matrix != parts.matrix).nnz == 0
    assert np.array_equal(whole.numeric("none"), parts.numeric("none"))


def test_comments_blank_lines_order_and_missing_labels():
    table = read("# a header\n\n1 3:1 1:2 # behind\r\n  \n2:5\n+1. 1:.5e1\t2:-3.\n")
    assert table.rows == 3
    assert np.array_equal(table.numeric("none"), [1, np.nan, 1], equal_nan=True)
    assert np.column_stack([table.numeric(f"x{j}") for j in (1, 2, 3)]).tolist() == [[2, 0, 1], [0, 5, 0], [5, -3, 0]]
    assert [table.where(row) for row in range(3)] == ["t.svm:3", "t.svm:5", "t.svm:6"]
    assert table.numeric("x1000").tolist() == [0, 0, 0]
    assert table.text("x1") == ["2", "0", "5"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "has no rows"),
        ("# only\n\n", "has no rows"),
        ("1 1:1\n1 2:x\n", r"t\.svm:2: the value 'x' of index 2 is not a finite number"),
        ("1 1:1\n1 2:nan\n", r"t\.svm:2: the value 'nan'"),
        ("1 1:1\n1 2:1e999\n", r"t\.svm:2: the value '1e999'"),
        ("1 1:1\n1 2:\n", r"t\.svm:2: the value ''"),
        ("1 1:1\n1 -2:1\n", r"t\.svm:2: expected index:value with a whole index, found '-2:1'"),
        ("1 1:1\n1 2\n", r"t\.svm:2: expected index:value"),
        ("1 1:1\n1 ²:1\n", r"t\.svm:2: a byte that is not ASCII"),
        ("1 1:1\n1 2147483647:1\n", r"t\.svm:2: the index 2147483647 is larger"),
        ("1 1:1\n1 2:1 2:2\n", r"t\.svm:2: the index 2 stands twice"),
        ("1 1:1\n1 2:1 1:1 2:2\n", r"t\.svm:2: the index 2 stands twice"),
        ("1 1:1\ncat 2:1\n", r"t\.svm:2: 'cat' is not a label"),
        ("1 1:1\n1,2 2:1\n", r"t\.svm:2: '1,2' is not a label, but several"),
        ("1 1:1\n1 qid:3 2:1\n", r"(?s)t\.svm:2: qid:3 marks a query.*take qid"),
        ("a,b\n1,2\n", r"t\.svm:1: 'a,b' is not a label"),
        (b"\x89PNG\r\n", "not ASCII"),
        (gzip.compress(b"1 1:1\n" * 999, mtime=0)[:-9], "damaged gzip"),
    ],
)
def test_mistakes_have_their_line(content, message):
    with pytest.raises(DataError, match=message):
        read(content)


def test_a_mistake_in_a_later_block_has_its_line(monkeypatch):
    monkeypatch.setattr(libsvm, "_BLOCK", 13)
    with pytest.raises(DataError, match=r"t\.svm:41: the value 'x'"):
        read("1 1:1\n" * 40 + "1 1:x\n")


def test_without_scipy_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    with pytest.raises(MissingExtraError, match=r"(?s)needs SciPy.*bpcli\[sparse\]"):
        read("1 1:1\n")


# Prepared


def options(**more):
    return PreparationOptions(target="none", task=Task.TWO_CLASSES, loss="bce", **more)


def fitted(table, **more):
    return fit_preparation(table, options(**more), np.arange(table.rows))


TABLE = "1 1:2 3:4\n-1 2:6\n1 1:8\n"


def test_what_was_fitted_takes_narrower_and_wider_tables_and_other_formats():
    preparation = Preparation.from_json(fitted(read(TABLE), scale=2.0).to_json())
    assert list(preparation.feature_names) == ["x1", "x2", "x3"]
    assert preparation.classes == (-1, 1)
    prepared = preparation.apply(read(TABLE))
    assert prepared.X.toarray().tolist() == [[1, 0, 2], [0, 3, 0], [4, 0, 0]]
    assert prepared.y.tolist() == [1, 0, 1]
    assert preparation.apply(read("1 2:1\n")).X.toarray().tolist() == [[0, 0.5, 0]]
    wide = preparation.apply(read("1 0:7 3:1 9:1\n"))
    assert wide.X.toarray().tolist() == [[0, 0, 0.5]]
    assert wide.notes == ["t.svm: features that training has not seen are ignored; it had x1 … x3"]
    named = read(b"x3,x1,id,x2\n1,2,9,3\n", "t.csv")
    other = preparation.apply(named, with_target=False)
    assert other.X.toarray().tolist() == [[1, 1.5, 0.5]]
    assert other.ignored == ["id"]
    for content, message in ((b"x1,x2\n1,2\n", "no column x3"), (b"x1,x2,x3\n1,,2\n", ":2: column x2: the cell is")):
        with pytest.raises(DataError, match=message):
            preparation.apply(read(content, "t.csv"), with_target=False)


def test_features_by_name():
    assert fitted(read(TABLE), features=("x3", "x1")).apply(read(TABLE)).X.toarray()[0].tolist() == [4, 2]
    assert list(fitted(read(TABLE), exclude=("x2",)).feature_names) == ["x1", "x3"]
    assert fitted(read(TABLE), exclude=("x2",)).apply(read("1 1:1\n")).X.toarray().tolist() == [[1, 0]]
    with pytest.raises(DataError, match="no column radius"):
        fitted(read(TABLE), features=("radius",))
    with pytest.raises(DataError, match="no feature left"):
        fitted(read(TABLE), exclude=("x1", "x2", "x3"))


def test_what_would_fill_the_zeros_is_refused():
    with pytest.raises(UsageError, match=r"(?s)data\.standardize.*data\.scale"):
        fitted(read(TABLE), standardize=True)
    with pytest.raises(UsageError, match=r"data\.categorical"):
        fitted(read(TABLE), categorical=("x1",))


def test_rows_without_a_label_are_named_or_dropped():
    gap = TABLE + "2:1\n"
    with pytest.raises(DataError, match=r"(?s)t\.svm:4: column none: the target is missing.*data\.missing: drop"):
        fitted(read(gap))
    prepared = fitted(read(gap), missing="drop").apply(read(gap))
    assert prepared.rows.tolist() == [0, 1, 2]
    assert "1 of 4 rows have gaps" in prepared.notes[0]


def test_a_value_that_scaling_takes_beyond_the_doubles_has_its_row():
    with pytest.raises(DataError, match=r"t\.svm:2: a value is too large"):
        fitted(read("1 1:1\n-1\t1:1e300 2:1\n"), scale=1e-20).apply(read("1 1:1\n-1\t1:1e300 2:1\n"))


def test_numbered_names_are_a_sequence_without_a_string_each():
    names = Numbered(1, 10**9)
    assert (len(names), names[0], names[-1], names[1:3]) == (10**9 - 1, "x1", "x999999999", ["x2", "x3"])


def test_what_is_too_large_is_not_written_out():
    with pytest.raises(DataError, match="too many numbers"):
        dense(csr_array((2, MAX_DENSE)))
    assert dense(csr_array(np.eye(2))).tolist() == [[1, 0], [0, 1]]
