"""Unevaluated sums high + low of two doubles: sums and products without error, and what is built on them.

They work on floats and on arrays: most use operators alone, others take a namespace `xp`. Source: Ogita, Rump & Oishi,
"Accurate sum and dot product", SIAM J. Sci. Comput. 26 (2005), unless stated.
"""

from typing import Any

from bpcli.numbers.primitives import Arrays, Doubles, N, Truth

Pair = tuple[N, N]
ZERO: Pair[Any] = (0.0, 0.0)  # floats stand for any kind of number
ONE: Pair[Any] = (1.0, 0.0)

_SPLITTER = 134217729.0  # 2**27 + 1
_LOG2_E = 1.4426950408889634
# ln 2 in three parts; the first two have 40 bits, so that a whole number up to 2**13 times them is exact.
_LN2 = (0.6931471805592082, 7.371002565161996e-13, 5.8029889835956905e-25)
_A_SIXTH: Pair[Any] = (1 / 6, 9.25185853854297e-18)
_A_24TH: Pair[Any] = (1 / 24, 2.3129646346357427e-18)
_HALF: Pair[Any] = (0.5, 0.0)
_TINY = 2.0**-110
_FAR = 4000.0  # e^−4000 times any double is 0


def two_sum(a: N, b: N) -> Pair[N]:
    """(s, e) with s = fl(a + b) and s + e = a + b exactly, unless s overflows (Knuth, TAOCP 2, 4.2.2, theorem B)."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def two_product(a: N, b: N) -> Pair[N]:
    """(p, e) with p = fl(a·b) and p + e = a·b exactly (Dekker 1971), unless a part over- or underflows."""
    p = a * b
    c = _SPLITTER * a
    a_high = c - (c - a)
    a_low = a - a_high
    c = _SPLITTER * b
    b_high = c - (c - b)
    b_low = b - b_high
    return p, ((a_high * b_high - p) + a_high * b_low + a_low * b_high) + a_low * b_low


def add(xp: Doubles[N], a: Pair[N], b: Pair[N]) -> Pair[N]:
    """a + b, to about 2^−104 of the larger."""
    s, e = xp.two_sum(a[0], b[0])
    return xp.two_sum(s, e + (a[1] + b[1]))


def subtract(xp: Doubles[N], a: Pair[N], b: Pair[N]) -> Pair[N]:
    """a − b, to about 2^−104 of the larger."""
    return add(xp, a, (-b[0], -b[1]))


def multiply(xp: Doubles[N], a: Pair[N], b: Pair[N]) -> Pair[N]:
    """a·b, to about 2^−104 of itself."""
    p, e = xp.two_product(a[0], b[0])
    return xp.two_sum(p, e + (a[0] * b[1] + a[1] * b[0]))


def divide(xp: Doubles[N], a: Pair[N], b: Pair[N]) -> Pair[N]:
    """a/b for b ≠ 0, to about 2^−103 of itself: a quotient, and the remainder's."""
    q = a[0] / b[0]
    p, e = xp.two_product(q, b[0])
    return xp.two_sum(q, ((a[0] - p) - e + a[1] - q * b[1]) / b[0])


def ldexp(xp: Doubles[N], x: Pair[N], k: Any) -> Pair[N]:
    """x·2^k."""
    return xp.ldexp(x[0], k), xp.ldexp(x[1], k)


def frexp(xp: Doubles[N], x: Pair[N]) -> tuple[Pair[N], Any]:
    """(m, k) with x = m·2^k and 0.5 ≤ |m| < 1."""
    m, k = xp.frexp(x[0])
    return (m, xp.ldexp(x[1], -k)), k


def where(xp: Doubles[N], condition: Truth, x: Pair[N], y: Pair[N]) -> Pair[N]:
    """X where the condition holds, else y."""
    return xp.where(condition, x[0], y[0]), xp.where(condition, x[1], y[1])


def exp(xp: Doubles[N], x: N, low: N) -> tuple[Pair[N], N]:
    """(m, k) with e^(x + low) = m·2^k, m a pair right to about 2^−102, k a whole number as a float.

    With x + low = k·ln 2 + r, |r| < 0.35, m = e^r = (e^(r/512))^512, which comes from its Taylor series.
    Beyond ±4000 the result is that of ±4000: both are past whatever a product of doubles can reach.
    """
    low = xp.where(abs(x) < _FAR, low, 0.0)
    x = xp.minimum(xp.maximum(x, -_FAR), _FAR)
    k = xp.rint(x * _LOG2_E)
    high, error = two_sum(x - k * _LN2[0], -k * _LN2[1])
    high, carried = two_sum(high, low)
    high, error = two_sum(high, error + carried - k * _LN2[2])
    r = (high / 512.0, error / 512.0)
    tail = 1 / 120 + r[0] * (1 / 720 + r[0] * (1 / 5040 + r[0] / 40320))
    series = add(xp, _A_24TH, multiply(xp, r, (tail, ZERO[1])))
    series = add(xp, _A_SIXTH, multiply(xp, r, series))
    series = add(xp, _HALF, multiply(xp, r, series))
    s = add(xp, r, multiply(xp, multiply(xp, r, r), series))
    for _ in range(9):  # (1 + s)² = 1 + (2s + s²)
        s = add(xp, (2.0 * s[0], 2.0 * s[1]), multiply(xp, s, s))
    s = where(xp, abs(high) < _TINY, (high, error), s)  # r/512 may have lost digits; e^r − 1 is r
    return one_plus(xp, s), k


def one_plus(xp: Doubles[N], s: Pair[N]) -> Pair[N]:
    """1 + s."""
    return add(xp, ONE, s)


def total(xp: Arrays[Any], x: Any, axis: int, folds: int = 1) -> Pair[Any]:
    """Σ x along `axis`, which is kept with length 1; the error is eps² and not eps times n·Σ|x|, eps³ for two folds.

    The sum goes by halves, and so do its rounding errors, `folds` times.
    """
    x = xp.moveaxis(x, axis, 0)
    errors = []
    while len(x) > 1:
        half = (len(x) + 1) // 2
        left, right = x[:half], x[half:]
        s, e = xp.two_sum(left[: len(right)], right)
        errors.append(e)
        x = s if len(left) == len(right) else xp.concatenate([s, left[len(right) :]])
    high = xp.moveaxis(x, 0, axis)
    if not errors:
        return high, 0.0 * high
    lost = xp.where(xp.isfinite(high), xp.moveaxis(xp.concatenate(errors), 0, axis), 0.0)  # ∞ − ∞ there
    if folds == 1:
        return xp.two_sum(high, lost.sum(axis=axis, keepdims=True))
    return add(xp, (high, 0.0), total(xp, lost, axis, folds - 1))
