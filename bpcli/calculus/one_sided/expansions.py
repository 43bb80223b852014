"""The functions of truncated power series: their namespace, in which the rules of the calculator run on series.

Where a function is smooth its Taylor series comes from its own derivative rule, f(a + t) = f(a) + ∫ f′ dt; the same
holds at the end of a domain, where f′ grows as a root does: arccos at 1. Poles, logarithms and roots have formulas.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from functools import cmp_to_key, partial
from typing import Any

from bpcli.calculus.one_sided.coefficient_functions import angle_of, e_of, function_at
from bpcli.calculus.one_sided.coefficient_values import ROWS, Balls, Decimals, Doubles
from bpcli.calculus.one_sided.coefficients import Coefficient, Real, Reals, Work
from bpcli.calculus.one_sided.recurrences import integral, recurrence
from bpcli.calculus.one_sided.series import EPSILON, FLAT, INF, Power, Series, sum_of, whole
from bpcli.calculus.rules.duals import PlainNamespace
from bpcli.calculus.rules.functions import FUNCTIONS
from bpcli.numbers.elements import Elements
from bpcli.numbers.operators import UNKNOWN, UndecidedError

Function = Callable[[Series], Series]
_HALF = Fraction(1, 2)
_PAIRS = {
    "exp": ("exp", 1, 1),
    "sin": ("cos", 1, -1),
    "cos": ("sin", -1, 1),
    "sinh": ("cosh", 1, 1),
    "cosh": ("sinh", 1, 1),
}
"""Functions by their slopes: another function, its sign, and that of the other one's slope."""
_LONGEST_DECIMAL = 4096  # digits of a constant of the text, written out


