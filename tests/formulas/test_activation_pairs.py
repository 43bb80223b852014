"""Activations to more digits than a double has, at z + low, beside the textbook in exact numbers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from witness import ACTIVATIONS, mp

from bpcli.formulas import activation_pairs as of
from bpcli.numbers.namespaces import FLOATS

NAMES = {name for name in vars(of) if name.endswith(("_pair", "_slope")) and not name.startswith("_")}
PAIRS = [name for name in ACTIVATIONS if f"{name}_pair" in NAMES]
SLOPES = [name for name in ACTIVATIONS if f"{name}_slope" in NAMES]
NEAR = st.sampled_from([2.0**-12, -(2.0**-12), 2.0**-26, -(2.0**-26), 1.0])  # where a series takes over
Z = st.one_of(st.floats(-30, 30), st.floats(-1e-3, 1e-3), NEAR).filter(lambda z: abs(z) > 1e-100)
LOW = st.floats(-0.5, 0.5)


def test_every_function_has_a_witness():
    assert {f"{name}_pair" for name in [*PAIRS, "log"]} | {f"{name}_slope" for name in SLOPES} == NAMES


@pytest.mark.parametrize("name", PAIRS)
@given(Z, LOW)
def test_a_value_has_78_bits(name, z, share):
    low = share * math.ulp(z)
    high, rest = getattr(of, f"{name}_pair")(z, low)
    true = ACTIVATIONS[name](mp.mpf(z) + mp.mpf(low))[0]
    assert abs(mp.mpf(high) + mp.mpf(rest) - true) <= mp.mpf(2) ** -78 * abs(true)


@pytest.mark.parametrize("name", SLOPES)
@given(st.one_of(Z, st.floats(-1999, 1999)), LOW)  # from e^±4000 on, which is e^−2z of tanh, all are one
def test_a_slope_is_right_however_small(name, z, share):
    low = share * math.ulp(z)
    m, k = getattr(of, f"{name}_slope")(z, low)
    w = mp.mpf(z) + mp.mpf(low)
    e = mp.exp(-abs(w))
    true = {
        "sigmoid": lambda: e / (1 + e) ** 2,
        "tanh": lambda: 4 * e * e / (1 + e * e) ** 2,
        "elu": lambda: mp.mpf(1) if w >= 0 else of.ELU_ALPHA * e,
        "softplus": lambda: 1 / (1 + e) if w >= 0 else e / (1 + e),
        "exp": lambda: mp.exp(w),
    }[name]()
    assert abs(mp.mpf(m) * mp.mpf(2) ** int(k) - true) <= mp.mpf(2) ** -51 * abs(true)


@given(st.floats(1e-300, 1e300), LOW)
def test_a_logarithm_has_90_bits_after_its_point(x, share):
    low = share * math.ulp(x)
    high, rest = of.log_pair(FLOATS, (x, low))
    true = mp.log(mp.mpf(x) + mp.mpf(low))
    assert abs(mp.mpf(high) + mp.mpf(rest) - true) <= mp.mpf(2) ** -90 * max(abs(true), 1)
