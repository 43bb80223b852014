"""Activations and their slopes to more digits than a double has, at z + low, a pair of doubles.

A slope is (m, k) for m·2^k, which may be beyond the doubles; a value is a pair of doubles, so that a − y keeps its
digits.
"""

from typing import Any

from bpcli.numbers import pairs
from bpcli.numbers.namespaces import namespace
from bpcli.numbers.pairs import Pair
from bpcli.numbers.primitives import Doubles

LEAKY_SLOPE = 0.01
ELU_ALPHA = 1.0
"""The default settings of leaky_relu and elu."""


def _whole_bell(x: Any, low: Any) -> tuple[Any, Any]:
    """e/(1 + e)² with e = e^(x + low) ≤ 1 as (m, k) for m·2^k."""
    xp = namespace(x)
    e, k = xp.exp_pair(x, low)
    s = pairs.one_plus(xp, pairs.ldexp(xp, e, k))
    return pairs.divide(xp, e, pairs.multiply(xp, s, s))[0], k


def _away_from_0(z: Any, low: Any) -> Any:
    """The low part of |z + low|."""
    return namespace(z).where(z < 0, -low, low)


def sigmoid_slope(z: Any, low: Any) -> tuple[Any, Any]:
    """∂a/∂z = e/(1 + e)² of the sigmoid, e = e^−|z|."""
    return _whole_bell(-abs(z), -_away_from_0(z, low))


def tanh_slope(z: Any, low: Any) -> tuple[Any, Any]:
    """∂a/∂z = 4e/(1 + e)² of tanh, e = e^−2|z|."""
    m, k = _whole_bell(-2.0 * abs(z), -2.0 * _away_from_0(z, low))
    return m, k + 2


def sigmoid_pair(z: Any, low: Any) -> Pair[Any]:
    """σ(z), from e^−|z|."""
    xp = namespace(z)
    e, k = xp.exp_pair(-abs(z), -_away_from_0(z, low))
    s = pairs.one_plus(xp, pairs.ldexp(xp, e, k))
    one = 0.0 * e[0] + 1.0
    below = pairs.ldexp(xp, pairs.divide(xp, e, s), k)
    return pairs.where(xp, z >= 0, pairs.divide(xp, (one, 0.0 * one), s), below)


_NEAR_0 = 2.0**-12
"""The |z| up to which z − z³/3 and two more terms give tanh z to 2^−106, so that tanh z − z has all its digits."""


def tanh_pair(z: Any, low: Any) -> Pair[Any]:
    """±(1 − e)/(1 + e) with e = e^−2|z|; near 1 the low part of e holds 1 − e to all digits.

    Near 0 the series z − z³/3 + 2z⁵/15 − 17z⁷/315 (Abramowitz & Stegun 4.5.64), so that tanh z − z has its digits.
    """
    xp = namespace(z)
    e = pairs.ldexp(xp, *xp.exp_pair(-2.0 * abs(z), -2.0 * _away_from_0(z, low)))
    high, rest = pairs.divide(xp, pairs.subtract(xp, (1.0, 0.0), e), pairs.one_plus(xp, e))
    far = pairs.where(xp, z < 0, (-high, -rest), (high, rest))
    small, rest_of_small = (xp.where(abs(z) < _NEAR_0, part, 0.0) for part in (z, low))
    square = small * small
    cube = pairs.multiply(xp, xp.two_product(small, small), (small, 3.0 * rest_of_small))
    bend = pairs.divide(xp, cube, (-3.0 + 0.0 * small, 0.0 * small))
    bend = pairs.add(xp, bend, (small * square * square * (2.0 / 15.0 - 17.0 / 315.0 * square), 0.0 * small))
    near = pairs.add(xp, (small, rest_of_small), bend)
    return pairs.where(xp, abs(z) < _NEAR_0, near, far)


def relu_pair(z: Any, low: Any) -> Pair[Any]:
    """max(0, z)."""
    return pairs.where(namespace(z), z >= 0, (z, low), (0.0, 0.0))


