"""Tables: the target out of another file, and numbers as cells."""

from pathlib import Path

import numpy as np
import pytest

from bpcli.datasets.reading import read_table
from bpcli.datasets.table import Table, to_numbers, with_target
from bpcli.errors import DataError, UsageError


@pytest.fixture
def read(tmp_path):
    def read(content, name="t.csv", format_="auto"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(path, format_)

    return read


def test_the_target_out_of_a_file_of_its_own(read):
    table = read("a\n1\n2\n")
    joined = with_target(table, read("label\nx\ny\n", "y.csv"), "species")
    assert joined.names == ["a", "species"]
    assert joined.text("species") == ["x", "y"]
    assert joined.text("a") == ["1", "2"]
    assert joined.where(1, "species").endswith("y.csv:3: column label")
    assert joined.where(1, "a").endswith("t.csv:3: column a")
    with pytest.raises(DataError, match=r"has 1 rows, .* has 2"):
        with_target(table, read("label\nx\n", "y.csv"), "species")
    with pytest.raises(DataError, match="did you mean labels"):
        with_target(table, read("labels,b\nx,1\ny,2\n", "y.csv"), "label")
    with pytest.raises(UsageError, match="has a column a itself"):
        with_target(table, read("a\nx\ny\n", "y.csv"), "a")


def test_a_lone_dash_is_a_gap_among_numbers_and_a_value_among_words():
    assert np.isnan(to_numbers(["1", "-", " - ", "2.5"])).tolist() == [False, True, True, False]
    assert to_numbers(["a", "-"]) is None
    table = Table(Path("t"), {"a": ["a", "-", "NA", "x"]}, 4, lambda _: None, lambda _: [])
    assert table.missing("a").tolist() == [False, False, True, False]
    table.missing_words["a"] = frozenset({"x"})
    assert table.missing("a").tolist() == [False, False, False, True]
