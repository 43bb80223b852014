"""Files of results: arrays and Parquet, whole or not at all."""

import numpy as np
import pytest

from bpcli.datasets.result_files import RESULT_FILES
from bpcli.errors import DataError, UsageError

BLOCKS = [[[1.0, 2.0], ["a", "b"]], [[3.0], ["c"]]]


def test_an_array_has_a_column_for_each(tmp_path):
    RESULT_FILES["npy"](tmp_path / "a.npy", ["x", "y"], iter([[[1.0, 2.0], [3.0, 4.0]], [[5.0], [6.0]]]), False)
    assert np.load(tmp_path / "a.npy").tolist() == [[1, 3], [2, 4], [5, 6]]
    with pytest.raises(UsageError, match="holds numbers"):
        RESULT_FILES["npy"](tmp_path / "b.npy", ["x", "y"], iter(BLOCKS), False)
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]


def test_parquet_has_the_names_and_types(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    RESULT_FILES["parquet"](tmp_path / "a.parquet", ["x", "y"], iter(BLOCKS), False)
    assert parquet.read_table(tmp_path / "a.parquet").to_pydict() == {"x": [1.0, 2.0, 3.0], "y": ["a", "b", "c"]}


@pytest.mark.parametrize("kind", RESULT_FILES)
def test_what_stops_on_the_way_leaves_nothing(kind, tmp_path):
    if kind == "parquet":
        pytest.importorskip("pyarrow")

    def blocks():
        yield [[1.0], [2.0]]
        raise DataError("stopped")

    with pytest.raises(DataError, match="stopped"):
        RESULT_FILES[kind](tmp_path / f"a.{kind}", ["x", "y"], blocks(), False)
    assert not [*tmp_path.iterdir()]
