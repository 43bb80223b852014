"""Derivatives at kinks and jumps, and where a sweep meets 0·∞, beside one-sided difference quotients of 60 digits."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcli.calculus.language.parser import parse
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.certified import Certified
from bpcli.errors import UsageError

mp = mpmath.MPContext()
mp.dps = 250  # tanh h and atan h differ by h⁵, at h = 1e-25
INF, NAN = math.inf, math.nan


def calculation(text, point, kink="lecture", wrt=None):
    texts = [text] if isinstance(text, str) else text
    shapes = {name: np.shape(value) for name, value in point.items()}
    one = Calculation([parse(t) for t in texts], texts, shapes, wrt or list(point))
    one.kink = kink
    return one


SMOOTH = [
    # text, x, the derivative that exists, and the second
    ("x**0", 0.0, 0, 0),
    ("x*|x|", 0.0, 0, None),
    ("|x|**2", 0.0, 0, 2),
    ("sqrt(x**4)", 0.0, 0, 2),
    ("cbrt(x)**3", 0.0, 1, 0),
    ("cbrt(x**3)", 0.0, 1, 0),
    ("x**(1/3)*x**(2/3)", 0.0, 1, 0),
    ("sqrt(x)**2", 0.0, 1, 0),
    ("sqrt(x)*sqrt(x)", 0.0, 1, 0),
    ("relu(x)-relu(-x)", 0.0, 1, 0),
    ("max(x,2*x)+min(x,2*x)", 0.0, 3, 0),
    ("relu(x)**2", 0.0, 0, None),
    ("sqrt((x-2)**4)", 2.0, 0, 2),
    ("(x-2)*sqrt(|x-2|)", 2.0, 0, None),
    ("|sin(x)|*tan(x)", 0.0, 0, None),
    ("where(x<1,x,1+(x-1)+0*x)", 1.0, 1, 0),
    ("hypot(x,0*x)**2", 0.0, 0, 2),
    ("1-cos(|x|)", 0.0, 0, 1),
    ("cosh(sqrt(x**2))", 0.0, 0, 1),
    ("sigmoid(|x|)*|x|", 3.0, None, None),
    ("atan2(x,1)", 0.0, 1, 0),
    ("exp(-|x|)+|x|", 0.0, 0, None),
    ("x**1.5", 0.0, 0, INF),
    ("asin(x)**2", 1.0, INF, None),
    ("floor(x)", 2.5, 0, 0),
    ("relu(x)*0", 0.0, 0, 0),
    ("tanh(cbrt(x))**3", 0.0, 1, None),
]


@pytest.mark.parametrize(("text", "x", "first", "second"), SMOOTH)
def test_the_derivative_that_exists(text, x, first, second):
    one = calculation(text, {"x": x})
    if first is not None:
        assert one.gradient({"x": x})[1]["x"] == first
        assert one.kinks == []
        assert one.jacobian({"x": x})[1]["x"] == [[first]]
        assert one.gradient_block({"x": np.array([x, x])})[1]["x"].tolist() == [first, first]
        assert one.vjp({"x": x}, [2.0])[1]["x"] == 2 * first
        assert one.jvp({"x": x}, [2.0])[1] == [2 * first]
    if second is not None:
        assert one.hessian({"x": x})[2] == [[second]]
        assert one.kinks == []


KINKS = [
    # text, x, left, right, lecture
    ("relu(x)", 0.0, 0, 1, 1),
    ("|x|", 0.0, -1, 1, 0),
    ("max(x,0)", 0.0, 0, 1, 0.5),
    ("min(x,2*x,3*x)", 0.0, 3, 1, 2),
    ("clip(x,0,1)", 1.0, 1, 0, 0.5),
    ("3*|x-2|+x", 2.0, -2, 4, 1),
    ("relu(x)*sin(x+1)", 0.0, 0, math.sin(1), math.sin(1)),
    ("sqrt(x**2+0*x)", 0.0, -1, 1, 0),
    ("sqrt(1-cos(x))", 0.0, -math.sqrt(0.5), math.sqrt(0.5), 0),
    ("exp(|x|)", 0.0, -1, 1, 0),
    ("where(x<1,x,x**2)", 1.0, 1, 2, 2),
    ("hypot(x,0)", 0.0, -1, 1, 0),
    ("|x**3|+|x|", 0.0, -1, 1, 0),
    ("softplus(|x|)", 0.0, -0.5, 0.5, 0),
    ("bce(1,sigmoid(|x|))", 0.0, 0.5, -0.5, 0),
    ("erf(|x|)", 0.0, -2 / math.sqrt(math.pi), 2 / math.sqrt(math.pi), 0),
    ("cbrt(x)**2", 0.0, -INF, INF, NAN),
    ("acos(cos(x))", 0.0, -1, 1, None),
]


@pytest.mark.parametrize(("text", "x", "left", "right", "lecture"), KINKS)
def test_a_kink_has_two_slopes_and_a_convention(text, x, left, right, lecture):
    for kink, expected in (("left", left), ("right", right), ("lecture", lecture)):
        one = calculation(text, {"x": x}, kink)
        got = one.gradient({"x": x})[1]["x"]
        found = list(one.kinks)
        block = one.gradient_block({"x": np.array([x])})[1]["x"][0]
        if expected is not None:
            np.testing.assert_allclose([got, block], expected, rtol=2e-16)
        (note,) = found
        np.testing.assert_allclose([note.left, note.right], [left, right], rtol=2e-16)
        np.testing.assert_allclose(note.used, got)
        assert (note.slope, note.jumps) == ("d/dx", False)


BESIDE_LOGARITHMS = [
    # text, x, left, right; None where there is no such side
    ("where(x>0, x*log(x), 0)", 0.0, 0, -INF),
    ("where(x==0, 0, x*log(x))", 0.0, None, -INF),
    ("where(x>0, x**x, 1)", 0.0, 0, -INF),
    ("where(x==0, 0, x**2*log(|x|))+3*x", 0.0, 3, 3),
    ("where(x>0, x**1.1*log(x)**3, 0)", 0.0, 0, 0),
    ("where(x>0, x*sqrt(-log(x)), 0)", 0.0, 0, INF),
    ("where(x>0, x**0.9/log(x)**2, 0)", 0.0, 0, INF),
    ("where(x>0, x/log2(x), x)", 0.0, 1, 0),
    ("where(x>0, x*exp(1/log10(x)), 0)", 0.0, 0, 1),
    ("where(x>0, exp(log(x)), 2*x)", 0.0, 2, 1),
    ("where(x>0, exp2(3*log2(x)), 2*x)", 0.0, 2, 0),
    ("where(x>0, cosh(log(x))-0.5/x, 0)", 0.0, 0, 0.5),
    ("where(x>0, tanh(log(x)/2)+1, 0)", 0.0, 0, 2),
    ("where(x<1, (1-x)**2*log1p(-x)+2*x, 2*x)", 1.0, 2, 2),
    ("where(x<1, (1-x)*log1p(-x), 0)", 1.0, INF, 0),
    ("where(x>0, x*sin(1+x*log(x)), 0)", 0.0, 0, math.sin(1)),
    ("where(x>0, x**2*asinh(1/x), 0)", 0.0, 0, 0),
    ("where(x>0, x*acosh(1/x), 0)", 0.0, 0, INF),
    ("where(x==0, 0, x*atan(1/x))", 0.0, -math.pi / 2, math.pi / 2),
    ("where(x==0, 0, x*tanh(1/x))", 0.0, -1, 1),
    ("where(x==0, 0, x*erf(1/x))", 0.0, -1, 1),
    ("where(x==0, 0, x*sigmoid(1/x))", 0.0, 0, 1),
    ("where(x==0, 0, exp(-1/x**2))+x", 0.0, 1, 1),
    ("where(x>0, expm1(-1/x)*x, 0)", 0.0, 0, -1),
    ("where(x>0, (1-cos(sqrt(x)*log(x)))/log(x)**2, 0)", 0.0, 0, 0.5),
    ("where(x>0, (exp(cbrt(x)*log(x))-1-cbrt(x)*log(x)-cbrt(x)**2*log(x)**2/2)/log(x)**3, 0)", 0.0, 0, 1 / 6),
]


@pytest.mark.parametrize(("text", "x", "left", "right"), BESIDE_LOGARITHMS)
def test_beside_logarithms_and_poles(text, x, left, right):
    for kink, expected in (("left", left), ("right", right)):
        one = calculation(text, {"x": x}, kink)
        got = one.gradient({"x": x})[1]["x"]
        np.testing.assert_allclose(got, NAN if expected is None else expected, rtol=4e-16)
        assert len(one.kinks) == (left is not None and left != right)
    if left is None:
        assert calculation(text, {"x": x}).gradient({"x": x})[1]["x"] == right


def test_a_logarithm_of_a_logarithm_is_not_known():
    one = calculation("where(x>0, x*(log(-x*log(x))-log(x)), 0)", {"x": 0.0}, "right")
    assert math.isnan(one.gradient({"x": 0.0})[1]["x"])


def test_a_second_derivative_beside_a_logarithm():
    one = calculation("where(x>0, x**3*log(x), 0)", {"x": 0.0}, "right")
    assert one.hessian({"x": 0.0})[2] == [[0]]
    assert one.kinks == []
    one = calculation("where(x>0, x**2*log(x), 0)", {"x": 0.0}, "right")
    assert one.hessian({"x": 0.0})[2] == [[-INF]]


def test_what_is_open_is_what_both_answers_share():
    # Of what all kept terms cancel in, no sign is known, but that it is too small to count.
    for text, left, right in (
        ("cbrt(min(sin(x),relu(sin(x))))*x", 0, 0),
        ("tanh(atan(x)-relu(x))", 1, 0),
        ("cbrt(exp(relu(x))-exp(x))", -INF, 0),
        ("(exp(relu(x))-exp(x)+|x|)**2-(sin(x)-sin(relu(x)))**5", 0, 0),
        ("1-(exp(relu(x))-exp(x)-x)**3", 0, 0),
        ("(exp(relu(x))-exp(x))**5+x", 1, 1),
        ("|sin(x)-sin(relu(x))|+x", 0, 1),
    ):
        for kink, expected in (("left", left), ("right", right)):
            assert calculation(text, {"x": 0.0}, kink).gradient({"x": 0.0})[1]["x"] == expected


@pytest.mark.parametrize(
    ("text", "x", "left", "right"),
    [
        ("sign(x)", 0.0, 0, 0),
        ("floor(x)+x", 2.0, 1, 1),
        ("where(x<1,0,x)", 1.0, 0, 1),
        ("(x>=0)*x**2+(x>0)", 0.0, 0, 0),
    ],
)
def test_a_jump(text, x, left, right):
    one = calculation(text, {"x": x})
    one.gradient({"x": x})
    (note,) = one.kinks
    assert (note.left, note.right, note.jumps) == (left, right, True)
    assert "at x = " in one.diagnostics.edge_place({"x": x})


def test_second_derivatives_at_a_kink():
    for kink, expected in (("left", 0), ("right", 2), ("lecture", 2)):
        one = calculation("relu(x)**2*y", {"x": 0.0, "y": 1.0}, kink)
        assert one.hessian({"x": 0.0, "y": 1.0})[2] == [[expected, 0], [0, 0]]
        assert [(k.slope, k.left, k.right) for k in one.kinks] == [("d²/dxdx", 0, 2)]
        assert calculation("x*|x|", {"x": 0.0}, kink).hessian({"x": 0.0})[2] == [
            [{"left": -2, "right": 2, "lecture": 0}[kink]]
        ]


MIXED = [
    # text, x, y, the Hessian by the lecture's conventions, from the left, from the right, whether there is a note
    ("(relu(x)-relu(-x))*y", 0, 1, [[0, 1], [1, 0]], [[0, 1], [1, 0]], [[0, 1], [1, 0]], False),
    ("relu(x)*y", 0, 1, [[0, 1], [1, 0]], [[0, 0], [0, 0]], [[0, 1], [1, 0]], True),
    ("|x|*y+x*y", 0, 2, [[0, 1], [1, 0]], [[0, 0], [0, 0]], [[0, 2], [2, 0]], True),
    ("(|x|*|y|)**2", 0, 0, [[0, 0], [0, 0]], [[0, 0], [0, 0]], [[0, 0], [0, 0]], False),
    ("|x*y|", 0, 0, [[0, 0], [0, 0]], [[0, 1], [1, 0]], [[0, 1], [1, 0]], True),
    ("hypot(x,y)**2+x*y", 0, 0, [[2, 1], [1, 2]], [[2, 1], [1, 2]], [[2, 1], [1, 2]], False),
    ("relu(x+y)**2", 0, 0, [[2, 2], [2, 2]], [[0, 0], [0, 0]], [[2, 2], [2, 2]], True),
    # f(x, 0) = x², however fast the region about it narrows; ∂f/∂y is 1 at (x, 0), and 0 at (0, y).
    ("where(|y|<|x|**100,x**2,0)", 0, 0, [[2, 0], [0, 0]], [[2, 0], [0, 0]], [[2, 0], [0, 0]], False),
    ("where(hypot(x,y)==0,0,x**2*y/(x**2+y**2))", 0, 0, [[0, 0], [0, 0]], [[0, 0], [0, 0]], [[0, 0], [0, 0]], True),
    # ∂f/∂x is 0 at (0, y), and ∂f/∂y is x at (x, 0): the order of the two derivatives is not all the same.
    ("where(x==0,0,x**2*atan(y/x))", 0, 0, [[0, 0], [1, 0]], [[0, 0], [1, 0]], [[0, 0], [1, 0]], False),
    ("where(x==0,0,x**2*tanh(y/x))", 0, 0, [[0, 0], [1, 0]], [[0, 0], [1, 0]], [[0, 0], [1, 0]], False),
    ("where(y==0,0,y**2*atan(x/y))", 0, 0, [[0, 1], [0, 0]], [[0, 1], [0, 0]], [[0, 1], [0, 0]], False),
    ("x**2*y**1.5*sqrt(y)", 1, 0, [[0, 0], [0, 2]], [[0, NAN], [0, NAN]], [[0, 0], [0, 2]], False),
]


@pytest.mark.parametrize(("text", "x", "y", "lecture", "left", "right", "noted"), MIXED)
def test_mixed_second_derivatives(text, x, y, lecture, left, right, noted):
    point = {"x": float(x), "y": float(y)}
    for kink, expected in (("lecture", lecture), ("left", left), ("right", right)):
        one = calculation(text, point, kink)
        if not np.isnan(expected).any():
            assert one.hessian(point)[2] == expected
            assert bool(one.kinks) == noted
        xs = {"v": np.array([x, y], float)}
        vector = calculation(text.replace("x", "v[0]").replace("y", "v[1]").replace("hv[1]pot", "hypot"), xs, kink)
        if not np.isnan(expected).any():
            assert vector.hessian(xs)[2].tolist() == expected


@pytest.mark.parametrize("certified", [True, False])
def test_one_order_of_two_derivatives_does_not_stand_for_the_other(certified):
    """∂f/∂x is 0 at (0, y), which the series of y²·sin(x/y) beside it don't show; ∂f/∂y is x at (x, 0)."""
    made = calculation("where(x==0,0,x**2*sin(y/x))", {"x": 0.0, "y": 0.0})
    ((_, unknown), (known, _)) = (Certified(made) if certified else made).hessian({"x": 0.0, "y": 0.0})[2]
    assert unknown != 1
    assert known == 1


