"""Softmax, log softmax and logsumexp along any axis, each with its Jacobian and the products v·J and J·v.

Source: the lecture's "Softmax and Jacobians". Three things keep the digits of saturated logits: the rounding error of
l − max is carried into the exponential, 1 − p of the largest class is the sum of the others, and the products measure v
from its entry at the largest class. Where terms cancel all the same, and where probabilities are subnormal, the same
formulas are evaluated in pairs of doubles.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from bpcli.numbers import pairs
from bpcli.numbers.namespaces import array_namespace
from bpcli.numbers.pairs import ZERO, Pair
from bpcli.numbers.primitives import Arrays

_SMALLEST = 2.0**-1022  # of the doubles with all their digits
_NONE = -9000  # the exponent of a sum without terms
_ENTRIES = 1 << 16  # of a Jacobian that are worked on at once


class Shifted(NamedTuple):
    """p and what it is made of: d_i = l_i − m with m = max l, S = Σ e^{d_i}, and `rest` = S − 1: the largest adds 1."""

    p: Any
    m: Any
    d: Any
    rest: Any
    S: Any


def shifted(logits: Any, axis: int = -1) -> Shifted:
    """The softmax of logits along an axis, with its parts."""
    xp = array_namespace(logits)
    m, d, error = _below_the_largest(xp, logits, axis)
    e = xp.exp(d)
    # e^(d + error) = e^d·(1 + error) to double precision. Where d is −inf the error is NaN, and e is 0.
    error = xp.where(e > 0, error, 0.0)
    e = e + e * error
    high, low = xp.total(e, axis)
    rest = (high - 1.0) + low
    rest = xp.refined(rest, (rest < 2.0**-900) & (rest > 0), lambda: _rest(xp, _in_pairs(logits, axis)))
    S = 1.0 + rest
    p = e / S
    p = xp.refined(p, (p < _SMALLEST) & (p > 0), lambda: _p(xp, _in_pairs(logits, axis)))
    return Shifted(p, m, d, rest, S)


def _below_the_largest(xp: Arrays[Any], logits: Any, axis: int) -> tuple[Any, Any, Any]:
    """(m, d, error) with m = max l and d + error = l − m: 0 for an infinite m alone, NaN where several are infinite.

    m is the entry at `_top`, so that e^d of this class is 1 for certain: of balls that overlap and series that tie none
    is the largest, and 1 − p is the sum of the others over S for no class but that of m.
    """
    m = xp.take_along_axis(logits, _top(xp, logits, axis), axis)
    d, error = xp.two_sum(logits, -m)
    finite = xp.isfinite(m)
    if not finite.all():
        same = ~finite & (logits == m)
        alone = same & (xp.where(same, 1.0, 0.0).sum(axis=axis, keepdims=True) == 1.0)
        d, error = xp.where(alone, 0.0, d), xp.where(alone, 0.0, error)
    return m, d, error


class _Pairs(NamedTuple):
    """`Shifted` in pairs of doubles: e^{d_i} = e_i·2^k_i, p_i = a_i·2^k_i; rest·2^j, the sum without the largest."""

    is_top: Any
    e: Pair[Any]
    k: Any
    rest: Pair[Any]
    j: Any
    S: Pair[Any]
    a: Pair[Any]


def _in_pairs(logits: Any, axis: int) -> _Pairs:
    xp = array_namespace(logits)
    _, d, error = _below_the_largest(xp, logits, axis)
    e, k = xp.exp_pair(d, error)
    is_top = _is_top(xp, logits, axis)
    # The sum of all but the largest class has an exponent of its own: it may be below the doubles with all digits.
    j = xp.where(is_top, _NONE, k).max(axis=axis, keepdims=True)
    rest = _sum(xp, pairs.where(xp, is_top, ZERO, pairs.ldexp(xp, e, k - j)), axis)
    S = pairs.one_plus(xp, pairs.ldexp(xp, rest, j))
    return _Pairs(is_top, e, k, rest, j, S, pairs.divide(xp, e, S))


def _sum(xp: Arrays[Any], x: Pair[Any], axis: int) -> Pair[Any]:
    return xp.total(xp.concatenate(x, axis), axis)


def _top(xp: Arrays[Any], logits: Any, axis: int) -> Any:
    """The place of the largest class; the first, of several."""
    return xp.expand_dims(logits.argmax(axis=axis), axis)


def _is_top(xp: Arrays[Any], logits: Any, axis: int) -> Any:
    """Whether a class is the one that the logits are measured from."""
    return _index(xp, logits, axis) == _top(xp, logits, axis)


def _index(xp: Arrays[Any], x: Any, axis: int) -> Any:
    """0, 1, … along an axis of x."""
    shape = [1] * x.ndim
    shape[axis] = -1
    return xp.arange(x.shape[axis]).reshape(shape)


def softmax(logits: Any, axis: int = -1) -> Any:
    """p_i = e^{l_i}/Σ_k e^{l_k}."""
    return shifted(logits, axis).p


def dsoftmax_dlogits(logits: Any) -> Any:
    """∂p_i/∂l_j = p_i(1 − p_i) on the diagonal, −p_i p_j elsewhere: (…, K, K) for logits (…, K)."""
    xp = array_namespace(logits)
    exact = _in_pairs(logits, -1)
    a, k = exact.a, exact.k

    def rows(i: slice) -> Any:
        column, row = ((a[0][of], a[1][of]) for of in ((..., i, None), (..., None, slice(None))))
        return -xp.ldexp(pairs.multiply(xp, column, row)[0], k[..., i, None] + k[..., None, :])

    K = logits.shape[-1]
    step = max(1, _ENTRIES // logits.size)
    jacobian = xp.concatenate([rows(slice(i, i + step)) for i in range(0, K, step)], -2)
    b, j = _complement(xp, exact)
    diagonal = xp.arange(K)
    jacobian[..., diagonal, diagonal] = xp.ldexp(pairs.multiply(xp, a, b)[0], k + j)
    return jacobian


def _p(xp: Arrays[Any], exact: _Pairs) -> Any:
    return xp.ldexp(exact.a[0], exact.k)


def _rest(xp: Arrays[Any], exact: _Pairs) -> Any:
    return xp.ldexp(exact.rest[0], exact.j)


def _complement(xp: Arrays[Any], exact: _Pairs) -> tuple[Pair[Any], Any]:
    """(b, j) with 1 − p = b·2^j: the sum of the others over S, where p is largest."""
    e = pairs.ldexp(xp, exact.e, exact.k)
    others = pairs.where(xp, exact.is_top, exact.rest, pairs.subtract(xp, exact.S, e))
    return pairs.divide(xp, others, exact.S), xp.where(exact.is_top, exact.j, 0)


def softmax_vjp(v: Any, logits: Any, axis: int = -1) -> Any:
    """v·J = p ⊙ (v − Σ_i v_i p_i), without forming J, which is symmetric: J·vᵀ is its transpose."""
    xp = array_namespace(logits)

    def product(v: Any) -> Any:
        p, plain, spoilt, refined = _less_its_mean(v, logits, axis)

        def in_pairs() -> Any:
            exact, difference = refined()
            m, k = pairs.frexp(xp, difference)
            return xp.ldexp(pairs.multiply(xp, exact.a, m)[0], exact.k + k)

        return xp.refined(p * plain, spoilt, in_pairs)

    return _within_range(v, product)


def softmax_jvp(logits: Any, v: Any, axis: int = -1) -> Any:
    """J·v = p ⊙ (v − Σ_i p_i v_i)."""
    return softmax_vjp(v, logits, axis)


def _less_its_mean(v: Any, logits: Any, axis: int) -> tuple[Any, Any, Any, Callable[[], tuple[_Pairs, Pair[Any]]]]:
    """(p, d, lost, refined): d = v − Σ_i p_i v_i, where d has lost digits, and a function that gives d in pairs.

    d is computed as u − Σ_i p_i u_i, u being v less its entry at the largest class: that class has no term in the sum,
    and nothing cancels where it has all the probability. `refined()` gives the softmax and d as pairs of doubles.
    """
    xp = array_namespace(logits)
    p = softmax(logits, axis)
    at_top = xp.take_along_axis(v, _top(xp, logits, axis), axis)
    u = xp.two_sum(v, -at_top)

    def refined() -> tuple[_Pairs, Pair[Any]]:
        exact = _in_pairs(logits, axis)
        # A tiny p may meet a huge u: the sum has an exponent of its own.
        m, k = pairs.frexp(xp, u)
        k = xp.where(m[0] == 0, _NONE, k + exact.k)
        largest = k.max(axis=axis, keepdims=True)
        terms = pairs.ldexp(xp, pairs.multiply(xp, exact.a, m), k - largest)
        return exact, pairs.subtract(xp, u, pairs.ldexp(xp, _sum(xp, terms, axis), largest))

    terms = p * u[0]
    mean = xp.total(terms, axis)[0]
    plain = u[0] - mean
    # Where it cancels, or p is too small a double for its product with something large.
    tiny = (p < _SMALLEST) & (xp.maximum(abs(u[0]), abs(plain)) > 1.0)
    row = (abs(mean) < 0.5 * abs(terms).sum(axis=axis, keepdims=True)) | tiny.any(axis=axis, keepdims=True)
    return p, plain, row | (abs(plain) < 0.5 * abs(u[0])), refined


def _within_range(v: Any, product: Any, scale: float = 0.25) -> Any:
    """A product that is linear in v; where it overflows on the way, it is computed for a smaller v and scaled back."""
    xp = array_namespace(v)
    result = product(v)
    return xp.refined(result, ~xp.isfinite(result), lambda: product(scale * v) / scale)


def log_softmax(logits: Any, axis: int = -1) -> Any:
    """log p_i = l_i − log Σ_k e^{l_k}."""
    parts = shifted(logits, axis)
    return parts.d - array_namespace(logits).log1p(parts.rest)


def dlog_softmax_dlogits(logits: Any) -> Any:
    """∂log p_i/∂l_j = δ_ij − p_j: (…, K, K) for logits (…, K)."""
    xp = array_namespace(logits)
    exact = _in_pairs(logits, -1)
    jacobian = xp.repeat(-_p(xp, exact)[..., None, :], logits.shape[-1], axis=-2)
    b, j = _complement(xp, exact)
    diagonal = xp.arange(logits.shape[-1])
    jacobian[..., diagonal, diagonal] = xp.ldexp(b[0], j)
    return jacobian


def log_softmax_vjp(v: Any, logits: Any, axis: int = -1) -> Any:
    """v·J = v − p Σ_i v_i, as v_i(1 − p_i) − p_i Σ_{k≠i} v_k: 1 − p of the largest class is the sum of the others."""
    xp = array_namespace(logits)
    parts = shifted(logits, axis)
    is_top = _is_top(xp, logits, axis)

    def product(v: Any) -> Any:
        others = pairs.subtract(xp, xp.total(v, axis), (v, 0.0))
        own = v * xp.where(is_top, parts.rest / parts.S, 1.0 - parts.p)
        plain = own - parts.p * others[0]

        def in_pairs() -> Any:
            exact = _in_pairs(logits, axis)
            own = pairs.multiply(xp, (v, 0.0), pairs.ldexp(xp, *_complement(xp, exact)))
            shared = pairs.multiply(xp, pairs.ldexp(xp, exact.a, exact.k), others)
            return pairs.subtract(xp, own, shared)[0]

        return xp.refined(plain, abs(plain) < 0.5 * abs(own), in_pairs)

    return _within_range(v, product, 2.0**-64)


def log_softmax_jvp(logits: Any, v: Any, axis: int = -1) -> Any:
    """J·v = v − Σ_j p_j v_j."""
    xp = array_namespace(logits)

    def product(v: Any) -> Any:
        _, plain, spoilt, refined = _less_its_mean(v, logits, axis)
        return xp.refined(plain, spoilt, lambda: refined()[1][0])

    return _within_range(v, product)


def logsumexp(logits: Any, axis: int = -1) -> Any:
    """log Σ_k e^{l_k} = m + log(1 + Σ_{k≠top} e^{l_k − m}); its gradient is the softmax."""
    xp = array_namespace(logits)
    parts = shifted(logits, axis)
    finite = xp.isfinite(parts.m)
    whole = parts.m + xp.log1p(parts.rest)
    return xp.squeeze(whole if finite.all() else xp.where(finite, whole, parts.m), axis)
