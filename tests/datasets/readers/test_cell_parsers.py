"""The four parsers of cells read the same numbers, and the slower ones only what they have to."""

import subprocess
import sys
import tracemalloc
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.datasets.readers import cell_parsers, delimited
from tests.tables import read_table


def test_only_blocks_that_numpy_can_t_read_take_the_slower_way(tmp_path):
    """Speed: a file of numbers is NumPy's alone, and columns of text or with gaps cost one block."""

    def rows_of_csv(row, late=""):
        path = tmp_path / "t.csv"
        path.write_text("a,b,c\n" + f"{row}\n" * 500 + late + f"{row}\n" * 500)
        by_csv, rows = cell_parsers.Columns._by_csv, []

        def counted(self, lines, rest):
            columns = by_csv(self, lines, rest)
            rows.append(len(columns[0]))
            return columns

        with patch.object(delimited, "_BLOCK", 100), patch.object(cell_parsers.Columns, "_by_csv", counted):
            assert read_table(path).rows == 1000 + bool(late)
        return sum(rows)

    assert rows_of_csv("1,2.5,-3e-7") == 0
    for row in ("1,word,3", "1,,3", "1,NA,word"):
        assert 0 < rows_of_csv(row) < 30
    for late in (",2,3\n", "x,2,3\n", '1,"2",3\n', '1,"2\n",3\n'):
        assert 0 < rows_of_csv("1,2,3", late) < 30


NUMERALS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.from_regex(r"[-+]?[0-9]{1,25}(\.[0-9]{0,25})?([eE][-+]?[0-9]{1,3})?", fullmatch=True),
    st.sampled_from(
        ["", "1.", ".5", "-", "1e", "1e999", "1e-999", "007", "9007199254740993", "-0", "+1", "1-2", "e5", "."]
    ),
)


@pytest.mark.parametrize("parser", ["_by_arrow", "_by_arrays"])
@given(rows=st.lists(st.lists(NUMERALS, min_size=2, max_size=2), min_size=1, max_size=6), data=st.data())
def test_what_the_fast_parsers_read_is_to_the_bit_what_numpy_reads(parser, rows, data):
    """Or it reads nothing: a block with a single cell that is no plain number is left to NumPy and to `csv`."""
    ends = st.sampled_from(["\n", "\r\n", "\r", "\n\n", "\r\r", "\n\r"])
    block = "".join(",".join(row) + data.draw(ends) for row in rows)
    fast = getattr(cell_parsers.Columns(2, ","), parser)(block.encode())
    if fast is None:
        return
    by_numpy = cell_parsers.Columns(2, ",")._by_numpy(block.splitlines(keepends=True))
    assert by_numpy is not None
    for ours, theirs in zip(fast, by_numpy, strict=True):
        assert ours.tobytes() == theirs.tobytes()


def test_a_long_table_is_the_same_with_and_without_pyarrow(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    rng = np.random.default_rng(0)
    lines = [",".join(map(repr, row)) for row in rng.normal(size=(3000, 3)).tolist()]
    lines[1500] = "1,word,3"  # from here on NumPy and csv
    (tmp_path / "t.csv").write_text("a,b,c\n" + "\n".join(lines))
    monkeypatch.setattr(delimited, "_BLOCK", 1 << 14)
    real, calls, found = cell_parsers.Columns._by_arrow, [], []
    monkeypatch.setattr(cell_parsers.Columns, "_by_arrow", lambda s, b: calls.append(real(s, b)) or calls[-1])
    for long in (1 << 13, 1 << 60):
        monkeypatch.setattr(cell_parsers, "LONG", long)
        table = read_table(tmp_path / "t.csv")
        found.append((table.numeric("a").tobytes(), table.text("b"), table.numeric("c").tobytes()))
        assert any(call is not None for call in calls) == (long < 1 << 60)
        calls.clear()
    assert found[0] == found[1]


@pytest.mark.parametrize("late", ["", "word,2", ",2"])
@pytest.mark.parametrize("digits", [(1, 15), (15, 1), (6, 6)])
def test_rows_that_become_shorter_or_longer(tmp_path, monkeypatch, digits, late):
    """Room for the columns is made by the length of the first rows; later ones may need more, or hold text."""
    monkeypatch.setattr(delimited, "_BLOCK", 1 << 14)
    rows = np.random.default_rng(0).random((9000, 2))
    rows = np.concatenate([rows[:1500].round(digits[0]), rows[1500:].round(digits[1])])
    lines = [",".join(map(repr, row)) for row in rows.tolist()]
    (tmp_path / "t.csv").write_text("a,b\n" + "\n".join([*lines, *([late] if late else [])]) + "\n")
    table = read_table(tmp_path / "t.csv")
    if "word" in late:
        assert table.text("a") == [line.partition(",")[0] for line in lines] + ["word"]
    else:
        assert table.numeric("a")[:9000].tobytes() == rows[:, 0].tobytes()
    assert table.numeric("b").tolist() == rows[:, 1].tolist() + [2.0] * bool(late)


def test_a_table_of_many_columns_takes_memory_for_its_numbers(tmp_path):
    path, width = tmp_path / "wide.csv", 20_000
    path.write_text("\n".join([",".join(f"x{j}" for j in range(width)), *([",".join(["1.25"] * width)] * 40)]) + "\n")
    tracemalloc.start()
    table = read_table(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert table.rows == 40
    assert table.numeric("x19999").tolist() == [1.25] * 40
    assert peak < 8 * path.stat().st_size  # 8 bytes a number are 1.6 times its text


@pytest.mark.parametrize("kind", ["int8", "uint64", "float32", "float64"])
def test_numbers_of_pyarrow_are_those_that_it_gives_itself(kind):
    pa = pytest.importorskip("pyarrow")
    whole = pa.array(np.arange(10), getattr(pa, kind)())
    cases = [whole, whole[3:7], whole[:0], pa.chunked_array([whole[2:4], whole[:0], whole[5:]])]
    for column in [*cases, pa.chunked_array([whole]), pa.chunked_array([], whole.type)]:
        found = cell_parsers.numbers_of(column)
        assert (found.dtype, found.tolist()) == (np.dtype(kind), column.to_pylist())


def test_a_long_file_is_read_without_pandas(tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / "t.csv").write_text("x,y\n" + "0.5,1.25\n" * (cell_parsers.LONG // 6))
    code = (
        "import os, sys; from pathlib import Path; from bpcli.datasets.reading import Files, read_files\n"
        "table = read_files(Files((Path('t.csv'),)))\n"
        "print(table.numeric('y').sum(), 'pyarrow' in sys.modules, 'pandas' in sys.modules, flush=True)\n"
        "os._exit(0)"  # Arrow's threads sometimes abort the end of the interpreter (apache/arrow#34314)
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.split() == [str(cell_parsers.LONG // 6 * 1.25), "True", "False"]
