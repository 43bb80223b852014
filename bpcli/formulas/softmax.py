"""Softmax and what belongs to it, along any axis, each with its Jacobian and the products v·J and J·v.

Source: the lecture's "Softmax and Jacobians". On NumPy arrays. Three things keep the digits of saturated logits: the
rounding error of l − max is carried into the exponential, 1 − p of the largest class is the sum of the others, and the
products measure v from its entry at the largest class.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.namespaces import two_sum

Array = NDArray[Any]


class _Shifted(NamedTuple):
    """e_i = exp(l_i − m) with m = max l = l_top, S = Σ e_i and `rest` = S − e_top, the sum without the largest."""

    m: Array
    d: Array
    e: Array
    top: Array
    rest: Array
    S: Array


def total(x: Array, axis: int) -> Array:
    """Σ x along `axis`, which is kept with length 1; pairwise in any memory layout: errors do not grow."""
    moved = np.ascontiguousarray(np.moveaxis(x, axis, -1))
    return np.expand_dims(moved.sum(axis=-1), axis)


def _shift(logits: Array, axis: int) -> _Shifted:
    m = logits.max(axis=axis, keepdims=True)
    d, error = two_sum(logits, -m)
    e = np.exp(d)
    # e^(d + error) = e^d·(1 + error) to double precision. Where d is −inf the error is NaN, and e is 0.
    error = np.where(e > 0, error, 0.0)
    e = e + e * error
    top = np.expand_dims(logits.argmax(axis=axis), axis)
    others = e.copy()
    np.put_along_axis(others, top, 0.0, axis)
    rest = total(others, axis)
    return _Shifted(m, d + error, e, top, rest, rest + 1.0)


def _complement(p: Array, shifted: _Shifted, axis: int) -> Array:
    """1 − p; for the largest class, where the subtraction would cancel, the sum of the others."""
    q = 1.0 - p
    np.put_along_axis(q, shifted.top, shifted.rest / shifted.S, axis)
    return q


def _diagonal(x: Array) -> Array:
    """Matrices (…, K, K) with the rows of x (…, K) on their diagonals."""
    return x[..., :, None] * np.eye(x.shape[-1])


def softmax(logits: Array, axis: int = -1) -> Array:
    """p_i = e^{l_i}/Σ_k e^{l_k}."""
    shifted = _shift(logits, axis)
    return shifted.e / shifted.S


def dsoftmax_dlogits(logits: Array) -> Array:
    """∂p_i/∂l_j = p_i(1 − p_i) on the diagonal, −p_i p_j elsewhere: (…, K, K) for logits (…, K)."""
    shifted = _shift(logits, -1)
    p = shifted.e / shifted.S
    jacobian = -p[..., :, None] * p[..., None, :]
    diagonal = np.arange(p.shape[-1])
    jacobian[..., diagonal, diagonal] = p * _complement(p, shifted, -1)
    return jacobian


def softmax_vjp(v: Array, logits: Array, axis: int = -1) -> Array:
    """v·J = p ⊙ (v − Σ_i v_i p_i), without forming J, which is symmetric: J·vᵀ is its transpose."""
    shifted = _shift(logits, axis)
    p = shifted.e / shifted.S
    # Measured from v_top the sum has no term of the largest class, and nothing cancels where that class has it all.
    u = v - np.take_along_axis(v, shifted.top, axis)
    return np.asarray(p * (u - total(p * u, axis)))


def softmax_jvp(logits: Array, v: Array, axis: int = -1) -> Array:
    """J·v = p ⊙ (v − Σ_i p_i v_i)."""
    return softmax_vjp(v, logits, axis)


def log_softmax(logits: Array, axis: int = -1) -> Array:
    """log p_i = l_i − log Σ_k e^{l_k}."""
    shifted = _shift(logits, axis)
    return shifted.d - np.log1p(shifted.rest)


def dlog_softmax_dlogits(logits: Array) -> Array:
    """∂log p_i/∂l_j = δ_ij − p_j: (…, K, K) for logits (…, K)."""
    shifted = _shift(logits, -1)
    p = shifted.e / shifted.S
    K = p.shape[-1]
    jacobian = np.repeat(-p[..., None, :], K, axis=-2)
    diagonal = np.arange(K)
    jacobian[..., diagonal, diagonal] = _complement(p, shifted, -1)
    return jacobian


def log_softmax_vjp(v: Array, logits: Array, axis: int = -1) -> Array:
    """v·J = v − p Σ_i v_i."""
    shifted = _shift(logits, axis)
    p = shifted.e / shifted.S
    others = v.copy()
    np.put_along_axis(others, shifted.top, 0.0, axis)
    # At the largest class v_top(1 − p_top) − p_top Σ_{i≠top} v_i, with 1 − p_top as the sum of the others.
    at_top = np.take_along_axis(v, shifted.top, axis)
    p_top = np.take_along_axis(p, shifted.top, axis)
    result = v - p * total(v, axis)
    top = at_top * (shifted.rest / shifted.S) - p_top * total(others, axis)
    np.put_along_axis(result, shifted.top, top, axis)
    return result


def log_softmax_jvp(logits: Array, v: Array, axis: int = -1) -> Array:
    """J·v = v − Σ_j p_j v_j, measured from v_top."""
    shifted = _shift(logits, axis)
    p = shifted.e / shifted.S
    u = v - np.take_along_axis(v, shifted.top, axis)
    return np.asarray(u - total(p * u, axis))


def logsumexp(logits: Array, axis: int = -1) -> Array:
    """log Σ_k e^{l_k} = m + log(1 + Σ_{k≠top} e^{l_k − m}); its gradient is the softmax."""
    shifted = _shift(logits, axis)
    return np.squeeze(shifted.m + np.log1p(shifted.rest), axis)
