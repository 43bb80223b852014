"""Composites that users write by hand, beside mpmath at 400 digits, also where the written form has no digits left."""

import math

import mpmath
import numpy as np
import pytest
from calculations import calculation

from bpcli.calculus.language.parser import parse
from bpcli.calculus.sweeps.calculation import Calculation

mp = mpmath.mpf


@pytest.fixture(autouse=True)
def _digits():
    with mpmath.workdps(400):
        yield


SCALAR = {
    # text: (value, slope) of x
    "1/(1+exp(-x))": (lambda x: 1 / (1 + mpmath.exp(-x)), lambda x: 1 / (2 + mpmath.exp(x) + mpmath.exp(-x))),
    "1/(exp(-x)+1)": (lambda x: 1 / (1 + mpmath.exp(-x)), lambda x: 1 / (2 + mpmath.exp(x) + mpmath.exp(-x))),
    "exp(x)/(1+exp(x))": (lambda x: 1 / (1 + mpmath.exp(-x)), lambda x: 1 / (2 + mpmath.exp(x) + mpmath.exp(-x))),
    "1/(1+exp(x))": (lambda x: 1 / (1 + mpmath.exp(x)), lambda x: -1 / (2 + mpmath.exp(x) + mpmath.exp(-x))),
    "1-sigmoid(x)": (lambda x: 1 / (1 + mpmath.exp(x)), lambda x: -1 / (2 + mpmath.exp(x) + mpmath.exp(-x))),
    "1-1/(1+exp(-x))": (lambda x: 1 / (1 + mpmath.exp(x)), lambda x: -1 / (2 + mpmath.exp(x) + mpmath.exp(-x))),
    "log(1+exp(x))": (lambda x: mpmath.log1p(mpmath.exp(x)), lambda x: 1 / (1 + mpmath.exp(-x))),
    "log1p(exp(x))": (lambda x: mpmath.log1p(mpmath.exp(x)), lambda x: 1 / (1 + mpmath.exp(-x))),
    "log(sigmoid(x))": (lambda x: -mpmath.log1p(mpmath.exp(-x)), lambda x: 1 / (1 + mpmath.exp(x))),
    "log(1-sigmoid(x))": (lambda x: -mpmath.log1p(mpmath.exp(x)), lambda x: -1 / (1 + mpmath.exp(-x))),
    "log1p(-sigmoid(x))": (lambda x: -mpmath.log1p(mpmath.exp(x)), lambda x: -1 / (1 + mpmath.exp(-x))),
    "log(1/(1+exp(-x)))": (lambda x: -mpmath.log1p(mpmath.exp(-x)), lambda x: 1 / (1 + mpmath.exp(x))),
    "bce(1,sigmoid(x))": (lambda x: mpmath.log1p(mpmath.exp(-x)), lambda x: -1 / (1 + mpmath.exp(x))),
    "bce(0,1/(1+exp(-x)))": (lambda x: mpmath.log1p(mpmath.exp(x)), lambda x: 1 / (1 + mpmath.exp(-x))),
    "-1*log(sigmoid(x))-(1-1)*log(1-sigmoid(x))": (
        lambda x: mpmath.log1p(mpmath.exp(-x)),
        lambda x: -1 / (1 + mpmath.exp(x)),
    ),
    "e^x/(1+e^x)": (lambda x: 1 / (1 + mpmath.exp(-x)), lambda x: 1 / (2 + mpmath.exp(x) + mpmath.exp(-x))),
    "1-tanh(x)**2": (lambda x: mpmath.sech(x) ** 2, lambda x: -2 * mpmath.sech(x) ** 2 * mpmath.tanh(x)),
    "(1-tanh(x))**2": (
        lambda x: (1 - mpmath.tanh(x)) ** 2,
        lambda x: -2 * (1 - mpmath.tanh(x)) * mpmath.sech(x) ** 2,
    ),
    "1+tanh(x)": (lambda x: 1 + mpmath.tanh(x), lambda x: mpmath.sech(x) ** 2),
    "mse(1,sigmoid(x))": (
        lambda x: 1 / (1 + mpmath.exp(x)) ** 2,
        lambda x: -2 * mpmath.exp(x) / (1 + mpmath.exp(x)) ** 3,
    ),
    "sqrt(x**2)": (abs, mpmath.sign),
    "sqrt(x*x)": (abs, mpmath.sign),
}
POINTS = [0.0, 1.0, -1.0, 0.3, 20.0, -20.0, 40.0, -40.0, 300.0, -300.0, 700.0, -700.0, 1e-9, -1e-200]


