"""How far the errors of operands move the result of a function of decimals: bounds of |f(x ± e) − f(x)|.

Each function takes the operands, the result and the errors, and gives a bound, ∞ where there is none. All is computed
with six digits, rounded upwards (running error analysis: Higham, Accuracy and Stability of Numerical Algorithms, 2002,
section 3.3).
"""

from collections.abc import Callable
from decimal import MAX_EMAX, MIN_EMIN, ROUND_FLOOR, ROUND_UP, Context, Decimal

BOUNDS = Context(6, ROUND_UP, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])  # of errors, upwards
LOWER = Context(6, ROUND_FLOOR, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])  # of what an error is divided by
ZERO, ONE, TWO, INFINITY = Decimal(0), Decimal(1), Decimal(2), Decimal("Infinity")
_MARGIN = Decimal("1.001")  # for what `decimal` rounds to nearest, whatever the rounding is: exp, log and powers

Bound = Callable[[Decimal, Decimal, Decimal], Decimal]


def _below(x: Decimal, e: Decimal) -> Decimal:
    """The least that |x| may be, or 0."""
    return max(ZERO, LOWER.subtract(x.copy_abs(), e))


def _over(numerator: Decimal, denominator: Decimal) -> Decimal:
    """An error divided by something that may be 0."""
    return BOUNDS.divide(numerator, denominator) if denominator > 0 else INFINITY


def _exp(x: Decimal) -> Decimal:
    """e^x, rounded upwards."""
    return BOUNDS.multiply(BOUNDS.exp(x), _MARGIN)


def _grown(x: Decimal, e: Decimal) -> Decimal:
    """|x|·(e^e − 1), for a relative error of an exponent."""
    if e < Decimal("0.01"):
        return BOUNDS.multiply(BOUNDS.multiply(x.copy_abs(), e), Decimal("1.01"))
    grown = BOUNDS.multiply(x.copy_abs(), _exp(e))
    return INFINITY if grown.is_nan() else grown


