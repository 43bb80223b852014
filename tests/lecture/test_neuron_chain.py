"""The chain of a neuron from x, w and b: every number beside the textbook in exact numbers, also far out."""

import math

import numpy as np
import pytest
import witness
from hypothesis import example, given
from hypothesis import strategies as st
from witness import assert_within, mp

from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.layers import pairs
from bpcli.formulas.losses import LOSSES
from bpcli.lecture.neuron_chain import neuron_chain

PAIRS = [(activation, loss) for kind, activation, loss in pairs() if kind == "neuron"]
BOUND = {"dJ_dw": 6, "J": 5}  # ulp; else 4
NUMBERS = st.floats(-40, 40) | st.floats(-1, 1) | st.sampled_from([0.0, 1e-300, -1e-9, 1e5, -1e5])


def textbook(x, w, b, y, activation, loss):
    """The chain in exact numbers."""
    x, w, b, y = ([mp.mpf(v) for v in x], [mp.mpf(v) for v in w], mp.mpf(b), mp.mpf(y))
    z = mp.fsum(p * q for p, q in zip(x, w, strict=True)) + b
    a, slope = witness.ACTIVATIONS[activation](z)
    if loss == "bce":
        rest = 1 / (1 + mp.exp(z))  # 1 − a
        J = -(y * mp.log(a) if y else 0) - ((1 - y) * mp.log(rest) if y != 1 else 0)
        dJ_da = (1 - y) / rest - y / a
    else:
        J, dJ_da = witness.LOSSES[loss](y, a)
    dJ_dz = dJ_da * slope
    return {
        "z": z, "a": a, "J": J, "dJ_da": dJ_da, "da_dz": slope, "dJ_dz": dJ_dz,
        "dJ_dw": [dJ_dz * v for v in x], "dJ_db": dJ_dz, "dJ_dx": [dJ_dz * v for v in w],
    }  # fmt: skip


def assert_as_true(x, w, b, y, activation, loss):
    with np.errstate(all="ignore"):
        got = neuron_chain(
            np.array([x]), np.array(w), b, np.array([y]), ACTIVATIONS[activation], LOSSES[loss]
        ).quantities
    for name, truth in textbook(x, w, b, y, activation, loss).items():
        info = (name, x, w, b, y)
        # What a subnormal ∂J/∂z has lost, its products with x and w have not back.
        if name in ("dJ_dw", "dJ_dx") and 0 < abs(got["dJ_dz"].value.item()) < 2.0**-1021:
            continue
        if got["dJ_dz"].value.item() in (0, math.inf, -math.inf) and name in ("dJ_dw", "dJ_dx"):
            continue
        assert_within(BOUND.get(name, 4), got[name].value, truth, info)


@pytest.mark.parametrize(("activation", "loss"), PAIRS)
@given(x=st.tuples(NUMBERS, st.floats(-3, 3)), w=st.tuples(NUMBERS, st.floats(-3, 3)), b=NUMBERS, y=st.floats(0, 1))
@example(x=(1.0, 0.0), w=(-430.0, 0.0), b=0.0, y=0.0)  # ∂J/∂z underflows, ∂J/∂a does not
@example(x=(1.0, 0.0), w=(1.0, 0.0), b=0.0, y=0.7310585786300049)  # σ(z) rounds to y
@example(x=(1.0, 0.0), w=(0.5, 0.0), b=0.0, y=0.46211715726000973)  # as tanh z does
@example(x=(0.1, 3.0), w=(-3000.3, 0.1), b=0.7, y=1.0)  # z has lost more than e^z may
@example(x=(0.1, 3.0), w=(-6000.3, 0.1), b=0.7, y=0.0)  # and than log(1 + e^z) may
@example(x=(1.0, 0.0), w=(3e-17, 0.0), b=0.0, y=0.0)  # 1 − e^−2z cancels
@example(x=(0.1, 0.2), w=(3.0, 3.5), b=-0.5, y=0.5)  # and than a − y may
@example(x=(38.0, 0.0), w=(-19.0, 0.0), b=0.0, y=5e-324)  # ∂J/∂z is subnormal, ∂J/∂a is not
@example(x=(1.0, 0.0), w=(40.0, 0.0), b=0.0, y=1.0)
@example(x=(1.0, 0.0), w=(800.0, 0.0), b=0.0, y=1.0)
@example(x=(1.0, 0.0), w=(-709.5, 0.0), b=0.0, y=1.0)
@example(x=(1.0, 0.0), w=(709.5, 0.0), b=0.0, y=0.0)
@example(x=(1.0, 0.0), w=(0.0, 0.0), b=0.0, y=0.0)
@example(x=(1.0, 0.0), w=(1e-300, 0.0), b=0.0, y=1e-300)
@example(x=(0.0, 0.0), w=(0.0, 0.0), b=1.2478813916972211e-157, y=1.2478813916972211e-157)  # tanh z − z is −z³/3
@example(x=(0.0, 0.0), w=(0.0, 0.0), b=3e-9, y=3e-9)
@example(x=(0.0, 0.0), w=(0.0, 0.0), b=2e-4, y=2e-4)
@example(x=(0.0, 0.0), w=(0.0, 0.0), b=3e-4, y=3e-4)
@example(x=(0.1, 0.0), w=(0.001, 0.0), b=0.0, y=1e-4)
def test_a_neuron_keeps_what_z_knew(activation, loss, x, w, b, y):
    terms = [abs(p * q) for p, q in zip(x, w, strict=True)] + [abs(b)]
    z = sum(p * q for p, q in zip(x, w, strict=True)) + b
    if abs(z) * 2.0**40 < max(terms):  # numerics.md promises nothing where more cancels
        return
    a = ACTIVATIONS[activation].value(z)
    if any(a == kink.at and kink.left != kink.right for kink in LOSSES[loss].kinks(y)):  # a has rounded to a kink
        return
    assert_as_true(list(x), list(w), b, y, activation, loss)


def test_a_batch_sums_what_cancels():
    x = np.array([[1e16], [1.0], [-1e16]])
    pair = ACTIVATIONS["identity"], LOSSES["mse"]
    chain = neuron_chain(x, np.array([0.0]), 0.0, np.array([-0.5, -0.5, -0.5]), *pair)
    assert chain.quantities["dJ_dw"].value.item() == 1 / 3
    assert neuron_chain(x[:1], np.array([0.0]), 0.0, np.ones(1), *pair).mean is None
    assert chain.mean.value.tolist() == [[1 / 3] * 3]


@pytest.mark.parametrize("w", [1e308, -1e308, 5e-324, 1e200])
@pytest.mark.parametrize(("activation", "loss"), PAIRS)
def test_the_ends_of_the_doubles_give_no_nan(activation, loss, w):
    for y in (0.0, 1.0):
        with np.errstate(all="ignore"):
            chain = neuron_chain(
                np.ones((1, 1)), np.array([w]), 0.0, np.array([y]), ACTIVATIONS[activation], LOSSES[loss]
            )
        for name in ("z", "a", "J", "dJ_da", "da_dz", "dJ_dz"):
            assert not np.isnan(chain.quantities[name].value).any(), name
