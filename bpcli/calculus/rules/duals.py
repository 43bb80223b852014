"""The table's functions over plain numbers, and over dual numbers v + tε for second derivatives.

`PlainNamespace(FLOATS)` and `PlainNamespace(arrays())` are over plain numbers. `Duals(plain)` are pairs v + tε with
ε² = 0 over one of these: a rule evaluated on duals yields its own derivative along t, so that second derivatives need
no rules of their own.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from bpcli.calculus.rules.function_rows import Function
from bpcli.calculus.rules.functions import FUNCTIONS, OPERATORS
from bpcli.numbers.namespaces import NAN

_ELEMENTWISE = {
    name: row
    for name, row in {**FUNCTIONS, **OPERATORS}.items()
    if row.value is not None and row.neutral is None and row.kind != "select"
}
_ELEMENTWISE |= {"maximum": FUNCTIONS["max"], "minimum": FUNCTIONS["min"]}


class Rules:
    """The base of plain numbers and duals: `refined` and `agreed`, which choose by cases."""

    where: Any
    base: Any
    symbolic = False

    def refined(self, plain: Any, condition: Any, better: Any) -> Any:
        """`plain`, but `better()` where rounding or overflow would spoil it; numbers that don't round take `plain`."""
        if not self.base.rounds:
            return plain
        if isinstance(condition, bool):
            return better() if condition else plain
        return self.where(condition, better(), plain) if condition.any() else plain

    def agreed(self, plain: Any, condition: Any, value: float) -> Any:
        """`plain`, but `value` by convention where the condition holds: at a kink, or outside of the domain."""
        if self.symbolic:
            return plain  # a convention at a point is no formula
        holds = condition if isinstance(condition, bool) else condition.any()
        return self.where(condition, value, plain) if holds else plain


class PlainNamespace(Rules):
    """The functions of the table by name (`xp.sin`), and the primitives of a namespace, over plain numbers.

    `scale(g, p)` is g·p, where a g of exactly 0 stays 0 whatever p: an unused path adds 0.
    """

    dual = False

    def __init__(self, base: Any) -> None:
        self.base = base
        self.where = base.where
        self.scale, self.two_product = base.scale, base.two_product

    @property
    def pi(self) -> Any:
        """π, to the precision that numbers have now."""
        return self.base.pi

    def applied(self, row: Function, args: tuple[Any, ...]) -> Any:
        """The value of a row of the table."""
        assert row.value is not None
        return row.value(self, *args)

    def linear(self, function: Callable[[Any], Any], x: Any) -> Any:
        """A linear map of arrays."""
        return function(x)

    def __getattr__(self, name: str) -> Any:
        row = None if name in ("maximum", "minimum") else _ELEMENTWISE.get(name)
        if row is not None and row.value is not None:
            found: Any = partial(row.value, self)
        else:
            found = getattr(self.base, name)
        setattr(self, name, found)  # so that the next look-up is direct
        return found


