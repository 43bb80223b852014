"""Gradients beside a complex step, what meets zeros and infinities on unused paths, and the ways to a Jacobian."""

import math
import subprocess
import sys

import mpmath
import numpy as np
import pytest
from calculations import built, calculation
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import array_trees, scalar_trees, trees

from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.render import to_text
from bpcli.calculus.language.tree import Binary, Call, Name, Negative, Number, children, names_in, postorder
from bpcli.calculus.rules.functions import CONSTANTS
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.errors import ExpressionError, UsageError

INF, NAN = math.inf, math.nan
RNG = np.random.default_rng(11)


# Beside a complex step at 60 digits


OPERATIONS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
}


def complex_values(tree, point):
    """The value of every node, evaluated by mpmath: a witness that shares nothing but the tree."""
    found = {}
    for node in postorder(tree):
        args = [found[id(child)] for child in children(node)]
        match node:
            case Number():
                found[id(node)] = mpmath.mpf(node.value)
            case Name():
                found[id(node)] = point[node.name]
            case Negative():
                found[id(node)] = -args[0]
            case Binary():
                if node.op == "**" and mpmath.re(args[0]) <= 0 and not isinstance(node.right, Number):
                    raise ValueError("a power of a negative number has no slope by its exponent")
                found[id(node)] = OPERATIONS[node.op](*args)
            case Call():
                found[id(node)] = (OPERATIONS.get(node.function) or getattr(mpmath, node.function))(*args)
    return list(found.values())


@settings(max_examples=150)
@given(scalar_trees(), st.floats(0.1, 2), st.floats(0.1, 2))
def test_gradients_beside_a_complex_step(tree, x, y):
    with mpmath.workdps(60):
        h = mpmath.mpf(10) ** -30
        try:
            nodes = complex_values(tree, {"x": mpmath.mpf(x), "y": mpmath.mpf(y)})
            # Where nothing on the way is huge, tiny or off the real line, rounding can't hide a wrong slope.
            assume(all(mpmath.im(v) == 0 and 1e-3 < abs(v) < 1e3 for v in nodes))
            true = {
                "x": complex_values(tree, {"x": mpmath.mpc(x, h), "y": mpmath.mpf(y)})[-1],
                "y": complex_values(tree, {"x": mpmath.mpf(x), "y": mpmath.mpc(y, h)})[-1],
            }
        except (ZeroDivisionError, ValueError, OverflowError):
            assume(False)
        slopes = {name: float(mpmath.im(v) / h) for name, v in true.items()}
    assume(all(abs(s) < 1e6 for s in slopes.values()))
    point = {"x": x, "y": y}
    one = Calculation([tree], [to_text(tree)], {"x": (), "y": ()}, ["x", "y"])
    value, gradient = one.gradient(point)
    assert value == pytest.approx(float(mpmath.re(nodes[-1])), rel=1e-9, abs=1e-9)
    assert gradient == pytest.approx(slopes, rel=1e-7, abs=1e-7)


# Any tree

SHAPES = {"s": (), "t": (), "x": (3,), "u": (1,), "A": (2, 3), "B": (3, 2), "C": (1, 3), "D": (3, 1)}


@settings(max_examples=60)
@given(st.data())
@pytest.mark.slow
def test_any_tree_has_a_value_or_an_error_with_a_place(data):
    tree = data.draw(trees(8))
    names = [name for name in names_in(tree) if name not in CONSTANTS]
    shapes = {name: data.draw(st.sampled_from([(), (), (3,), (2, 3)])) for name in names}
    one = built(tree, shapes, names)
    assume(one is not None and one.outputs < 100)
    point = {name: np.full(shape, 0.5) if shape else 0.5 for name, shape in shapes.items()}
    (value,), blocks = one.jacobian(point)
    assert np.shape(value) == one.output_shapes[0]
    assert {name: np.shape(block) for name, block in blocks.items()} == {
        name: (one.outputs, math.prod(shape)) for name, shape in shapes.items()
    }
    if not one.output_shapes[0]:
        one.hessian(point)
    one.diagnostics.culprit(point), one.diagnostics.slope_culprit(point)


def flat(parts):
    return np.concatenate([np.ravel(part) for part in parts])


