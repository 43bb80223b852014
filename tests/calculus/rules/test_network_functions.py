"""The functions of a network in the language: values and partial derivatives, settings included, by mpmath."""

import mpmath
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bpcli.calculus.rules.duals import PlainNamespace
from bpcli.calculus.rules.functions import FUNCTIONS
from bpcli.calculus.rules.network_functions import activation_function, loss_function
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.losses import LOSSES
from bpcli.numbers.namespaces import FLOATS

XP = PlainNamespace(FLOATS)
mp = mpmath.MPContext()
mp.dps = 40
ONE, TENTH = mp.mpf(1), mp.mpf(1) / 10


def softplus(z):
    return mp.log(1 + mp.exp(z))


TRUE = {
    "identity": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + mp.exp(-z)),
    "tanh": mp.tanh,
    "relu": lambda z: max(z, mp.mpf(0)),
    "leaky_relu": lambda z, slope=TENTH * TENTH: z if z >= 0 else slope * z,
    "elu": lambda z, alpha=1: z if z >= 0 else alpha * (mp.exp(z) - 1),
    "softplus": softplus,
    "exp": mp.exp,
    "mse": lambda y, p: (y - p) ** 2,
    "bce": lambda y, p: -(y * mp.log(p) + (1 - y) * mp.log(1 - p)),
    "cce": lambda y, p: -y * mp.log(p),
    "huber": lambda y, p, d=ONE: (y - p) ** 2 / 2 if abs(y - p) <= d else d * (abs(y - p) - d / 2),
    "hinge": lambda y, p: max(mp.mpf(0), 1 - y * p),
    "poisson": lambda y, p: p - y * mp.log(p),
}


def assert_as_true(row, true, args):
    """The value, and each partial derivative by a symmetric difference in 40 digits."""
    numbers = [mp.mpf(a) for a in args]
    out = row.value(XP, *args)
    assert float(out) == pytest.approx(float(true(*numbers)), rel=1e-13, abs=1e-14)
    h = mp.mpf("1e-12")
    for i in range(len(args)):
        ends = [true(*(x + s * h if k == i else x for k, x in enumerate(numbers))) for s in (1, -1)]
        slope = float((ends[0] - ends[1]) / (2 * h))
        assert float(row.partial(i)(XP, out, *args)) == pytest.approx(slope, rel=1e-10, abs=1e-12), i


@pytest.mark.parametrize("name", sorted(ACTIVATIONS.keys() & TRUE.keys()))
@given(st.floats(-5, 5), st.floats(0.05, 2))
def test_an_activation(name, z, setting):
    assume(abs(z) > 1e-6)
    row = ACTIVATIONS[name]
    assert_as_true(FUNCTIONS[name] if name in FUNCTIONS else activation_function(name, row), TRUE[name], [z])
    if row.settings:
        assert_as_true(activation_function(name, row), TRUE[name], [z, setting])


@pytest.mark.parametrize("name", sorted(LOSSES.keys() & TRUE.keys()))
@given(st.floats(0.02, 0.98), st.floats(0.02, 0.98), st.floats(0.05, 2))
def test_a_loss(name, y, yhat, setting):
    row = LOSSES[name]
    function = loss_function(name, row)
    given_settings = [setting] if row.settings else []
    assume(all(abs(yhat - kink.at) > 1e-6 for kink in row.kinks(y, *given_settings)))
    assume(all(abs(yhat - kink.at) > 1e-6 for kink in row.kinks(y)))
    if function.value is None:
        function = FUNCTIONS[name]
    if function.value is not None:
        assert_as_true(function, TRUE[name], [y, yhat])
        if row.settings:
            assert_as_true(function, TRUE[name], [y, yhat, setting])


def test_a_setting_that_is_not_given_is_read_as_it_is_written(bpcli):
    """leaky_relu's slope is 0.01 itself in certified numbers, as in 0.01*z; the double 0.01 differs far out."""
    at = ("--at", "z=-6.741433053363917e+247", "--certify")
    answers = {
        bpcli("eval", text, *at).out for text in ("tan(leaky_relu(z))", "tan(leaky_relu(z, 0.01))", "tan(0.01*z)")
    }
    assert len(answers) == 1
    with mpmath.workdps(400):
        true = mpmath.tan(mpmath.mpf(-6.741433053363917e247) / 100)
    assert float(answers.pop()) == pytest.approx(float(true), rel=1e-15)
    assert "digits are lost" in bpcli("eval", "tan(leaky_relu(z))", *at[:2]).err
