"""A call of another library is offered with all its arguments, and means here what that library computes."""

import re

import numpy as np
import pytest

from bpcli.calculus.language.foreign_calls import advice_on_call, call_here
from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.readings import reading_at, reading_of
from bpcli.calculus.language.tree import Name, names_in, postorder
from bpcli.calculus.rules.functions import CONSTANTS
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.errors import ExpressionError

POINT = {
    "x": np.array([[0.3, -1.7, 2.5], [-0.2, 0.9, 4.0]]),
    "y": np.array([[1.3, 0.7, -0.5], [2.2, 1.9, -1.0]]),
    "w": np.array([0.5, -2.0]),
    "A": np.array([[1.0, 2.0], [3.0, 5.0]]),
    "s": 1.7,
    "p": 3.0,
    "α": 0.3,
    "β": 1.9,
}
X, Y, W, A, S = (POINT[name] for name in "xywAs")


def hints_of(typed):
    """What is offered: of an error of the text, or of the note on a name that has no value."""
    try:
        tree = parse(typed)
    except ExpressionError as error:
        hint = error.hint
    else:
        spans = {node.name: node.span for node in postorder(tree) if isinstance(node, Name)}
        known = [name for name in POINT if len(name) == 1]
        hint = next(reading_at(typed, spans[n], n, known) for n in names_in(tree) if n not in POINT)
    found = re.sub(r"^(?:.*\b(?:write|did you mean)) ", "", hint).removesuffix("?")
    return found.split(" or ")


def value(text):
    tree = parse(text)
    given = {name: POINT[name] for name in names_in(tree) if name in POINT}
    (found,) = Calculation([tree], [text], {n: np.shape(v) for n, v in given.items()}, []).value(given)
    return found


def logsumexp(x, axis):
    return np.log(np.exp(x).sum(axis))


def leaky(x, slope):
    return np.where(x > 0, x, slope * x)


def real_root(x, n):
    return np.sign(x) * abs(x) ** (1 / n)


