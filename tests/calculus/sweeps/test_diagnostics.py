"""The operation whose value or slope leaves the finite is named, at its place and with its inputs."""

import math

import mpmath
import numpy as np
import pytest
from calculations import calculation

mpmath.mp.dps = 60


INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    ("text", "point", "value", "operation"),
    [
        ("1+log(x)", {"x": 0.0}, -INF, "log(x) at x = 0"),
        ("sqrt(x-2)*y", {"x": 1.0, "y": 3.0}, NAN, "sqrt(x-2) at x = 1"),
        ("exp(x)/exp(y)", {"x": 800.0, "y": 1.0}, INF, "exp(x) at x = 800"),
        ("where(x>0,1/x,log(x))", {"x": 0.0}, -INF, "log(x) at x = 0"),
        ("x+1", {"x": INF}, INF, "x"),
        ("9**9**9+x", {"x": 1.0}, INF, "9**9**9"),
        ("sum(1/v)", {"v": np.array([1.0, 0.0])}, INF, "1/v at v = [1, 0]"),
    ],
)
def test_the_operation_at_fault_is_named(text, point, value, operation):
    one = calculation(text, **point)
    np.testing.assert_equal(one.value(point)[0], value)
    assert one.diagnostics.culprit(point) == operation


def test_the_slope_at_fault_is_named():
    one = calculation("sqrt(x)+y", x=0.0, y=1.0)
    point = {"x": 0.0, "y": 1.0}
    assert one.diagnostics.culprit(point) is None
    assert one.diagnostics.slope_culprit(point) == "the derivative of sqrt(x) at x = 0"
    assert calculation("x*y", x=1.0, y=1.0).diagnostics.slope_culprit({"x": 1.0, "y": 1.0}) is None
