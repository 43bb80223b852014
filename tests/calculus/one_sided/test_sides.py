"""The slopes on both sides of a point, against values worked by hand."""

import math

import numpy as np
import pytest

from bpcli.calculus.language.parser import parse
from bpcli.calculus.one_sided.sides import LENGTHS, Neighbourhood, common_slope
from bpcli.calculus.sweeps.program import Program
from bpcli.numbers.operators import UNKNOWN


@pytest.fixture
def near():
    def made(text, **point):
        program = Program([parse(text)], [text], {name: np.shape(x) for name, x in point.items()})
        columns = {name: np.asarray(x, float)[..., None] for name, x in point.items()}
        return Neighbourhood(program, columns, list(point), exact=False)

    return made


@pytest.mark.parametrize(
    ("text", "left", "right", "jumps", "common"),
    [
        ("|x|", -1, 1, False, None),
        ("x**2+3*x", 3, 3, False, 3),
        ("sqrt(x)", None, math.inf, False, None),
        ("where(x<=0,x,x+1)", 1, 1, True, None),
        ("relu(x)-relu(-x)", 1, 1, False, 1),
    ],
)
def test_slopes_to_either_side(near, text, left, right, jumps, common):
    place = near(text, x=0.0)
    ((sides,),) = place.slopes(0)
    found = [side if side is None or isinstance(side, float) else place.kind.approximate(side) for side in sides[:2]]
    assert (found, sides.jumps) == ([left, right], jumps)
    slope = common_slope(sides, place.kind)
    assert (slope if slope is None else place.kind.approximate(slope)) == common


def test_more_terms_decide_what_few_do_not(near):
    place = near("(exp(x)-1-x-x**2/2-x**3/6-x**4/24-x**5/120-x**6/720)/x**6", x=0.0)
    assert UNKNOWN in place.slopes(0)[0][0][:2]
    place.take_terms(LENGTHS[-1])
    ((sides,),) = place.slopes(0)
    assert [place.kind.approximate(side) for side in sides[:2]] == pytest.approx([1 / 5040] * 2)