@pytest.mark.parametrize("text", ["max(u)*min(u)", "min(u[0],u[1])*max(u[1],u[2])"])
def test_inputs_that_are_tied_part_from_each_other(text):
    """u·v where they have different signs, else 0: 0 and 1, and not what is between where the third stays tied."""
    made = calculation(text, {"u": np.zeros(3)})
    assert set(made.hessian({"u": np.zeros(3)})[2][np.triu_indices(3, 1)]) == {0.5}
    assert {frozenset(kink[2:4]) for kink in made.kinks if kink.slope.startswith("d²")} == {frozenset((0, 1))}


def test_only_what_reaches_an_edge_is_moved():
    x = np.arange(1000.0)
    for text, slopes in (
        ("sum(relu(x))", {0: 0.0}),
        ("max(x)+|x[0]-x[1]+1|", {0: -1.0, 1: -1.0, 999: 1.0}),
        ("norm(x[:2]*0)+max([x[3],x[2]+1])", {0: 0.0, 1: 0.0, 2: 0.0, 3: 0.0}),
        ("sum(where(x<=500,x,2*x-500))", {500: 1.0}),
        ("min(|x|)*2", {0: -2.0}),
        ("max(-|x-500.5|)", {500: 0.0, 501: -1.0}),
    ):
        one = calculation(text, {"x": x}, "left")
        plain = calculation(text, {"x": x})
        got, usual = (c.gradient({"x": x})[1]["x"] for c in (one, plain))
        expected = usual.copy()
        for k, slope in slopes.items():
            expected[k] = slope
        assert got.tolist() == expected.tolist(), text
        assert {int(k.slope[5:-1]) for k in one.kinks} <= set(slopes)

    x = np.arange(70.0)
    one = calculation("relu(x[0])*x[1]+x[0]*x[2]+sum(x**2)", {"x": x}, "left")
    expected = np.eye(70) * 2
    expected[0, 2] = expected[2, 0] = 1.0
    np.testing.assert_array_equal(one.hessian({"x": x})[2], expected)


