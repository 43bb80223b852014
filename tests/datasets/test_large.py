"""What is large is decided by the numbers in a file and the memory there is."""

import gzip

import numpy as np
import pytest

from bpcli.datasets import large
from bpcli.datasets.reading import Files
from tests.threads import together


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


def test_a_file_that_can_not_be_read_in_blocks_is_not_read_to_see_how_large_it_is(tmp_path, monkeypatch):
    path = tmp_path / "t.svm"
    path.write_text("1 1:2\n" * 9)
    monkeypatch.setattr(large, "available_memory", lambda: 1)
    monkeypatch.delattr(large, "read_blocks")
    assert not large.is_large([Files((path,))])


def test_shares_of_a_file_are_large_where_those_of_one_machine_do_not_fit(tmp_path, monkeypatch):
    path = tmp_path / "rows.npy"
    np.save(path, np.zeros((1 << 20, 3)))  # as many numbers as three times its bytes: 72 MiB
    files = [Files((path,))]
    monkeypatch.setattr(large, "available_memory", lambda: 100 << 20)
    assert large.is_large(files)
    for machines, expected in [("a", True), ("ab", False), ("aab", False), ("aaab", True), ("aaa", True)]:
        with monkeypatch.context() as patch:
            names = iter(machines)
            patch.setattr("socket.gethostname", lambda names=names: next(names))
            found = together(len(machines), lambda rank: large.shares_are_large(files, rank))
        assert found == [expected] * len(machines), machines
