"""Slopes far smaller than their values, made up for by a large factor, beside the fuzzer's evaluator in balls."""

import math
from random import Random

import numpy as np
import pytest

from bpcli.calculus.language.parser import parse
from bpcli.calculus.rules.functions import FUNCTIONS, LOSSES
from bpcli.calculus.sweeps.calculation import Calculation
from tests.fuzz.jets import truth, wrong

ROWS = [
    f"{name}(x)" if row.arity[0] == 1 else f"{name}(x,z)"
    for name, row in FUNCTIONS.items()
    if row.kind == "elementwise" or name in LOSSES
]
COMPOSITES = [
    *("log(exp(x)+exp(z))", "exp(x)/(exp(x)+exp(z))", "log(exp(x)/(exp(x)+exp(z)))", "log(1+exp(x))", "log(cosh(x))"),
    *("0.5-tanh(x)", "0.5-sigmoid(x)", "z-tanh(x)", "z-sigmoid(x)", "bce(0,sigmoid(x))", "mse(z,sigmoid(x))"),
    *("1/expm1(x)", "sigmoid(tanh(x))", "sum([1,0.5]*tanh([x,z]))", "logsumexp([x,z])"),
]


def _points(text: str) -> list[dict[str, float]]:
    """Points at which a factor eʸ makes up for slopes of e⁻¹⁰ … e⁻⁹⁰⁰; of rows also for powers of a number far out."""
    random, points = Random(text), []
    for k in range(6):
        low, high = (-110, 110) if k % 3 == 0 and text in ROWS else (1, math.log10(900))
        x, z = (random.choice((-1, 1)) * 10 ** random.uniform(low, high) for _ in range(2))
        points.append({"x": x, "y": random.uniform(100, 300), "z": random.choice((z, z, 0.0))})
    return points


def _as_true(found: list[float], entries: list[object]) -> list[str]:
    return [f"{x!r}, and true is {t}" for x, t in zip(found, entries, strict=True) if t is not None and wrong(x, t, 40)]


@pytest.mark.parametrize("of_arrays", [False, True], ids=["floats", "arrays"])
@pytest.mark.parametrize("text", [*ROWS, *COMPOSITES])
def test_a_slope_below_the_doubles_counts(text, of_arrays):
    drawn, text = _points(text), f"exp(y)*({text})"
    names = [name for name in "xyz" if name in text.replace("exp", "").replace("max", "")]
    written = f"sum([1,0]*({text}))" if of_arrays else text
    one = Calculation([parse(written)], [written], dict.fromkeys(names, ()), names)
    points = [{name: point[name] for name in names} for point in drawn]
    block, gradients = one.gradient_block({name: np.array([p[name] for p in points]) for name in names})
    for k, point in enumerate(points):
        true = truth(text, point, names)
        known = [t for part in true[:3] if part is not None for t in part]
        if len(known) < 1 + len(names) + len(names) ** 2 or not all(abs(t) < 1e300 for t in known if t is not None):
            continue  # beyond the doubles, or at a kink
        value, gradient, matrix = one.hessian(point)
        assert _as_true([float(value), *map(float, gradient.values())], known[: 1 + len(names)]) == []
        assert _as_true([float(x) for row in matrix for x in row], known[1 + len(names) :]) == []
        in_bulk = [block[k], *(gradients[name][k] for name in names)]
        assert _as_true(list(map(float, in_bulk)), known[: 1 + len(names)]) == []


@pytest.mark.parametrize(
    "text", ["tanh(x)", "sigmoid(x)", "softplus(-x)", "expm1(-x)", "0.5-tanh(x)", "exp(300)*erf(x)"]
)
@pytest.mark.parametrize("x", [600.0, 1e5])
def test_a_slope_of_0_far_out_is_known(text, x):
    one = Calculation([parse(text)], [text], {"x": ()}, ["x"])
    value, gradient, matrix = one.hessian({"x": x})
    assert (
        _as_true([value, gradient["x"], matrix[0][0]], [t for part in truth(text, {"x": x}, ["x"])[:3] for t in part])
        == []
    )
    assert one.settled  # in decimals too, for those who have no balls
