"""A descent from Python: steps worked by hand, the command's, and the largest step of a quadratic."""

import math

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
