"""The primitives over doubles: Python's floats, and NumPy's arrays.

A formula asks its input for its namespace, as the Array API standard does (`xp = namespace(x)`), and is then written
once. `FLOATS` works on Python floats over `math` and never imports NumPy; its functions follow IEEE 754 where `math`
would raise (log(0) is -inf, exp(1000) is inf, 1/0 is inf). `arrays()` works on NumPy arrays; the caller silences
NumPy's floating-point warnings once, with `numpy.errstate`.
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Any, cast

from bpcli.numbers import pairs
from bpcli.numbers.pairs import two_product as two_product
from bpcli.numbers.pairs import two_sum as two_sum
from bpcli.numbers.primitives import Arrays, Doubles, N, Truth

INF = math.inf
NAN = math.nan


def _quiet(function: Callable[[float], float], outside: Callable[[float], float]) -> Callable[[float], float]:
    """`function`, but `outside(x)` where `math` would raise."""

    def quiet(x: float) -> float:
        try:
            return function(x)
        except (ValueError, OverflowError):
            return outside(x)

    return quiet


def _signed_infinity(x: float) -> float:
    return math.copysign(INF, x) if x == x else NAN


def _refined_cbrt(x: float, y: float) -> float:
    """A step of Newton's method behind ∛x ≈ y: libm's is a few ulp off."""
    return y + (x / (y * y) - y) / 3.0 if y and math.isfinite(y) else y


class _Rounding:
    """The base of the namespaces of doubles: these round, and know their rounding errors."""

    rounds = True
    doubles = True
    dual = False  # no pairs of a number and its tangent

    two_sum = staticmethod(two_sum)
    two_product = staticmethod(two_product)


class Floats(_Rounding):
    """The primitives over Python floats, with IEEE 754 results and no exceptions."""

    name = "floats"

    constant = float
    pi = math.pi
    exp = staticmethod(_quiet(math.exp, lambda x: INF))
    exp2 = staticmethod(_quiet(math.exp2, lambda x: INF))
    expm1 = staticmethod(_quiet(math.expm1, lambda x: INF))
    log = staticmethod(_quiet(math.log, lambda x: -INF if x == 0 else NAN))
    log2 = staticmethod(_quiet(math.log2, lambda x: -INF if x == 0 else NAN))
    log10 = staticmethod(_quiet(math.log10, lambda x: -INF if x == 0 else NAN))
    log1p = staticmethod(_quiet(math.log1p, lambda x: -INF if x == -1 else NAN))
    sin = staticmethod(_quiet(math.sin, lambda x: NAN))
    cos = staticmethod(_quiet(math.cos, lambda x: NAN))
    tan = staticmethod(_quiet(math.tan, lambda x: NAN))
    arcsin = staticmethod(_quiet(math.asin, lambda x: NAN))
    arccos = staticmethod(_quiet(math.acos, lambda x: NAN))
    arctan = staticmethod(math.atan)
    arctan2 = staticmethod(lambda y, x: math.atan2(y + 0.0, x + 0.0))  # −0 is 0: on the upper side of the cut
    sinh = staticmethod(_quiet(math.sinh, _signed_infinity))
    cosh = staticmethod(_quiet(math.cosh, lambda x: INF))
    tanh = staticmethod(math.tanh)
    arcsinh = staticmethod(math.asinh)
    arccosh = staticmethod(_quiet(math.acosh, lambda x: NAN))
    arctanh = staticmethod(_quiet(math.atanh, lambda x: _signed_infinity(x) if abs(x) == 1 else NAN))
    erf = staticmethod(math.erf)
    sqrt = staticmethod(_quiet(math.sqrt, lambda x: NAN))
    cbrt = staticmethod(lambda x: _refined_cbrt(x, math.cbrt(x)))
    abs = staticmethod(math.fabs)
    hypot = staticmethod(math.hypot)

    rint = staticmethod(lambda x: math.copysign(float(round(x)), x) if math.isfinite(x) else x)
    frexp = staticmethod(math.frexp)

    @staticmethod
    def ldexp(x: float, k: float) -> float:
        """x·2^k, rounded once."""
        try:
            return math.ldexp(x, int(k)) if k == k else NAN
        except OverflowError:
            return math.copysign(INF, x)

    @staticmethod
    def floor(x: float) -> float:
        """⌊x⌋ as a float; non-finite values and −0 stay what they are."""
        return float(math.floor(x)) if math.isfinite(x) and x else x

    @staticmethod
    def ceil(x: float) -> float:
        """⌈x⌉ as a float, with the sign of x on a zero; non-finite values stay what they are."""
        return math.copysign(float(math.ceil(x)), x) if math.isfinite(x) else x

    @staticmethod
    def sign(x: float) -> float:
        """−1, 0 or 1; NaN of NaN."""
        return NAN if x != x else float(x > 0) - float(x < 0)

    @staticmethod
    def divide(x: float, y: float) -> float:
        """x / y, with the infinities and NaN of IEEE 754 where y is 0."""
        if y:
            return x / y
        if x == 0 or x != x or y != y:
            return NAN
        return math.copysign(INF, x) * math.copysign(1.0, y)

    @staticmethod
    def power(x: float, y: float) -> float:
        """x ** y as C's pow: inf where it overflows, NaN for a negative base and a fractional exponent."""
        try:
            return math.pow(x, y)
        except OverflowError:
            return -INF if x < 0 and y % 2 == 1 else INF
        except ValueError:
            if x == 0:  # a negative exponent: a pole
                return math.copysign(INF, x) if y % 2 == 1 else INF
            return NAN

    @staticmethod
    def scale(g: float, p: float) -> float:
        """g·p, where a g of exactly 0 stays 0 whatever p: an unused path adds 0."""
        return g if g == 0 else g * p

    @staticmethod
    def where(condition: bool, x: float, y: float) -> float:
        """X where the condition holds, else y."""
        return x if condition else y

    @staticmethod
    def minimum(x: float, y: float) -> float:
        """The smaller; NaN if either is."""
        return x if x != x or x < y else y

    @staticmethod
    def maximum(x: float, y: float) -> float:
        """The larger; NaN if either is."""
        return x if x != x or x > y else y

    @staticmethod
    def refined(plain: float, condition: Truth, better: Callable[[], float]) -> float:
        """`plain`, but `better()` where rounding or overflow would spoil it."""
        return better() if condition else plain

    def exp_pair(self, x: float, low: float = 0.0) -> tuple[pairs.Pair[float], float]:
        """(m, k) with e^(x + low) = m·2^k, m a pair of about 1."""
        return pairs.exp(self, x, low)

    @staticmethod
    def ones_like(x: float) -> float:
        """1."""
        return 1.0

    @staticmethod
    def isnan(x: float) -> bool:
        """Whether it is not a number."""
        return x != x

    @staticmethod
    def isfinite(x: float) -> bool:
        """Neither infinite nor NaN."""
        return math.isfinite(x)