def ulps(got, exact):
    if not exact or abs(exact) < mp("1e-307"):
        return float(abs(mp(float(got)) - exact) / mp("5e-324"))
    return float(abs(mp(float(got)) - exact) / mp(float(np.spacing(abs(float(exact))))))


@pytest.mark.parametrize("text", SCALAR)
def test_scalar_composites_have_every_digit(text):
    one = calculation(text, x=0.5)
    blocks = one.gradient_block({"x": np.array(POINTS)})
    for i, x in enumerate(POINTS):
        exact = [f(mp(x)) for f in SCALAR[text]]
        value, gradient = one.gradient({"x": x})
        for got, true in zip((value, gradient["x"]), exact, strict=True):
            assert ulps(got, true) <= 5, x
        assert ulps(blocks[0][i], exact[0]) <= 5, x
        assert ulps(blocks[1]["x"][i], exact[1]) <= 5, x


@pytest.mark.parametrize(("a", "b"), [(0.0, 0.0), (1.0, 2.0), (800.0, 0.0), (0.0, 800.0), (-900.0, -901.5), (1e5, 1e5)])
def test_pairs_of_exponentials(a, b):
    A, B = mp(a), mp(b)
    mpmath.mp.dps = 1000
    low = 1 / (1 + mpmath.exp(B - A))
    high = 1 / (1 + mpmath.exp(A - B))
    value, gradient = calculation("log(exp(a)+exp(b))", a=a, b=b).gradient({"a": a, "b": b})
    top = max(A, B)
    assert ulps(value, top + mpmath.log1p(mpmath.exp(-abs(A - B)))) <= 4
    assert ulps(gradient["a"], low) <= 4
    assert ulps(gradient["b"], high) <= 4
    value, gradient = calculation("exp(a)/(exp(a)+exp(b))", a=a, b=b).gradient({"a": a, "b": b})
    assert ulps(value, low) <= 4
    assert ulps(gradient["a"], low * high) <= 6
    assert ulps(gradient["b"], -low * high) <= 6
    mpmath.mp.dps = 400


LOGITS = np.array([0.0, 800.0, 760.0])


def softmax():
    e = [mpmath.exp(mp(v) - 800) for v in LOGITS]
    return [v / mpmath.fsum(e) for v in e]


@pytest.mark.parametrize("text", ["exp(l)/sum(exp(l))", "softmax(l)"])
def test_a_softmax_written_out(text):
    (value,), jacobian = calculation(text, l=LOGITS).jacobian({"l": LOGITS})
    p = softmax()
    for i in range(3):
        others = mpmath.fsum(v for k, v in enumerate(p) if k != i)
        assert ulps(value[i], p[i]) <= 5
        assert ulps(jacobian["l"][i, i], p[i] * others) <= 10


@pytest.mark.parametrize("text", ["log(softmax(l)[i])", "log(softmax(l))[i]", "log(exp(l)/sum(exp(l)))[i]"])
@pytest.mark.parametrize("i", [0, 1, 2])
def test_the_logarithm_of_a_softmax(text, i):
    text = text.replace("[i]", f"[{i}]")
    value, gradient = calculation(text, l=LOGITS).gradient({"l": LOGITS})
    p = softmax()
    assert ulps(value, mpmath.log(p[i])) <= 10
    for k in range(3):
        others = mpmath.fsum(v for j, v in enumerate(p) if j != i)
        assert ulps(gradient["l"][k], others if k == i else -p[k]) <= 10