def leaky_relu_pair(z: Any, low: Any, slope: float = LEAKY_SLOPE) -> Pair[Any]:
    """z for z ≥ 0, else slope·z."""
    xp = namespace(z)
    k = xp.where(abs(z) > 2.0**900, 64, 0)  # a product of pairs splits its factors, which overflows for large ones
    below = pairs.multiply(xp, pairs.ldexp(xp, (z, low), -k), (slope + 0.0 * z, 0.0 * z))
    return pairs.where(xp, z >= 0, (z, low), pairs.ldexp(xp, below, k))


def elu_slope(z: Any, low: Any, alpha: float = ELU_ALPHA) -> tuple[Any, Any]:
    """∂a/∂z = alpha·e^z for z < 0, else 1."""
    xp = namespace(z)
    e, k = xp.exp_pair(z, low)
    return xp.where(z >= 0, 1.0, alpha * e[0]), xp.where(z >= 0, 0.0, k)


_FEW_TERMS = 2.0**-26
"""The size up to which a series of a few terms gives a pair more digits than an exponential less 1."""


def elu_pair(z: Any, low: Any, alpha: float = ELU_ALPHA) -> Pair[Any]:
    """alpha·(e^z − 1); near 0 from z + z²/2 + z³/6."""
    xp = namespace(z)
    far = pairs.subtract(xp, pairs.ldexp(xp, *xp.exp_pair(xp.minimum(z, 0.0), low)), (1.0, 0.0))
    near = xp.two_sum(z, low + z * z * (0.5 + z / 6.0))
    below = pairs.where(xp, abs(z) < _FEW_TERMS, near, far)
    return pairs.where(xp, z >= 0, (z, low), pairs.multiply(xp, below, (alpha + 0.0 * z, 0.0 * z)))


def exp_slope(z: Any, low: Any) -> tuple[Any, Any]:
    """∂a/∂z = e^z."""
    e, k = namespace(z).exp_pair(z, low)
    return e[0], k


def exp_pair(z: Any, low: Any) -> Pair[Any]:
    """e^z."""
    xp = namespace(z)
    return pairs.ldexp(xp, *xp.exp_pair(z, low))


def softplus_slope(z: Any, low: Any) -> tuple[Any, Any]:
    """σ(z), e/(1 + e) with e = e^z for z < 0, as m·2^k."""
    xp = namespace(z)
    e, k = xp.exp_pair(-abs(z), -_away_from_0(z, low))
    s = pairs.one_plus(xp, pairs.ldexp(xp, e, k))[0]
    return xp.where(z >= 0, 1.0, e[0]) / s, xp.where(z >= 0, 0.0, k)


def softplus_pair(z: Any, low: Any) -> Pair[Any]:
    """max(z, 0) + log(1 + e), e = e^−|z|: a step of Newton's method behind the logarithm; of a small e its series."""
    xp = namespace(z)
    e = pairs.ldexp(xp, *xp.exp_pair(-abs(z), -_away_from_0(z, low)))
    far = log_pair(xp, pairs.one_plus(xp, e))
    near = xp.two_sum(e[0], e[1] + e[0] * e[0] * (e[0] / 3.0 - 0.5))
    rest = pairs.where(xp, e[0] < _FEW_TERMS, near, far)
    return pairs.add(xp, pairs.where(xp, z >= 0, (z, low), (0.0 * z, 0.0 * z)), rest)


def log_pair(xp: Doubles[Any], x: Pair[Any]) -> Pair[Any]:
    """log x of a pair x > 0: y + (x·e^−y − 1) with y the logarithm as a double."""
    y = xp.log(x[0])
    m, j = pairs.frexp(xp, x)
    e, k = xp.exp_pair(-y)
    ratio = pairs.ldexp(xp, pairs.multiply(xp, m, e), j + k)
    high, low = xp.two_sum(y, pairs.subtract(xp, ratio, (1.0, 0.0))[0])
    return high, low
