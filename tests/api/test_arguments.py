"""Wrong arguments of the calculator's functions: each is a BpcliError that says what was given."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import bpcli as package
from bpcli import BpcliError, UsageError
from bpcli.api.arguments import as_value, each_text


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


@pytest.mark.parametrize(
    ("texts", "each"), [("a=1,2", ["a=1,2"]), (Path("run"), [Path("run")]), (("a", "b"), ["a", "b"]), ([], [])]
)
def test_a_lone_text_is_a_list_of_one(texts, each):
    assert each_text(texts) == each


def test_a_lone_run_and_a_lone_setting_are_not_taken_apart(root):
    with pytest.raises(UsageError, match="give two runs or more"):
        package.compare("runs/iris")
    with pytest.raises(BpcliError, match=r"training\.epochs: expected"):
        package.cross_validate(root / "configs" / "iris.yaml", settings="training.epochs=0")
    with pytest.raises(UsageError, match=r"'training\.l2': expected KEY=A,B,C"):
        package.sweep(root / "configs" / "iris.yaml", "training.l2")