@pytest.mark.slow
@settings(max_examples=60)
@given(array_trees(SHAPES), st.integers(0, 2**32))
def test_every_way_gives_the_same_derivatives(tree, seed):
    names = names_in(tree)
    shapes = {name: SHAPES[name] for name in names}
    one = built(tree, shapes, names)
    assume(one is not None and one.inputs > 0 and one.outputs < 40)
    rng = np.random.default_rng(seed)
    columns = {name: rng.uniform(0.3, 1.5, (*shape, 3)) for name, shape in shapes.items()}
    point = {name: c[..., 1] if shapes[name] else float(c[1]) for name, c in columns.items()}
    with np.errstate(all="ignore"):
        (value,), blocks = one.jacobian(point)
    matrix = np.concatenate([np.asarray(block) for block in blocks.values()], axis=1)
    assume(np.isfinite(value).all() and np.isfinite(matrix).all() and np.abs(matrix).max() < 1e6)
    close = {"rtol": 1e-9, "atol": 1e-9 * max(1.0, np.abs(matrix).max())}
    np.testing.assert_allclose([flat(one.vjp(point, v)[1].values()) for v in np.eye(one.outputs)], matrix, **close)
    np.testing.assert_allclose(np.transpose([flat(one.jvp(point, v)[1]) for v in np.eye(one.inputs)]), matrix, **close)
    np.testing.assert_allclose(one.value_block(columns)[0][..., 1], value, rtol=1e-12, atol=1e-12)
    # One number of it, twice differentiated, beside the slopes of its gradient along a line.
    text = f"sum(({to_text(tree)})**2)"
    total = calculation(text, point)
    of_total, gradient, hessian = total.hessian(point)
    assume(all(kink.known for kink in total.kinks))  # of clip(s,x,x), which is x, series do not decide
    assert of_total == pytest.approx(np.sum(np.square(value)))
    np.testing.assert_allclose(flat(gradient.values()), 2 * np.ravel(value) @ matrix, rtol=1e-9, atol=1e-9)
    in_bulk = flat(g[..., 1] for g in total.gradient_block(columns)[1].values())
    np.testing.assert_allclose(in_bulk, flat(gradient.values()), rtol=1e-9, atol=1e-9)
    assert np.array_equal(hessian, np.transpose(hessian), equal_nan=True)
    direction = rng.normal(size=one.inputs)

    def slope(h):
        moved, start = {}, 0
        for name, v in point.items():
            step = direction[start : start + np.size(v)].reshape(np.shape(v))
            moved[name], start = v + h * step if np.ndim(v) else float(v + h * step), start + np.size(v)
        return flat(total.gradient(moved)[1].values())

    wide, narrow = ((slope(h) - slope(-h)) / (2 * h) for h in (1e-5, 5e-6))
    size = max(1.0, np.abs(wide).max())
    assume(np.isfinite(size) and size < 1e6 and np.allclose(wide, narrow, rtol=1e-6, atol=1e-6 * size))  # no kink near
    np.testing.assert_allclose(np.asarray(hessian) @ direction, narrow, rtol=1e-4, atol=1e-4 * size)


# Paths that are not used, and slopes that are conventions

V = np.array([3.0, 4.0])


@pytest.mark.parametrize(
    ("text", "x", "curvature"),
    [
        ("x**2", 0.0, 2),
        ("x**3", 0.0, 0),
        ("x**1", 0.0, 0),
        ("x**0", 0.0, 0),
        ("x**2.5", 0.0, 0),
        ("x**-1", 2.0, 0.25),
        ("x*x*x", 0.0, 0),
        ("relu(x)", 0.0, 0),
        ("relu(x)**2", 0.0, 2),
        ("abs(x)", 0.0, 0),
        ("where(x>0,log(x),x**2)", 0.0, 2),
        ("where(x<1,x**2,1/(x-1))", 0.5, 2),
        ("sigmoid(x)", 40.0, -4.248354255291589e-18),
        ("tanh(x)", 0.0, 0),
        ("hypot(x,0)", 0.0, 0),
        ("max(x,0)", 3.0, 0),
        ("floor(x)*x", 1.5, 0),
        ("log(x)", 1e-150, -1e300),
        ("atan(x)", 1e160, 0),
        ("exp(x)", 800.0, INF),
        ("log(x)", -1.0, NAN),
    ],
)
def test_second_derivatives_at_edges(text, x, curvature):
    ((found,),) = calculation(text, {"x": x}).hessian({"x": x})[2]
    np.testing.assert_allclose(found, curvature, rtol=1e-15)
    vector = f"sum({text.replace('max(x,0)', 'max(x,x*0)')})"
    if "where" not in text:
        matrix = calculation(vector, {"x": np.full(2, x)}).hessian({"x": np.full(2, x)})[2]
        np.testing.assert_allclose(np.diag(matrix), [curvature, curvature], rtol=1e-15)


# The ways to a Jacobian and a Hessian


