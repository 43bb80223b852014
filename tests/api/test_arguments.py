"""Wrong arguments of the calculator's functions: each is a BpcliError that says what was given."""

from fractions import Fraction

import numpy as np
import pytest

import bpcli as package
from bpcli import BpcliError, UsageError
from bpcli.api.arguments import as_value


@pytest.mark.parametrize(
    "value",
    [10**400, pytest.param(-(10**5000), id="5000 digits"), "1", None, [None], 1j, np.array([1j]), set(), object(),
     [[1], [2, 3]], [], [[[1]]], lambda x: x,
     np.datetime64("2020-01-01"), float],
)  # fmt: skip
def test_a_value_is_a_number_a_vector_or_a_matrix(value):
    with pytest.raises(UsageError, match=r"^x: "):
        package.value("x")(value)
    with pytest.raises(UsageError, match=r"^x: "):
        package.grad("x*y", let={"x": value})


@pytest.mark.parametrize(("value", "double"), [(10**300, 1e300), (Fraction(1, 4), 0.25), (True, 1.0)])
def test_numbers_of_other_types_are_read(value, double):
    assert as_value("x", value) == double


@pytest.mark.parametrize("expression", [lambda x: x, 3, None, b"x", ["x"]])
def test_an_expression_is_a_text(expression):
    for make in (package.value, package.grad, package.hessian, package.jacobian, package.formula):
        with pytest.raises(BpcliError, match="an expression is a text"):
            make(expression)


@pytest.mark.parametrize(
    "keywords",
    [
        {"wrt": 3},
        {"wrt": [1]},
        {"order": 1.5},
        {"let": 5},
        {"let": {1: 2}},
        {"let": {1: 2}, "order": "x"},
        {"kink": []},
    ],
)
def test_keywords(keywords):
    with pytest.raises(UsageError):
        package.grad("x**2", **keywords)
