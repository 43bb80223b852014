"""Many points: pieces that cover them, results in order, and each as if it were alone."""

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.calculus.language.parser import parse
from bpcli.calculus.sweeps import blocks as bulk
from bpcli.calculus.sweeps.blocks import PIECE, PIECE_ENTRIES, map_in_order, pieces
from bpcli.calculus.sweeps.calculation import Calculation

RNG = np.random.default_rng(5)


@given(st.integers(0, 100_000), st.integers(0, 10**9))
def test_pieces_cover_the_points_and_fit_the_cache(points, entries):
    if points * entries > 10**9:
        points = 1000
    parts = list(pieces(points, entries))
    covered = [i for part in parts for i in (part.start, part.stop)]
    assert covered == sorted(covered)
    assert sum(part.stop - part.start for part in parts) == points
    assert all(part.stop - part.start <= max(1, min(PIECE, PIECE_ENTRIES // max(1, entries))) for part in parts)


@pytest.mark.parametrize("workers", [None, 1, 2, 4])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 40])
def test_results_come_in_order(workers, count):
    def slow_at_first(i):
        time.sleep(0.002 if i < 4 else 0)
        return i * i

    assert list(map_in_order(slow_at_first, iter(range(count)), workers)) == [i * i for i in range(count)]


def test_threads_where_an_item_takes_long(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    here = threading.get_ident()
    quick = list(map_in_order(lambda i: threading.get_ident(), iter(range(20))))
    assert set(quick) == {here}
    monkeypatch.setattr(bulk, "WORTH_A_THREAD", 0.0)
    both = list(map_in_order(lambda i: threading.get_ident(), iter(range(20))))
    assert here not in both[2:]


def test_only_a_few_items_wait_at_a_time():
    begun = 0

    def items():
        nonlocal begun
        for i in range(1000):
            begun = i
            yield i

    results = map_in_order(lambda i: i, items(), 2)
    for _ in range(10):
        next(results)
    assert begun < 20
    results.close()


def test_an_error_in_a_thread_reaches_the_caller():
    with pytest.raises(ZeroDivisionError):
        list(map_in_order(lambda i: 1 // (7 - i), iter(range(20)), 2))


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("x**2+y**2", {"x": (), "y": ()}),
        ("3", {"x": ()}),
        ("x", {"x": (), "y": ()}),
        ("sigmoid(2x-3y+1)*log(y)", {"x": (), "y": ()}),
        ("where(x>0,log(x),y)*y", {"x": (), "y": ()}),
        ("sqrt(x)+sqrt(y)*0", {"x": (), "y": ()}),
        ("sum(tanh(A@x+b))", {"A": (2, 3), "b": (2,), "x": (3,)}),
        ("norm(x)*softmax(A@x)[0]", {"A": (2, 3), "x": (3,)}),
        ("max(x)*prod(x)-logsumexp(A)", {"A": (2, 3), "x": (3,)}),
        ("cce([0,1,0],softmax(x))+A[0,1]*s", {"A": (2, 3), "s": (), "x": (3,)}),
    ],
)
def test_a_block_is_its_points_one_by_one(text, shapes, monkeypatch):
    monkeypatch.setattr(bulk, "PIECE", 7)
    one = Calculation([parse(text)], [text], shapes, list(shapes))
    columns = {name: RNG.normal(size=(*shape, 23)) for name, shape in shapes.items()}
    value, gradient = one.gradient_block(columns)
    np.testing.assert_array_equal(value, one.value_block(columns)[0])
    for i in range(23):
        point = {n: c[..., i] if c.ndim > 1 else float(c[i]) for n, c in columns.items()}
        with np.errstate(all="ignore"):
            alone, slopes = one.gradient(point)
        np.testing.assert_allclose(value[i], alone, rtol=1e-14)
        for name in shapes:
            assert gradient[name].shape == columns[name].shape
            np.testing.assert_allclose(gradient[name][..., i], slopes[name], rtol=1e-13, atol=1e-15)


def test_what_is_one_for_all_points_spreads():
    one = Calculation([parse("k*x**2")], ["k*x**2"], {"x": (), "k": ()}, ["x"])
    value, gradient = one.gradient_block({"x": np.array([1.0, 2.0, 3.0]), "k": np.array([10.0])})
    assert value.tolist() == [10, 40, 90]
    assert gradient["x"].tolist() == [20, 40, 60]


FAULTS = """
import resource
import numpy as np
from bpcli.calculus.sweeps.blocks import map_in_order
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.language.parser import parse

text = "(1-x)**2+100*(y-x**2)**2"
one = Calculation([parse(text)], [text], {"x": (), "y": ()}, ["x", "y"])
columns = {name: np.random.default_rng(0).normal(size=32768) for name in "xy"}
faults = []
for _ in map_in_order(lambda i: one.gradient_block(columns), iter(range(40)), 1):
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
print(faults[-1] - faults[20])
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts page faults, and minds glibc's heap")
def test_a_piece_uses_the_memory_of_the_piece_before():
    done = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 200  # 19 blocks, each of which has 192 pages of results alone