class Dual:
    """v + tε; v and t are numbers of one namespace, one of which may be spread over the other."""

    __slots__ = ("namespace", "t", "v")
    __array_ufunc__ = None  # an array on the left lets the operators below decide

    def __init__(self, v: Any, t: Any, xp: "Duals") -> None:
        self.v, self.t, self.namespace = v, t, xp

    def __add__(self, other: Any) -> "Dual":
        if isinstance(other, Dual):
            return Dual(self.v + other.v, self.t + other.t, self.namespace)
        return Dual(self.v + other, self.t, self.namespace)

    __radd__ = __add__

    def __sub__(self, other: Any) -> "Dual":
        if isinstance(other, Dual):
            return Dual(self.v - other.v, self.t - other.t, self.namespace)
        return Dual(self.v - other, self.t, self.namespace)

    def __rsub__(self, other: Any) -> "Dual":
        return Dual(other - self.v, -self.t, self.namespace)

    def __mul__(self, other: Any) -> "Dual":
        if isinstance(other, Dual):
            scale = self.namespace.plain.scale
            return Dual(self.v * other.v, scale(self.t, other.v) + scale(other.t, self.v), self.namespace)
        return Dual(self.v * other, self.namespace.plain.scale(self.t, other), self.namespace)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self.namespace.divide(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self.namespace.divide(other, self)

    def __neg__(self) -> "Dual":
        return Dual(-self.v, -self.t, self.namespace)

    def __abs__(self) -> Any:
        return self.namespace.abs(self)

    def __lt__(self, other: Any) -> Any:
        return self.v < _value(other)

    def __le__(self, other: Any) -> Any:
        return self.v <= _value(other)

    def __gt__(self, other: Any) -> Any:
        return self.v > _value(other)

    def __ge__(self, other: Any) -> Any:
        return self.v >= _value(other)

    def __eq__(self, other: object) -> Any:
        return self.v == _value(other)

    def __ne__(self, other: object) -> Any:
        return self.v != _value(other)


def _value(x: Any) -> Any:
    return x.v if isinstance(x, Dual) else x


def _tangent(x: Any) -> Any:
    """The tangent of a plain number: 0, or NaN if the number is NaN."""
    return x.t if isinstance(x, Dual) else NAN if isinstance(x, float) and x != x else 0.0


class Duals(Rules):
    """The functions and primitives over duals of plain numbers; of plain numbers alone they give plain numbers."""

    dual = True

    def __init__(self, xp: PlainNamespace) -> None:
        self.plain = xp
        self.base, self.symbolic = xp.base, xp.symbolic
        self.constant = xp.constant

    @property
    def pi(self) -> Any:
        """π, to the precision that numbers have now."""
        return self.base.pi

    def __getattr__(self, name: str) -> Any:
        row = _ELEMENTWISE.get(name)
        if row is None:
            raise AttributeError(name)

        def found(*args: Any) -> Any:
            return self.applied(row, args)

        setattr(self, name, found)
        return found

    def divide(self, x: Any, y: Any) -> Any:
        """x/y, an infinity or NaN where y is 0."""
        return self.applied(OPERATORS["/"], (x, y))

    def power(self, x: Any, y: Any) -> Any:
        """x**y."""
        return self.applied(OPERATORS["**"], (x, y))

    def applied(self, row: Function, args: tuple[Any, ...]) -> Any:
        """A row's value, with Σ ∂out/∂args[i]·t_i as its tangent."""
        values = tuple(map(_value, args))
        v = self.plain.applied(row, values)
        t: Any = None
        for i, arg in enumerate(args):
            if isinstance(arg, Dual):
                part = self.plain.scale(arg.t, row.partial(i)(self.plain, v, *values))
                t = part if t is None else t + part
        return v if t is None else Dual(v, t, self)

    def scale(self, g: Any, p: Any) -> Any:
        """g·p, where a g of exactly 0 stays 0."""
        scale = self.plain.scale
        v = scale(_value(g), _value(p))
        if not isinstance(g, Dual) and not isinstance(p, Dual):
            return v
        t = scale(_value(g), p.t) if isinstance(p, Dual) else 0.0
        return Dual(v, t + scale(g.t, _value(p)) if isinstance(g, Dual) else t, self)

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        """X where the condition holds, else y; what is not taken leaves no trace, not even NaN."""
        where = self.base.where
        if isinstance(x, Dual) or isinstance(y, Dual):
            t = where(condition, _tangent(x), _tangent(y))
            return Dual(where(condition, _value(x), _value(y)), t, self)
        return where(condition, x, y)

    def two_sum(self, x: Any, y: Any) -> tuple[Any, Any]:
        """(x + y, its rounding error), the latter without a tangent: that of x + y is exact."""
        return x + y, self.base.two_sum(_value(x), _value(y))[1]

    def two_product(self, x: Any, y: Any) -> tuple[Any, Any]:
        """(x·y, its rounding error), the latter without a tangent: that of x·y is exact enough."""
        return x * y, self.base.two_product(_value(x), _value(y))[1]

    def ones_like(self, x: Any) -> Any:
        """1 in the shape of x."""
        return self.base.ones_like(_value(x))

    def written(self, formula: str, names: Any) -> Any:
        """A formula of the language, over symbols."""
        return self.plain.written(formula, names, self)

    def linear(self, function: Callable[[Any], Any], x: Any) -> Any:
        """A linear map of arrays, applied to v and t alike."""
        if isinstance(x, Dual):
            return Dual(function(x.v), function(x.t), self)
        return function(x)
