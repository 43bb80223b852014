"""Lines of a text table that processes share: whatever is quoted, each record is read once, and as in the whole."""

import csv
import io
from itertools import chain

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bpcli.datasets.dialect import Dialect
from bpcli.datasets.readers import line_stretches
from bpcli.datasets.reading import Files, read_files
from bpcli.datasets.share import Share
from bpcli.errors import DataError
from tests.datasets.shares import in_order, of_table, places, shared
from tests.threads import together

CELLS = {
    "number": st.sampled_from(["1", "-2.5", "1e3", "7.0"]),
    "gaps": st.sampled_from(["", "NA", "3", "-"]),
    "text": st.sampled_from(["red", "blue", 'a "quoted" word', "two\nlines", "a,b", "\u00fc", ""]),
    "late": st.sampled_from(["1"] * 20 + ["word"]),
    "boolean": st.sampled_from(["true", "False", ""]),
    "nearly": st.sampled_from(["true", "false"] * 10 + ["maybe"]),
}


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr(line_stretches, "_BLOCK", 5)


def written(rows, names, delimiter=",", newline="\n"):
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator=newline)
    writer.writerows([names, *rows])
    return file.getvalue().encode()


tables = st.lists(st.tuples(*CELLS.values()), min_size=2, max_size=12)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables, st.integers(2, 4), st.sampled_from(["\n", "\r\n"]), st.sampled_from(["", "\ufeff"]), st.booleans())
def test_csv(tmp_path, rows, size, newline, mark, header):
    path = tmp_path / "rows.csv"
    names = [*CELLS]
    path.write_bytes(
        mark.encode() + written(rows if header else rows[1:], names if header else rows[0], newline=newline)
    )
    files = Files((path,), dialect=Dialect(header="yes" if header else "no"))
    found = shared(files, size)
    assert found == of_table(read_files(files))


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("# a title\nx;y;label\n1,5;2;ja\n2,5;;nein\n-;4;ja\n3,5;5;NA\n", Dialect(comment="#")),
        ("x y label\n1.5  2 yes\n2.5 3   no\n3 4 yes\n", Dialect()),
        ("sep=;\nx;y\n1;2\n3;4\n5;6\n", Dialect()),
        ("x,y,y\n", Dialect()),
        ("x,y\n", Dialect()),
        ("1,2\n3,4\n5,6\n", Dialect()),
        ("1,2\n3,4\n5,6\n", Dialect(header="no")),
        ("red,2\nblue,4\nred,6\n", Dialect()),
        ('x,y\n5" pipe,1\n6" pipe,2\n7,3\n8,4\n', Dialect()),
        ("x,y\n1,a\n2,b\n3\n4,c\n", Dialect()),
        ("x;y\n5;a\n6;b\n7;c\n12.345;a\n12.345;b\n13.345;c\n", Dialect()),  # 12345, or 12.345?
        ("x,y\n1,a\n2,b\n3,\u00fc\n4,c\n", Dialect(missing_words=("a", "1"))),
        ("price,y\n1 000 $,a\n2 000 $,b\n3 000 $,a\n", Dialect(numbers=("price",))),
        ("x,y\n1,a\n2,b\n3,c\n4,c\n5,d\n", Dialect(missing_words={"x": ("2",), "y": ("c", "d")})),
    ],
)
@pytest.mark.parametrize("size", [2, 3, 9])
def test_ways_to_write_a_table(tmp_path, text, dialect, newline, size):
    path = tmp_path / "rows.csv"
    path.write_bytes(text.replace("\n", newline).encode())
    files = Files((path,), dialect=dialect)
    try:
        expected = of_table(read_files(files))
    except DataError:
        assert shared(files, size) is None
    else:
        assert shared(files, size) in (None, expected)


def test_the_usual_tables_are_shared(tmp_path):
    """Not only the outcome: none of these is read by each process as a whole."""
    path = tmp_path / "rows.csv"
    for text in [
        "x,y,label\n1,2,a\n3,,b\n5,6,a\n",
        '"x","y"\n"1","a ""b"""\n"2","c,d"\n',
        "x;y\n1,5;a\n2,5;b\n3,5;c\n",
    ]:
        path.write_text(text)
        assert shared(Files((path,)), 3) == of_table(read_files(Files((path,))))


def of_sparse(tables):
    """What there is to know of a sparse table, in one part or in several."""
    matrices = [table.matrix for table in tables]
    (shared,) = {(X.shape[1], t.features, t.own_target, str(t.path)) for X, t in zip(matrices, tables, strict=True)}
    entries = [[*zip(X.indices.tolist(), X.data.tolist(), strict=True)] for X in matrices]
    counts = [np.diff(X.indptr).tolist() for X in matrices]
    labels = [[*zip(table.numeric("none").tolist(), table.text("none"), strict=True)] for table in tables]
    return shared, *([*chain(*parts)] for parts in (entries, counts, labels))


ROWS = ["1 3:0.5 7:2", "-1 2:1e3 # a comment", "", "1", "2 9:4", "# nothing", "1152921504606846977 1:1"]


@pytest.mark.parametrize("first", ["1 1:2", "0 0:1"])
@pytest.mark.parametrize("size", [2, 3, 12])
@pytest.mark.parametrize("files", [1, 2])
def test_libsvm(tmp_path, first, size, files):
    pytest.importorskip("scipy", reason="of sparse rows")
    paths = []
    for k in range(files):
        paths.append(tmp_path / f"part-{k}.svm")
        paths[-1].write_text("\n".join([*ROWS, first] if k else ROWS + [first] * (files == 1)) + "\n" * k)

    def work(rank):
        share = Share(rank)
        table = share.done(lambda: read_files(Files(tuple(paths)), share=share))
        assert table.share.size == size
        return table

    shares = together(size, work)
    assert of_sparse(shares) == of_sparse([read_files(Files(tuple(paths)))])
    assert in_order(chain(*map(places, shares)))
