"""What saturates, beside python-flint's balls at 3000 bits on the expression as it is written, step by step."""

import math
import re
import warnings

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import bpcli
from bpcli.calculus.language.parser import parse
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.program import Program

pytest.importorskip("flint")


class AsWritten(Program):
    """A program in which no composite is recognised."""

    def __init__(self, trees, texts, variables):
        super().__init__(trees, texts, variables, recognise=False)


OF_LOGITS = [
    "1-softmax(u)[1]",
    "(1-softmax(u))[1]",
    "softmax(u)[1]*(1-softmax(u)[1])",
    "sum((1-softmax(u))**2)",
    "softmax(u)[0]+softmax(u)[1]",
    "1-(softmax(u)[0]+softmax(u)[1])",
    "1-softmax(u)[0]-softmax(u)[1]",
    "1-max(softmax(u))",
    "1-sum(softmax(u)**2)",
    "softmax(u)[1]-softmax(u)[1]**2",
    "mse([0,1,0],softmax(u))",
    "sum((softmax(u)-[0,1,0])**2)",
    "mse([1,0],sigmoid(u)[0:2])",
    "mse([1,0],[sigmoid(u[0]),tanh(u[1])])",
    "mse([1,0,0],[exp(u[0])/sum(exp(u)),exp(u[1])/sum(exp(u)),exp(u[2])/sum(exp(u))])",
    "1-sigmoid(u[0])*sigmoid(u[1])",
    "log(sum(exp(u)))-u[0]",
    "logsumexp(u)-u[2]",
    "log(exp(u[0])+exp(u[1])+exp(u[2]))-u[1]",
    "log(sum(exp(u-max(u))))+max(u)-u[1]",
    "log(exp(u[0]-max(u))+exp(u[1]-max(u))+exp(u[2]-max(u)))+max(u)-u[2]",
    "(exp(u-max(u))/sum(exp(u-max(u))))[1]",
    "log(prod(sigmoid(u)))",
    "log(softmax(u)[0]*softmax(u)[1])",
    "bce(1,softmax(u)[0])",
    "log(1-softmax(u)[1])",
    "1-sum(softmax(u)[1:])",
    "1-dot([1,0,0],softmax(u))",
    "log(dot([0,1,1],softmax(u)))",
    "sum(exp(u)[1:])/sum(exp(u))",
    "logsumexp(u)-max(u)",
    "logsumexp([0,u[1]])-u[1]",
    "log(1-exp(-abs(u[0:2])-1))[1]",
]
OF_A_NUMBER = [
    "1-sigmoid(x)**2",
    "sigmoid(x)-sigmoid(x)**2",
    "1-(1-sigmoid(x))",
    "(exp(x)-exp(-x))/(exp(x)+exp(-x))",
    "(1-exp(-2*x))/(1+exp(-2*x))",
    "(exp(2*x)-1)/(exp(2*x)+1)",
    "sinh(x)/cosh(x)",
    "2*sigmoid(2*x)-1",
    "2/(1+exp(-2*x))-1",
    "1-2/(exp(2*x)+1)",
    "tanh(x)-tanh(x)**3",
    "log(1-tanh(x)**2)",
    "log(cosh(x))",
    "softplus(x)-x",
    "softplus(-x)+x",
    "log(sigmoid(x)**2*(1-sigmoid(x)))",
    "logit(1/(1+exp(-x)))",
    "log(sigmoid(x)/(1-sigmoid(x)))",
    "1-exp(-softplus(x))",
    "1-(1+tanh(x/2))/2",
    "1-1/(1+exp(-x))**2",
]


def derivatives(calculation, point):
    value, gradient = calculation.gradient(point)
    return [value, *np.ravel(next(iter(gradient.values()))), *np.ravel(np.asarray(calculation.hessian(point)[2]))]


def true_derivatives(text, point):
    """The doubles nearest to value, gradient and Hessian; NaN where the balls leave them open."""
    from bpcli.numbers.balls import balls
    from bpcli.numbers.enclosures import enclosure, precision

    shapes = {name: np.shape(value) for name, value in point.items()}
    with precision(3000):
        calculation = Calculation([parse(text)], [text], shapes, list(point), balls(), AsWritten)
        ends = [enclosure(x) for x in derivatives(calculation, point)]
    return [float(low) if float(low) == float(high) else math.nan for low, high in ends]


LOGIT = st.sampled_from([0.0, 1.0, -40.0, 40.0, 300.0, -360.0]) | st.floats(-360, 360).map(lambda x: round(x, 2))


def check(text, point, entries, near=1e-307):
    """The value and the gradient to 2⁻³⁰; of the Hessian, whose terms may cancel at chance points, the size.

    `near` is how far what is 0 may be off.
    """
    shapes = {name: np.shape(value) for name, value in point.items()}
    calculation = Calculation([parse(text)], [text], shapes, list(point))
    found, true = derivatives(calculation, point), true_derivatives(text, point)
    calculation.gradient(point)
    if calculation.kinks:
        return
    largest = max(map(abs, true[1 + entries :]), default=0.0)
    for k, (got, exact) in enumerate(zip(found, true, strict=True)):
        if exact == exact:
            size = abs(exact) if k <= entries else largest
            assert abs(got - exact) <= 2.0**-30 * size + near, (point, k, got, exact)


