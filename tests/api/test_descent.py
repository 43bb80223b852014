"""A descent from Python: steps worked by hand, the command's, and the largest step of a quadratic."""

import math

import mpmath
import numpy as np
import pytest

import bpcli as package
from bpcli import NotFiniteError, UsageError


def test_steps_by_hand():
    found = list(package.descend("x**2+y**2", {"x": 1, "y": 2}, 0.25, steps=2))
    assert [(s.step, s.point, s.value) for s in found] == [
        (0, {"x": 1.0, "y": 2.0}, 5.0),
        (1, {"x": 0.5, "y": 1.0}, 1.25),
        (2, {"x": 0.25, "y": 0.5}, 0.3125),
    ]
    assert found[0].gradient == {"x": 2.0, "y": 4.0}
    up = list(package.descend("x**2+y**2", {"x": 1, "y": 2}, 0.25, steps=1, direction={"x": "+"}))
    assert up[-1].point == {"x": 1.5, "y": 1.0}
    assert list(package.descend("x", {"x": 0}, 1, steps=2, ascend=True))[-1].point == {"x": 2.0}
    assert len(list(package.descend("x**2", {"x": 1}, 0.5, tolerance=0))) == 2


def test_vectors_and_constants():
    last = list(package.descend("k*sum(v**2)", {"v": [1, 2]}, 0.25, steps=1, let={"k": 2}))[-1]
    np.testing.assert_array_equal(last.point["v"], [0.0, 0.0])


def test_the_command_prints_the_same(bpcli):
    records = bpcli("descend", "x**4-y*x", "--at", "x=1,y=2", "--lr", "0.05", "--steps", "5", "--format", "json").json
    found = list(package.descend("x**4-y*x", {"x": 1, "y": 2}, 0.05, steps=5))
    assert [r["value"] for r in records] == [s.value for s in found]
    assert [r["gradient"] for r in records] == [s.gradient for s in found]


@pytest.mark.parametrize(
    ("expression", "x", "rate", "step"),
    [
        ("(1-cos(x))/x**2", 1e-8, 0.1, 0),  # its value there is ½, its slope −8e-10
        ("(1+x)-1", 1e-17, 1e-20, 0),
        ("(1-cos(x*x))/x**4+x", 1e-3, 0.1, 0),  # the value is ½ and a thousandth
        ("cos(x)+1", 3.0, 0.9, 5),
    ],
)
def test_digits_that_are_lost_are_told_once(bpcli, expression, x, rate, step):
    with mpmath.workdps(60):
        function = eval(f"lambda x: {expression}", {"cos": mpmath.cos, "sin": mpmath.sin})
        found = list(package.descend(expression, {"x": x}, rate, steps=5))
        off = [abs(function(mpmath.mpf(s.point["x"])) - s.value) > 2**-20 * abs(s.value) for s in found]
    assert [s.step for s in found if s.lost] == [step]
    assert off.index(True) == step
    command = bpcli("descend", expression, "--at", str(x), "--lr", str(rate), "--steps", "5")
    assert f"note: step {step}: digits are lost to rounding" in command.err
    assert command.err.count("digits are lost") == 1


@pytest.mark.parametrize("expression", ["x**2-2*x", "x**4-3*x**2+x", "exp(x)-x", "log(1+exp(x))-x/3", "sin(x)"])
def test_nothing_is_told_of_slopes_that_end_near_0(expression):
    assert not any(s.lost for s in package.descend(expression, {"x": 0.75}, 0.3, steps=300))


@pytest.mark.parametrize("curvature", [0.5, 3.0, 40.0])
def test_what_left_the_finite_tells_the_largest_step(curvature):
    with pytest.raises(NotFiniteError, match="are no longer finite at step") as caught:
        list(package.descend(f"{curvature}/2*x**2", {"x": 1}, 1e3 / curvature, steps=1000))
    assert float(caught.value.hint.rpartition("learning_rate ")[2]) == pytest.approx(2 / curvature, rel=1e-2)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"learning_rate": 0}, "learning_rate 0: the learning rate is a number greater than 0"),
        ({"learning_rate": math.nan}, "greater than 0"),
        ({"tolerance": -1}, "tolerance -1"),
        ({"steps": -1}, "steps -1"),
        ({"direction": {"z": "+"}}, "z is no variable"),
        ({"direction": {"x": "up"}}, "expected + or -"),
        ({"point": {"q": 1}}, "the point gives q"),
        ({"expression": "2", "point": {}}, "no variables to descend in"),
    ],
)
def test_wrong_usage(keywords, message):
    given = {"expression": "x**2", "point": {"x": 1}, "learning_rate": 0.1, **keywords}
    with pytest.raises(UsageError, match=message.replace("+", r"\+")):
        list(package.descend(**given))


def test_the_command_speaks_of_its_options(bpcli):
    assert "--lr 0: the learning rate" in bpcli("descend", "x", "--at", "1", "--lr", "0").err
    assert "--ascend goes upward" in bpcli("descend", "x", "--at", "1", "--lr", "0").err
    assert (
        "--direction z=+: z is no variable" in bpcli("descend", "x", "--at", "1", "--lr", "1", "--direction", "z=+").err
    )