def of_exp(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    """e^x and 2^x: y(e^e − 1), and less than what they rise to, which far to the left is next to nothing."""
    top = BOUNDS.add(x, e)
    return min(_grown(y, e), _exp(BOUNDS.multiply(top, Decimal("0.693")) if top < 0 else top))


def of_expm1(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    """e^x − 1: as e^x."""
    return min(of_hyperbola(x, y, e), _exp(BOUNDS.add(x, e)))


def of_hyperbola(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    """sinh and cosh: their slopes are at most |y| + 1."""
    return _grown(BOUNDS.add(y.copy_abs(), ONE), e)


def of_size(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    """|x|: e."""
    return BOUNDS.plus(e)


def of_wave(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    """sin and cos: their slopes are at most 1, and no two values are further apart than 2."""
    return min(BOUNDS.plus(e), TWO)


def of_tanh(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    """tanh: the slope is at most 1, and beyond t it changes by less than 1 − tanh t < 2e^−2t."""
    near = _below(x, e)
    return min(BOUNDS.plus(e), BOUNDS.multiply(TWO, _exp(LOWER.multiply(TWO, near).copy_negate())))


def of_erf(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    """erf: the slope is at most 2/√π, and beyond t it changes by less than 1 − erf t < e^−t²."""
    near = _below(x, e)
    return min(
        BOUNDS.multiply(Decimal("1.13"), e), BOUNDS.multiply(TWO, _exp(LOWER.multiply(near, near).copy_negate()))
    )


def of_arctan(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    """atan: the slope is 1/(1 + x²)."""
    near = _below(x, e)
    return min(_over(e, LOWER.fma(near, near, ONE)), Decimal("3.15"))


def of_arcsinh(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    """asinh: the slope is 1/√(1 + x²)."""
    near = _below(x, e)
    return _over(e, LOWER.divide(LOWER.sqrt(LOWER.fma(near, near, ONE)), _MARGIN))


def of_log(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    """log, log2, log10: e/(|x| − e), over ln 2 at the most."""
    return BOUNDS.multiply(_over(e, _below(x, e)), Decimal("1.4427"))


def of_root(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    """√: √x − √(x − e) = e/(√x + √(x − e))."""
    return _over(e, LOWER.divide(y, _MARGIN)) if x > e else BOUNDS.multiply(BOUNDS.sqrt(e), TWO)


def of_cube_root(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    """∛, which is concave: it rises most at 0."""
    if x.copy_abs() > BOUNDS.multiply(TWO, e):
        return _over(e, LOWER.divide(LOWER.multiply(y, y), TWO))
    return BOUNDS.multiply(BOUNDS.multiply(BOUNDS.power(e, BOUNDS.divide(ONE, Decimal(3))), _MARGIN), TWO)


def of_tan(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    """The slope 1 + y² at most doubles while it times e is below 1/8."""
    change = BOUNDS.multiply(BOUNDS.fma(y, y, ONE), e)
    return BOUNDS.multiply(change, TWO) if change < Decimal("0.125") else INFINITY


def of_arc(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    """asin and acos: the slope is 1/√(1 − x²); near ±1 they change as a root does."""
    far = BOUNDS.add(x.copy_abs(), e)
    return _by_root(LOWER.subtract(ONE, BOUNDS.multiply(far, far)), e)


def of_arccosh(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    """acosh: the slope is 1/√(x² − 1); near 1 it changes as a root does."""
    near = _below(x, e)
    return _by_root(LOWER.subtract(LOWER.multiply(near, near), ONE), e)


def _by_root(rest: Decimal, e: Decimal) -> Decimal:
    """e/√rest, the least that the rest may be; 3√e where that is less or the rest may be 0."""
    root = BOUNDS.multiply(Decimal(3), BOUNDS.sqrt(e))
    return min(root, _over(e, LOWER.divide(LOWER.sqrt(rest), _MARGIN))) if rest > 0 else root


def of_arctanh(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    """atanh: the slope is 1/(1 − x²)."""
    far = BOUNDS.add(x.copy_abs(), e)
    return _over(e, LOWER.subtract(ONE, BOUNDS.multiply(far, far)))


def of_log1p(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    """log1p: the slope is 1/(1 + x)."""
    return _over(e, LOWER.subtract(LOWER.add(ONE, x), e))


def of_sign(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    """sign: 0, unless x may be on the other side of 0."""
    return ZERO if x.copy_abs() > e else TWO


def of_step(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    """floor and ceil: 0, unless x may be on the other side of a whole number."""
    whole = x.to_integral_value()
    return ZERO if LOWER.subtract(max(x, whole), min(x, whole)) > e else BOUNDS.add(BOUNDS.multiply(TWO, e), ONE)


def of_sum(x: Decimal, y: Decimal, z: Decimal, e: Decimal, f: Decimal) -> Decimal:
    """Sums, differences and hypot: e + f."""
    return BOUNDS.add(e, f)


def of_product(x: Decimal, y: Decimal, z: Decimal, e: Decimal, f: Decimal) -> Decimal:
    """|x|f + |y|e + ef."""
    return BOUNDS.fma(x.copy_abs(), f, BOUNDS.multiply(BOUNDS.add(y.copy_abs(), f), e))


def of_quotient(x: Decimal, y: Decimal, z: Decimal, e: Decimal, f: Decimal) -> Decimal:
    """(e + |z|f)/(|y| − f)."""
    return _over(BOUNDS.fma(z.copy_abs(), f, e), _below(y, f))


def of_power(x: Decimal, y: Decimal, z: Decimal, e: Decimal, f: Decimal) -> Decimal:
    """x^y changes by |y|·δx/x + |ln x|·δy of itself; at 0 it is as small as the error is. A negative x has any power
    within the error of y: of either sign, or none.
    """
    if x.copy_abs() > e and (x > 0 or not f):
        relative = _over(BOUNDS.multiply(BOUNDS.add(y.copy_abs(), f), e), _below(x, e))
        if f:
            logarithm = BOUNDS.multiply(BOUNDS.ln(x.copy_abs()).copy_abs(), _MARGIN)
            relative = BOUNDS.fma(BOUNDS.add(logarithm, _over(e, _below(x, e))), f, relative)
        return _grown(z, relative)
    if y > 0 and not f:
        return BOUNDS.multiply(BOUNDS.power(BOUNDS.add(x.copy_abs(), e), y), TWO)
    return ZERO if not e and not f else INFINITY


def of_angle(y: Decimal, x: Decimal, z: Decimal, e: Decimal, f: Decimal) -> Decimal:
    """(|x|e + |y|f)/r²; at 0, and where y may be on either side of the cut, the angle is not known."""
    across, along = _below(y, e), _below(x, f)
    if not across and (not along or (x < 0 and e)):
        return INFINITY if e or f else ZERO
    square = LOWER.fma(across, across, LOWER.multiply(along, along))
    return _over(BOUNDS.fma(x.copy_abs(), e, BOUNDS.multiply(y.copy_abs(), f)), square)
