"""The formula that a row shows is what its functions compute: the calculator makes the same numbers of its text."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bpcli
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.choices import Task
from bpcli.formulas.losses import LOSSES

pytestmark = pytest.mark.filterwarnings("ignore:digits are lost")  # of a text as it stands, which `CLOSE` allows for
FUSED = [(name, g) for name, row in LOSSES.items() for g in row.fused]
CLOSE = {"rel_tol": 1e-9, "abs_tol": 1e-12}


def evaluated(text, values):
    """A formula at values, of which it may use only some."""
    function = bpcli.value(text)
    return function({name: values[name] for name in function.variables})


def numbers(interval):
    """Numbers of an interval, away from its ends, where a formula may divide by 0."""
    low = interval.low if math.isfinite(interval.low) else -6.0
    high = interval.high if math.isfinite(interval.high) else 6.0
    room = 0.01 * (high - low)
    return st.floats(low + room, high - room)


def labels(row):
    return st.sampled_from(row.encoding) if row.encoding else numbers(row.labels)


def settings(draw, row):
    """The row with other settings than its defaults, and these by name."""
    given = {
        name: draw(st.floats(0.05, 3.0).filter(lambda value, setting=setting: not setting.problem(value)))
        for name, setting in row.settings.items()
    }
    return row.with_settings(given), given


@pytest.mark.parametrize("name", ACTIVATIONS)
@given(data=st.data())
def test_an_activation_is_its_formula(name, data):
    z = data.draw(st.floats(-6, 6))
    row, values = settings(data.draw, ACTIVATIONS[name])
    a = row.value(z)
    assert math.isclose(evaluated(row.formula, {"z": z, **values}), a, **CLOSE)
    slope = evaluated(row.derivative_formula, {"z": z, "a": a, **values})
    assert math.isclose(slope, row.derivative(z), **CLOSE)


@pytest.mark.parametrize("name", LOSSES)
@given(data=st.data())
def test_a_loss_is_the_sum_of_its_formula_over_the_outputs(name, data):
    row, values = settings(data.draw, LOSSES[name])
    K = 3 if row.task is Task.CLASSES else 1
    yhat = np.array(data.draw(st.lists(numbers(row.domain), min_size=K, max_size=K)))
    y = np.eye(K)[data.draw(st.integers(0, K - 1))] if K > 1 else np.array([data.draw(labels(row))])
    places = [{"y": float(y[k]), "yhat": float(yhat[k]), **values} for k in range(K)]
    shape = (1, K) if K > 1 else (1,)
    J = row.J(y.reshape(shape), yhat.reshape(shape))
    assert math.isclose(sum(evaluated(row.formula, place) for place in places), J, **CLOSE)
    for place in places:
        slope = evaluated(row.slope_formula, place)
        assert math.isclose(slope, row.slope(place["y"], place["yhat"]), **CLOSE)


@pytest.mark.parametrize(("name", "g"), FUSED)
@given(data=st.data())
def test_a_fused_form_is_its_formula(name, g, data):
    row, values = settings(data.draw, LOSSES[name])
    form = row.fused[g]
    if g in ACTIVATIONS:
        y, z = np.array([data.draw(labels(row))]), np.array([data.draw(st.floats(-6, 6))])
        values |= {"z": z, "a": ACTIVATIONS[g].value(z)}
    else:
        y = np.eye(3)[data.draw(st.integers(0, 2))][None]
        z = np.array([data.draw(st.lists(st.floats(-6, 6), min_size=3, max_size=3))])
        values |= {"logits": z[0], "p": np.exp(z[0]) / np.exp(z[0]).sum()}
    values["y"] = y.reshape(-1)
    assert math.isclose(np.sum(evaluated(form.formula, values)), form.J(y, z), **CLOSE)
    slopes = evaluated(form.slope_formula, values)
    np.testing.assert_allclose(slopes, form.dJ_dz(y, z).reshape(-1), rtol=1e-9, atol=1e-12)