class SeriesKind:
    """Series of at most `length` terms; their signs are decided in doubles, in decimals if `wide`, in balls if `exact`.

    A series that would take more than the allowed `work` is unknown.

    In doubles a constant of the text is the double that it reads as; `exact` it is the decimal itself.
    """

    def __init__(self, exact: bool, length: int, work: Work | None = None, wide: bool = False) -> None:
        self.exact, self.length = exact, length
        self.reals = Reals(Balls() if exact else Decimals() if wide else Doubles(), work or Work())
        self.zero = Series((), INF, self)
        self.unknown = Series((), -INF, self)
        self.undefined = Series((), -INF, self, defined=False)
        self.functions = {name: _of_defined(function) for name, function in self._singular().items()}
        regular = ("sin", "cos", "tan", "arcsin", "arccos")
        self.functions |= {name: _of_defined(self._smooth(name)) for name in regular if name not in self.functions}
        two: dict[str, Callable[[Series, Series], Series]] = {
            "divide": self.divide,
            "power": self.power,
            "hypot": lambda x, y: self.root(x * x + y * y, 2),
            "arctan2": partial(_arctan2, self),
            "maximum": lambda x, y: self.select(x < y, y, x),
            "minimum": lambda x, y: self.select(x > y, y, x),
            "scale": lambda g, p: g if g.is_zero() else g * p,
        }
        self.namespace = Elements(
            "series",
            Series,
            {**self.functions, **two},
            lift=self.lifted,
            constant=self._constant,
            select=self.select,
            is_finite=lambda x: x.defined and x.first >= 0,
            rank=cmp_to_key(lambda x, y: ((x > y) is True) - ((x < y) is True)),
            power_of_two=lambda k: self.of(Fraction(2) ** int(k)),
            pi=lambda: self.of(self.reals.pi),
        )
        self.rules = PlainNamespace(self.namespace)

    # Numbers as series

    def of(self, c: Coefficient) -> Series:
        """A number as a series of one term."""
        return Series([(0, c)], INF, self)

    def lifted(self, x: Any) -> Series:
        """A number as a series; ∞ outgrows every power of 1/h. TypeError if it is no number."""
        if isinstance(x, Series):
            return x
        if isinstance(x, Fraction | Real):
            return self.of(x)
        if not isinstance(x, float | int) and getattr(x, "shape", None) != ():
            raise TypeError(f"{type(x).__name__} is no number")
        x = float(x)
        if math.isinf(x):
            return Series([(-2 * FLAT, Fraction(1 if x > 0 else -1))], -FLAT, self)
        return self.of(Fraction(x)) if math.isfinite(x) else self.undefined

    def _constant(self, c: Any) -> Series:
        """A constant of the text; π and e are themselves."""
        text = str(getattr(c, "written", c))
        sign, name = (-1, text[1:]) if text.startswith("-") else (1, text)
        if name == "pi":
            return self.of(self.reals.pi * sign)
        if name == "e":
            return self.of(e_of(self.reals) * sign)
        if not self.exact or "inf" in name:
            return self.lifted(float(c))
        exponent = int(text.lower().partition("e")[2] or 0)
        return self.of(Fraction(text)) if abs(exponent) <= _LONGEST_DECIMAL else self.unknown

    def moved(self, x: float, direction: float, power: Power = 1) -> Series:
        """x + direction·h^power."""
        return self.lifted(x) + Series([(power, Fraction(direction))], INF, self)

    def result(self, c: Coefficient) -> Any:
        """A coefficient as a double, or as a ball."""
        return self.reals.arithmetic.result(self.reals.numeric(c))

    def approximate(self, c: Coefficient) -> float:
        """A double near a coefficient."""
        return float(self.reals.arithmetic.approximate(self.reals.numeric(c)))

    @property
    def not_known(self) -> Any:
        """The result where nothing is known: NaN, or a ball of everything, if need be for each precision."""
        more = self.reals.open and not self.reals.work.exhausted
        return self.reals.arithmetic.unknown if more else self.reals.arithmetic.beyond_proof

    def select(self, condition: Any, x: Series, y: Series) -> Series:
        """X where the condition holds, else y; what both have in common where that is open."""
        if condition is not UNKNOWN:
            return x if condition else y
        return x.truncated((x - y).first) if x.defined and y.defined else self.unknown

    # Powers

    def raised(self, x: Series, p: Power) -> Series:
        """x^p = (c·h^q)^p·(1 + u)^p; w = (1 + u)^p by h·w′·(1 + u) = p·h·u′·w (J. C. P. Miller)."""
        if not x.defined or p == 1:
            return x
        if not x.terms:
            if x.is_zero() and p >= 0:
                return self.zero if p > 0 else self.of(Fraction(1))
            # An open sign: a root may be undefined.
            known = p > 0 and p.denominator == 1 and x.order > -INF
            return Series((), x.order * p, self) if known else self.unknown
        q, c = x.terms[0]
        if p.denominator != 1 and x.sign < 0:
            return self.undefined
        u = Series(x.terms[1:], x.order, self).shifted(-q, self.reals.inverse(c))
        power = recurrence(u, [Fraction(1)], [lambda e, a: p * a - (e - a)])
        return power.shifted(whole(q * p), self.reals.power(c, p))

    def root(self, x: Series, n: int) -> Series:
        """The n-th root, of a negative x that of |x| with its sign where n is odd."""
        if n % 2 and x.terms and x.sign < 0:
            return -self.root(-x, n)
        if n % 2 and x.defined and not x.terms and 0 < x.order < INF:
            return Series((), Fraction(x.order, n), self)
        return self.raised(x, Fraction(1, n))

    def divide(self, x: Series, y: Series) -> Series:
        """x/y."""
        return x * self.raised(y, -1)

    def power(self, x: Series, y: Series) -> Series:
        """x^y: by the binomial series where y is a fraction, else e^(y·log x); 0^y is 0 for y > 0."""
        if x.is_zero() and y.defined and y.sign is not UNKNOWN and y.sign > 0:
            return self.zero
        if y.defined and y.order == INF and all(p == 0 for p, _ in y.terms):
            exponent = y.coefficient(0)
            if not isinstance(exponent, Real):
                return self.raised(x, exponent if self.exact else _simple(exponent))
        return self.functions["exp"](y * self.functions["log"](x))

    # Functions with poles, logarithms, kinks and jumps

    def _singular(self) -> dict[str, Function]:
        exp, log = self._elsewhere("exp", self._exp), self._log
        two, ten = (self.of(function_at("log", Fraction(base), self.reals)) for base in (2, 10))
        return {
            "exp": exp,
            "exp2": lambda x: exp(x * two),
            "expm1": self._elsewhere("expm1", lambda x: self._exp(x) - 1.0),
            "log": log,
            "log2": lambda x: log(x) / two,
            "log10": lambda x: log(x) / ten,
            "log1p": lambda x: log(x + 1.0) if x.first < 0 or (x + 1.0).first > 0 else self._smooth("log1p")(x),
            "sin": self._elsewhere("sin", lambda x: Series((), 0, self)),
            "cos": self._elsewhere("cos", lambda x: Series((), 0, self)),
            "sinh": self._elsewhere("sinh", lambda x: (self._exp(x) - self._exp(-x)) * 0.5),
            "cosh": self._elsewhere("cosh", lambda x: (self._exp(x) + self._exp(-x)) * 0.5),
            "tanh": self._elsewhere("tanh", _odd(self._tanh)),
            "erf": self._elsewhere("erf", _odd(lambda x: self.of(Fraction(1)).truncated(FLAT))),
            "arctan": self._elsewhere("arctan", _odd(self._arctan)),
            "arcsinh": self._elsewhere("arcsinh", _odd(lambda x: log(x + self.root(x * x + 1.0, 2)))),
            "arccosh": self._elsewhere("arccosh", lambda x: log(x + self.root(x * x - 1.0, 2))),
            "arctanh": self._arctanh,
            "sqrt": lambda x: self.root(x, 2),
            "cbrt": lambda x: self.root(x, 3),
            "abs": abs,
            "sign": self._sign,
            "floor": self._floor,
            "ceil": lambda x: -self._floor(-x),
        }

    def _elsewhere(self, name: str, of_unbounded: Function) -> Function:
        """A function by its Taylor series, or by `of_unbounded` where its argument grows without bound."""
        smooth = self._smooth(name)
        return lambda x: of_unbounded(x) if x.terms and x.first < 0 else smooth(x)

    def _log(self, x: Series) -> Series:
        """log(c·h^q·(1 + u)) = log c − q·log(1/h) + log(1 + u)."""
        if not x.terms:
            return self.unknown
        q, c = x.terms[0]
        if x.sign < 0:
            return self.undefined
        value = function_at("log", c, self.reals)
        if value is None or (q and _has_logarithm(q)) or q < -FLAT:
            return self.unknown
        u = Series(x.terms[1:], x.order, self).shifted(-q, self.reals.inverse(c))
        return Series([(-EPSILON, Fraction(-q)), (0, value)], INF, self) + self._smooth("log1p")(u)

    def _exp(self, x: Series) -> Series:
        """e^(c·log(1/h) + …) is h^−c·…; e^x of an x that falls faster is less than every power of h.

        Where x grows more slowly than the logarithm, as its root does, e^x is below every power of 1/h.
        """
        if not x.terms:  # its work is exhausted
            return self.unknown
        q, c = x.terms[0]
        if q < -EPSILON:
            return Series((), FLAT, self) if x.sign < 0 else self.unknown
        if q > -EPSILON:
            return Series((), Fraction(0 if x.sign < 0 else -1, 1000), self)
        rest = self.functions["exp"](Series(x.terms[1:], x.order, self))
        if not isinstance(c, Real):
            return rest.shifted(-c)
        if not math.isfinite(growth := self.approximate(c)):
            return self.unknown
        lower = math.floor(-1000 * growth) - 1
        return Series((), rest.first + Fraction(lower, 1000), self)

    def _tanh(self, x: Series) -> Series:
        """(1 − t)/(1 + t) with t = e^−2x."""
        t = self.functions["exp"](x * -2.0)
        return self.divide(1.0 - t, 1.0 + t)

    def _arctan(self, x: Series) -> Series:
        """π/2 − atan(1/x)."""
        return self.of(self.reals.pi * _HALF) - self.functions["arctan"](self.raised(x, -1))

    def _arctanh(self, x: Series) -> Series:
        """½·(log(1 + x) − log(1 − x)) at its poles."""
        if x.first < 0 or (x + 1.0).first > 0 or (x - 1.0).first > 0:
            return (self._log(1.0 + x) - self._log(1.0 - x)) * 0.5
        return self._smooth("arctanh")(x)

    def _sign(self, x: Series) -> Series:
        return self.select(x < 0.0, self.of(Fraction(-1)), self.select(x > 0.0, self.of(Fraction(1)), x))

    def _floor(self, x: Series) -> Series:
        if x.first < 0 or x.order <= 0:
            return self.unknown
        at = x.coefficient(0)
        near = self.approximate(at) if isinstance(at, Real) else at
        if isinstance(near, float) and not math.isfinite(near):
            return self.unknown
        below = math.floor(near)
        if isinstance(at, Real) and not (self.reals.sign(at - below) == 1 and self.reals.sign(at - below - 1) == -1):
            return self.unknown
        whole = self.of(Fraction(below))
        return self.select(x < whole, whole - 1.0, whole) if at == below else whole

    # All others

    def _smooth(self, name: str) -> Function:
        """A function by its Taylor series at the limit of its argument."""
        low, high = FUNCTIONS[ROWS.get(name, name)].domain

        def function(x: Series) -> Series:
            if (low > -INF and (x < low) is True) or (high < INF and (x > high) is True):
                return self.undefined
            if x.order <= 0 or x.first < 0:
                return self.unknown
            at = x.coefficient(0)
            value = function_at(name, at, self.reals)
            if value is None:
                return self.unknown
            u = Series([term for term in x.terms if term[0] > 0], x.order, self)
            if u.is_zero():
                return self.of(value)
            rule = FUNCTIONS[ROWS.get(name, name)].partial(0)
            if not u.terms:
                # It holds on both sides if it is smooth there; else it may even be undefined.
                slope = self._by_rule(rule, self.of(value), self.of(at))
                return self.of(value).truncated(u.order) if slope.defined and slope.first >= 0 else self.unknown
            if name in _PAIRS:
                return self._paired(name, at, value, u)
            return self._integrated(rule, x, value, u)

        return function

    def _by_rule(self, rule: Callable[..., Any], value: Series, x: Series) -> Series:
        """The slope at x by a row's rule; not known where a comparison in it is open, as whether |x| > 1 is."""
        try:
            return self.lifted(rule(self.rules, value, x))
        except UndecidedError:
            return self.unknown

    def _paired(self, name: str, at: Coefficient, value: Coefficient, u: Series) -> Series:
        """A function of a pair such as sin and cos, where the slope of each is the other, but for the sign."""
        other, sign, back = _PAIRS[name]
        start = function_at(other, at, self.reals)
        if start is None:
            return self.unknown
        return recurrence(u, [value, start], [lambda e, a: sign * a, lambda e, a: back * a])

    def _integrated(self, rule: Callable[..., Any], x: Series, value: Coefficient, u: Series) -> Series:
        """f(x) = f(a) + ∫ f′(x)·x′ dh. Where the rule of f′ also needs f, each round finds one more term."""
        by_h = Series([(p - 1, c * p) for p, c in u.terms], sum_of(u.order, -1), self)

        def better(known: Series) -> Series:
            slope = self._by_rule(rule, known, x) * by_h
            if not slope.defined:
                return self.undefined
            return self.of(value) + integral(slope) if slope.first > -1 else self.unknown

        found = better(self.unknown)
        if found.order > -INF or not found.defined:
            return found
        known, found = self.unknown, self.of(value).truncated(u.first)
        while found.defined and found.order > known.order:
            known, found = found, better(found)
        return known if found.order > -INF else found


