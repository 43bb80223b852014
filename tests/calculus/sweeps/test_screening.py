"""Lost digits among many points; the witness is the certified gradient, by python-flint."""

import math

import numpy as np
import pytest

from bpcli.api.bulk import Evaluation, LostPoints
from bpcli.calculus.language.parser import parse
from bpcli.calculus.rules.functions import FUNCTIONS
from bpcli.calculus.sweeps import screening
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.certified import Certified

pytest.importorskip("flint")
RNG = np.random.default_rng(3)

DELICATE = {
    # text: points at which its slope, or its value, cancels
    "(1-cos(x))/x**2": [1e-8, -3e-7, 1e-5],
    "x*exp(-x)": [1.0000000000001],
    "log(x**2)/(x-1)": [1 + 1e-12, 1 - 3e-10],
    "sin(1e3*x*x)": [1e9, 3e12],
    "x-sin(x)": [1e-9, 2e-10, 1e-3],
    "(1-cos(x))/x**2-0.5": [1e-3, -2e-3],  # each of two steps magnifies less than is lost
    "log(cos(x))+x*x/2": [3e-4, 2e-3],
    "asin(cos(x)*cos(x))": [1e-6, -1e-5],
    "mse(x*x,2.25)": [1.5 + 1e-12, 1.5 - 1e-11],
    "logsumexp([x*x,0.1])-0.1-x*x": [30.0, 5.0],
    "sum([x*x,-x,-1])": [0.5 + 5**0.5 / 2],
    "x*x-3*x": [1.5 + 1e-12],
    "norm([x,1])-1": [1e-6],
    "logit(x*x/10)": [5**0.5 + 1e-11, 1e-12 - 5**0.5],
    "log2(x*x/3)": [3**0.5 + 1e-11, 3**0.5 - 1e-12],
    "hinge(1,tanh(3*x))": [7.0, 40.0],  # 1 − tanh of which is 0 in doubles
    "cos(x*x)": [(math.pi / 2) ** 0.5 - 1e-12],
}


def calculation(text):
    return Calculation([parse(text)], [text], {"x": ()}, ["x"])


@pytest.mark.parametrize("text", DELICATE)
@pytest.mark.parametrize("gradient", [True, False])
def test_the_points_that_have_lost_digits_are_found_among_many(monkeypatch, text, gradient):
    monkeypatch.setattr(screening, "FIRST", 16)
    made, evaluate = calculation(text), Evaluation()
    for block in range(3):
        x = RNG.uniform(0.3, 3, 400) * RNG.choice([-1, 1] if "log" not in text and "exp" not in text else [1], 400)
        if block == 1:
            places = RNG.choice(400, len(DELICATE[text]), replace=False)
            x[places] = DELICATE[text]
        found, lost = evaluate(made, {"x": x}, gradient), LostPoints(["x"], 0)
        lost.add(found)
        lost.look()
        told = [at.number for at in lost.first]
        true = Certified(calculation(text))
        exact = [[v, s["x"]] for v, s in (true.gradient({"x": float(v)}) for v in x)]
        off = np.abs(found.table - np.array(exact, float)[:, : found.table.shape[1]]) > 2.0**-20 * np.abs(found.table)
        assert set(np.flatnonzero(off.any(axis=1))) <= set(told), block
        assert len(told) <= (len(DELICATE[text]) if block == 1 else 0)


@pytest.mark.parametrize(
    "name", [name for name, row in FUNCTIONS.items() if row.kind == "elementwise" and row.arity[0] == 1]
)
def test_a_row_tells_where_its_function_crosses_0_other_than_at_0(name):
    row = FUNCTIONS[name]
    low, high = max(row.domain[0], -20.0), min(row.domain[1], 20.0)
    x = np.linspace(low, high, 40_002)[1:-1]
    y = Evaluation()(calculation(f"{name}(x)"), {"x": x}, False).table[:, 0]
    crossed = x[1:][(y[1:] * y[:-1] < 0) & (abs(x[1:]) > 0.01)]
    if row.periodic is not None:
        assert len(crossed) > 8
    else:
        assert list(crossed) == pytest.approx([] if row.root is None else [row.root], abs=0.01)


def test_a_second_look_is_for_what_lies_further_out():
    made = calculation("x-sin(x)")
    screen = screening.Screen(made.program, made.sweeps.inputs)
    looked = [screen.is_new(made.sweeps.forward({"x": x}), [1 - np.cos(x)]) for x in np.linspace(1, 2, 40)]
    assert looked == [True] * screening.FIRST_CALLS + [False] * (40 - screening.FIRST_CALLS)
    assert screen.is_new(made.sweeps.forward({"x": 1e-8}), [5e-17])
    assert not screen.is_new(made.sweeps.forward({"x": 1.5}), [0.9])


@pytest.mark.parametrize(
    ("text", "small", "delicate"),
    [("x*exp(x)-x*3", 1e-14, np.log(3) + 1e-13), ("x*sinh(x)-x", 1e-14, np.asinh(1) + 1e-13)],
)
@pytest.mark.parametrize("gradient", [True, False])
def test_a_sum_that_cancels_is_found_after_smaller_ones_that_did_not(text, small, delicate, gradient):
    made, evaluate, lost = calculation(text), Evaluation(), LostPoints(["x"], 0)
    for x in np.full(2000, small), np.append(np.full(2999, 2.0), delicate):
        lost.add(evaluate(made, {"x": x}, gradient))
    lost.look()
    assert [at.number for at in lost.first] == [4999]
    true = float(Certified(made).value({"x": delicate})[0])
    assert abs(lost.first[0].row[0] - true) > 2.0**-20 * abs(true)
