"""The elementary functions of coefficients: one number in two ways, and values by mpmath at multiples of π."""

from fractions import Fraction
from functools import partial

import mpmath
import pytest

from bpcli.calculus.one_sided.coefficient_functions import angle_of, e_of, function_at
from bpcli.calculus.one_sided.coefficient_values import Balls, Doubles
from bpcli.calculus.one_sided.coefficients import Reals, Work

ONE_NUMBER = [  # two ways to write it, by algebra
    ("log(F(6))", "log(F(2))+log(F(3))"),
    ("log(power(F(6),F(1,2))*pi)", "log(F(6))*F(1,2)+log(pi)"),
    ("power(F(6),F(1,2))", "power(F(2),F(1,2))*power(F(3),F(1,2))"),
    ("power(F(2),F(1,2))", "power(F(2),F(1,3))*power(F(2),F(1,6))"),
    ("power(pi,F(1,2))*power(pi,F(3,2))", "pi*pi"),
    ("e", "exp(F(1,2))*exp(F(1,2))"),
    ("exp(F(3,10)+pi)", "exp(F(3,10))*exp(pi)"),
    ("exp(log(F(2))*F(3,2))", "power(F(8),F(1,2))"),
    ("log(exp(F(800,3)))", "F(800,3)"),
    ("log1p(F(1))", "log(F(2))"),
    ("expm1(F(1))", "e-F(1)"),
    ("cosh(F(1))+sinh(F(1))", "e"),
    ("tanh(F(1))*cosh(F(1))", "sinh(F(1))"),
    ("inverse(e+F(1))", "F(1)-e*inverse(e+F(1))"),
]


@pytest.mark.parametrize(("first", "second"), ONE_NUMBER)
@pytest.mark.parametrize("exact", [False, True])
def test_one_number_in_two_ways(first, second, exact):
    reals = Reals(Balls() if exact else Doubles(), Work())
    names = ("log", "exp", "log1p", "expm1", "cosh", "sinh", "tanh")
    named = {name: partial(function_at, name, reals=reals) for name in names}
    named |= {"F": Fraction, "pi": reals.pi, "e": e_of(reals)}
    named |= {"power": reals.power, "inverse": reals.inverse}
    x, y = (eval(text, named) for text in (first, second))
    assert reals.sign(x - y) == 0
    assert reals.sign(x - y - Fraction(1, 1000)) == -1


@pytest.mark.parametrize("x", [40, 300, 700])
def test_the_sign_of_what_is_far_below_the_digits(x):
    reals = Reals(Doubles(), Work())
    t = function_at("exp", Fraction(-x), reals)
    share = t * reals.inverse(t + Fraction(1))  # σ(−x) > 0
    assert reals.sign(share) == reals.sign(Fraction(1) - (Fraction(1) - share)) == 1
    assert reals.sign(function_at("tanh", Fraction(x), reals) - Fraction(1)) == -1  # −2/(e²ˣ + 1)


@pytest.mark.parametrize("n", range(-5, 6))
@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_multiples_of_a_right_angle(name, n):
    reals = Reals(Doubles(), Work())
    found = function_at(name, reals.pi * Fraction(n, 2), reals)
    if name == "tan" and n % 2:
        return  # a pole
    true = getattr(mpmath, name)(mpmath.pi * n / 2)
    assert found == Fraction(round(float(true)))


@pytest.mark.parametrize(("y", "x"), [(1, 0), (-1, 0), (0, 2), (0, -2), (3, 3), (3, -3), (-3, 3), (-3, -3), (2, -7)])
def test_angles(y, x):
    reals = Reals(Doubles(), Work())
    value, error = reals.numeric(angle_of(Fraction(y), Fraction(x), reals))
    assert abs(value - mpmath.atan2(y, x)) <= error + 1e-16
    assert angle_of(Fraction(0), Fraction(0), reals) is None