MEANT = [
    ("exp -x", np.exp(-X)),
    ("exp -x^2", np.exp(-(X**2))),
    ("sin -x²", np.sin(-(X**2))),
    ("tanh -2x", np.tanh(-2 * X)),
    ("cos -(x+1)", np.cos(-(X + 1))),
    ("exp -|x|", np.exp(-abs(X))),
    ("sin cos x", np.sin(np.cos(X))),
    ("sin -cos(x)", np.sin(-np.cos(X))),
    ("exp ln s", S),
    ("relu.(x+1)", np.maximum(X + 1, 0)),
    ("exp.(-x)", np.exp(-X)),
    ("max.(x, 1)", np.maximum(X, 1)),
    ("nn.ReLU()(x)", np.maximum(X, 0)),
    ("torch.nn.Tanh()(x-1)", np.tanh(X - 1)),
    ("nn.LeakyReLU(0.1)(x)", leaky(X, 0.1)),
    ("nn.LeakyReLU(negative_slope=0.3)(x)", leaky(X, 0.3)),
    ("nn.Softmax(dim=0)(x)", np.exp(X) / np.exp(X).sum(0)),
    ("nn.Hardtanh(-2, 0.5)(x)", np.clip(X, -2, 0.5)),
    ("max_i w", W.max()),
    ("min_j(w)", W.min()),
    ("mean_i(w**2)", (W**2).mean()),
    ("prod_i w", W.prod()),
    ("sum_i w", W.sum()),
    ("ln -s", np.nan),
    ("np.sum(x,0)", X.sum(0)),
    ("np.mean(x, 1)", X.mean(1)),
    ("torch.mean(x, -1)", X.mean(-1)),
    ("torch.prod(x, dim=1)", X.prod(1)),
    ("x.sum(0)", X.sum(0)),
    ("x.max(1)", X.max(1)),
    ("x.mean(axis=0)", X.mean(0)),
    ("np.max(x, 1)", X.max(1)),
    ("np.amin(x, axis=0)", X.min(0)),
    ("torch.max(x, 0)", X.max(0)),
    ("tf.reduce_sum(x, 1)", X.sum(1)),
    ("tf.reduce_max(x, axis=1)", X.max(1)),
    ("torch.logsumexp(x, 1)", logsumexp(X, 1)),
    ("(x-y).sum()", (X - Y).sum()),
    ("(x*y).mean(axis=0)", (X * Y).mean(0)),
    ("(x+1).pow(2)", (X + 1) ** 2),
    ("[1,x[0,0]].max()", 1),
    ("Math.max(x, 1)", np.maximum(X, 1)),
    ("np.maximum(x, 1)", np.maximum(X, 1)),
    ("sum(x, 0)", X.sum(0)),
    ("sum(x, axis=0)", None),
    ("math.log(2, s)", np.log(2) / np.log(S)),
    ("math.log(s, 2)", np.log2(S)),
    ("np.log(s, 3)", np.log(S) / np.log(3)),
    ("log(s, base=2)", np.log2(S)),
    ("LOG(s, 2)", np.log2(S)),
    ("norm(x, inf)", abs(X).max()),
    ("norm(x, -inf)", abs(X).min()),
    ("norm(x, 3)", (abs(X) ** 3).sum() ** (1 / 3)),
    ("np.linalg.norm(x, np.inf)", abs(X).max()),
    ("np.linalg.norm(w, ord=1)", abs(W).sum()),
    ("torch.norm(x, p=1)", abs(X).sum()),
    ("torch.norm(x, p=1, dim=0)", abs(X).sum(0)),
    ("np.linalg.norm(x, 1, axis=1)", abs(X).sum(1)),
    ("np.linalg.norm(x, axis=1)", np.linalg.norm(X, axis=1)),
    ("norm(w, ord=1)", abs(W).sum()),
    ("rsqrt(s)", 1 / np.sqrt(S)),
    ("tf.math.rsqrt(s)", 1 / np.sqrt(S)),
    ("tf.nn.leaky_relu(x)", leaky(X, 0.2)),
    ("tf.nn.leaky_relu(x, alpha=0.3)", leaky(X, 0.3)),
    ("F.leaky_relu(x)", leaky(X, 0.01)),
    ("F.leaky_relu(x, negative_slope=0.1)", leaky(X, 0.1)),
    ("F.leaky_relu(x, 0.1)", leaky(X, 0.1)),
    ("leaky_relu(x, negative_slope=0.1)", leaky(X, 0.1)),
    ("F.elu(x, alpha=2)", np.where(X > 0, X, 2 * np.expm1(X))),
    ("F.celu(x, 2)", np.where(X > 0, X, 2 * np.expm1(X / 2))),
    ("F.softplus(x, beta=2)", np.log1p(np.exp(2 * X)) / 2),
    ("F.softplus(x, 2)", np.log1p(np.exp(2 * X)) / 2),
    ("F.hardtanh(x, -2, 2)", X.clip(-2, 2)),
    ("F.hardtanh(x, min_val=-2, max_val=0.5)", X.clip(-2, 0.5)),
    ("F.softshrink(x, 0.3)", np.sign(X) * np.maximum(abs(X) - 0.3, 0)),
    ("F.threshold(x, 0.1, 20)", np.where(X > 0.1, X, 20)),
    ("np.clip(x, a_min=0, a_max=1)", X.clip(0, 1)),
    ("torch.clamp(x, 0)", X.clip(0)),
    ("torch.clamp(x, max=1)", np.minimum(X, 1)),
    ("np.heaviside(x-0.3, 0)", np.heaviside(X - 0.3, 0)),
    ("np.heaviside(x-0.3, 1)", np.heaviside(X - 0.3, 1)),
    ("heaviside(x-0.3, 0.5)", np.heaviside(X - 0.3, 0.5)),
    ("nthroot(x, 3)", np.cbrt(X)),
    ("nthroot(x, 5)", real_root(X, 5)),
    ("nthroot(s, 4)", S**0.25),
    ("nthroot(x, 7)", real_root(X, 7)),
    ("surd(x, p)", np.cbrt(X)),
    ("math.remainder(s, 1)", S - 2),
    ("np.remainder(x, 0.7)", np.remainder(X, 0.7)),
    ("FLOOR(s, 0.5)", 1.5),
    ("Piecewise((x, x>0), (0, True))", np.maximum(X, 0)),
    ("Piecewise((x, x>1), (x**2, x>0), (0, True))", np.where(X > 1, X, np.where(X > 0, X**2, 0))),
    ("piecewise(x>1, x, x>0, x**2, 0)", np.where(X > 1, X, np.where(X > 0, X**2, 0))),
    ("np.exp(np.sin(x))", np.exp(np.sin(X))),
    ("np.exp(-np.abs(x))", np.exp(-abs(X))),
    ("scipy.stats.norm.cdf(0*s)", 0.5),
    ("Σ(x-y)^2", ((X - Y) ** 2).sum()),
    ("∑(x-y)²", ((X - Y) ** 2).sum()),
    ("∑ x y", (X * Y).sum()),
    ("Σ x*y^2", (X * Y**2).sum()),
    ("Σx²", (X**2).sum()),
    ("∑x²", (X**2).sum()),
    ("∑x*y", (X * Y).sum()),
    ("Π(x)", X.prod()),
    ("Πx", X.prod()),
    ("1/p Σ (x-y)^2", ((X - Y) ** 2).sum() / 3),
    ("-Σ x y", (X * Y).sum()),
    ("∛(x+1)", np.cbrt(X + 1)),
    ("³√x", np.cbrt(X)),
    ("∜s", S**0.25),
    ("A'*A", A.T @ A),
    ("A'*w", A.T @ W),
    ("‖x‖∞", abs(X).max()),
    ("‖x‖_∞", abs(X).max()),
    ("‖w‖_{1}", abs(W).sum()),
    ("‖x‖²", (X**2).sum()),
    ("‖w‖_p", (abs(W) ** 3).sum() ** (1 / 3)),
    ("‖w‖_3^2", (abs(W) ** 3).sum() ** (2 / 3)),
    ("|w|_1", abs(W).sum()),
    ("2*|w|₁", abs(W).sum()),
    ("|w|_2^2", (W**2).sum()),
    ("|w|_∞", 2.0),
    ("x₊", np.maximum(X, 0)),
    ("(1-x)₊", np.maximum(1 - X, 0)),
    ("(x)_+", np.maximum(X, 0)),
    ("(1-x)_+^2", np.maximum(1 - X, 0) ** 2),
    ("max(0,1-x)_+", np.maximum(1 - X, 0)),
    ("[x]_+", np.maximum(X, 0)),
    ("x_+", np.maximum(X, 0)),
    ("(x)_-", np.maximum(-X, 0)),
    ("A^TA", A.T @ A),
    ("A^Tw", A.T @ W),
    ("A^TAw", A.T @ A @ W),
    ("Aᵀw", A.T @ W),
    ("πs", np.pi * S),
    ("αx", 0.3 * X),
    ("αβ", 0.3 * 1.9),
    ("αβx", 0.3 * 1.9 * X),
    ("ex", np.e * X),
    ("xsinx", X * np.sin(X)),
    ("xlnx", X * np.log(X + 0j).real + 0 * np.log(np.where(X > 0, 1, np.nan))),
    ("sinxcosx", np.sin(X) * np.cos(X)),
    ("αsinx", 0.3 * np.sin(X)),
    ("xexpx", X * np.exp(X)),
    ("pix", np.pi * X),
    ("sinx²", np.sin(X) ** 2),
    ("tanx^2", np.tan(X) ** 2),
    ("xsinx**3", X * np.sin(X) ** 3),
]