def test_only_what_is_asked_for_is_differentiated():
    point = {"x": 2.0, "y": -3.0}
    one = Calculation([parse("y**x")], ["y**x"], {"x": (), "y": ()}, ["y"])
    assert one.gradient(point) == (9.0, {"y": -6.0})  # the slope by x, which is NaN, does not matter
    assert one.hessian(point) == (9.0, {"y": -6.0}, [[2.0]])
    power = Calculation([parse("x**y")], ["x**y"], {"x": (), "y": ()}, ["x"])
    assert power.gradient({"x": 0.0, "y": 0.0}) == (1.0, {"x": 0.0})


def test_a_variable_that_does_not_occur_has_slope_zero():
    point = {"x": 2.0, "z": V}
    value, gradient = calculation("x**2", point).gradient(point)
    assert (value, gradient["x"], gradient["z"].tolist()) == (4, 4, [0, 0])
    assert calculation("x**2", point).hessian(point)[2].tolist() == [[2, 0, 0], [0, 0, 0], [0, 0, 0]]


def test_a_long_sum_is_no_matter():
    text = "+".join(["x"] * 3000) + "+sin(x)"
    assert calculation(text, {"x": 0.0}).hessian({"x": 0.0}) == (0.0, {"x": 3001.0}, [[0.0]])


def test_a_deep_chain_is_no_matter():
    text = "sin(" * 90 + "x" + ")" * 90
    with mpmath.workdps(40):
        value, slope = mpmath.mpf(0.5), mpmath.mpf(1)
        for _ in range(90):
            value, slope = mpmath.sin(value), slope * mpmath.cos(value)
    found, gradient = calculation(text, {"x": 0.5}).gradient({"x": 0.5})
    assert (found, gradient["x"]) == (pytest.approx(float(value), rel=1e-14), pytest.approx(float(slope), rel=1e-13))


def test_a_gradient_is_of_one_number():
    with pytest.raises(ExpressionError, match="a gradient is of one number, and this is a vector of 2") as caught:
        calculation("x*2", {"x": V}).gradient({"x": V})
    assert "bpcli jacobian" in caught.value.hint


def test_a_matrix_beyond_memory_is_refused_with_its_size():
    x = np.zeros(1_000_000)
    one = calculation("softmax(x)", {"x": x})
    with pytest.raises(UsageError, match=r"1000000 × 1000000 entries, 8 TB") as caught:
        one.jacobian({"x": x})
    assert "vjp V gives" in caught.value.hint
    with pytest.raises(UsageError, match="8 TB"):
        calculation("sum(x**2)", {"x": x}).hessian({"x": x})
    # But products are at hand: softmax' of equal logits is (v − mean v)/K.
    v = RNG.normal(size=len(x))
    np.testing.assert_allclose(one.vjp({"x": x}, v)[1]["x"], (v - v.mean()) / len(x), atol=1e-20)
    np.testing.assert_allclose(one.jvp({"x": x}, v)[1][0], (v - v.mean()) / len(x), atol=1e-20)


