"""The factors of a chain are the slopes of its functions, which times the derivative without them give the whole."""

import numpy as np
import pytest

from bpcli.calculus.checks.chain_factors import AsWritten, chain_factors
from bpcli.calculus.language.parser import parse
from bpcli.calculus.sweeps.calculation import Calculation


def factors(text, point):
    shapes = {name: np.shape(value) for name, value in point.items()}
    made = Calculation([parse(text)], [text], shapes, list(point), program=AsWritten)
    return {(f.finding, f.text): f.values.ravel().tolist() for f in chain_factors(made, point)}


@pytest.mark.parametrize(
    ("text", "point", "finding", "of", "values"),
    [
        ("sin(3*x)", {"x": 0.4}, "inner_derivative", "the derivative of 3*x", [3.0]),
        ("sin(3*x)", {"x": 0.4}, "outer_derivative", "the derivative of sin(3*x) by what is inside", [np.cos(1.2)]),
        ("exp(x*y)", {"x": 0.4, "y": 2.0}, "inner_derivative", "the derivative of x*y", [2.0, 0.4]),
        (
            "sum(v**2)",
            {"v": np.array([1.0, 3.0])},
            "outer_derivative",
            "the derivative of v**2 by what is inside",
            [2, 6],
        ),
        ("1/(1+exp(-x))", {"x": 0.0}, "inner_derivative", "the derivative of -x", [-1.0]),
    ],
)
def test_the_factors(text, point, finding, of, values):
    assert factors(text, point)[finding, of] == pytest.approx(values)


def test_sums_and_products_alone_have_none():
    assert factors("3*x+y", {"x": 0.4, "y": 2.0}) == {}
