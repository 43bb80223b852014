"""The dot product and the affine function beside exact fractions, their Jacobians beside a complex step."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from witness import exact

from bpcli.formulas.affine import affine, affine_pair, daffine_db, daffine_dw, daffine_dx, ddot_du, ddot_dv, dot

RNG = np.random.default_rng(19)
FINITE = st.floats(allow_nan=False, allow_infinity=False)

pytestmark = pytest.mark.usefixtures("quiet")


def test_dot_product_as_in_the_lecture():
    u, v = np.array([1.0, 2, 3]), np.array([4.0, 5, 6])
    assert dot(u, v) == 32
    assert ddot_du(u, v).tolist() == [[4, 5, 6]]  # vᵀ
    assert ddot_dv(u, v).tolist() == [[1, 2, 3]]  # uᵀ
    rows = np.stack([u, v])
    assert dot(rows, rows[::-1]).tolist() == [32, 32]
    assert ddot_du(rows, rows[::-1]).tolist() == [[[4, 5, 6]], [[1, 2, 3]]]
    assert ddot_dv(rows, rows[::-1]).tolist() == [[[1, 2, 3]], [[4, 5, 6]]]


def nearest(exact_sum):
    try:
        return float(exact_sum)
    except OverflowError:
        return math.inf if exact_sum > 0 else -math.inf


@given(st.lists(st.tuples(FINITE, FINITE), min_size=1, max_size=6), FINITE)
@example([(1e300, 1.0), (-1e300, 1.0), (1e-300, 1.0)], 0.0)
@example([(1e308, 10.0), (-1e308, 10.0), (3.0, 1.0)], 0.0)  # each term is beyond the doubles
@example((([(1.7e308, 1.0)] * 4 + [(-1.7e308, 1.0)] * 4) * 8)[:-1], 0.0)  # so is a part of the sum
@example([(1e-162, 1e-162)] * 40, 0.0)  # each term is 0 by itself
@example([(1e25, 1.0), (1.0, 1.0), (-1e25, 1.0), (0.1, 1.0), (1e12, 1.0), (-1e12, 1.0), (3e-3, 1.0)], -1.0)
@example([(5e-324, 0.5), (1e-200, 1e-120)], 0.0)
@example([(1e16, 1.0), (1.0, 1.0), (-1e16, 1.0)], 0.0)
@example([(0.0, 1e308), (1e-300, 1e-20)], 0.0)
def test_the_affine_function_is_the_double_nearest_to_it(terms, b):
    x, w = (np.array(part) for part in zip(*terms, strict=True))
    exact_sum = sum((Fraction(a) * Fraction(c) for a, c in terms), Fraction(b))
    size = max(map(abs, (Fraction(a) * Fraction(c) for a, c in [*terms, (b, 1.0)])))
    if 0 < abs(exact_sum) < size / Fraction(2) ** 90:
        return  # where more than this cancels no digits are promised
    z, low = affine_pair(x, w, b)
    assert abs(z - nearest(exact_sum)) <= math.ulp(nearest(exact_sum)) if math.isfinite(z) else z == nearest(exact_sum)
    if math.isfinite(z) and abs(z) > 1e-280:
        assert abs(Fraction(float(z)) + Fraction(float(low)) - exact_sum) <= abs(exact_sum) / Fraction(2) ** 65


@pytest.mark.parametrize("n", [3, 1000])
def test_terms_that_cancel_leave_every_digit(n):
    x, w = RNG.normal(size=n), RNG.normal(size=n)
    total = sum(Fraction(a) * Fraction(c) for a, c in zip(x.tolist(), w.tolist(), strict=True))
    b = -float(total) * (1 + 2.0**-45)
    assert affine_pair(x, w, b)[0] == float(total + Fraction(b))


@pytest.mark.parametrize(
    ("x", "w", "expected"),
    [
        ([math.inf, 1.0], [1.0, 1.0], math.inf),
        ([math.nan, 1.0], [1.0, 1.0], math.nan),
        ([math.inf, -math.inf], [1.0, 1.0], math.nan),
        ([1e308, 1.0], [10.0, 1.0], math.inf),
        ([0.0, -0.0], [1.0, 1.0], 0.0),
    ],
)
def test_what_is_not_finite_stays_what_it_is(x, w, expected):
    z, low = affine_pair(np.array(x), np.array(w), 0.0)
    np.testing.assert_equal([float(z), float(low)], [expected, 0.0])


def complex_step(function, x, h=1e-30):
    """The Jacobian of an analytic function, one column an entry of x, without subtraction."""
    x = np.asarray(x, complex)
    columns = []
    for index in np.ndindex(x.shape):
        moved = x.copy()
        moved[index] += 1j * h
        columns.append(np.ravel(function(moved)).imag / h)
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("outputs", [(), (3,)])
@pytest.mark.parametrize("batch", [(), (4,)])
def test_affine_and_its_jacobians(outputs, batch):
    x, w, b = RNG.normal(size=(*batch, 5)), RNG.normal(size=(5, *outputs)), RNG.normal(size=outputs)
    z, low = affine_pair(x, w, b)
    assert z.shape == low.shape == (*batch, *outputs)
    np.testing.assert_allclose(affine(x, w, b), z, rtol=1e-13)
    rows = x.reshape(-1, 5)
    for row, got in zip(rows, np.reshape(z, (-1, *outputs)), strict=True):
        for k, one in enumerate(np.atleast_1d(got)):
            column, bias = (w, b) if not outputs else (w[:, k], b[k])
            terms = zip(row.tolist(), column.tolist(), strict=True)
            assert one == float(sum((Fraction(a) * Fraction(c) for a, c in terms), Fraction(float(bias))))
    in_w = daffine_dw(x, w).reshape(len(rows), -1, w.size)
    for row, jacobian in zip(rows, in_w, strict=True):
        np.testing.assert_allclose(jacobian, complex_step(lambda W, r=row: affine(r, W, b), w), atol=1e-14)
        np.testing.assert_allclose(daffine_dx(row, w), complex_step(lambda r: affine(r, w, b), row), atol=1e-14)
    np.testing.assert_allclose(daffine_db(w), complex_step(lambda B: affine(rows[0], w, B), b), atol=1e-14)


def test_affine_jacobians_of_one_output_are_the_lectures_rows():
    x, w = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    assert daffine_dx(x, w).tolist() == [[3, 4]]  # wᵀ
    assert daffine_dw(x, w).tolist() == [[1, 2]]  # xᵀ
    assert daffine_db(w).tolist() == [[1]]


def test_in_exact_numbers_the_formulas_are_the_textbooks():
    x, w, b = RNG.normal(size=(2, 3)), RNG.normal(size=(3, 2)), RNG.normal(size=2)
    z, low = affine_pair(exact(x), exact(w), exact(b))
    assert np.all(z == exact(x) @ exact(w) + exact(b))
    assert np.all(low == 0)
    assert dot(exact(x[0]), exact(w[:, 0])) == sum(exact(x[0]) * exact(w[:, 0]))