def test_numbers_need_no_numpy():
    program = (
        "import sys; from bpcli.calculus.language.parser import parse;"
        "from bpcli.calculus.sweeps.calculation import Calculation;"
        "text = 'max(x,y)**2+sigmoid(x)*hypot(x,y)+mse(x,y)+clip(x,0,1)';"
        "one = Calculation([parse(text)], [text], {'x': (), 'y': ()}, ['x', 'y']);"
        "point = {'x': 0.5, 'y': 2.0};"
        "one.gradient(point); one.hessian(point); one.jacobian(point); one.jvp(point, [1.0, 2.0]);"
        "slow = {'numpy', 'dataclasses', 'inspect', 'decimal'} & set(sys.modules); assert not slow, slow"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


LIMITS = [
    # text, x, then by hand the limits of the value and of both slopes
    ("logsumexp(x)", [-INF, -INF], -INF, None),
    ("logsumexp(x)", [INF, 1], INF, [1, 0]),
    ("logsumexp(x)", [-INF, 0], 0, [0, 1]),
    ("log(exp(x[0])+exp(x[1]))", [-INF, -INF], -INF, None),
    ("log(exp(x[0])+exp(x[1]))", [INF, 1], INF, [1, 0]),
    ("log(exp(x[0])+exp(x[1])+1)", [-INF, -INF], 0, [0, 0]),
    ("log(1+exp(x[0]))+0*x[1]", [INF, 0], INF, [1, 0]),
    ("softmax(x)[1]", [-INF, 0], 1, [0, 0]),
    ("1-softmax(x)[0]", [-INF, 0], 1, [0, 0]),
    ("1-softmax(x)[0]", [INF, 0], 0, [0, 0]),
    ("log_softmax(x)[0]", [-INF, 0], -INF, [1, -1]),
    ("cce([0,1],softmax(x))", [-INF, 0], 0, [0, 0]),
    ("cce([1,0],softmax(x))", [-INF, 0], INF, [-1, 1]),
    ("bce(1,sigmoid(x[0]))+0*x[1]", [INF, 0], 0, [0, 0]),
    ("bce(0,sigmoid(x[0]))+0*x[1]", [-INF, 0], 0, [0, 0]),
    ("bce(0,sigmoid(x[0]))+0*x[1]", [INF, 0], INF, [1, 0]),
    ("bce([1,0],sigmoid(x))", [INF, -INF], 0, [0, 0]),
    ("log(sigmoid(x[0]))+0*x[1]", [-INF, 0], -INF, [1, 0]),
    ("mse(1,tanh(x[0]))+0*x[1]", [INF, 0], 0, [0, 0]),
    ("log(cosh(x[0]))+0*x[1]", [-INF, 0], INF, [-1, 0]),
    ("hinge(1,x[0])+0*x[1]", [-INF, 0], INF, [-1, 0]),
    ("huber(0,x[0])+0*x[1]", [INF, 0], INF, [1, 0]),
    ("sum(x)", [INF, 1], INF, [1, 1]),
    ("mean(x)", [-INF, 1], -INF, [0.5, 0.5]),
    ("prod(x)", [INF, 2], INF, [2, INF]),
    ("max(x)", [-INF, 1], 1, [0, 1]),
    ("min(x)", [INF, 1], 1, [0, 1]),
    ("max(x[0],x[1])", [INF, 1], INF, [1, 0]),
    ("clip(x[0],-1,1)+x[1]", [INF, 0], 1, [0, 1]),
    ("where(x[0]>0,1/x[0],x[1])", [INF, 0], 0, [0, 0]),
    ("where(x[0]>0,x[0],x[1])", [-INF, 3], 3, [0, 1]),
    ("1/x[0]+x[1]", [-INF, 0], 0, [0, 1]),
]


@pytest.mark.parametrize(("text", "x", "value", "slopes"), LIMITS)
def test_at_infinite_inputs_a_result_is_the_limit(text, x, value, slopes):
    one = Calculation([parse(text)], [text], {"x": (2,)}, ["x"])
    expected = [NAN] * 2 if slopes is None else slopes
    found, gradient = one.gradient({"x": np.array(x)})
    assert found == value
    np.testing.assert_array_equal(gradient["x"], expected)
    found, gradient = one.gradient_block({"x": np.array([[0.5, 0.2], x]).T})
    assert found[1] == value
    np.testing.assert_array_equal(gradient["x"][:, 1], expected)


LOSSES_BY_HAND = [
    "-sum(u*log(sigmoid(v))+(1-u)*log(1-sigmoid(v)))/3",
    "bce(u,sigmoid(v))",
    "hinge(u,v)",
    "sum(log(1+exp(v))-u*v)",
    "mse(u,tanh(v))",
]
BESIDE = st.floats(-1e-14, 1e-14)


@given(st.sampled_from(LOSSES_BY_HAND), st.lists(st.tuples(BESIDE, BESIDE), min_size=3, max_size=3))
def test_a_hessian_has_the_gradient_of_the_gradient(text, pairs):
    """Also where the error σ(v) − u has few digits, which second derivatives don't need."""
    point = {"u": np.array([0.5 + a for a, _ in pairs]), "v": np.array([b for _, b in pairs])}
    made = Calculation([parse(text)], [text], {"u": (3,), "v": (3,)}, ["u", "v"])
    found, expected = made.hessian(point)[1], made.gradient(point)[1]
    for name in "uv":
        assert found[name] == pytest.approx(expected[name], rel=1e-13, abs=1e-300)


@pytest.mark.parametrize("text", ["1/(x-x)", "1/(x*0)", "1/(x+x-2*x)", "1/(sin(x)-sin(x))+y", "[1,1]@[1/(x-x),x]"])
def test_no_second_derivative_where_there_is_no_first(text):
    """1/0 is no number, wherever x is; its second derivative by the rules was ±0 on wide numbers."""
    point = {"x": 1.0, **({"y": 1.0} if "y" in text else {})}
    made = calculation(text, point)
    _, gradient, matrix = made.hessian(point)
    assert math.isnan(gradient["x"])
    assert all(math.isnan(matrix[0][k]) and math.isnan(matrix[k][0]) for k in range(len(point)))
