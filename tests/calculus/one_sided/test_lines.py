"""Slopes that exist at a point alone, against what is known of products of functions of one variable."""

import re

import numpy as np
import pytest

from bpcli.calculus.language.parser import parse
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.certified import Certified
from bpcli.errors import UsageError

# Functions near 0: the text, the value at 0, the slope at 0 (None if there is none).
FACTORS = [
    *(("|x|", 0, None), ("floor(x)", 0, None), ("sign(x)", 0, None), ("relu(x)", 0, None), ("where(x>0,2,1)", 1, None)),
    *(
        ("where(x==0,0,1)", 0, None),
        ("where(x==0,3,1)", 3, None),
        ("exp(x)-1+|x|", 0, None),
        ("(1+x)*|sin(x)|", 0, None),
    ),
    *(("x*|x|", 0, 0), ("|x|*sqrt(|x|)", 0, 0), ("relu(x)**2", 0, 0), ("cbrt(x)**4", 0, 0), ("|x|**2", 0, 0)),
    *(
        ("x", 0, 1),
        ("x**2", 0, 0),
        ("x**3*exp(x)", 0, 0),
        ("sin(x)", 0, 1),
        ("cos(x)", 1, 0),
        ("1", 1, 0),
        ("exp(x)", 1, 1),
    ),
]
KINKS = [factor for factor in FACTORS if factor[2] is None]


def calculation(text, **point):
    return Calculation([parse(text)], [text], {name: np.shape(x) for name, x in point.items()}, list(point))


def has_a_derivative(g, h):
    """Whether ∂/∂y ∂/∂x of g(x)·h(y) exists at 0; None where ∂/∂x does not exist there."""
    (_, _, slope_x), (_, at_y, slope_y) = g, h
    if slope_x is None:  # ∂f/∂x at (0, y) exists only where h(y) = 0, which is at 0 or nowhere
        return None if at_y else False
    return slope_x == 0 or slope_y is not None  # ∂f/∂x at (0, y) = g′(0)·h(y)


@pytest.mark.parametrize("certified", [False, True])
@pytest.mark.parametrize("g", FACTORS, ids=lambda factor: factor[0])
def test_a_product_has_a_note_just_where_a_second_derivative_is_none(g, certified):
    for h in FACTORS if not certified else KINKS[::3]:
        of_y = re.sub(r"\bx\b", "y", h[0])
        text = f"({g[0]})*({of_y})"
        point = {"x": 0.0, "y": 0.0}
        made = calculation(text, **point)
        one = Certified(made) if certified else made
        _, _, matrix = one.hessian(point)
        noted = {kink.slope for kink in one.kinks}
        for (a, b), (first, then) in (((g, h), "xy"), ((h, g), "yx")):
            if has_a_derivative(a, b) is False:
                assert noted & {f"d²/d{first}d{then}", "d/dx", "d/dy"}, text
            elif has_a_derivative(a, b) and has_a_derivative(b, a):
                assert not any("dxdy" in name or "dydx" in name for name in noted), text
                expected = (a[2] or 0) * (b[2] or 0)
                assert matrix[0][1] == matrix[1][0] == expected, text


@pytest.mark.parametrize(
    ("text", "noted"),
    [
        # ∂f/∂x at (0, y): u·|y| by x on either side of 0, so that it exists for no y but 0
        ("|x|*y**2+sin(x*y)", {"d²/dxdy"}),
        ("where(x>0,y**3,-(y**3))", {"d²/dxdy"}),
        ("|x*y|*y", {"d²/dxdy"}),
        # the other factor begins with the 6th and with the 13th power
        ("|x|*(exp(y)-1-y-y**2/2-y**3/6-y**4/24-y**5/120)", {"d²/dxdy"}),
        ("sign(x)*(sin(y)-y+y**3/6-y**5/120+y**7/5040-y**9/362880+y**11/39916800)", {"d²/dxdy"}),
        # ∂f/∂x exists for all y: f = x², 0, x·y
        ("|x|*|x|+|y|*|y|*y", set()),
        ("relu(x)**3*y", set()),
        ("relu(x)*y-x*y+relu(-x)*(-y)", set()),
        ("where(x==y,0,x*y)", set()),
        ("cbrt(x)**6*exp(y)+exp(y)+x*exp(y)", set()),
        # the way in which ∂f/∂x comes to one value depends on how near the line one looks, and at the line it has one
        ("where(|y|<|x|**100,x**3,0)", set()),
        ("|x|**1.25*y**2", set()),
    ],
)
def test_slopes_of_one_point(text, noted):
    one = calculation(text, x=0.0, y=0.0)
    one.hessian({"x": 0.0, "y": 0.0})
    assert {kink.slope for kink in one.kinks if kink.beside} == noted
    assert {kink.slope for kink in one.kinks} == noted


def test_of_vectors_each_input_is_looked_at_alone():
    point = {"u": np.array([0.0, 2.0, 0.0]), "v": np.array([0.0, 3.0])}
    one = calculation("sum(abs(u))*v[0]**2+norm(u)*v[0]", **point)
    one.hessian(point)
    assert {kink.slope for kink in one.kinks} == {"d²/du[0]dv[0]", "d²/du[2]dv[0]"}


def test_among_many_inputs_it_ends(monkeypatch):
    point = {"u": np.zeros(12), "v": 0.0}
    one = calculation("sum(abs(u))*v**2", **point)
    one.hessian(point)
    assert len({kink.slope for kink in one.kinks}) == 12
    monkeypatch.setattr("bpcli.calculus.one_sided.lines.MAX_STEPS", 200)
    one.hessian(point)
    assert one.kinks == []
    with pytest.raises(UsageError, match="a kink among so many entries"):
        Certified(one).hessian(point)


def test_the_note_says_so(bpcli):
    shown = bpcli("hessian", "abs(x)*y**2", "--at", "0,0", "--certify")
    assert (shown.code, shown.out) == (0, "0 0\n0 0\n")
    assert "abs(x) at x = 0 has a kink beside the point too: d²/dxdy does not exist, 0 is used" in shown.err


FLAT = "where({0}==0,0,exp(-1/{0}**2))"


@pytest.mark.parametrize(
    "g", [*("|x|", "floor(x)", "relu(x)", "sign(x)", "where(x>0,2,1)", "sqrt(|x|)"), FLAT.format("x")]
)
def test_what_no_power_of_the_way_tells_from_0_has_no_certificate(bpcli, g):
    """∂f/∂x is 0 at 0 and exists for no other y, but the factor e^(−1/y²) is less than each power."""
    for text in (f"({g})*{FLAT.format('y')}", f"where(y==0,0,({g})*exp(-1/y**2))"):
        shown = bpcli("hessian", text, "--at", "x=0,y=0", "--certify")
        assert shown.code == 4, text
        assert "not known, nor whether there is one" in shown.err or "not decided" in shown.err


def test_along_one_input_what_is_flat_has_a_certificate(bpcli):
    assert bpcli("hessian", FLAT.format("x"), "--at", "0", "--certify").out == "0\n"
    assert bpcli("hessian", f"{FLAT.format('x')}*y", "--at", "x=0.5,y=3", "--certify").code == 0