def test_the_second_derivative_at_fault():
    one = calculation("3*x**1.5", {"x": 0.0})
    assert one.diagnostics.slope_culprit({"x": 0.0}) is None
    assert one.diagnostics.slope_culprit({"x": 0.0}, second=True) == "the second derivative of x**1.5 at x = 0"
    x = np.array([0.0, 1.0])
    one = calculation("sum(x**1.5)", {"x": x})
    assert one.diagnostics.slope_culprit({"x": x}, second=True) == "the second derivative of x**1.5 at x = [0, 1]"


def test_vectors():
    x = np.array([0.0, 0.0])
    one = calculation("norm(x)**2", {"x": x})
    assert one.gradient({"x": x})[1]["x"].tolist() == [0, 0]
    assert one.hessian({"x": x})[2].tolist() == [[2, 0], [0, 2]]
    assert one.kinks == []
    one = calculation("norm(x)", {"x": x}, "right")
    assert one.gradient({"x": x})[1]["x"].tolist() == [1, 1]
    assert [(k.slope, k.left, k.right) for k in one.kinks] == [("d/dx[0]", -1, 1), ("d/dx[1]", -1, 1)]
    x = np.array([1.0, 3.0, 3.0])
    one = calculation("max(x)+sum(relu(x-1))", {"x": x})
    assert one.gradient({"x": x})[1]["x"].tolist() == [1, 1.5, 1.5]
    assert [(k.left, k.right) for k in one.kinks] == [(0, 1), (1, 2), (1, 2)]
    one.kink = "left"
    assert one.gradient({"x": x})[1]["x"].tolist() == [0, 1, 1]
    matrix = np.array([[0.0, 1.0], [2.0, 0.0]])
    one = calculation(["relu(A)@v", "softmax(v)*|v|"], {"A": matrix, "v": np.array([0.0, 2.0])}, "left")
    _, blocks = one.jacobian({"A": matrix, "v": np.array([0.0, 2.0])})
    assert blocks["A"].tolist() == [[0, 2, 0, 0], [0, 0, 0, 0], [0] * 4, [0] * 4]
    p = math.exp(0) / (1 + math.exp(2))
    assert blocks["v"][2, 0] == pytest.approx(-p, rel=1e-15)
    assert one.jvp({"A": matrix, "v": np.array([0.0, 2.0])}, [0, 0, 0, 0, 1.0, 0])[1][1][0] == pytest.approx(
        -p, rel=1e-15
    )
    assert one.vjp({"A": matrix, "v": np.array([0.0, 2.0])}, [0, 0, 1.0, 0])[1]["v"][0] == pytest.approx(-p, rel=1e-15)


