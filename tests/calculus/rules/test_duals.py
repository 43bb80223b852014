"""Any kind of number runs through the same rules: here one of 60 digits, and duals over floats, arrays and it."""

import math
import operator

import mpmath
import numpy as np
import pytest

from bpcli.calculus.language.parser import parse
from bpcli.calculus.rules.duals import Dual, Duals, PlainNamespace
from bpcli.calculus.rules.functions import FUNCTIONS
from bpcli.calculus.sweeps.program import Program
from bpcli.numbers.namespaces import FLOATS, arrays

mp = mpmath.mpf


class Digits:
    """A number of 60 digits, which names its space as duals do."""

    def __init__(self, v):
        self.v = v.v if isinstance(v, Digits) else mp(v)

    @property
    def namespace(self):
        return PLAIN


def _operator(function, result=Digits):
    def apply(a, b):
        return NotImplemented if isinstance(b, Dual) else result(function(Digits(a).v, Digits(b).v))

    return apply


for name in ("add", "sub", "mul", "truediv"):
    function = getattr(operator, name)
    setattr(Digits, f"__{name}__", _operator(function))
    setattr(Digits, f"__r{name}__", _operator(lambda a, b, function=function: function(b, a)))
for name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Digits, f"__{name}__", _operator(getattr(operator, name), bool))
Digits.__neg__ = lambda a: Digits(-a.v)
Digits.__abs__ = lambda a: Digits(abs(a.v))


class Namespace:
    """The primitives over `Digits`: one definition each, no rule."""

    name = "digits"
    rounds = False  # as good as, beside doubles
    pi = property(lambda self: Digits(+mpmath.pi))
    divide = staticmethod(_operator(lambda a, b: a / b if b else mpmath.sign(a) * mpmath.inf))
    power = staticmethod(_operator(operator.pow))
    hypot = staticmethod(_operator(mpmath.hypot))
    arctan2 = staticmethod(_operator(mpmath.atan2))
    maximum = staticmethod(_operator(max))
    minimum = staticmethod(_operator(min))
    scale = staticmethod(_operator(lambda g, p: g if g == 0 else g * p))
    two_product = staticmethod(lambda x, y: (x * y, 0.0))
    where = staticmethod(lambda condition, x, y: x if condition else y)

    def constant(self, c):
        return self.pi if c == math.pi else Digits(getattr(c, "written", c))

    def __getattr__(self, name):
        named = {"abs": mpmath.fabs, "arctan": mpmath.atan, "arcsin": mpmath.asin, "arccos": mpmath.acos}
        named |= {"arcsinh": mpmath.asinh, "arccosh": mpmath.acosh, "arctanh": mpmath.atanh, "cbrt": mpmath.cbrt}
        named |= {"exp2": lambda x: mp(2) ** x, "log2": lambda x: mpmath.log(x, 2)}
        function = named.get(name) or getattr(mpmath, name)
        return lambda x: Digits(function(Digits(x).v))


PLAIN = PlainNamespace(Namespace())

EXPRESSIONS = [
    *(f"{name}(x)" for name, row in FUNCTIONS.items() if row.kind == "elementwise" and row.arity == (1, 1)),
    "x+y", "x-y", "x*y", "x/y", "-x", "x**y", "x**3", "x**0.1", "x**-2", "2**x",
    "hypot(x,y)", "atan2(x,y)", "max(x,y)", "min(x,y,1)", "clip(x,0.1,0.9)", "where(x<y,x**2,log(y))", "(x<=y)*x",
    "mse(x,y)", "bce(x,y)", "cce(x,y)", "pi*x", "x**2*y-sin(x*y)/exp(x)",
]  # fmt: skip


def program(text):
    return Program([parse(text)], [text], {"x": (), "y": ()})


def at(text):
    return {"x": 1.3 if text.startswith("acosh") else 0.3, "y": 0.7}


def derivatives(one, xp, values, one_of_it):
    """The value, ∂/∂x, ∂/∂y and ∂²/∂x² in a space."""
    active = one.active(["x", "y"])
    (slot,) = one.outputs
    found = one.reverse(xp, values, {slot: one_of_it}, active)
    tangents = one.tangents(xp, values, {"x": one_of_it})
    duals = Duals(xp)
    lifted = [v if t is None else Dual(v, t, duals) for v, t in zip(values, tangents, strict=True)]
    second = one.reverse(duals, lifted, {slot: one_of_it}, active).get("x", 0.0)
    t = second.t if isinstance(second, Dual) else 0.0
    return [values[slot], found.get("x", 0.0), found.get("y", 0.0), t]


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_the_same_rules_give_sixty_digits(text):
    one, point = program(text), at(text)
    floats = derivatives(one, PlainNamespace(FLOATS), one.forward(PlainNamespace(FLOATS), point), 1.0)
    with mpmath.workdps(60):
        values = one.forward(PLAIN, {name: Digits(v) for name, v in point.items()})
        exact = [Digits(d).v for d in derivatives(one, PLAIN, values, Digits(1))]

        def function(x, y):
            return one.forward(PLAIN, {"x": Digits(x), "y": Digits(y)})[one.outputs[0]].v

        # A difference quotient of 60 digits knows the first 25 of a first derivative, 20 of a second.
        x, y, h = mp(point["x"]), mp(point["y"]), mp(10) ** -15
        f = {(i, j): function(x + i * h, y + j * h) for i, j in [(-1, 0), (0, 0), (1, 0), (0, -1), (0, 1)]}
        quotients = [
            f[0, 0],
            (f[1, 0] - f[-1, 0]) / (2 * h),
            (f[0, 1] - f[0, -1]) / (2 * h),
            (f[1, 0] - 2 * f[0, 0] + f[-1, 0]) / h**2,
        ]
        for d, quotient in zip(exact, quotients, strict=True):
            assert abs(d - quotient) <= mp(10) ** -20 * max(1, abs(quotient))
    np.testing.assert_allclose([float(d) for d in floats], [float(d) for d in exact], rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_the_same_rules_on_arrays(text):
    one, point = program(text), at(text)
    floats = derivatives(one, PlainNamespace(FLOATS), one.forward(PlainNamespace(FLOATS), point), 1.0)
    xp = PlainNamespace(arrays())
    columns = {name: np.array([v, v]) for name, v in point.items()}
    found = derivatives(one, xp, one.forward(xp, columns), np.ones(1))
    np.testing.assert_allclose(
        [np.broadcast_to(d, 2) for d in found], np.transpose([floats, floats]), rtol=1e-14, atol=1e-15
    )


def test_a_constant_is_what_was_written():
    one = program("x-0.1")
    with mpmath.workdps(60):
        value = one.forward(PLAIN, {"x": Digits("0.3")})[one.outputs[0]].v
        assert abs(value - mp("0.2")) < mp(10) ** -59
