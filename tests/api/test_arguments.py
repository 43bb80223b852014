"""Wrong arguments of the calculator's functions: each is a BpcliError that says what was given."""

from decimal import Decimal
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
     np.datetime64("2020-01-01"), float, np.longdouble("1e4000"), np.ma.array([1, 2], mask=[0, 1])],
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


ARRAY = np.array([1, 2])
DESCENT = {"expression": "x**2", "point": {"x": 1.0}, "learning_rate": 0.1}


@pytest.mark.parametrize(
    "wrong",
    [
        *[{"point": value} for value in (0.5, None, "x=1", [1.0])],
        *[{"learning_rate": value} for value in ("abc", None, 10**400, ARRAY, 0, -1, float("nan"), "0.1")],
        *[{"steps": value} for value in (None, "abc", float("inf"), Fraction(1, 2), 2.5, -1)],
        *[{"tolerance": value} for value in ("abc", Decimal("sNaN"), ARRAY, -1)],
        *[{"direction": value} for value in ("abc", 3, {"x": 1}, {"y": "+"})],
        {"ascend": ARRAY},
    ],
)
def test_settings_of_a_descent(wrong):
    with pytest.raises(BpcliError):
        package.descend(**{**DESCENT, **wrong})


@pytest.mark.parametrize("setting", [{"count": "abc"}, {"count": float("nan")}, {"level": ARRAY}, {"level": "2"}])
def test_settings_of_an_exercise(setting):
    with pytest.raises(UsageError):
        package.exercise("sigmoid", **setting)


@pytest.mark.parametrize(
    "call",
    [
        lambda: package.exercise(ARRAY),
        lambda: package.grade("x**2", mine="2*x", rtol=10**400),
        lambda: package.grade("x**2", mine="2*x", atol="abc"),
        lambda: package.grad("x**2", certify=ARRAY),
        lambda: package.named_jacobian("sigmoid", z=1.0, certify=ARRAY),
        lambda: package.read_key(None),
        lambda: package.grade_answers([], 3),
    ],
)
def test_what_is_of_another_type(call):
    with pytest.raises(UsageError):
        call()


def test_numbers_of_other_types_are_numbers():
    last = list(package.descend("x**2", {"x": 1}, Decimal("0.25"), steps=np.int64(1)))[-1]
    assert last.point == {"x": 0.5}