def test_many_points_at_once():
    xs = np.array([-1.0, 0.0, 2.0, 0.0, 3.0])
    ys = np.array([1.0, 5.0, 2.0, 0.0, 1.0])
    kinks = []
    one = calculation("relu(x)*y+max(x,y)", {"x": 0.0, "y": 0.0}, "left")
    _, gradient = one.gradient_block({"x": xs, "y": ys}, None, kinks)
    assert gradient["x"].tolist() == [0, 0, 2, 0, 2]
    assert gradient["y"].tolist() == [1, 1, 2, 0, 3]
    assert [(k.point, k.slope) for k in kinks] == [(1, "d/dx"), (2, "d/dx"), (2, "d/dy"), (3, "d/dx"), (3, "d/dy")]


@pytest.mark.parametrize("kink", ["lecture", "left", "right"])
@pytest.mark.parametrize(
    "text",
    [
        "max(x,y)*3+relu(x)*sin(y+1)+|y|**2",
        "min(x,y,2*x)-max(x-1,y,-3)*y",
        "hypot(x,y)*2-hypot(x,3)+|x*y|",
        "relu(x)-relu(-x)+clip(y,0,1)",
        "sum(|[x,y,x-y]|)*[1,x].T[0]",
        "where(x<=0,x,2*x)*relu(y)",
        "x*sqrt(|x|)+relu(y-1)",
        "max([x,y])+norm([x,y])",
        "log(relu(x)+y)+|x|",
    ],
)
def test_many_points_as_each_alone(text, kink, monkeypatch):
    monkeypatch.setattr("bpcli.calculus.one_sided.kinks.MAX_STEPS", 120)
    xs, ys = np.array([[x, y] for x in (-1.0, 0.0, 1.0, 2.0) for y in (0.0, 1.0, 2.0)] * 3).T
    one, kinks = calculation(text, {"x": 0.0, "y": 0.0}, kink), []
    _, block = one.gradient_block({"x": xs, "y": ys}, None, kinks)
    for i, (x, y) in enumerate(zip(xs, ys, strict=True)):
        gradient = one.gradient({"x": float(x), "y": float(y)})[1]
        np.testing.assert_allclose([block["x"][i], block["y"][i]], [gradient["x"], gradient["y"]], rtol=1e-15)
        assert sorted(k._replace(point=0) for k in kinks if k.point == i) == sorted(one.kinks)