FLOATS = Floats()


@cache
def arrays() -> Arrays[Any]:
    """The primitives over NumPy arrays: NumPy's own, and erf, which it lacks."""
    import numpy as np

    class NumPy(_Rounding):
        name = "arrays"
        _erf: Any = staticmethod(np.frompyfunc(math.erf, 1, 1))

        def __getattr__(self, attribute: str) -> Any:
            value = getattr(np, attribute)
            setattr(self, attribute, value)  # so that the next look-up is direct
            return value

        @staticmethod
        def constant(x: float) -> Any:
            """A number as an array with an axis of one point."""
            return np.array([x])

        @staticmethod
        def ldexp(x: Any, k: Any) -> Any:
            """x·2^k, rounded once; k may be whole numbers as floats."""
            return np.ldexp(x, np.asarray(k, np.intc))

        @staticmethod
        def arctan2(y: Any, x: Any) -> Any:
            """The angle of (x, y), where −0 is 0."""
            return np.arctan2(y + 0.0, x + 0.0)

        @staticmethod
        def scale(g: Any, p: Any) -> Any:
            """g·p, where a g of exactly 0 stays 0 whatever p: an unused path adds 0."""
            product = g * p
            bad = product != product
            return np.where(bad & (g == 0), 0.0, product) if bad.any() else product

        @staticmethod
        def refined(plain: Any, condition: Truth, better: Callable[[], Any]) -> Any:
            """`plain`, but `better()` where rounding or overflow would spoil it."""
            if isinstance(condition, bool):
                return better() if condition else plain
            return np.where(condition, better(), plain) if condition.any() else plain

        def exp_pair(self, x: Any, low: Any = 0.0) -> tuple[pairs.Pair[Any], Any]:
            """(m, k) with e^(x + low) = m·2^k, m a pair of about 1."""
            return pairs.exp(self, x, low)

        def total(self, x: Any, axis: int, folds: int = 1) -> pairs.Pair[Any]:
            """Σ x along an axis, which is kept with length 1, as a pair."""
            return pairs.total(self, x, axis, folds)

        def erf(self, x: Any) -> Any:
            """The error function, libm's, entry by entry."""
            return self._erf(x).astype(np.float64)

    return NumPy()


def namespace(*values: N | float) -> Doubles[N]:
    """The namespace of `values`: `FLOATS` for Python numbers, that of a value which has its own, else `arrays()`.

    That of duals comes before all others, as they may be pairs of such numbers.
    """
    kind: Doubles[Any] = FLOATS
    brought: Any = None
    for value in values:
        if not isinstance(value, float | int):
            its = getattr(value, "namespace", None)
            if its is None:
                kind = arrays()
            elif getattr(its, "dual", False):
                kind = its
                break
            else:
                brought = its
    else:
        kind = brought or kind
    return cast(Doubles[N], kind)


def array_namespace(*values: N) -> Arrays[N]:
    """The namespace of values, at least one of which is an array."""
    return cast(Arrays[N], namespace(*values))


def is_array(value: Any) -> bool:
    """Whether `value` is anything but a plain Python number (without importing NumPy to tell)."""
    return not isinstance(value, float | int)
