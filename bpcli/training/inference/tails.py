"""Tails and quantiles of the normal, t and F distributions, by the standard library alone."""

from math import erfc, exp, inf, lgamma, log, log1p, pi, sqrt
from statistics import NormalDist

_TINY = 1e-300  # replaces a denominator of 0
_ENOUGH = 1e-16  # a continued fraction ends when a factor differs from 1 by less
_MOST_TERMS = 200_000


def normal_tails(z: float) -> float:
    """P(|Z| ≥ |z|) of a standard normal Z: erfc(|z|/√2)."""
    return erfc(abs(z) / sqrt(2.0))


def t_tails(t: float, df: float) -> float:
    """P(|T| ≥ |t|) of a t with df degrees of freedom: I_x(df/2, 1/2) at x = df/(df + t²)."""
    return incomplete_beta(0.5 * df, 0.5, *_shares(df, t * t))


def f_tail(f: float, df1: float, df2: float) -> float:
    """P(F ≥ f) of an F with df1 and df2 degrees of freedom: I_x(df2/2, df1/2) at x = df2/(df2 + df1·f)."""
    return incomplete_beta(0.5 * df2, 0.5 * df1, *_shares(df2, df1 * f))


def _shares(a: float, b: float) -> tuple[float, float]:
    """a/(a + b) and b/(a + b)."""
    return (0.0, 1.0) if b == inf else (a / (a + b), b / (a + b))


def quantile(level: float, df: float = inf) -> float:
    """The q with P(|T| ≤ q) = level, for a t with df degrees of freedom, or a normal with df = ∞."""
    if df == inf:
        return -NormalDist().inv_cdf(0.5 * (1.0 - level))
    low, high = 0.0, 1.0
    while t_tails(high, df) > 1.0 - level:
        low, high = high, 2.0 * high
    while low < (middle := 0.5 * (low + high)) < high:
        low, high = (middle, high) if t_tails(middle, df) > 1.0 - level else (low, middle)
    return high


def incomplete_beta(a: float, b: float, x: float, y: float) -> float:
    """I_x(a, b), regularised, for x in [0, 1] and y = 1 − x (Didonato & Morris 1992, Algorithm 708, equation 9)."""
    if x <= 0.0 or y <= 0.0:
        return 0.0 if x <= 0.0 else 1.0
    if a * y < b * x:
        return 1.0 - _power(b, a, y, x) / _fraction(b, a, y, x)
    return _power(a, b, x, y) / _fraction(a, b, x, y)


def _fraction(a: float, b: float, x: float, y: float) -> float:
    """The continued fraction β₀ + α₁/(β₁ + α₂/(β₂ + …)), by Lentz's method."""
    above = a * y - b * x
    value = c = a * (above + 1.0) / (a + 1.0)
    d = 0.0
    for m in range(1, _MOST_TERMS):
        r = a + 2 * m
        alpha = (a + m - 1.0) * (a + b + m - 1.0) * m * (b - m) * (x / (r - 1.0)) ** 2
        beta = m + m * (b - m) * x / (r - 1.0) + (a + m) * (above + 1.0 + m * (1.0 + y)) / (r + 1.0)
        d = 1.0 / (beta + alpha * d or _TINY)
        c = beta + alpha / c or _TINY
        value *= c * d
        if abs(c * d - 1.0) < _ENOUGH:
            break
    return value


def _power(a: float, b: float, x: float, y: float) -> float:
    """xᵃyᵇ/B(a, b), as the gap to its largest value: each Γ by Stirling's series (Loader 2000)."""
    n, above = a + b, a * y - b * x  # above = a − nx = −(b − ny), without the cancellation
    gap = _deviance(n * x, above / (n * x)) + _deviance(n * y, -above / (n * y))
    return sqrt(a * b / (2.0 * pi * n)) * exp(_stirling(n) - _stirling(a) - _stirling(b) - gap)


def _deviance(m: float, u: float) -> float:
    """a·log(a/m) + m − a for a = m(1 + u): m·((1 + u)log(1 + u) − u)."""
    if abs(u) < 0.1:  # Σ (−u)ᵏ/(k(k − 1)), as its parts cancel
        return m * sum((-u) ** k / (k * (k - 1)) for k in range(2, 20))
    return m * ((1.0 + u) * log1p(u) - u)


def _stirling(u: float) -> float:
    """log Γ(u) − (u − ½)log u + u − ½log 2π."""
    if u < 16.0:
        return lgamma(u) - (u - 0.5) * log(u) + u - 0.5 * log(2.0 * pi)
    s = 1.0 / (u * u)
    return (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s * (1 / 1188 - s * 691 / 360360))))) / u