def test_vectors_at_many_points():
    xs = np.array([[0.0, 1.0, 0.0], [0.0, 1.0, 2.0]])
    one = calculation("sum(relu(x)*[2,3])+max(x[0],x[1])", {"x": np.zeros(2)}, "left")
    assert one.gradient_block({"x": xs})[1]["x"].tolist() == [[0, 2, 0], [0, 3, 4]]


def test_too_many_entries_to_look_beside():
    x = np.zeros(1000)
    one = calculation("norm(relu(x))", {"x": x})
    one.gradient({"x": x})
    assert [k.slope for k in one.kinks] == [""]
    one.kink = "left"
    with pytest.raises(UsageError, match="a kink among so many entries"):
        one.gradient({"x": x})


def test_certified_at_an_edge():
    for text, slope in (("x*sqrt(x)+x/3", 1 / 3), ("cbrt(x)**3", 1.0), ("relu(x)-relu(-x)", 1.0), ("|x|", 0.0)):
        one = Certified(calculation(text, {"x": 0.0}))
        assert one.gradient({"x": 0.0})[1]["x"] == slope
    one = Certified(calculation("|x-0.1*3|", {"x": 0.25}))
    assert one.gradient({"x": 0.25})[1]["x"] == -1
    one = Certified(calculation("|x*sqrt(2)**2-2|", {"x": 1.0}))
    assert math.isnan(one.gradient({"x": 1.0})[1]["x"])  # of which balls know that it is between −2 and 2
    assert [(kink.left, kink.right, math.isnan(kink.used)) for kink in one.kinks] == [(-2, 2, True)]


