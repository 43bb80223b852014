"""Rows of Σ w·eˣ beside mpmath: weights of any sign, slopes by weights and exponents, on floats, arrays and duals."""

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bpcli.calculus.rules.duals import Dual, Duals, PlainNamespace
from bpcli.calculus.rules.exponential_sums import log_of_share, log_of_sum, share
from bpcli.numbers.namespaces import FLOATS, arrays

mp = mpmath.mpf
TERMS = st.lists(st.tuples(st.floats(0.125, 8), st.floats(-350, 350)), min_size=2, max_size=4)


def sums(terms, k):
    """Σ of the first k and of all terms, from arguments w, x, w, x, … as mpmath numbers."""
    parts = [w * mpmath.exp(x) for w, x in zip(terms[0::2], terms[1::2], strict=True)]
    return mpmath.fsum(parts[:k]), mpmath.fsum(parts)


WITNESSES = {
    "log of sum": (lambda k, n: log_of_sum(n), lambda some, whole: mpmath.log(whole)),
    "share": (share, lambda some, whole: some / whole),
    "log of share": (log_of_share, lambda some, whole: mpmath.log(some) - mpmath.log(whole)),
}


@pytest.mark.parametrize("name", WITNESSES)
@settings(max_examples=25)
@given(TERMS, st.data())
def test_values_and_slopes(name, terms, data):
    k = data.draw(st.integers(1, len(terms) - 1))
    make, witness = WITNESSES[name]
    row, args = make(k, len(terms)), [float(v) for term in terms for v in term]
    with mpmath.workdps(800):
        exact = list(map(mp, args))
        true = witness(*sums(exact, k))
        size = max(abs(true), abs(mp(max(args[1::2]))) if name == "log of sum" else 0)
        assume(abs(true) > mp("1e-300"))
        for xp, given_args in (
            (PlainNamespace(FLOATS), args),
            (PlainNamespace(arrays()), [np.array([v]) for v in args]),
        ):
            with np.errstate(all="ignore"):
                found = float(np.ravel(row.value(xp, *given_args))[0])
                assert abs(found - true) <= 10 * size * mp(2) ** -52
                for i in range(len(args)):
                    h = mp(10) ** -400
                    moved = [v + (h if i == j else 0) for j, v in enumerate(exact)]
                    slope = (witness(*sums(moved, k)) - true) / h
                    got = float(np.ravel(row.partial(i)(xp, found, *given_args))[0])
                    assert abs(got - slope) <= 20 * abs(slope) * mp(2) ** -52 + mp("1e-307"), i


@settings(max_examples=60)
@given(st.floats(-30, 30), st.floats(-30, 30))
def test_on_duals_a_slope_has_its_own_slope(a, b):
    xp = Duals(PlainNamespace(FLOATS))
    args = [1.0, Dual(a, 1.0, xp), 1.0, b]
    with mpmath.workdps(60):
        p = 1 / (1 + mpmath.exp(mp(b) - mp(a)))
        slope = log_of_sum(2).partial(1)(xp, None, *args)
        assert slope.v == pytest.approx(float(p), rel=1e-14)
        assert slope.t == pytest.approx(float(p / (1 + mpmath.exp(mp(a) - mp(b)))), rel=1e-14)


def test_a_negative_sum_has_no_logarithm():
    row, args = log_of_sum(2), (1.0, 0.0, -1.0, 2.0)
    assert np.isnan(row.value(PlainNamespace(FLOATS), *args))
    assert np.isnan(row.partial(3)(PlainNamespace(FLOATS), np.nan, *args))
