"""A table in a file of columns has the cells of the table it was made of."""

import os

import numpy as np
import pytest

from bpcli.datasets.dialect import Dialect
from bpcli.datasets.preparation.labels import classes_of
from bpcli.datasets.readers import delimited
from bpcli.datasets.reading import Files, read_files
from bpcli.datasets.stored import stored
from bpcli.errors import DataError
from tests.tables import read_table


def test_the_cells_are_those_of_the_table_read_whole(path):
    kept, whole = stored(Files((path,)), (), path.parent / ".cache"), read_table(path)
    assert (kept.names, kept.rows) == (whole.names, whole.rows)
    for name in whole.names:
        assert kept.is_numeric(name) == whole.is_numeric(name)
        assert np.array_equal(kept.missing(name), whole.missing(name))
        if whole.is_numeric(name):
            assert np.array_equal(kept.numeric(name), whole.numeric(name))
        else:
            assert kept.text(name) == whole.text(name)
    blocks = list(kept.blocks())
    assert len(blocks) > 3
    assert [cell for block in blocks for cell in block.text("color")] == whole.text("color")
    assert blocks[2].where(1, "a") == whole.where(blocks[2].first_row + 1, "a")
    kept.require(["a"])
    with pytest.raises(DataError, match=r"(?s)no column colour.*did you mean color"):
        kept.require(["colour"])


@pytest.mark.parametrize("numbers", [{"y": {}}, {"y": {"decimal": ".", "unit": "$"}}])
def test_formatted_numbers_that_are_kept_as_text_are_numbers(tmp_path, numbers):
    path = tmp_path / "t.csv"
    path.write_text("a;y\n" + "".join(f"{k};{'NA' if k == 5 else f'${1 + k % 3},200.5'}\n" for k in range(20)))
    files = Files((path,), dialect=Dialect(numbers=numbers))
    kept, whole = stored(files, ("y",), tmp_path / ".cache"), read_files(files)
    assert (kept.is_numeric("y"), kept.formatted, kept.dialect) == (True, {"y"}, whole.dialect)
    assert np.array_equal(kept.numeric("y"), whole.numeric("y"), equal_nan=True)
    assert np.array_equal(kept.missing("y"), whole.missing("y"))
    rows = np.delete(np.arange(20), 5)
    assert classes_of(kept, "y", rows) == classes_of(whole, "y", rows) == [1200.5, 2200.5, 3200.5]
    assert kept.text("y") == whole.text("y")
    assert [x for block in kept.blocks() for x in block.exact("y")[6:]] == whole.exact("y")[6:]


def test_a_column_out_of_another_file(path):
    other = path.with_name("o.csv")
    other.write_text("z\n" + "".join(f"{k}\n" for k in range(100)))
    joined = stored(Files((path,)), (), path.parent / ".cache").with_column("z", read_table(other), "z")
    assert joined.names[-1] == "z"
    assert joined.numeric("z").tolist() == list(range(100))
    assert np.concatenate([block.numeric("z") for block in joined.blocks()]).tolist() == list(range(100))
    assert joined.where(3, "z") == f"{other}:5: column z"


def test_a_cache_that_is_a_link_is_refused_before_anything_is_removed_or_written(path):
    elsewhere = path.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".partial-999999999-x").mkdir()
    (path.parent / ".cache").symlink_to(elsewhere)
    with pytest.raises(DataError, match="is a link"):
        stored(Files((path,)), (), path.parent / ".cache")
    assert [left.name for left in elsewhere.iterdir()] == [".partial-999999999-x"]


def test_a_file_that_is_replaced_with_the_same_size_and_time_is_read_again(path):
    cache, status = path.parent / ".cache", path.stat()
    stored(Files((path,)), (), cache)
    other = path.with_name("other.csv")
    other.write_text(path.read_text().replace("red", "tan"))
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    os.replace(other, path)
    assert "tan" in stored(Files((path,)), (), cache).text("color")


@pytest.mark.parametrize(("below", "refused"), [("setosa", True), ("virginica", False)])
def test_a_header_that_stands_below_in_a_later_block_is_refused(tmp_path, monkeypatch, below, refused):
    monkeypatch.setattr(delimited, "_BLOCK", 500)
    rows = [f"{k / 8},{'versicolor' if k < 90 else below}\n" for k in range(100)]
    (tmp_path / "t.csv").write_text("5.1,setosa\n" + "".join(rows))
    files = Files((tmp_path / "t.csv",))
    if not refused:
        assert stored(files, (), tmp_path / ".cache").names == ["5.1", "setosa"]
        return
    with pytest.raises(DataError, match=r"(?s)the first line could be data.*data\.header: no"):
        stored(files, (), tmp_path / ".cache")


@pytest.mark.parametrize("y", [["u", "v"], [2**53, 2**53 + 1]])
def test_an_archive_names_its_own_target_which_is_told_apart_exactly(tmp_path, y):
    path = tmp_path / "t.npz"
    np.savez(path, X=np.arange(8.0).reshape(4, 2), y=np.array(y * 2))
    table = stored(Files((path, path)), (None,), tmp_path / ".cache")
    assert table.own_target == "y"
    assert table.text("y") == [str(label) for label in y] * 4


def test_a_header_that_comes_again_is_told_in_a_later_block_too(path):
    text = path.read_text()
    path.write_text(text + text.partition("\n")[0] + "\n" + "1,red,2,0\n" * 3)
    with pytest.raises(DataError, match=r"t\.csv:102: the header again: a, color"):
        stored(Files((path,)), (), path.parent / ".cache")


def test_points_that_may_set_thousands_apart_are_told_in_a_later_block_too(path):
    content = "a;b\n" + "912;0.5\n" * 200 + "1.234;2.25\n"
    path.write_text(content)
    with pytest.raises(DataError, match=r"column a: 1\.234 could be 1\.234 or 1234"):
        stored(Files((path,)), (), path.parent / ".cache")
    path.write_text(content + "1.2;3\n")
    assert stored(Files((path,)), (), path.parent / ".cache").numeric("a")[-2:].tolist() == [1.234, 1.2]
