"""What a quantity does beside a point: sums of terms c·hᵖ, as h falls to 0, as one more kind of number.

A `Series` is Σ c·hᵖ + O(h^order), its terms by rising p, of which only the first few are kept. A point moved by h along
a direction runs through the same rules as any number does: x·√x at 0 becomes h^1.5, whose term of h¹ is 0, and the
slope to that side. Functions without a singularity are expanded by their own derivative rules: f(x(h)) is
f(x(0)) + ∫ f′(x)·x′ dh. The coefficients are floats, or balls where a result is to be proven.

log(1/h) outgrows every constant and is outgrown by every power of 1/h: it is counted as h^−ε with an ε below all
exponents, so that its powers are multiplied, compared, and within expansions integrated, as all others are.
"""

import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import cache
from typing import Any

from bpcli.calculus.rules.duals import Space
from bpcli.calculus.rules.functions import FUNCTIONS
from bpcli.numbers.elements import UNKNOWN, Elements

INF = math.inf
KEPT = 8  # terms
DEGREE = 5  # of expansions

EPSILON = Fraction(1, 2**61 - 1)  # of a prime that divides the denominator of no exponent but of those with a logarithm
FLAT = Fraction(10**6)  # stands for more than every power: e^(−1/h) is O(h^FLAT)

Power = Any  # a Fraction, or ±∞ for an order


