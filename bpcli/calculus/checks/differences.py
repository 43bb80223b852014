"""The limit definition of the derivative, in numbers: difference quotients, extrapolated, and the complex step.

∂f/∂x = lim (f(x + h) − f(x − h))/2h. Quotients at many h, of no common ratio with a period, are extrapolated to h = 0
(Richardson), and of all the results the one with the smallest estimate of its error is taken (Ridders 1982, Accurate
computation of F′(x) and F′(x)F″(x)). Where f is made of functions of a complex variable, Im f(x + ih)/h has no
difference, and so no cancellation (Squire & Trapp 1998, Using complex variables to estimate derivatives).
"""

import cmath
import math
import operator
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

from bpcli.numbers.elements import Elements
from bpcli.numbers.operators import give_operators

Function = Callable[[float], Sequence[float]]

_RATIO = 1.7  # of a step to the next: irregular, so that no period of f fits all steps
_STEPS = 44
_COLUMNS = 7  # of the extrapolation
_EPSILON = 2.0**-52
_TINY = 2.0**-1074
_COMPLEX_STEP = 2.0**-400


class Estimate(NamedTuple):
    """A derivative in numbers, and about how far off it may be."""

    value: float
    error: float


def difference_quotients(f: Function, x: float) -> list[Estimate]:
    """∂f_k/∂x of each output of f at x; the error is ∞ where no quotient is finite."""
    found: list[Estimate] | None = None
    for scale in sorted({abs(x), 1.0} if x else {1e-3, 1.0}):
        estimates = _ladder(f, x, 0.23 * scale)
        if not estimates:  # the step is too small to change x
            continue
        # A sure estimate from close by stands, whatever lies farther off: a kink, a pole.
        found = estimates if found is None else [_surer(a, b) for a, b in zip(found, estimates, strict=True)]
    return found or []


def _surer(near: Estimate, far: Estimate) -> Estimate:
    return near if near.error <= 1e-6 * abs(near.value) else min(near, far, key=_badness)


def kinks_nearby(f: Function, x: float) -> list[bool]:
    """For each output, whether the slopes to the left and right of x differ, by no less the nearer they are taken."""
    at = f(x)
    gaps = []
    for h in (1e-4, 1e-6):
        h *= max(abs(x), 1.0)
        right = [(b - a) / h for a, b in zip(at, f(x + h), strict=True)]
        left = [(a - b) / h for a, b in zip(at, f(x - h), strict=True)]
        gaps.append([(abs(r - s), max(abs(r), abs(s))) for r, s in zip(right, left, strict=True)])
    return [near > 0.1 * far and near > 1e-4 * size for (far, _), (near, size) in zip(*gaps, strict=True)]


def _badness(estimate: Estimate) -> float:
    return estimate.error if estimate.error == estimate.error else math.inf


def _ladder(f: Function, x: float, h: float) -> list[Estimate]:
    """The best extrapolation of the quotients at h, h/r, h/r², …"""
    tables: list[list[list[float]]] = []
    best: list[Estimate] = []
    for step in range(_STEPS):
        low, high = x - h, x + h
        if high == low:
            break
        below, above = f(low), f(high)
        if not tables:
            tables = [[] for _ in above]
            best = [Estimate(math.nan, math.inf) for _ in above]
        for k, (a, b) in enumerate(zip(below, above, strict=True)):
            quotient = (b - a) / (high - low)
            tables[k].append(_row(tables[k][-1] if step else [], quotient))
            # Both the value and what the function makes of x inside are rounded.
            noise = (4.0 * _EPSILON * (max(abs(a), abs(b)) + abs(x * quotient)) + _TINY) / (high - low)
            best[k] = min(best[k], _of_row(tables[k], noise), key=_badness)
        h /= _RATIO
    return best


def _row(before: list[float], quotient: float) -> list[float]:
    """A row of the table: each entry removes one more power of h² from the one to its left."""
    row = [quotient]
    power = 1.0
    for older in before[: _COLUMNS - 1]:
        power *= _RATIO * _RATIO
        row.append((power * row[-1] - older) / (power - 1.0))
    return row


def _of_row(table: list[list[float]], noise: float) -> Estimate:
    best = Estimate(math.nan, math.inf)
    if len(table) < 3:
        return best
    before, row = table[-2], table[-1]
    for j in range(1, len(row)):
        # Rounding in the quotients is magnified but little by the extrapolation.
        error = max(abs(row[j] - row[j - 1]), abs(row[j] - before[j - 1])) + 2.0 * noise
        best = min(best, Estimate(row[j], error), key=_badness)
    return best


class _NotAnalyticError(ValueError):
    """There is no such function of a complex variable here."""


class Complex:
    """x + ih, compared by its real part; |x + ih| is ±(x + ih), no modulus: each case of a function stays analytic."""

    __slots__ = ("z",)

    def __init__(self, z: complex) -> None:
        self.z = z

    @property
    def namespace(self) -> Any:
        """The namespace of such numbers."""
        return complexes()

    def __neg__(self) -> "Complex":
        return Complex(-self.z)

    def __abs__(self) -> "Complex":
        return -self if self.z.real < 0 else self


def _lifted(x: Any) -> Complex:
    return x if isinstance(x, Complex) else Complex(complex(float(x)))


def _divided(a: complex, b: complex) -> complex:
    return a / b if b else complex(math.nan, math.nan)


