"""What is large is decided by the numbers in a file and the memory there is."""

import gzip

import numpy as np
import pytest

from bpcli.datasets import large
from bpcli.datasets.reading import Files


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_is_large_where_its_numbers_do_not_fit(tmp_path, monkeypatch, packed):
    text = "a,b\n" + "".join(f"{x:.6f},1\n" for x in np.random.default_rng(0).normal(size=120_000))
    path = tmp_path / ("t.csv.gz" if packed else "t.csv")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    decided = {}
    for free in (10**4, 10**9):
        monkeypatch.setattr(large, "available_memory", lambda free=free: free)
        decided[free] = large.is_large([Files((path,))])
    assert decided == {10**4: True, 10**9: False}
    assert not large.is_large([Files((tmp_path / "missing.csv",))])
