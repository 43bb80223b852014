"""A copy of a table that was damaged is noticed, and never taken for data."""

import json

import numpy as np
import pytest

from bpcli.datasets.reading import Files
from bpcli.datasets.stored import stored
from bpcli.errors import DataError
from tests.tables import read_table


def test_a_copy_that_was_cut_short_or_has_no_description_is_made_again(path):
    cache = path.parent / ".cache"
    stored(Files((path,)), (), cache)
    (copy,) = cache.iterdir()
    about = json.loads((copy / "about.json").read_text())
    for damage in (lambda: (copy / "about.json").write_text("{"), lambda: (copy / "columns.bin").write_bytes(b"1")):
        damage()
        assert stored(Files((path,)), (), cache).numeric("a").tolist() == read_table(path).numeric("a").tolist()
        (again,) = cache.iterdir()
        assert json.loads((again / "about.json").read_text()) == about


@pytest.mark.parametrize("name", ["columns.bin", "about.json"])
def test_a_changed_byte_is_never_taken_for_data(path, name):
    cache, whole = path.parent / ".cache", read_table(path)

    def cells():
        table = stored(Files((path,)), (), cache)
        list(table.blocks())
        return [(table.numeric if table.is_numeric(name) else table.text)(name) for name in whole.names]

    sound = cells()
    for at in range(0, (next(cache.iterdir()) / name).stat().st_size, 37):
        (copy,) = cache.iterdir()
        content = bytearray((copy / name).read_bytes())
        content[at] ^= 1
        (copy / name).write_bytes(content)
        if name == "columns.bin":
            with pytest.raises(DataError, match="has changed since it was written, and is removed"):
                cells()
        assert all(map(np.array_equal, cells(), sound))
