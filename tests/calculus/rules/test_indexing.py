"""Indexing, transposition, stacking and products of matrices: NumPy's values, and v·J the transpose of J·v."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.calculus.rules.array_operations import Operands
from bpcli.calculus.rules.duals import PlainNamespace
from bpcli.calculus.rules.indexing import STRUCTURE
from bpcli.calculus.rules.shapes import ShapeError
from bpcli.numbers.namespaces import arrays

PLAIN = PlainNamespace(arrays())
SIZES = st.integers(1, 4)


@st.composite
def cases(draw):
    """An operation with its operands' shapes, its extra, and NumPy's own function."""
    m, n, p = draw(SIZES), draw(SIZES), draw(SIZES)
    shape = draw(st.sampled_from([(m,), (m, n)]))
    name = draw(st.sampled_from(["take", "transpose", "stack", "@"]))
    if name == "take":
        first = draw(st.one_of(st.integers(-m, m - 1), st.tuples(st.integers(0, m - 1), st.just(None))))
        key = slice(*first) if isinstance(first, tuple) else first
        return name, [shape], (first,), lambda a: a[key]
    if name == "transpose":
        return name, [shape], None, lambda a: a.T
    if name == "stack":
        return name, [shape] * draw(st.integers(1, 3)), None, lambda *items: np.stack(items)
    left, right = draw(st.sampled_from([((n,), (n,)), ((m, n), (n,)), ((n,), (n, p)), ((m, n), (n, p))]))
    return name, [left, right], None, np.matmul


@given(cases(), st.integers(0, 2**32 - 1))
def test_values_are_numpys_and_forward_is_the_transpose_of_reverse(case, seed):
    name, shapes, extra, witness = case
    rng, op = np.random.default_rng(seed), STRUCTURE[name]
    args = [rng.normal(size=shape) for shape in shapes]
    points = [arg[..., None] for arg in args]
    expected = np.asarray(witness(*args))
    assert op.shape(Operands(shapes, extra)) == expected.shape
    out = op.value(PLAIN, points, Operands(shapes, extra))
    np.testing.assert_allclose(out[..., 0], expected, rtol=1e-14)
    g = rng.normal(size=(*expected.shape, 1))
    tangents = [rng.normal(size=point.shape) for point in points]
    forward = (g * op.jvp(PLAIN, tangents, out, points, Operands(shapes, extra))).sum()
    back = [op.vjp(PLAIN, g, i, out, points, Operands(shapes, extra)) for i in range(len(points))]
    assert [part.shape for part in back] == [point.shape for point in points]
    assert forward == pytest.approx(math.fsum((b * t).sum() for b, t in zip(back, tangents, strict=True)), abs=1e-12)


@given(st.integers(0, 2**32 - 1), SIZES, SIZES, SIZES, st.integers(2, 5))
def test_a_product_of_many_points_is_that_of_each(seed, m, n, p, points):
    rng, op = np.random.default_rng(seed), STRUCTURE["@"]
    for one_a, one_b in ((False, False), (True, False), (False, True)):
        a, b = rng.normal(size=(m, n, 1 if one_a else points)), rng.normal(size=(n, p, 1 if one_b else points))
        found = op.value(PLAIN, [a, b], Operands([(m, n), (n, p)], None))
        for k in range(points):
            np.testing.assert_allclose(
                found[..., k], a[..., 0 if one_a else k] @ b[..., 0 if one_b else k], rtol=1e-12, atol=1e-14
            )


@pytest.mark.parametrize(
    ("name", "shapes", "extra", "message"),
    [
        ("take", [()], (0,), "has no entries"),
        ("take", [(3,)], (3,), "there is no index 3 in a vector of 3"),
        ("take", [(3,)], (0, 0), "takes one index, not 2"),
        ("take", [(3,)], ((2, 2),), "this range"),
        ("stack", [(3,), (2,)], None, "have one shape"),
        ("@", [(3,), (2,)], None, "columns by 2 rows"),
        ("@", [(), (2,)], None, "not numbers"),
    ],
)
def test_what_does_not_fit_is_said(name, shapes, extra, message):
    with pytest.raises(ShapeError, match=message):
        STRUCTURE[name].shape(Operands(shapes, extra))