def _of_values(function: Callable[[complex, complex], complex]) -> Callable[[Complex, Complex], Complex]:
    return lambda a, b: Complex(function(a.z, b.z))


def _of_reals(function: Callable[[float, float], bool]) -> Callable[[Complex, Complex], bool]:
    return lambda a, b: function(a.z.real, b.z.real)


_ARITHMETIC = {"add": operator.add, "sub": operator.sub, "mul": operator.mul, "truediv": _divided}
_COMPARISONS = {name: _of_reals(getattr(operator, name)) for name in ("lt", "le", "gt", "ge", "eq", "ne")}
give_operators(Complex, {**{name: _of_values(f) for name, f in _ARITHMETIC.items()}, **_COMPARISONS}, _lifted)


def _of(function: Callable[..., complex]) -> Callable[..., Complex]:
    def apply(*args: Complex) -> Complex:
        try:
            return Complex(function(*(a.z for a in args)))
        except (ValueError, OverflowError, ZeroDivisionError):
            return Complex(complex(math.nan, math.nan))

    return apply


def _inside(function: Callable[[complex], complex], low: float, high: float) -> Callable[[complex], complex]:
    def apply(z: complex) -> complex:
        if not low <= z.real <= high:
            raise ValueError
        return function(z)

    return apply


def _expm1(z: complex) -> complex:
    """e^z − 1, whose tiny imaginary part is e^x sin y."""
    return complex(math.expm1(z.real), math.exp(z.real) * math.sin(z.imag))


def _log1p(z: complex) -> complex:
    return complex(math.log1p(z.real), cmath.phase(1.0 + z))


def _cbrt(z: complex) -> complex:
    root = math.cbrt(z.real)
    return complex(root, z.imag / (3.0 * root * root) if root else math.nan)


def _unknown(*args: complex) -> complex:
    raise _NotAnalyticError


def _arctan2(y: complex, x: complex) -> complex:
    square = x.real * x.real + y.real * y.real
    return complex(math.atan2(y.real, x.real), (x.real * y.imag - y.real * x.imag) / square if square else math.nan)


@cache
def complexes() -> Elements:
    """The namespace of x + ih; `erf` has none here and raises ValueError."""
    half_line = {
        "log": cmath.log,
        "log2": lambda z: cmath.log(z) / math.log(2),
        "log10": cmath.log10,
        "sqrt": cmath.sqrt,
    }
    functions: dict[str, Callable[..., complex]] = {
        **{name: getattr(cmath, name) for name in ("exp", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
        **{f"arc{name}": getattr(cmath, f"a{name}") for name in ("tan", "sinh")},
        **{name: _inside(function, 0.0, math.inf) for name, function in half_line.items()},
        "arcsin": _inside(cmath.asin, -1.0, 1.0),
        "arccos": _inside(cmath.acos, -1.0, 1.0),
        "arctanh": _inside(cmath.atanh, -1.0, 1.0),
        "arccosh": _inside(cmath.acosh, 1.0, math.inf),
        "log1p": _inside(_log1p, -1.0, math.inf),
        "exp2": lambda z: cmath.exp(z * math.log(2)),
        "expm1": _expm1,
        "cbrt": _cbrt,
        "floor": lambda z: complex(math.floor(z.real)),
        "ceil": lambda z: complex(math.ceil(z.real)),
        "sign": lambda z: complex((z.real > 0) - (z.real < 0)),
        "abs": lambda z: -z if z.real < 0 else z,
        "erf": _unknown,
        "divide": _divided,
        "power": _power,
        "hypot": lambda x, y: cmath.sqrt(x * x + y * y),
        "arctan2": _arctan2,
        "maximum": lambda x, y: y if x.real < y.real else x,
        "minimum": lambda x, y: y if x.real > y.real else x,
        "scale": lambda g, p: g * p,
    }
    return Elements(
        "complexes",
        Complex,
        {name: _of(function) if function is not _unknown else _raising for name, function in functions.items()},
        lift=_lifted,
        constant=_lifted,
        select=lambda condition, x, y: x if condition else y,
        is_finite=lambda x: cmath.isfinite(x.z),
        rank=lambda x: x.z.real,
        power_of_two=lambda k: Complex(complex(2.0 ** int(k))),
        pi=lambda: Complex(complex(math.pi)),
    )


def _raising(*args: Any) -> Any:
    raise _NotAnalyticError


def _power(x: complex, y: complex) -> complex:
    if y.imag == 0 and y.real == round(y.real) and abs(y.real) <= 64:
        return x ** int(y.real)
    if x.real < 0:
        raise ValueError
    return x**y if x else complex(math.nan, math.nan)


def complex_step(f: Callable[[Any], Sequence[Any]], x: float) -> list[Estimate] | None:
    """∂f_k/∂x of each output of an f that takes a `Complex`; None where f is no function of a complex variable."""
    h = _COMPLEX_STEP
    try:
        values = [_lifted(value).z for value in f(Complex(complex(x, h)))]
    except (_NotAnalyticError, TypeError):
        return None
    slopes = [value.imag / h for value in values]
    if not all(map(math.isfinite, slopes)):
        return None
    # A subnormal slope has lost digits, and what is computed from it magnifies that.
    return [Estimate(slope, 64.0 * (_EPSILON * abs(slope) + _TINY / h)) for slope in slopes]
