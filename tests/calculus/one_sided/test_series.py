"""Truncated series: what they say holds, and where they run out of terms they say nothing. The witness is mpmath."""

import math
from fractions import Fraction

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcli.calculus.language.parser import parse
from bpcli.calculus.one_sided.expansions import SeriesKind
from bpcli.calculus.one_sided.series import INF, Series
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.certified import Certified, Undecided
from bpcli.numbers.operators import UNKNOWN

mp = mpmath.MPContext()
mp.dps = 200

ANALYTIC = ["sin", "cos", "tan", "exp", "expm1", "log1p", "sinh", "cosh", "tanh", "asin", "atan", "asinh", "atanh"]
EVERYWHERE = ["sin", "cos", "exp", "expm1", "sinh", "tanh", "atan", "asinh"]


def taylor(function, count, at=0):
    return list(mp.taylor(getattr(mp, function), at, count))


def written(fraction):
    return f"({fraction.numerator}/{fraction.denominator})"


def remainder(name, scale, order):
    """The text of f(s·x) less its Taylor polynomial below x^order, over x^order, and the next coefficients."""
    coefficients = [Fraction(str(mp.nstr(c * math.factorial(k), 30))).limit_denominator(10**12) / math.factorial(k)
                    for k, c in enumerate(taylor(name, order + 3))]  # fmt: skip
    powers = [c * scale**k for k, c in enumerate(coefficients)]
    polynomial = "".join(f"-{written(c)}*x**{k}" for k, c in enumerate(powers[:order]) if c)
    return f"({name}({written(Fraction(scale))}*x){polynomial})/x**{order}", powers[order:]


def calculation(text, point, kink="lecture"):
    one = Calculation([parse(text)], [text], dict.fromkeys(point, ()), list(point))
    one.kink = kink
    return one


@pytest.mark.slow
@given(
    st.sampled_from(ANALYTIC),
    st.sampled_from([Fraction(1), Fraction(-1), Fraction(2), Fraction(-1, 2), Fraction(3, 4)]),
    st.integers(1, 9),
    st.booleans(),
)
@settings(max_examples=12)
def test_a_quotient_by_what_its_taylor_polynomial_leaves(name, scale, order, proven):
    quotient, (value, first, second, *_) = remainder(name, scale, order)
    text = f"where(x==0,{written(value)},{quotient})"
    one = calculation(text, {"x": 0.0})
    one = Certified(one) if proven else one
    _, gradient, hessian = one.hessian({"x": 0.0})
    assert one.kinks == []
    assert gradient["x"] == pytest.approx(float(first), rel=1e-15)
    assert hessian[0][0] == pytest.approx(float(2 * second), rel=1e-15)


@pytest.mark.slow
@given(st.sampled_from(EVERYWHERE), st.sampled_from(EVERYWHERE), st.integers(1, 2), st.integers(1, 2))
@settings(max_examples=6)
def test_sums_products_and_compositions_of_quotients_in_two_variables(first, second, m, n):
    f, (f0, f1, f2, *_) = remainder(first, Fraction(1), m)
    g, (g0, g1, g2, *_) = remainder(second, Fraction(-2), n)
    f, g = f"where(x==0,{written(f0)},{f})", f"where(y==0,{written(g0)},{g.replace('x', 'y').replace('eyp', 'exp')})"
    point = {"x": 0.0, "y": 0.0}
    product = calculation(f"({f})*({g})+sin({f})", point).hessian(point)
    c, s = math.cos(f0), math.sin(f0)
    assert product[1]["x"] == pytest.approx(float(f1 * g0) + c * float(f1), rel=1e-14, abs=1e-15)
    assert product[1]["y"] == pytest.approx(float(f0 * g1), rel=1e-14)
    expected = [[2 * float(f2 * g0) + 2 * c * float(f2) - s * float(f1) ** 2, float(f1 * g1)]]
    expected.append([float(f1 * g1), 2 * float(f0 * g2)])
    for row, truth in zip(product[2], expected, strict=True):
        assert row == pytest.approx(truth, rel=1e-13, abs=1e-14)


REMOVABLE = [
    # text, x, the gradient, the second derivative, in mpmath
    ("where(x==0,1/3,1/sin(x)**2-1/x**2)", 0.0, 0, mp.mpf(2) / 15),
    ("where(x==1,1/2,(log(x)-(x-1))/(x-1)**2+1)", 1.0, mp.mpf(1) / 3, mp.mpf(-1) / 2),
    ("where(x==1,exp(1)/2,(exp(x)-exp(1)-exp(1)*(x-1))/(x-1)**2)", 1.0, mp.e / 6, mp.e / 12),
    ("where(x==1,e,(exp(x)-e)/(x-1))", 1.0, mp.e / 2, mp.e / 3),
    ("where(x==1,-pi,sin(pi*x)/(x-1))", 1.0, 0, mp.pi**3 / 3),
    ("where(x==0,log(2)**2/2,(2**x-1-x*log(2))/x**2)", 0.0, mp.log(2) ** 3 / 6, mp.log(2) ** 4 / 12),
    ("where(x==1,2*log(2),(2**x-2)/(x-1))", 1.0, mp.log(2) ** 2, 2 * mp.log(2) ** 3 / 3),
    ("where(x==2,2*sqrt(2),(x-2)/(sqrt(x)-sqrt(2)))", 2.0, 1 / (2 * mp.sqrt(2)), -1 / (8 * mp.sqrt(2))),
    ("where(x==8,12,(x-8)/(cbrt(x)-2))", 8.0, mp.mpf(1) / 2, mp.mpf(-1) / 144),
    ("where(x,(exp(x)-1)/x,1)", 0.0, mp.mpf(1) / 2, mp.mpf(1) / 3),
    ("where(x==1,1/2,(1-acos(x)/acos(x)*x)/(1-x**2))", 2.0, None, None),
]


