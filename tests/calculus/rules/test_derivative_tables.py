"""Expressions beside SymPy (numbers) and autograd (vectors and matrices): value, gradient, Jacobian, Hessian."""

import mpmath
import numpy as np
import pytest
import sympy
from calculations import calculation

RNG = np.random.default_rng(7)


# Numbers, beside SymPy: x, y between 0.3 and 0.9

SCALARS = [
    "x",
    "3",
    "x+y",
    "x-y-1",
    "x*y",
    "x/y",
    "-x**2",
    "x**2+y**2",
    "x**3-3*x*y**2",
    "(x+y)**2",
    "(x-y)**5",
    "(1-x)**2+100*(y-x**2)**2",
    "x**4*y**3-2*x*y",
    "x**-1",
    "x**-2*y**-3",
    "x**0.5",
    "x**1.5*y**2.5",
    "x**0*y",
    "x**y",
    "(x+y)**(x-y)",
    "2**x",
    "2**(x*y)",
    "y**-x",
    "(x**2+1)**(1/3)",
    "1/(x+y)",
    "1/(1+x**2)",
    "x/(1+y**2)",
    "(x-y)/(x+y)",
    "(x*y+1)/(x**2+y**2+1)",
    "1/(1+1/(1+1/(1+x*y)))",
    "sqrt(x)",
    "sqrt(x*y)",
    "sqrt(x**2+y**2)",
    "sqrt(1+sqrt(1+sqrt(1+x)))*y",
    "cbrt(x*y)",
    "exp(x)",
    "exp(-x**2/2)",
    "exp(x*y)-exp(x+y)",
    "exp(exp(x)/4)*y",
    "x*exp(-y)",
    "exp(-(x-y)**2)",
    "exp2(x-y)",
    "expm1(x*y)",
    "log(x)",
    "log(x*y)",
    "log(x)/log(y)",
    "log(1+x**2+y**2)",
    "log2(x+2*y)",
    "log10(x/y)",
    "log1p(x*y)",
    "x*log(x)+y*log(y)",
    "x*log(x/y)",
    "log(log(3+x*y))",
    "sin(x)",
    "sin(x)*cos(y)",
    "sin(x*y)**2",
    "cos(x/y)",
    "cos(sin(cos(x+y)))",
    "tan(x-y)",
    "tan(x)*tan(y)",
    "sin(1/x)",
    "x*sin(1/y)",
    "asin(x*y)",
    "acos(x-y)",
    "atan(x/y)",
    "atan(x*y)**2",
    "atan2(y,x)",
    "atan2(x-1,y+2)",
    "sinh(x+y)",
    "cosh(x)*sinh(y)",
    "tanh(x-2*y)",
    "tanh(3*x*y)**2",
    "asinh(x/y)",
    "acosh(1+x+y)",
    "atanh(x*y)",
    "erf(x)",
    "erf(x-y)*x",
    "hypot(x,y)",
    "hypot(x-1,2*y)**3",
    "sigmoid(x)",
    "sigmoid(2*x-3*y)",
    "sigmoid(x)*(1-sigmoid(y))",
    "sigmoid(sigmoid(x)+y)",
    "logit(x)",
    "logit(x*y)",
    "softplus(x-y)",
    "softplus(5*x)*y",
    "abs(x-1)*y",
    "abs(x-y)",
    "sign(x-1)*y**2",
    "relu(x-1)+relu(y)",
    "relu(x)*relu(y)",
    "max(x,2*y+1)",
    "min(x*y,3)",
    "max(x,y,x*y)",
    "min(x-1,y-1,-2)",
    "where(x<2,x**2,y)",
    "where(x>2,log(-x),sin(y))",
    "where(x*y>=0,x*y,x)",
    "clip(x*y,-1,1)",
    "clip(x,1,2)*y",
    "(x<1)*y",
    "(x>=1)*x+(x!=y)*y",
    "floor(x+2)*y",
    "ceil(x)*y+x",
    "mse(x,y)",
    "bce(1,x*y)",
    "bce(0,x*y)",
    "bce(x,y)",
    "cce(x,y)",
    "dot(x,y)*x",
    "sum(x)+mean(y)*prod(x)",
    "norm(x-1)*y",
    "logsumexp(x*y)",
    "pi*x**2*y/3",
    "e**x+e**y",
    "(x+2*y)*(3*x-y)/(x*y)",
    "x**2*y-sin(x*y)/exp(x)+log(y)",
    "sigmoid(3*tanh(2*x-y)+1)**2",
    "-log(sigmoid(x*y+1))",
    "(sin(x)+cos(y))**3/(1+exp(-x))",
    "x**x",
    "x**x**y",
    "log(exp(x)+exp(y))",
    "1/(1+exp(-(2*x+3*y-1)))",
    "exp(x)/(exp(x)+exp(y))",
    "sin(x)**2+cos(x)**2",
    "tanh(x)-2/(1+exp(-2*x))+y",
]

