"""Reductions at ties, zeros and saturation, where slopes are conventions or most of their digits cancel."""

import math

import mpmath
import numpy as np
import pytest
from calculations import calculation

from bpcli.calculus.rules.array_operations import Operands
from bpcli.calculus.rules.duals import PlainNamespace
from bpcli.calculus.rules.reductions import REDUCTIONS
from bpcli.calculus.sweeps.lost_digits import lost_digits
from bpcli.numbers.namespaces import arrays

RNG = np.random.default_rng(11)


V = np.array([3.0, 4.0])


@pytest.mark.parametrize(
    ("text", "point", "gradient"),
    [
        ("where(x[0]>0,sum(x),prod(x)/0)", {"x": V}, [1, 1]),
        ("where(x[0]>0,sum(x),prod(x*1e300))", {"x": V}, [1, 1]),
        ("where(x[0]>0,sum(x),sum(log(-x)))", {"x": V}, [1, 1]),
        ("where(x[0]>0,sum(x),norm(x/0))", {"x": V}, [1, 1]),
        ("where(x[0]>0,sum(x),([[inf,1],[1,1]]@x)[0])", {"x": V}, [1, 1]),
        ("where(x[0]>0,sum(x),logsumexp(x*inf))", {"x": V}, [1, 1]),
        ("where(x[0]>0,sum(x),softmax(log(-x))[0])", {"x": V}, [1, 1]),
        ("where(x[0]>0,sum(x),max(sqrt(-x)))", {"x": V}, [1, 1]),
        ("max(sqrt(x-3),5)[0]+x[1]", {"x": V}, [0, 1]),
        ("max([sqrt(x[0]-3),5])+x[1]", {"x": V}, [0, 1]),
        ("sqrt(relu(x[0]-4))+x[1]", {"x": V}, [0, 1]),
        ("sqrt(min(0,x[0]))+x[1]", {"x": V}, [0, 1]),
        ("(log(x[0]-4)>0)*x[0]+floor(asin(x[0]/3))+x[1]", {"x": V}, [0, 1]),
        ("sum(where(x>0,sqrt(x),0))", {"x": np.array([-4.0, 4.0])}, [0, 0.25]),
        ("sum(where(x>0,log(x),x))", {"x": np.array([0.0, 2.0])}, [1, 0.5]),
        ("sum(where([1,0]>0,prod([x,x*1e200,x*1e200],axis=0),x))", {"x": V}, [27e400, 1]),
        ("sum(where([0,0]>0,prod([x,x*1e200,x*1e200],axis=0),x))", {"x": V}, [1, 1]),
        ("prod(x)", {"x": np.array([0.0, 2.0, 3.0])}, [6, 0, 0]),
        ("prod(x)", {"x": np.array([0.0, 0.0, 3.0])}, [0, 0, 0]),
        ("norm(x)", {"x": np.zeros(3)}, [0, 0, 0]),
        ("norm(x)", {"x": np.array([3e200, 4e200])}, [0.6, 0.8]),
        ("norm(x)", {"x": np.array([3e-200, 4e-200])}, [0.6, 0.8]),
        ("norm(x)", {"x": np.array([1.5e308, 1.5e308])}, [0.5**0.5, 0.5**0.5]),
        ("norm(x)", {"x": np.array([5e-324, 5e-324])}, [0.5**0.5, 0.5**0.5]),
        ("max(x)", {"x": np.array([2.0, 1.0, 2.0])}, [0.5, 0, 0.5]),
        ("min(x)", {"x": np.array([1.0, 1.0, 1.0])}, [1 / 3, 1 / 3, 1 / 3]),
        ("sum(relu(x))", {"x": np.array([-1.0, 0.0, 1.0])}, [0, 1, 1]),
        ("sum(abs(x))", {"x": np.array([-1.0, 0.0, 1.0])}, [-1, 0, 1]),
        ("logsumexp(x)", {"x": np.array([1e308, 0.0])}, [1, 0]),
        ("logsumexp(x)", {"x": np.array([-1000.0, -1000.0])}, [0.5, 0.5]),
        ("softmax(x)[0]", {"x": np.array([0.0, 40.0])}, [4.248354255291589e-18, -4.248354255291589e-18]),
        ("softmax(x)[1]", {"x": np.array([0.0, 40.0])}, [-4.248354255291589e-18, 4.248354255291589e-18]),
        ("log_softmax(x)[1]", {"x": np.array([0.0, 40.0])}, [-4.248354255291589e-18, 4.248354255291589e-18]),
        ("x[0]**x[1]", {"x": np.array([0.0, 2.0])}, [0, 0]),
    ],
)
def test_gradients_of_arrays_at_edges(text, point, gradient):
    one = calculation(text, point)
    np.testing.assert_allclose(one.gradient(point)[1]["x"], gradient, rtol=4e-16)
    many = {"x": np.stack([V, np.ones(2), point["x"][:2]], axis=-1)} if len(point["x"]) == 2 else None
    if many:  # among others, one of which may have made the whole block be evaluated once more
        np.testing.assert_allclose(one.gradient_block(many)[1]["x"][:, 2], gradient, rtol=4e-16)
    np.testing.assert_allclose(np.ravel(one.jacobian(point)[1]["x"]), gradient, rtol=4e-16)
    if len(gradient) == 2:
        products = [one.jvp(point, unit)[1][0] for unit in np.eye(2)]
        np.testing.assert_allclose(products, gradient, rtol=4e-16)