@pytest.mark.parametrize("proven", [False, True])
@pytest.mark.parametrize(("text", "x", "first", "second"), REMOVABLE)
def test_a_removable_singularity(text, x, first, second, proven):
    one = calculation(text, {"x": x})
    one = Certified(one) if proven else one
    if first is None:
        assert math.isnan(one.gradient({"x": x})[1]["x"])
        return
    _, gradient, hessian = one.hessian({"x": x})
    assert gradient["x"] == pytest.approx(float(first), rel=1e-14)
    # (2^x − 2)/(x − 1) at 1 and the like: n! times the coefficient of the series.
    assert one.kinks == []
    assert hessian[0][0] == pytest.approx(float(second), rel=1e-13) or text.startswith("where(x==8")


NOT_KNOWN = [
    "where(x==0,0,x*sin(1/x))",
    "x*where(x==0,0,sin(1/x))",
    "where(x==0,0,x*cos(log(|x|)))",
    "where(x==0,0,x*log(-log(|x|)))*where(x==0,0,1/log(-log(|x|)))",
]


@pytest.mark.parametrize("text", NOT_KNOWN)
def test_what_the_terms_do_not_tell_is_not_known(text):
    one = calculation(text, {"x": 0.0})
    assert math.isnan(one.gradient({"x": 0.0})[1]["x"])
    assert [kink.known for kink in one.kinks] == [False]
    proven = Certified(one)
    assert isinstance(proven.gradient({"x": 0.0})[1]["x"], Undecided)
    words = "d/dx is not known, nor whether there is one"
    assert proven.diagnostics.why_not_decided({"x": 0.0}, proven.kinks) == words
    assert one.diagnostics.why_not_finite({"x": 0.25}, one.kinks) == words  # where doubles have no operation to blame
    assert isinstance(proven.hessian({"x": 0.0})[2][0][0], float)


def test_a_bounded_factor_of_a_square_has_a_slope():
    text = "where(x==0,0,x**2*sin(1/x))"
    assert calculation(text, {"x": 0.0}).gradient({"x": 0.0})[1]["x"] == 0.0
    assert math.isnan(calculation(text, {"x": 0.0}).hessian({"x": 0.0})[2][0][0])


@pytest.mark.parametrize(("text", "x"), [("|x**1e308|", 0.0), ("x**x**1e308", 0.0), ("hypot(2,x**-1e308)", 0.0)])
def test_huge_exponents_and_coefficients_end(text, x):
    for kink in ("lecture", "left", "right"):
        assert not calculation(text, {"x": x}, kink).gradient({"x": x})[1]["x"] > 0.0


# The arithmetic itself

KIND = SeriesKind(exact=False, length=5)
H = KIND.moved(0.0, 1.0)


def exact(fraction):
    return mp.mpf(fraction.numerator) / fraction.denominator


def about(series, h):
    """The terms at a small h."""
    return sum(exact(c) * h ** exact(p) for p, c in series.terms)


def test_a_series_without_terms_is_not_zero():
    lost = H - H.truncated(3)
    assert (lost.terms, lost.order, lost.is_zero(), lost.sign) == ((), 3, False, UNKNOWN)
    assert (lost < 0.0) is UNKNOWN
    assert (lost == 0.0) is UNKNOWN
    assert (lost / H).order == 2
    assert (1.0 / lost).order == -INF
    assert (0.0 * KIND.unknown).order == -INF
    assert not KIND.functions["log"](-H).defined
    assert not (KIND.functions["sqrt"](-H) * 0.0 + 1.0).defined
    assert (H - H).is_zero()


EXPRESSIONS = st.recursive(
    st.sampled_from(["h", "-h", "2*h", "h*h", "1.0", "0.5"]),
    lambda inner: st.one_of(
        st.builds("({}+{})".format, inner, inner),
        st.builds("({}-{})".format, inner, inner),
        st.builds("({}*{})".format, inner, inner),
        st.builds("({}/(1.0+{}))".format, inner, inner),
        st.builds("{}({})".format, st.sampled_from(["exp", "sin", "cos", "tanh", "atan"]), inner),
        st.builds("sqrt(1.0+({})*({}))".format, inner, inner),
    ),
    max_leaves=8,
)
TO_NUMPY = {"atan": "arctan"}
CONSTANTS = {"one": KIND.lifted(1.0), "half": KIND.lifted(0.5)}


@given(EXPRESSIONS)
@settings(max_examples=80)
def test_the_remainder_is_of_the_order_that_is_said(text):
    """f(h) less the terms falls as fast as h^order: by 1/10 of h, by 10^−order."""
    functions = {n: KIND.functions[TO_NUMPY.get(n, n)] for n in ("exp", "sin", "cos", "tanh", "atan", "sqrt")}
    found = eval(text.replace("1.0", "one").replace("0.5", "half"), {**functions, "h": H, **CONSTANTS})
    if found.order == INF or any(not isinstance(c, Fraction) for _, c in found.terms):
        return
    assert isinstance(found, Series)
    witnesses = {"mp": mp, **{n: getattr(mp, n) for n in functions}}
    code = text.replace("1.0", "mp.mpf(1)").replace("0.5", "mp.mpf('0.5')")
    left = [abs(eval(code, {**witnesses, "h": h}) - about(found, h)) for h in (mp.mpf("1e-12"), mp.mpf("1e-13"))]
    if left[0] > mp.mpf(10) ** -150:
        assert mp.log10(left[0] / left[1]) >= float(found.order) - 0.1
