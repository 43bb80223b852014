"""Powers over the whole range of doubles, and the slopes of the operators."""

import mpmath
import numpy as np
import pytest
from calculations import calculation, ulps

mpmath.mp.dps = 60


RNG = np.random.default_rng(31)


mp = mpmath.mpf


@pytest.mark.parametrize("c", ["2", "3", "4", "5", "7", "-1", "-2", "-3", "0.5", "2.5", "-0.5", "0.3", "1.1"])
def test_constant_powers_in_the_whole_range_of_doubles(c):
    exact = mp(float(c))
    one = calculation(f"x**{c}", x=0.5)
    exponents = np.concatenate([RNG.uniform(-323, 308, 60), RNG.uniform(-330, 312, 60) / float(c)])
    sizes = 10.0 ** exponents[abs(exponents) < 308]
    points = [x for x in map(float, [*sizes, *(-sizes if float(c).is_integer() else ())]) if x]
    value, gradient = one.gradient_block({"x": np.array(points)})
    for i, x in enumerate(points):
        alone, slopes = one.gradient({"x": x})
        v, s = mp(x) ** exact, exact * mp(x) ** (exact - 1)
        assert max(ulps(alone, v), ulps(value[i], v)) <= 4, x
        assert max(ulps(slopes["x"], s), ulps(gradient["x"][i], s)) <= 4, x