@pytest.mark.parametrize(("typed", "meant"), MEANT, ids=[typed for typed, _ in MEANT])
def test_a_hint_means_what_was_typed(typed, meant):
    if meant is None:
        assert parse(typed)
        return
    assert np.allclose(value(hints_of(typed)[0]), meant, rtol=1e-12, equal_nan=True)


@pytest.mark.parametrize("typed", [typed for typed, meant in MEANT if meant is not None])
def test_every_reading_that_is_offered_can_be_read_here(typed):
    offered = [parse(text) for text in hints_of(typed)]
    assert offered
    names = {name for tree in offered for name in names_in(tree)}
    assert names <= POINT.keys() | CONSTANTS.keys()  # and no name is made up


@pytest.mark.parametrize(
    ("typed", "unknown"),
    [
        ("np.sum(x, axis=1, keepdims=True)", "keepdims="),
        ("np.mean(x, where=y)", "where="),
        ("F.softplus(x, gamma=2)", "gamma="),
        ("np.sum(x, (0,1))", "2 arguments"),
        ("np.mean(x, y)", "2 arguments"),
        ("round(x, 2)", "2 arguments"),
        ("np.var(x, axis=0)", "2 arguments"),
        ("x.T()", "side by side"),
        ("2x(", "never closed"),
        ("sine(x", "never closed"),
        ("np.piecewise(x, [x>0], [1])", "3 arguments"),
        ("np.select([x>0], [x], 0)", "3 arguments"),
        ("Piecewise((x, x>0))", "1 argument"),
        ("‖A‖_*", "this order"),
    ],
)
def test_what_is_not_understood_is_said_and_nothing_offered(typed, unknown):
    with pytest.raises(ExpressionError) as caught:
        parse(typed)
    text = f"{caught.value.message} {caught.value.hint}"
    assert unknown in text or unknown.replace("s", "") in text
    assert "write" not in text
    assert "did you mean" not in text


@pytest.mark.parametrize(
    ("typed", "readings"),
    [
        ("sinx²", ["sin(x)^2", "sin(x^2)"]),
        ("lnx^2", ["log(x)^2", "log(x^2)"]),
        ("xsinx**3", ["x*sin(x)**3", "x*sin(x**3)"]),
        ("E(x-x)²", ["mean((x-x)²)", "mean(x-x)²"]),
    ],
)
def test_a_power_behind_has_both_readings(typed, readings):
    assert hints_of(typed) == readings


@pytest.mark.parametrize("name", ["rsoftplus", "crelu", "qsqrt", "pmean", "dtanh"])
def test_a_letter_before_a_function_makes_another_function(name):
    with pytest.raises(ExpressionError) as caught:
        parse(f"{name}(x)")
    assert "*" not in caught.value.hint


@pytest.mark.parametrize("name", ["Δx", "δx", "σ2", "λ_max", "thetas", "costa", "basin", "tax", "ΔE", "Größe", "pivot"])
def test_a_name_that_is_no_product(name):
    assert "*" not in reading_of(name)


def hint(typed):
    with pytest.raises(ExpressionError) as caught:
        parse(typed)
    return caught.value.hint


def test_a_bare_call_has_both_readings():
    assert hints_of("log(2,s)") == ["log2(s)", "log(2)/log(s)"]
    assert hints_of("sum(x,1)") == ["sum(x, axis=1)", "sum([x, 1])"]
    assert hints_of("exp -x/2") == ["exp(-x)/2", "exp(-x/2)"]


def test_arguments_that_are_missing_are_not_made_up():
    assert call_here("norm", ["x", ""]) == ""
    assert advice_on_call("ln", [""]) == "ln(x) is log(x)"