PIECES = st.recursive(
    st.sampled_from(["x", "(x-1)", "2*x", "0.5", "1"]),
    lambda inner: st.one_of(
        st.builds("relu({})".format, inner),
        st.builds("|{}|".format, inner),
        st.builds("max({},{})".format, inner, inner),
        st.builds("min({},{})".format, inner, inner),
        st.builds("({}+{})".format, inner, inner),
        st.builds("({}*{})".format, inner, inner),
        st.builds("({}-{})".format, inner, inner),
        st.builds("sin({})".format, inner),
        st.builds("tanh({})".format, inner),
        st.builds("atan({})".format, inner),
        st.builds("exp(-({})**2)".format, inner),
        st.builds("where({}<{},{},{})".format, inner, inner, inner, inner),
    ),
    max_leaves=6,
)


def one_sided(text, x, direction):
    """(f(x + h) − f(x))/h by mpmath, or None where f jumps."""
    names = {
        "relu": lambda v: max(v, mp.mpf(0)),
        "max": max,
        "min": min,
        "sin": mp.sin,
        "tanh": mp.tanh,
        "atan": mp.atan,
        "exp": mp.exp,
        "abs": abs,
        "where": lambda c, a, b: a if c else b,
    }
    parts = text.split("|")
    assert len(parts) % 2  # |…| does not nest here: each opens and closes in turn
    code = text
    while "|" in code:
        code = code.replace("|", "abs(", 1).replace("|", ")", 1)
    h = direction * mp.mpf(10) ** -25
    near, at = (eval(code, {**names, "x": mp.mpf(v)}) for v in (x + h, x))
    return (near - at) / h if abs(near - at) < 1e-15 else None