@pytest.mark.parametrize("text", OF_LOGITS)
@given(logits=st.lists(LOGIT, min_size=3, max_size=3, unique=True))
@settings(max_examples=8)
def test_composites_of_logits_keep_their_digits(text, logits):
    check(text, {"u": np.array(logits)}, 3)


EQUAL = ["[v[0],v[0],v[1]]", "[v[1],v[0],v[1]]", "[v[0],v[1],v[1]]", "[v[0],v[0],v[0]]", "[v[0],0,v[0]]", "[1,v[1],1]"]


@pytest.mark.parametrize("text", [*OF_LOGITS, "log(1-softmax(u)[0])", "1-sum(softmax(u)[0:2])"])
@given(logits=st.lists(st.floats(-4, 4).map(lambda x: round(x, 2)), min_size=2, max_size=2, unique=True))
@settings(max_examples=4)
@pytest.mark.parametrize("u", EQUAL)
def test_of_entries_that_are_equal_each_counts(text, u, logits):
    """Of [x, x, y] the others of the second are x and y: a set of terms would hold x once."""
    check(re.sub(r"\bu\b", u, text), {"v": np.array(logits)}, 2, near=1e-13)


SIGNED = [
    "log(-exp(v[1])/(exp(v[0])-exp(v[1])))",
    "log(exp(v[0])/(exp(v[1])-exp(v[0])))",
    "log(exp(v[0])/(exp(v[0])-exp(v[1])))",
    "log2(exp(v[0])/(exp(v[0])+exp(v[1])-2*exp(v[0])))",
    "log((exp(v[0])-exp(v[1]))/(exp(v[0])-exp(v[1])-1))",
    "log((exp(v[0])-exp(v[1]))*(exp(v[0])-exp(v[1])))",
    "log(v[0]*exp(v[1])/(v[0]*exp(v[1])-exp(v[0])))",
    "log(v[0]*exp(v[1])/(v[0]*exp(v[1])+v[0]*exp(2)))",
    "log((exp(v[0])/(exp(v[1])-exp(v[0])))**2)",
    "log(-(exp(v[0])/(exp(v[0])-exp(v[1]))))",
    "log(prod([exp(v[0])/(exp(v[0])-exp(v[1])),v[1]]))",
    "log((v[0]*sigmoid(v[0]))*(v[1]*sigmoid(v[1])))",
    "log((v[0]*cosh(v[1]))**2)",
    "log((v[0]/cosh(v[0]))/(v[1]*sigmoid(v[1])))",
    "log(v[0]/(v[1]*cosh(v[1])))",
    "log(prod([v[0]*sigmoid(v[0]),v[1]*sigmoid(v[1])]))",
    "log2((v[0]*softmax(v)[0])*(v[1]/softmax(v)[1]))",
    "bce(1,(v[0]*sigmoid(v[0]))*(v[1]*sigmoid(v[1]))/9)",
]


@pytest.mark.parametrize("text", SIGNED)
@given(x=st.floats(-3, 3).map(lambda x: round(x, 2)), y=st.floats(-3, 3).map(lambda x: round(x, 2)))
@settings(max_examples=30)
def test_the_logarithm_of_a_share_of_terms_with_signs(text, x, y):
    """log(a·b) is not log a + log b where both are negative."""
    assume(abs(x - y) > 0.2 and abs(x) > 0.2 and abs(y) > 0.2 and abs(math.exp(x) - math.exp(y) - 1) > 0.1)
    assume(abs(x * math.exp(y) - math.exp(x)) > 0.1)
    check(text, {"v": np.array([x, y])}, 2, near=1e-13)


@pytest.mark.parametrize("text", OF_A_NUMBER)
@given(x=LOGIT.filter(lambda x: abs(x) > 0.1))
@settings(max_examples=12)
def test_composites_of_a_number_keep_their_digits(text, x):
    check(text, {"x": x}, 1)


@pytest.mark.parametrize("below", [1.0, 40.0, 700.0, 800.0, 1500.0, 3000.0, 1e5, 1e200])
@pytest.mark.parametrize("apart", [0.0, 2.0**-60, 2.0**-50, 0.3, 0.5])
@pytest.mark.parametrize("top", [0.0, 3004.75])
def test_two_classes_of_a_half_are_the_rest_of_each_other(top, apart, below):
    """1 − p and (1 − p)² about p = 1/2, where rounding may put both classes above a half."""
    u = [top, top - apart, top - below]
    with mpmath.workdps(60):
        e = [mpmath.exp(mpmath.mpf(x) - mpmath.mpf(top)) for x in u]
        p, q = e[0] / sum(e), (e[1] + e[2]) / sum(e)
        slopes = [-2 * q * p * q, 2 * q * p * e[1] / sum(e), 2 * q * p * e[2] / sum(e)]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert bpcli.value("1-softmax(u)[0]")(u=u) == pytest.approx(float(q), rel=1e-14)
            assert bpcli.grad("(1-softmax(u)[0])**2")(u=u) == pytest.approx(list(map(float, slopes)), rel=1e-13, abs=0)