@pytest.mark.parametrize(
    "text", ["cce(y,softmax(l))", "-sum(y*log(softmax(l)))", "logsumexp(l)-sum(y*l)", "log(sum(exp(l)))-sum(y*l)"]
)
def test_cross_entropy_of_logits(text):
    y = np.array([1.0, 0.0, 0.0])
    value, gradient = calculation(text, l=LOGITS, y=y).gradient({"l": LOGITS, "y": y})
    p = softmax()
    assert ulps(value, -mpmath.log(p[0])) <= 10
    if "sum(y*l)" not in text:  # there p − y is subtracted by the user
        for k in range(3):
            others = mpmath.fsum(p[1:])
            assert ulps(gradient["l"][k], -others if k == 0 else p[k]) <= 10


@pytest.mark.parametrize("i", [0, 1, 2])
def test_an_entry_of_a_softmax_written_out(i):
    value, gradient = calculation(f"-log(exp(l[{i}])/sum(exp(l)))", l=LOGITS).gradient({"l": LOGITS})
    p = softmax()
    assert ulps(value, -mpmath.log(p[i])) <= 10
    for k in range(3):
        others = mpmath.fsum(v for j, v in enumerate(p) if j != i)
        assert ulps(gradient["l"][k], -others if k == i else p[k]) <= 10


@pytest.mark.parametrize(
    "text", ["log(sum(exp(l))+exp(a))", "log(2*exp(a)+2*sum(exp(l)))-log(2)", "log1p(sum(exp(l-a)))+a"]
)
def test_a_sum_of_vector_and_number(text):
    point = {"l": LOGITS, "a": 799.5}
    value, gradient = calculation(text, **point).gradient(point)
    e = [mpmath.exp(mp(v)) for v in [*LOGITS, 799.5]]
    assert ulps(value, mpmath.log(mpmath.fsum(e))) <= 4
    for got, part in zip([*gradient["l"], gradient["a"]], e, strict=True):
        assert ulps(got, part / mpmath.fsum(e)) <= (8 if "l-a" not in text else 1e5)  # a less the sum of shares


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("log(sum(2*exp(l)))", [2, 2, 2]),
        ("log(mean(exp(l)))", [1 / 3] * 3),
        ("log(sum([1,2,4]*exp(l)))", [1, 2, 4]),
        ("log(sum(exp(l)*y[0:1]))", [3, 3, 3]),
        ("log(sum(exp(l)/y[1]))", [0.5, 0.5, 0.5]),
        ("log(sum(exp(l)+exp(l)))", [2, 2, 2]),
    ],
)
def test_a_sum_of_weighted_entries(text, weights):
    point = {"l": LOGITS, "y": np.array([3.0, 2.0])}
    one = Calculation([parse(text)], [text], {"l": (3,), "y": (2,)}, ["l"])
    value, gradient = one.gradient(point)
    e = [mp(w) * mpmath.exp(mp(v)) for w, v in zip(weights, LOGITS, strict=True)]
    assert ulps(value, mpmath.log(mpmath.fsum(e))) <= 4
    for got, part in zip(gradient["l"], e, strict=True):
        assert ulps(got, part / mpmath.fsum(e)) <= 8


def test_a_long_vector_and_a_matrix():
    A = np.array([[1000.0, 1001.0], [2.0, 3.0]])
    value, gradient = calculation("log(sum(2*exp(A))+1)", A=A).gradient({"A": A})
    e = [mpmath.exp(mp(v)) for v in A.ravel()]
    assert ulps(value, mpmath.log(2 * mpmath.fsum(e) + 1)) <= 4
    np.testing.assert_allclose(gradient["A"].ravel(), [float(v / mpmath.fsum(e)) for v in e], rtol=1e-12)
    x = np.linspace(900, 1000, 40)
    value, gradient = calculation("log(sum(exp(x))+1)", x=x).gradient({"x": x})
    e = [mpmath.exp(mp(v)) for v in x]
    assert ulps(value, mpmath.log(mpmath.fsum(e) + 1)) <= 4
    np.testing.assert_allclose(gradient["x"], [float(v / mpmath.fsum(e)) for v in e], rtol=1e-12)


