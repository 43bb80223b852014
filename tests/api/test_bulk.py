"""Many points at a time agree with one point at a time, and certified results with mpmath."""

import mpmath
import numpy as np
import pytest

import bpcli as package
from bpcli import KinkWarning, LostDigitsWarning, NotFiniteWarning, UsageError
from bpcli.calculus.sweeps.blocks import BLOCK

RNG = np.random.default_rng(0)
EXPRESSIONS = ["x**2*y", "sin(x)/y", "relu(x-1)+y", "log(1+exp(x))*y"]


@pytest.mark.parametrize("text", EXPRESSIONS)
@pytest.mark.parametrize("make", [package.value, package.grad, package.hessian, package.jacobian])
def test_the_numbers_of_one_point_at_a_time(make, text):
    function = make(text)
    points = RNG.uniform(0.1, 2, (5, 2))
    found = function.many(points)
    assert len(found) == 5
    for row, (x, y) in zip(found, points, strict=True):
        np.testing.assert_allclose(row, function(x=x, y=y), rtol=1e-14)
    np.testing.assert_array_equal(function.many({"x": points[:, 0], "y": points[:, 1]}), found)


def test_vectors_constants_and_more_than_a_block():
    v = RNG.uniform(-1, 1, (BLOCK + 3, 2))
    found = package.grad("k*sum(v**2)", let={"k": 2}).many({"v": v})
    np.testing.assert_allclose(found, 4 * v, rtol=1e-15)
    assert package.value("2*v").many({"v": v[:3]}).tolist() == (2 * v[:3]).tolist()
    assert len(package.value("x").many({"x": []})) == 0


def test_one_warning_for_all_points():
    with pytest.warns(NotFiniteWarning, match="log") as caught:
        found = package.value("log(x)").many({"x": [1, 0, 0]})
    assert found.tolist() == [0, -np.inf, -np.inf]
    assert len(caught) == 1
    with pytest.warns(KinkWarning, match="has a kink"):
        assert package.grad("abs(x)").many({"x": [1, 0]}).tolist() == [[1], [0]]


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([[1, 2, 3]], "an array of 2 columns"),
        ([1, 2], "an array of 2 columns"),
        ({"x": [1]}, "no values are given for y"),
        ({"x": [1], "y": [1, 2]}, "x 1, y 2"),
        ({"x": [1], "y": [1], "z": [1]}, "points gives z"),
        ({"x": ["a"], "y": [1]}, "expected an array of numbers"),
        ({"x": 1, "y": 2}, "found shape"),
    ],
)
def test_points_that_do_not_fit(points, message):
    with pytest.raises(UsageError, match=message):
        package.value("x*y").many(points)


@pytest.mark.parametrize("x", [1e-8, 0.3, 2.0])
def test_certified_results_are_the_nearest_doubles(x):
    pytest.importorskip("flint", reason="needs the extra certify")
    with mpmath.workdps(60):
        exact = mpmath.diff(lambda t: (1 - mpmath.cos(t)) / t**2, mpmath.mpf(x))
        value = (1 - mpmath.cos(mpmath.mpf(x))) / mpmath.mpf(x) ** 2
    text = "(1-cos(x))/x**2"
    assert package.value(text, certify=True)(x) == float(value)
    assert package.grad(text, certify=True)(x)[0] == pytest.approx(float(exact), rel=1e-14)
    assert package.grad(text, certify=True).many({"x": [x, x]})[1, 0] == package.grad(text, certify=True)(x)[0]
    assert package.hessian("x*x", certify=True)(x).tolist() == [[2.0]]
    assert package.jacobian("x", "x*x", certify=True)(x).tolist() == [[1.0], [2 * x]]


def test_what_is_not_decided_is_said():
    pytest.importorskip("flint", reason="needs the extra certify")
    with pytest.warns(NotFiniteWarning, match="not decided"):
        assert np.isnan(package.value("floor(sin(pi)+x)", certify=True)(1.0))


@pytest.mark.parametrize("make", [package.grad, package.value])
def test_lost_digits_are_told_once(make):
    f, points = make("(1-cos(x))/x**2"), np.array([[1.0], [2.0], [1e-8], [1e-9]])
    with pytest.warns(LostDigitsWarning, match="terms cancel.*and at about 1 more point") as told:
        f.many(points)
    assert len(told) == 1
    f.many(points[:2])


@pytest.mark.parametrize(
    ("make", "text", "x"),
    [
        (package.value, "1-cos(x)", 1e-9),
        (package.grad, "x-sin(x)", 1e-9),
        (package.jacobian, "x-sin(x)", 1e-9),
        (package.hessian, "(1-cos(x))/x**2", 1e-160),
    ],
)
def test_lost_digits_of_one_point_are_told(make, text, x):
    f = make(text)
    f(1)
    with pytest.warns(LostDigitsWarning, match="certify=True"):
        f(x)