x, y = sympy.symbols("x y", positive=True)
NAMES = {
    "x": x,
    "y": y,
    "e": sympy.E,
    "asin": sympy.asin,
    "exp2": lambda a: 2**a,
    "expm1": lambda a: sympy.exp(a) - 1,
    "log2": lambda a: sympy.log(a) / sympy.log(2),
    "log10": lambda a: sympy.log(a) / sympy.log(10),
    "log1p": lambda a: sympy.log(1 + a),
    "hypot": lambda a, b: sympy.sqrt(a**2 + b**2),
    "sigmoid": lambda a: 1 / (1 + sympy.exp(-a)),
    "logit": lambda a: sympy.log(a / (1 - a)),
    "softplus": lambda a: sympy.log(1 + sympy.exp(a)),
    "relu": lambda a: sympy.Piecewise((a, a >= 0), (0, True)),
    "abs": lambda a: sympy.Piecewise((a, a >= 0), (-a, True)),
    "norm": lambda a: sympy.Piecewise((a, a >= 0), (-a, True)),
    "sign": lambda a: sympy.Piecewise((1, a > 0), (-1, True)),
    "max": lambda *a: _pick(a, sympy.Ge),
    "min": lambda *a: _pick(a, sympy.Le),
    "clip": lambda a, low, high: sympy.Piecewise((low, a < low), (high, a > high), (a, True)),
    "where": lambda c, a, b: sympy.Piecewise((a, c), (b, True)),
    "floor": lambda a: sympy.Integer(2),  # of x + 2
    "ceil": lambda a: sympy.Integer(1),
    "mse": lambda a, b: (a - b) ** 2,
    "bce": lambda a, b: -(a * sympy.log(b) + (1 - a) * sympy.log(1 - b)),
    "cce": lambda a, b: -a * sympy.log(b),
    "dot": lambda a, b: a * b,
    "sum": lambda a: a,
    "mean": lambda a: a,
    "prod": lambda a: a,
    "logsumexp": lambda a: a,
}


def _pick(args, relation):
    best = args[0]
    for arg in args[1:]:
        best = sympy.Piecewise((best, relation(best, arg)), (arg, True))
    return best


def as_sympy(text):
    # SymPy's booleans are no numbers; the two expressions that count with them are written out.
    text = {"(x<1)*y": "y", "(x>=1)*x+(x!=y)*y": "y"}.get(text, text)
    return sympy.nsimplify(sympy.sympify(text, locals=NAMES), rational=True)


def exact(expression, point):
    with mpmath.workdps(40):
        found = expression.evalf(40, subs={x: mpmath.mpf(point["x"]), y: mpmath.mpf(point["y"])})
        return float(found)


@pytest.mark.parametrize("text", SCALARS)
def test_numbers_beside_sympy(text):
    true = as_sympy(text)
    first = [sympy.diff(true, v) for v in (x, y)]
    second = [[sympy.diff(d, v) for v in (x, y)] for d in first]
    seed = np.frombuffer(text.encode(), np.uint8).tolist()  # the same points, whichever tests ran before
    points = [
        dict(zip("xy", map(float, row), strict=True)) for row in np.random.default_rng(seed).uniform(0.3, 0.9, (2, 2))
    ]
    one = calculation(text, points[0])
    values, slopes = one.gradient_block({n: np.array([p[n] for p in points]) for n in "xy"})
    for i, point in enumerate(points):
        value, gradient, hessian = one.hessian(point)
        expected = [exact(d, point) for d in first]
        np.testing.assert_allclose(value, exact(true, point), rtol=1e-14, atol=1e-15)
        np.testing.assert_allclose([gradient["x"], gradient["y"]], expected, rtol=1e-13, atol=1e-14)
        np.testing.assert_allclose(hessian, [[exact(d, point) for d in row] for row in second], rtol=1e-12, atol=1e-12)
        again, slopes_again = one.gradient(point)
        for found in (again, values[i]):  # each path rounds in its own way
            np.testing.assert_allclose(found, exact(true, point), rtol=1e-14, atol=1e-15)
        np.testing.assert_allclose([slopes_again[n] for n in "xy"], expected, rtol=1e-13, atol=1e-14)
        np.testing.assert_allclose([slopes[n][i] for n in "xy"], expected, rtol=1e-13, atol=1e-14)


# Vectors and matrices, beside autograd
