"""Balls hold what is true: each function's value is inside, and a comparison says only what is certain."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.numbers.balls import _BINARY, _UNARY, balls
from bpcli.numbers.enclosures import (
    ANYTHING,
    Ball,
    arb,
    as_arb,
    enclosure,
    equal,
    is_unbounded,
    less,
    precision,
    rational,
)
from bpcli.numbers.operators import UNKNOWN, UndecidedError

mp = mpmath.MPContext()
mp.dps = 400
INF = math.inf

TRUTH = {
    "exp": mp.exp,
    "exp2": lambda x: mp.mpf(2) ** x,
    "expm1": mp.expm1,
    "log": mp.log,
    "log1p": mp.log1p,
    "log2": lambda x: mp.log(x) / mp.log(2),
    "log10": lambda x: mp.log(x) / mp.log(10),
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "arcsin": mp.asin,
    "arccos": mp.acos,
    "arctan": mp.atan,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "tanh": mp.tanh,
    "arcsinh": mp.asinh,
    "arccosh": mp.acosh,
    "arctanh": mp.atanh,
    "erf": mp.erf,
    "sqrt": mp.sqrt,
    "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
    "abs": abs,
    "sign": mp.sign,
    "floor": mp.floor,
    "ceil": mp.ceil,
    "divide": lambda x, y: x / y,
    "power": lambda x, y: mp.power(x, y),
    "hypot": mp.hypot,
    "arctan2": mp.atan2,
    "maximum": max,
    "minimum": min,
    "scale": lambda x, y: x * y,
}
DOMAINS = {
    "log": (0, INF),
    "log2": (0, INF),
    "log10": (0, INF),
    "log1p": (-1, INF),
    "arcsin": (-1, 1),
    "arccos": (-1, 1),
    "arccosh": (1, INF),
    "arctanh": (-1, 1),
    "sqrt": (0, INF),
    "power": (0, INF),
}
FINITE = st.floats(-200, 200) | st.sampled_from([0.0, 1.0, -1.0, 0.5, 4.0, 8.0, 1e-300, 5e-324, 27.0, 0.125])


def inside(x, truth):
    def real(end):
        return mp.mpf(end) if isinstance(end, float) else mp.mpf(end.numerator) / end.denominator

    low, high = map(real, enclosure(x))
    slack = abs(truth) * mp.mpf(10) ** -390  # the truth is rounded too
    return low - slack <= truth <= high + slack


def test_every_primitive_has_a_truth():
    assert TRUTH.keys() == _UNARY.keys() | _BINARY.keys()


@pytest.mark.parametrize("name", [*_UNARY, *_BINARY])
def test_the_value_is_inside(name):
    function = _UNARY.get(name) or _BINARY[name]
    low, high = DOMAINS.get(name, (-INF, INF))

    @given(st.tuples(FINITE, FINITE), st.sampled_from([80, 320]))
    def holds(args, bits):
        args = args[: 1 if name in _UNARY else 2]
        if not low < args[0] < high or (name in ("divide", "arctan2") and args[1] == 0):
            return
        with precision(bits):
            x = function(*map(rational, args))
            # …and of what is known to its radius alone, it is still inside
            third = function(
                *[rational(a) / 3 * 3 if name not in ("floor", "ceil", "sign") else rational(a) for a in args]
            )
        with mp.workdps(400):
            truth = TRUTH[name](*map(mp.mpf, args))
            assert inside(x, truth)
            assert enclosure(third)[0] == -INF or inside(third, truth)

    holds()


@pytest.mark.parametrize(
    ("name", "x", "value"),
    [
        ("log", 0.0, -INF),
        ("log", -1.0, math.nan),
        ("log1p", -1.0, -INF),
        ("sqrt", -1.0, math.nan),
        ("arctanh", 1.0, INF),
        ("arcsin", 2.0, math.nan),
        ("arccosh", 0.5, math.nan),
        ("exp", INF, INF),
        ("exp", -INF, 0),
        ("sin", INF, math.nan),
        ("tanh", -INF, -1),
        ("sqrt", 4.0, 2),
        ("cbrt", -27.0, -3),
        ("floor", -0.5, -1),
        ("ceil", 0.5, 1),
        ("sign", math.nan, math.nan),
        ("cbrt", INF, INF),
        ("erf", INF, 1),
    ],
)
def test_certain_values(name, x, value):
    low, high = enclosure(_UNARY[name](rational(x)))
    assert low == high == value or (math.isnan(value) and low != low and high != high)


@pytest.mark.parametrize(
    ("x", "y", "value"),
    [
        (2.0, 0.0, 1),
        (0.0, 0.0, 1),
        (0.0, -2.0, INF),
        (0.0, 0.5, 0),
        (-8.0, 3.0, -512),
        (-8.0, 0.5, math.nan),
        (4.0, 1.5, 8),
    ],
)
def test_powers(x, y, value):
    low, high = enclosure(_BINARY["power"](rational(x), rational(y)))
    assert low == high == value or (math.isnan(value) and low != low)


def test_an_exponent_that_may_be_whole_leaves_a_negative_base_open():
    two = rational(2.0) * _UNARY["sin"](Ball(balls().pi.x / 2))
    assert enclosure(_BINARY["power"](rational(-2.0), two)) == (-INF, INF)


@pytest.mark.parametrize(
    ("a", "operation", "b", "value"),
    [
        (INF, "+", 1.0, INF),
        (INF, "-", INF, math.nan),
        (INF, "*", -2.0, -INF),
        (INF, "*", 0.0, math.nan),
        (1.0, "/", INF, 0),
        (1.0, "/", 0.0, INF),
        (-1.0, "/", 0.0, -INF),
        (0.0, "/", 0.0, math.nan),
        (INF, "/", INF, math.nan),
    ],
)
def test_arithmetic_of_infinities(a, operation, b, value):
    functions = {"+": lambda x, y: x + y, "-": lambda x, y: x - y, "*": lambda x, y: x * y, "/": lambda x, y: x / y}
    low, high = enclosure(functions[operation](rational(a), rational(b)))
    assert low == high == value or (math.isnan(value) and low != low)


@pytest.mark.parametrize("n", [-1.0, -3.0, -1001.0])
def test_nothing_is_known_of_an_odd_power_at_its_pole(n):
    assert enclosure(_BINARY["power"](rational(0.0), rational(n))) == (-INF, INF)


def test_comparisons_say_what_is_certain():
    a, b = rational("0.1") * 3, rational("0.3")
    assert equal(a, b) is True  # decimals are exact
    assert less(a, b) is False
    zero = _UNARY["sin"](balls().pi)
    assert less(zero, rational(0.0)) is UNKNOWN
    assert equal(zero, rational(0.0)) is UNKNOWN
    assert equal(zero, zero) is True  # one object is one number
    assert less(zero, rational(1.0)) is True
    with pytest.raises(UndecidedError):
        bool(less(zero, rational(0.0)))
    xp = balls()
    row = xp.asarray([1.0, 2.0])
    assert (row < xp.asarray([2.0, 2.0])).tolist() == [True, False]
    assert (~(row == 1.0)).tolist() == [False, True]
    assert (row >= 1.0).all()
    assert not (row > 1.0).all()
    assert (row > 1.0).any()


@given(st.lists(st.booleans() | st.just(UNKNOWN), min_size=2, max_size=2))
def test_three_valued_logic(pair):
    """An answer is certain if it is the same whatever is unknown."""
    a, b = pair
    known = [[x] if x is not UNKNOWN else [True, False] for x in pair]
    for got, function in (
        ((a & b) if UNKNOWN in (a, b) else a and b, all),
        ((a | b) if a is UNKNOWN or b is UNKNOWN else a or b, any),
    ):
        answers = {function([x, y]) for x in known[0] for y in known[1]}
        assert (got is UNKNOWN) == (len(answers) == 2)
        assert got is UNKNOWN or answers == {got}


def test_where_encloses_both_branches_when_it_can_not_tell():
    xp = balls()
    zero = xp.asarray([0.0]) * 0 + _UNARY["sin"](xp.pi)
    low, high = enclosure(xp.where(zero < 0, 1.0, 3.0)[0])
    assert low <= 1
    assert high >= 3


def test_a_rational_that_grows_goes_on_as_a_ball():
    x = rational("0.3")
    for _ in range(20):
        x = x * x
    assert not isinstance(enclosure(x)[0], float)
    low, high = enclosure(rational("1e-999999999999"))
    assert low <= high


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=6))
def test_arrays_reduce_as_lists_do(values):
    xp = balls()
    x = xp.asarray(values)
    assert enclosure(x.max())[0] == max(values)
    assert enclosure(x.min())[0] == min(values)
    assert x.argmax() == values.index(max(values))
    assert enclosure(sum(x, rational(0.0)))[0] == sum(map(Fraction, values))
    grid = xp.asarray(np.outer(values, [1.0, 2.0, -1.0]))
    np.testing.assert_array_equal(
        [float(enclosure(v)[0]) for v in grid.max(axis=(0, 1), keepdims=True).ravel()],
        [np.outer(values, [1, 2, -1]).max()],
    )


def test_a_ball_about_infinity_is_one_of_all_numbers():
    """Arb's powers of a ball about ∞ with an infinite radius overflow the stack."""
    numbers = [ANYTHING, *map(rational, (INF, -INF, math.nan, 1e300, -0.5, 0.0)), Ball(arb("1e99999999999 +/- 1"))]
    numbers += [Ball(x.x + arb(0, 1)) for x in numbers if math.isfinite(float(as_arb(x).mid()))]
    once = [_BINARY[name](x, y) for name in _BINARY for x in numbers for y in numbers]
    once += [_UNARY[name](x) for name in _UNARY for x in (*numbers, *once)]
    unbounded = [x for x in once if is_unbounded(x)]
    assert unbounded
    for x in unbounded:
        assert as_arb(x).mid() == 0
        assert is_unbounded(_BINARY["power"](x, rational(50.0)))