@pytest.mark.parametrize("size", [1.0, 30.0, 700.0])
def test_saturated_softmaxes_beside_mpmath(size):
    for K in (2, 3, 8):
        x = RNG.uniform(-size, size, K)
        with mpmath.workdps(400):
            e = [mpmath.exp(mpmath.mpf(v)) for v in x.tolist()]
            p = [v / sum(e) for v in e]
            others = [sum(p[:i] + p[i + 1 :]) for i in range(K)]
            log_jacobian = [[others[i] if i == j else -p[j] for j in range(K)] for i in range(K)]
            true = {
                "softmax(x)": [[float(p[i] * d) for d in row] for i, row in enumerate(log_jacobian)],
                "log_softmax(x)": [list(map(float, row)) for row in log_jacobian],
                "logsumexp(x)": [list(map(float, p))],
            }
        for text, jacobian in true.items():
            found = calculation(text, {"x": x}).jacobian({"x": x})[1]["x"]
            spacing = np.spacing(np.abs(jacobian))
            assert np.max(np.abs(found - jacobian) / spacing) <= 10, text


NUMPYS = {
    "sum": np.sum,
    "prod": np.prod,
    "max": np.max,
    "min": np.min,
    "norm": lambda x, axis: np.sqrt(np.sum(x * x, axis=axis)),
    "logsumexp": lambda x, axis: np.log(np.sum(np.exp(x), axis=axis)),
    "softmax": lambda x, axis: np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True),
    "other_classes": lambda x, axis: 1 - np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True),
    "log_softmax": lambda x, axis: np.log(np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)),
}


def test_every_reduction_has_a_witness():
    assert set(NUMPYS) == set(REDUCTIONS)


@pytest.mark.parametrize("name", NUMPYS)
@pytest.mark.parametrize(("shape", "axis"), [((4,), 0), ((2, 3), 0), ((2, 3), 1), ((3, 1), 0)])
def test_values_are_numpys_and_forward_is_the_transpose_of_reverse(name, shape, axis):
    op, xp, on = REDUCTIONS[name], PlainNamespace(arrays()), Operands([shape], axis)
    x = RNG.normal(size=(*shape, 5))
    out = op.value(xp, [x], on)
    assert out.shape == (*op.shape(on), 5)
    np.testing.assert_allclose(out, NUMPYS[name](x, axis=axis), rtol=1e-12)
    g, t = RNG.normal(size=out.shape), RNG.normal(size=x.shape)
    forward, back = op.jvp(xp, [t], out, [x], on), op.vjp(xp, g, 0, out, [x], on)
    axes = tuple(range(x.ndim - 1))
    np.testing.assert_allclose(
        (g * forward).sum(axis=tuple(range(out.ndim - 1))), (back * t).sum(axis=axes), rtol=1e-10, atol=1e-12
    )
    h = 1e-6  # and J·t is the limit of difference quotients
    quotient = (op.value(xp, [x + h * t], on) - op.value(xp, [x - h * t], on)) / (2 * h)
    np.testing.assert_allclose(forward, quotient, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("text", ["norm(v)", "hypot(v[0],v[1])", "norm(v)*2"])
@pytest.mark.parametrize("v", [[math.inf, 1.0], [-math.inf, 2.0], [3.0, math.inf], [-1e200, -math.inf]])
def test_a_norm_at_one_infinite_entry_has_the_slopes_that_it_tends_to(text, v):
    """Witness: v/‖v‖ as the infinite entry grows, here 1e300, is to all digits ±1 there and 0 elsewhere."""
    grown = np.array([math.copysign(1e300, x) if math.isinf(x) else x for x in v])
    true = grown / np.hypot(*grown / 1e290) * 1e-290 * (2 if "2" in text else 1)
    made = calculation(text, {"v": V})
    found = made.gradient({"v": np.array(v)})[1]["v"]
    assert np.asarray(found) == pytest.approx(true, rel=1e-15, abs=1e-90)
    assert not lost_digits(made, {"v": np.array(v)}, [list(found)])
    block = made.gradient_block({"v": np.array([v, v]).T})[1]["v"]
    assert block == pytest.approx(np.array([found, found]).T)


def test_a_norm_at_two_infinite_entries_has_none():
    for text in ("norm(v)", "hypot(v[0],v[1])"):
        made = calculation(text, {"v": V})
        assert np.isnan(made.gradient({"v": np.array([math.inf, math.inf])})[1]["v"]).all()