@pytest.mark.slow
@given(
    PIECES.filter(lambda text: "x" in text and "||" not in text and text.count("|") <= 2),
    st.sampled_from([0.0, 1.0, 0.5, 2.0]),
)
@settings(max_examples=60)
def test_one_sided_slopes_beside_difference_quotients(text, x):
    for kink, direction in (("left", -1), ("right", 1)):
        quotient = one_sided(text, mp.mpf(x), direction)
        one = calculation(text, {"x": x}, kink)
        got = one.gradient({"x": x})[1]["x"]
        if any(not found.known for found in one.kinks):
            assert "<" in text  # which of two equal functions is less shows in no term
            assert math.isnan(got)
            continue
        assert quotient is None or abs(got - quotient) <= 1e-12 * (1 + abs(quotient))
        block = calculation(text, {"x": x}, kink).gradient_block({"x": np.array([x, x])})[1]["x"]
        np.testing.assert_allclose(block, got, rtol=1e-12)


@pytest.mark.parametrize("command", ["grad", "hessian"])
def test_a_slope_that_rests_on_an_open_comparison_is_not_known(bpcli, command):
    found = bpcli(command, "atanh((max(u)-logsumexp(u))*x*x)", "--at", "u=[0.5,0.5,0.1], x=2e-10")
    assert (found.code, "d/du[2] is not known" in found.err) == (4, True)


