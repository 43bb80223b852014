"""Rows that processes share: each has what it has in the whole table, and together they have every row once."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bpcli.datasets.reading import Files, read_files
from bpcli.datasets.sharing import fingerprint
from bpcli.errors import DataError
from tests.datasets.readers.test_line_stretches import CELLS, tables, written
from tests.datasets.shares import of_table, shared


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(tables, min_size=2, max_size=4), st.integers(2, 3))
def test_several_csv_files(tmp_path, parts, size):
    paths = []
    for k, rows in enumerate(parts):
        paths.append(tmp_path / f"part-{k}.csv")
        paths[-1].write_bytes(written(rows, [*CELLS]))
    files = Files(tuple(paths))
    assert shared(files, size) == of_table(read_files(files))


@pytest.mark.parametrize("empty", [(0,), (1,), (2,), (0, 1), (1, 2)])
def test_a_file_without_rows_adds_none(tmp_path, empty):
    paths = []
    for k in range(3):
        paths.append(tmp_path / f"part-{k}.csv")
        paths[-1].write_text("a,b\n" + "1,2\n3,u\n" * (k not in empty))
    others = Files(tuple(path for k, path in enumerate(paths) if k not in empty))
    for size in (2, 3):
        assert shared(Files(tuple(paths)), size) == of_table(read_files(Files(tuple(paths))))
    assert of_table(read_files(Files(tuple(paths)))) == of_table(read_files(others))


def test_files_without_any_rows(tmp_path):
    paths = [tmp_path / f"part-{k}.csv" for k in range(2)]
    for path in paths:
        path.write_text("a,b\n")
    assert shared(Files(tuple(paths)), 2) is None
    with pytest.raises(DataError, match=r"part-0\.csv has a header but no rows"):
        read_files(Files(tuple(paths)))


def test_a_format_that_is_not_shared(tmp_path):
    path = tmp_path / "rows.npz"
    np.savez(path, X=np.ones((4, 2)))
    assert shared(Files((path,)), 2) is None


def test_a_file_is_known_by_its_name_size_and_content(tmp_path):
    marks = set()
    for name, content in [("a", b"1,2"), ("b", b"1,2"), ("a", b"1,2,"), ("a", b"1,3"), ("a", bytes(9 << 20))]:
        (tmp_path / name).write_bytes(content)
        marks.add(fingerprint(tmp_path / name))
        (tmp_path / "elsewhere").mkdir(exist_ok=True)
        (tmp_path / "elsewhere" / name).write_bytes(content)
        assert fingerprint(tmp_path / "elsewhere" / name) in marks
    assert len(marks) == 5
    (tmp_path / "a").write_bytes(bytes((9 << 20) - 1) + b"1")
    assert fingerprint(tmp_path / "a") not in marks
