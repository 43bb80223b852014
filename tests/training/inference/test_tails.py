"""Tails and quantiles against mpmath."""

from math import inf

import mpmath
import pytest
from mpmath import mpf

from bpcli.training.inference.tails import f_tail, incomplete_beta, normal_tails, quantile, t_tails

DEGREES = (1, 2, 3, 7.5, 30, 437, 1e4, 1e6)


def beta(a, b, above):
    """I_x(a/2, b/2) at x = a/(a + above)."""
    with mpmath.workdps(40):
        return mpmath.betainc(mpf(a) / 2, mpf(b) / 2, 0, mpf(a) / (a + above()), regularized=True)


@pytest.mark.parametrize("df", DEGREES)
def test_the_tails_of_t(df):
    for t in (0.0, 1e-3, 0.1, 0.9999, 1.0, 1.96, -2.5, 5.0, 40.0):
        exact = beta(df, 1, lambda t=t: mpf(t) ** 2)
        assert t_tails(t, df) == pytest.approx(float(exact), rel=1e-12)


@pytest.mark.parametrize("df2", DEGREES)
def test_the_tail_of_f(df2):
    for df1 in (1, 2, 4, 30, 100):
        for f in (0.0, 1e-3, 0.3, 0.99, 1.0, 1.1, 2.0, 72.9, 1e3):
            exact = beta(df2, df1, lambda f=f, df1=df1: df1 * mpf(f))
            if exact > 1e-290:
                assert f_tail(f, df1, df2) == pytest.approx(float(exact), rel=1e-12)


def test_the_tails_of_the_normal():
    for z in (0.0, 1e-8, 1.0, -1.96, 5.0, 12.5, 30.0):
        with mpmath.workdps(30):
            assert normal_tails(z) == pytest.approx(float(mpmath.erfc(abs(mpf(z)) / mpmath.sqrt(2))), rel=1e-14)
    assert (t_tails(inf, 3), f_tail(inf, 2, 3)) == (0.0, 0.0)
    assert (incomplete_beta(2, 3, 0.0, 1.0), incomplete_beta(2, 3, 1.0, 0.0)) == (0.0, 1.0)


@pytest.mark.parametrize("df", [*DEGREES, inf])
@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_a_quantile_is_the_inverse_of_the_tails(df, level):
    q = quantile(level, df)
    tails = normal_tails(q) if df == inf else t_tails(q, df)
    assert tails == pytest.approx(1 - level, rel=1e-11)