def test_a_cross_entropy_of_infinite_logits():
    point = {"y": np.array([0.0, 1.0]), "l": np.array([-math.inf, 3.0])}
    value, gradient = calculation("cce(y,softmax(l))", **point).gradient(point)
    assert value == 0
    assert gradient["l"].tolist() == [0, 0]


def test_lengths_neither_overflow_nor_vanish():
    for size in (1e-200, 1.0, 1e200):
        x, y = 3 * size, 4 * size
        value, gradient = calculation("sqrt(x**2+y**2)", x=x, y=y).gradient({"x": x, "y": y})
        assert value == pytest.approx(5 * size, rel=1e-15)
        assert (gradient["x"], gradient["y"]) == pytest.approx((0.6, 0.8), rel=1e-15)
        v = np.array([x, y, 12 * size])
        value, gradient = calculation("sqrt(sum(v**2))", v=v).gradient({"v": v})
        assert value == pytest.approx(13 * size, rel=1e-15)
        assert gradient["v"] == pytest.approx(v / (13 * size), rel=1e-15)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2/(1+exp(-x))", 2 / (1 + math.exp(-0.7))),
        ("1/(2+exp(-x))", 1 / (2 + math.exp(-0.7))),
        ("exp(x)/(1+exp(2x))", math.exp(0.7) / (1 + math.exp(1.4))),
        ("log(2+exp(x))", math.log(2 + math.exp(0.7))),
        ("2-sigmoid(x)", 2 - 1 / (1 + math.exp(-0.7))),
        ("sqrt(x**2+1)", math.sqrt(1.49)),
        ("sqrt(x**3)", math.sqrt(0.343)),
        ("log(sigmoid(x)+1)", math.log(1 + 1 / (1 + math.exp(-0.7)))),
    ],
)
def test_what_only_looks_alike_stays_what_it_is(text, expected):
    assert calculation(text, x=0.7).value({"x": 0.7})[0] == pytest.approx(expected, rel=1e-14)


def test_shapes_stay_what_they_are():
    A = np.array([[1.0, 2.0], [3.0, 5.0]])
    (value,) = calculation("exp(A)/sum(exp(A))", A=A).value({"A": A})
    np.testing.assert_allclose(value, np.exp(A) / np.exp(A).sum(), rtol=1e-14)
    (value,) = calculation("log(sum(exp(A), axis=0))", A=A).value({"A": A})
    np.testing.assert_allclose(value, np.log(np.exp(A).sum(axis=0)), rtol=1e-14)
    y = np.array([[1.0, 0.0], [0.0, 1.0]])
    value, gradient = calculation("cce(y,softmax(A))", y=y, A=A).gradient({"y": y, "A": A})
    p = np.exp(A) / np.exp(A).sum(axis=1, keepdims=True)
    assert value == pytest.approx(-(y * np.log(p)).sum() / 2, rel=1e-14)
    np.testing.assert_allclose(gradient["A"], (p - y) / 2, rtol=1e-13)
    x, w = np.array([1.0, 2.0]), 0.5
    value, gradient = calculation("mean(log(1+exp(w*x)))", x=x, w=w).gradient({"x": x, "w": w})
    assert value == pytest.approx(np.log1p(np.exp(w * x)).mean(), rel=1e-14)


def test_second_derivatives_of_recognised_forms():
    for text in ("log(1+exp(x))", "bce(1,sigmoid(x))", "log(exp(x)+exp(0*x))"):
        for x in (0.0, 1.5, -3.0):
            *_, hessian = calculation(text, x=x).hessian({"x": x})
            exact = 1 / (2 + mpmath.exp(x) + mpmath.exp(-x))
            assert ulps(hessian[0][0], exact) <= 8, (text, x)


def test_the_message_shows_what_the_user_wrote():
    one = calculation("1+log(1+exp(log(x)))", x=0.0)
    assert one.value({"x": 0.0})[0] == 1.0
    assert calculation("2*log(1+exp(x))", x=math.inf).diagnostics.culprit({"x": math.inf}) == "x"