def _arctan2(kind: SeriesKind, y: Series, x: Series) -> Series:
    """The angle of the leading terms, plus the small angle that the other terms add, by atan."""
    if not x.defined or not y.defined:
        return kind.undefined
    if x.is_zero() and y.is_zero():
        return kind.zero
    q = min(x.first, y.first)
    if x.order <= q or y.order <= q:
        return kind.unknown
    a, b = x.shifted(-q), y.shifted(-q)
    x0, y0 = a.coefficient(0), b.coefficient(0)
    angle = angle_of(y0, x0, kind.reals)
    if angle is None:
        return kind.unknown
    if y0 == 0 and kind.reals.sign(x0) < 0:
        if y.sign is UNKNOWN:
            return kind.unknown
        angle = -angle if y.sign < 0 else angle  # just below the negative axis
    turn = kind.divide(b * kind.of(x0) - a * kind.of(y0), a * kind.of(x0) + b * kind.of(y0))
    return kind.functions["arctan"](turn) + kind.of(angle)


def _of_defined(function: Function) -> Function:
    return lambda x: function(x) if x.defined else x


def _odd(function: Function) -> Function:
    """An odd function from its values at positive arguments."""
    return lambda x: function(x) if x.sign > 0 else -function(-x)


def _has_logarithm(power: Fraction) -> bool:
    """Whether a power holds a multiple of ε."""
    return power.denominator % EPSILON.denominator == 0


def _simple(p: Fraction) -> Fraction:
    """An exponent as the simple fraction whose double it is: 0.1 is 1/10."""
    simple = p.limit_denominator(1000)
    return simple if abs(simple - p) <= abs(p) * Fraction(1, 10**15) else p