class Series:
    """Σ c·hᵖ + O(h^order) with nonzero c, as h > 0 falls to 0; `order` is ∞ where the terms are all there is."""

    __slots__ = ("kind", "order", "terms")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, terms: Iterable[tuple[Power, Any]], order: Power, kind: "Kind") -> None:
        # The terms are in order of their powers, no two of which are equal.
        kept = [(p, c) for p, c in terms if p < order and c != 0]
        if order != order or any(c != c for _, c in kept):
            kept, order = [], -INF
        if len(kept) > KEPT:
            order = kept[KEPT][0]
            kept = kept[:KEPT]
        self.terms, self.order, self.kind = tuple(kept), order, kind

    @property
    def space(self) -> Any:
        """The namespace of such numbers."""
        return self.kind.namespace

    @property
    def first(self) -> Power:
        """The power of the first term, or from which nothing is known."""
        return self.terms[0][0] if self.terms else self.order

    def coefficient(self, power: Power) -> Any:
        """Of a power below the order."""
        return next((c for p, c in self.terms if p == power), 0.0)

    def truncated(self, order: Power) -> "Series":
        """The terms below an order."""
        return Series(self.terms, min(order, self.order), self.kind)

    def shifted(self, power: Power, factor: Any = 1.0) -> "Series":
        """Times factor·h^power."""
        return Series([(p + power, c * factor) for p, c in self.terms], self.order + power, self.kind)

    def __neg__(self) -> "Series":
        return Series([(p, -c) for p, c in self.terms], self.order, self.kind)

    def __abs__(self) -> "Series":
        return self.kind.functions["abs"](self)  # type: ignore[no-any-return]

    def __add__(self, other: Any) -> Any:
        other = self.kind.beside(other)
        if other is None:
            return NotImplemented
        sums = dict(self.terms)
        for p, c in other.terms:
            sums[p] = sums[p] + c if p in sums else c
        return Series(sorted(sums.items(), key=lambda term: term[0]), min(self.order, other.order), self.kind)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        other = self.kind.beside(other)
        return NotImplemented if other is None else self + -other

    def __rsub__(self, other: Any) -> Any:
        other = self.kind.beside(other)
        return NotImplemented if other is None else other + -self

    def __mul__(self, other: Any) -> Any:
        other = self.kind.beside(other)
        if other is None:
            return NotImplemented
        if self.is_zero() or other.is_zero():
            return self if self.is_zero() else other
        products: dict[Power, Any] = {}
        for p, c in self.terms:
            for q, d in other.terms:
                products[p + q] = products[p + q] + c * d if p + q in products else c * d
        order = min(self.order + other.first, other.order + self.first)
        return Series(sorted(products.items(), key=lambda term: term[0]), order, self.kind)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        other = self.kind.beside(other)
        return NotImplemented if other is None else self.kind.divide(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        other = self.kind.beside(other)
        return NotImplemented if other is None else self.kind.divide(other, self)

    def is_zero(self) -> bool:
        """Whether it is exactly 0."""
        return not self.terms and self.order == INF


def _comparison(answer: Callable[[Any], Any]) -> Callable[[Series, Any], Any]:
    def compare(a: Series, b: Any) -> Any:
        other = a.kind.beside(b)
        if other is None:
            return NotImplemented
        difference = a - other
        if difference.terms:
            return answer(1 if difference.terms[0][1] > 0 else -1)
        return answer(0) if a is b or difference.order == INF else UNKNOWN

    return compare


for _name, _answer in {
    "lt": lambda s: s < 0,
    "le": lambda s: s <= 0,
    "gt": lambda s: s > 0,
    "ge": lambda s: s >= 0,
    "eq": lambda s: s == 0,
    "ne": lambda s: s != 0,
}.items():
    setattr(Series, f"__{_name}__", _comparison(_answer))


Unary = Callable[[Series], Any]


class Kind:
    """Series with coefficients of one kind of number, whose namespace is `base`."""

    def __init__(self, base: Any) -> None:
        self.base, self.numbers = base, Space(base)
        self.zero = Series((), INF, self)
        self.nothing = Series((), -INF, self)  # is known
        functions: dict[str, Callable[..., Any]] = {
            name: self._expanded(row) for name, row in FUNCTIONS.items() if row.kind == "elementwise"
        }
        functions |= {numpy: functions[name] for name, numpy in _PRIMITIVES.items()}
        functions |= {
            "exp": self._unbounded(functions["exp"], self._exp),
            "exp2": self._unbounded(functions["exp2"], lambda x: self._exp(x * self._logarithm(2.0))),
            "expm1": self._unbounded(functions["expm1"], lambda x: self._exp(x) - 1.0),
            "log": self._at_zero(functions["log"], self._log),
            "log2": self._at_zero(functions["log2"], lambda x: self._log(x) / self._logarithm(2.0)),
            "log10": self._at_zero(functions["log10"], lambda x: self._log(x) / self._logarithm(10.0)),
            "log1p": self._log1p(functions["log1p"]),
            "sinh": self._unbounded(functions["sinh"], lambda x: (self._exp(x) - self._exp(-x)) * 0.5),
            "cosh": self._unbounded(functions["cosh"], lambda x: (self._exp(x) + self._exp(-x)) * 0.5),
            "arcsinh": self._unbounded(functions["arcsinh"], self._arcsinh),
            "arccosh": self._unbounded(functions["arccosh"], lambda x: self._log(x + self._root(x * x - 1.0))),
            "tanh": self._unbounded(functions["tanh"], self._tanh),
            "erf": self._unbounded(functions["erf"], lambda x: self.functions["sign"](x).truncated(FLAT)),
            "arctan": self._unbounded(functions["arctan"], self._arctan),
            "abs": lambda x: self.select(x < 0, -x, x),
            "sign": lambda x: self.select(x < 0, self.of(-1.0), self.select(x > 0, self.of(1.0), self.zero)),
            "floor": self._floor,
            "ceil": lambda x: -self._floor(-x),
            "sqrt": self._root,
            "cbrt": self._cbrt,
            "divide": self.divide,
            "power": self.power,
            "hypot": lambda x, y: self._root(x * x + y * y),
            "arctan2": self._arctan2,
            "maximum": lambda x, y: self.select(x < y, y, x),
            "minimum": lambda x, y: self.select(x > y, y, x),
            "scale": lambda g, p: g * p,
        }
        self.functions = functions
        self.namespace = Elements(
            "series",
            Series,
            {name: f for name, f in functions.items() if name in _NAMES},
            lift=self._lift,
            constant=lambda c: self.of(self._number(c)),
            select=self.select,
            is_finite=lambda x: x.first >= 0,
            rank=lambda x: self._rank(x.coefficient(0)) if x.first >= 0 else -INF,
            power_of_two=lambda k: self.of(2.0 ** int(k)),
            pi=lambda: self.of(self.base.pi),
        )
        self.space = Space(self.namespace)

    def _number(self, c: Any) -> Any:
        constant = self.base.constant(c)
        return constant[0] if hasattr(constant, "shape") else constant

    def _rank(self, c: Any) -> float:
        return c if isinstance(c, float) else float(self.base.rank(c))

    def _lift(self, x: Any) -> Series:
        found = self.beside(x)
        if found is None:
            raise TypeError(f"{type(x).__name__} is no coefficient")
        return found

    def beside(self, x: Any) -> Series | None:
        """A number, or a coefficient, as a series; None if it is neither."""
        if isinstance(x, Series):
            return x
        if isinstance(x, getattr(self.base, "element", float)):
            return self.of(x)
        # What NumPy counts, and the truth of a comparison, are numbers too.
        return self.of(float(x)) if isinstance(x, float | int) or getattr(x, "shape", None) == () else None

    def number(self, f: Fraction) -> Any:
        """A fraction as a coefficient."""
        if not hasattr(self.base, "lifted"):
            return float(f)
        return self.base.lifted(float(f.numerator)) / float(f.denominator)

    def of(self, x: Any) -> Series:
        """A number as it is, and as it stays."""
        x = self.base.lifted(x) if hasattr(self.base, "lifted") else x
        return Series([(Fraction(0), x)], INF, self)

    def moved(self, x: Any, direction: float, power: Power = Fraction(1)) -> Series:
        """x + direction·h^power."""
        at = self.of(x)
        return Series([*at.terms, (power, self.of(direction).coefficient(0))], INF, self)

    def select(self, condition: Any, x: Series, y: Series) -> Series:
        """X where the condition holds, else y; what both have in common where that is open."""
        if condition is UNKNOWN:
            return x.truncated((x - y).first)
        return x if condition else y

    def _fraction(self, p: Any) -> Fraction | None:
        """An exponent as a fraction, if it is one."""
        return _near_fraction(p) if isinstance(p, float) else self.base.fraction(p)

    # The functions that have a singularity

    def raised(self, x: Series, p: Fraction, of_first: Callable[[Any], Any] | None = None) -> Series:
        """x^p = (c·h^q)^p·(1 + u)^p by the binomial series; `of_first` is c^p of a coefficient."""
        if not x.terms:
            if x.order < INF:  # of an open sign
                return Series((), x.order * p, self) if p > 0 and p.denominator == 1 else self.nothing
            return self.zero if p > 0 else self.of(1.0 if p == 0 else INF)
        q, c = x.terms[0]
        if c < 0 and p.denominator != 1:
            return self.nothing
        first = of_first(c) if of_first else self.base.power(c, self.number(p))
        u = Series(x.terms[1:], x.order, self).shifted(-q, 1.0 / c)
        total, term = self.of(1.0), self.of(1.0)
        if not u.is_zero():
            for k in range(1, DEGREE + 1):
                term = term * u * self.number((p - k + 1) / k)
                total = total + term
                if term.is_zero():  # a whole p
                    break
            else:
                total = total.truncated((DEGREE + 1) * u.first)
        return total.shifted(q * p, first)

    def _root(self, x: Series) -> Series:
        return self.raised(x, Fraction(1, 2), self.base.sqrt)

    def divide(self, x: Series, y: Series) -> Series:
        """x/y."""
        quotient: Series = x * self.raised(y, Fraction(-1), lambda c: 1.0 / c)
        return quotient

    def power(self, x: Series, y: Series) -> Series:
        """x^y."""
        exponent = self._fraction(y.coefficient(0))
        if y.order == INF and all(p == 0 for p, _ in y.terms) and exponent is not None:
            return self.raised(x, exponent)
        raised: Series = self.functions["exp"](y * self.functions["log"](x))
        return raised

    def _cbrt(self, x: Series) -> Series:
        if x.terms and x.terms[0][1] < 0:
            return -self._cbrt(-x)
        if not x.terms and x.order < INF:
            return Series((), x.order / 3, self)
        return self.raised(x, Fraction(1, 3), self.base.cbrt)

    def _floor(self, x: Series) -> Series:
        if x.first < 0 or x.order <= 0:
            return self.nothing
        at = x.coefficient(0)
        below = self.base.floor(at)
        return self.select(x < at if at == below else False, self.of(below) - 1.0, self.of(below))

    def _arctan2(self, y: Series, x: Series) -> Series:
        """The angle of the first terms, and from there atan of what the rest turns it by."""
        q = min(x.first, y.first)
        if q == INF or (not x.terms and x.order <= q) or (not y.terms and y.order <= q):
            return self.of(0.0) if q == INF else self.nothing
        a, b = x.shifted(-q), y.shifted(-q)
        x0, y0 = a.coefficient(0), b.coefficient(0)
        angle = self.base.arctan2(y0, x0)
        if y0 == 0 and x0 < 0 and y.terms and y.terms[0][1] < 0:
            angle = -angle  # just below the negative axis
        rest: Series = self.functions["arctan"](self.divide(b * x0 - a * y0, a * x0 + b * y0)) + angle
        return rest

    # Where the argument grows without bound, or falls to where a logarithm does

    def _unbounded(
        self, bounded: Callable[[Series], Series], grows: Callable[[Series], Any]
    ) -> Callable[[Series], Any]:
        """A function that is `grows` of what grows without bound."""
        return lambda x: grows(x) if x.terms and x.first < 0 else bounded(x)

    def _at_zero(
        self, elsewhere: Callable[[Series], Series], there: Callable[[Series], Any]
    ) -> Callable[[Series], Any]:
        """A function that is `there` of what falls to 0, or grows without bound."""
        return lambda x: there(x) if x.terms and x.first != 0 else elsewhere(x)

    def _logarithm(self, x: float) -> Any:
        return self.base.log(self.of(x).coefficient(0))

    def _log(self, x: Series) -> Series:
        """log(c·h^q·(1 + u)) = log c − q·log(1/h) + log(1 + u)."""
        q, c = x.terms[0]
        if not c > 0 or _has_logarithm(q):
            return self.nothing
        u = Series(x.terms, x.order, self).shifted(-q, 1.0 / c)
        rest: Series = self.functions["log"](Series([(p, d) for p, d in u.terms if p > 0], u.order, self) + 1.0)
        first = Series([(-EPSILON, self.number(-q))], INF, self)
        found: Series = first + self.of(self.base.log(c)) + rest
        return found

    def _log1p(self, elsewhere: Unary) -> Unary:
        def log1p(x: Series) -> Any:
            y = x + 1.0
            return self._log(y) if y.terms and y.first != 0 else elsewhere(x)

        return log1p

    def _exp(self, x: Series) -> Series:
        """e^(c·log(1/h)) is h^−c; e^x of what falls faster is less than every power of h."""
        q, c = x.terms[0]
        if q != -EPSILON:
            return Series((), FLAT, self) if c < 0 else self.nothing
        power = self._fraction(c)
        if power is None:
            return self.nothing
        rest: Series = self.functions["exp"](Series(x.terms[1:], x.order, self))
        return rest.shifted(-power)

    def _arcsinh(self, x: Series) -> Series:
        """±log(|x| + √(x² + 1))."""
        far = self._log(abs(x) + self._root(x * x + 1.0))
        return far if x.terms[0][1] > 0 else -far

    def _tanh(self, x: Series) -> Series:
        """±(1 − t)/(1 + t) with t = e^−2|x|."""
        t = self._exp(abs(x) * -2.0)
        far: Series = self.divide(1.0 - t, 1.0 + t)
        return far if x.terms[0][1] > 0 else -far

    def _arctan(self, x: Series) -> Series:
        """±π/2 − atan(1/x)."""
        quarter: Series = self.of(self.base.pi) * 0.5
        far: Series = (quarter if x.terms[0][1] > 0 else -quarter) - self.functions["arctan"](
            self.divide(self.of(1.0), x)
        )
        return far

    # All others

    def _expanded(self, row: Any) -> Callable[[Series], Series]:
        """A function with a derivative at the point: its value there, and the integral of its slope."""

        def function(x: Series) -> Series:
            if x.order <= 0 or x.first < 0:
                return self.nothing
            at = x.coefficient(0)
            rest = Series([t for t in x.terms if t[0] > 0], x.order, self)
            value = row.value(self.numbers, at)
            start = self.of(value)
            if start.order < INF or not _is_finite(self.base, value):
                return self.nothing
            if rest.is_zero():
                return start
            step = rest.first
            # What is sure without a look at the slope: a finite one carries the value no farther than x goes.
            gentle = _is_finite(self.base, row.partial(0)(self.numbers, value, at))
            sure = start.truncated(step if gentle else step / 1000)
            if not rest.terms:
                return sure
            x = x.truncated(DEGREE * step)
            drift = Series([(p - 1, c * self.number(p)) for p, c in rest.terms], x.order - 1, self)
            y = sure
            lower = x.truncated(x.order - step)
            for _ in range(DEGREE):
                slope = row.partial(0)(self.space, y, lower) * drift
                if slope.first <= -1:
                    return self.nothing
                grown = Series([(p + 1, c / self.number(p + 1)) for p, c in slope.terms], slope.order + 1, self) + start
                if grown.order <= y.order:
                    break
                y = grown
                if y.order >= x.order:
                    break
            return y

        return function


def _is_finite(base: Any, value: Any) -> bool:
    return bool(base.isfinite(value))


def _has_logarithm(power: Power) -> bool:
    """Whether a power holds a multiple of ε."""
    return isinstance(power, Fraction) and power.denominator % EPSILON.denominator == 0


def _near_fraction(p: float) -> Fraction | None:
    """An exponent as the simple fraction that it stands for."""
    if not math.isfinite(p):
        return None
    simple = Fraction(p).limit_denominator(1000)
    return simple if abs(float(simple) - p) <= 1e-15 * abs(p) else Fraction(p)


_PRIMITIVES = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh",
}  # fmt: skip
_NAMES = {
    *_PRIMITIVES.values(), "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "sinh", "cosh",
    "tanh", "erf", "abs", "sign", "floor", "ceil", "sqrt", "cbrt", "divide", "power", "hypot", "arctan2", "maximum",
    "minimum", "scale",
}  # fmt: skip


@cache
def series(base: Any) -> Kind:
    """The kind of series over a namespace of single numbers."""
    return Kind(base)