@pytest.mark.parametrize("certified", [False, True])
@pytest.mark.parametrize(
    ("text", "slope"),
    [
        ("min(floor(x),x)", 0.0),
        ("max(ceil(x),x)*2", 0.0),
        ("max(floor(x),x)", 1.0),
        ("where(x>=3,x+1,min(x,3))", 1.0),
        ("clip(1,floor(x),x)+clip(5/2,floor(x),x)+clip(7,floor(x),x)", 1.0),
        ("relu(x-3)-relu(3-x)/2", 1.0),
        ("relu(3-x)/2-relu(x-3)", -1.0),
        ("2*relu(3-x)+3*relu(x-3)", 1.0),
        ("(x==3)*x", 1.0),
    ],
)
def test_the_slope_used_lies_between_those_of_both_sides(text, slope, certified):
    """But where the value belongs to neither, as in the last case; the sides are slopes beside the point."""
    made = Calculation([parse(text)], [text], {"x": ()}, ["x"])
    found = (Certified(made) if certified else made).gradient({"x": 3.0})[1]["x"]
    near = [made.gradient({"x": x})[1]["x"] for x in (3 - 1e-9, 3 + 1e-9)]
    assert float(found) == slope
    assert min(near) <= slope <= max(near) or "==" in text


@pytest.mark.parametrize("certified", [False, True])
@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("where(x==0,0,sqrt(x))", mp.sqrt),
        ("where(x==0,0,x*log(x))", lambda x: x * mp.log(x)),
        ("where(x==0,0,x**0.9)", lambda x: x ** mp.mpf("0.9")),
        ("where(x==0,0,acos(1-x))", lambda x: mp.acos(1 - x)),
        ("where(x==0,1,exp(-sqrt(x)))", lambda x: mp.exp(-mp.sqrt(x))),
        ("where(x==0,1,x**x)", lambda x: x**x),
        ("where(x==0,0,-1/log(x))", lambda x: -1 / mp.log(x)),
        ("where(x==0,1/6,(x**(1/3)-sin(x**(1/3)))/x)", lambda x: (mp.cbrt(x) - mp.sin(mp.cbrt(x))) / x),
        ("cbrt(x)", lambda x: mp.sign(x) * mp.cbrt(abs(x))),
        ("where(x==0,0,2*cbrt(x))", lambda x: 2 * mp.sign(x) * mp.cbrt(abs(x))),
        ("asin(1-x)", lambda x: mp.asin(1 - x)),
        ("sqrt(relu(x))*2", lambda x: 2 * mp.sqrt(max(x, 0))),
    ],
)
def test_where_the_slope_becomes_infinite_so_does_the_second_derivative(text, formula, certified):
    """With the sign that a second difference quotient has near the point; NaN where those of both sides differ."""
    made = Calculation([parse(text)], [text], {"x": ()}, ["x"])
    _, gradient, ((second,),) = (Certified(made) if certified else made).hessian({"x": 0.0})
    assert abs(float(gradient["x"])) == math.inf
    with mp.workdps(60):
        near = [
            formula(h * s) - 2 * formula(h) + formula(h * (2 - s)) for h in (mp.mpf("1e-20"),) for s in (mp.mpf("0.5"),)
        ]
        left = formula(mp.mpf("-0.5e-20")) - 2 * formula(mp.mpf("-1e-20")) + formula(mp.mpf("-1.5e-20"))
    signs = {float(mp.sign(x)) for x in (*near, left) if not isinstance(x, mp.mpc) and x}
    assert float(second) == signs.pop() * math.inf if len(signs) == 1 else math.isnan(float(second))
