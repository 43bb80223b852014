"""The dot product and the affine function z = xᵀw + b, each with its Jacobians directly below it, in numerator layout.

Source: the lecture's "Dot Product and Jacobians" and "Affine Functions and Jacobians".
"""

from typing import Any

import numpy as np

from bpcli.numbers import pairs
from bpcli.numbers.namespaces import array_namespace
from bpcli.numbers.pairs import Pair
from bpcli.numbers.primitives import Arrays

_PANEL = 1024  # features; NumPy's buffer has 8192 numbers


def dot(u: Any, v: Any) -> Any:
    """z = uᵀv = Σ u_i v_i, for u, v (n,) or row by row for (N, n); to the last digit unless the terms cancel wholly."""
    return _within_range(array_namespace(u, v), *_dot(u, v, 0.0, -1))[0]


def ddot_du(u: Any, v: Any) -> Any:
    """∂z/∂u = vᵀ, 1 × n; (N, 1, n) for N rows."""
    return v[..., None, :]


def ddot_dv(u: Any, v: Any) -> Any:
    """∂z/∂v = uᵀ, 1 × n; (N, 1, n) for N rows."""
    return u[..., None, :]


def affine(x: Any, w: Any, b: Any) -> Any:
    """z = xᵀw + b, for one row x (n,) or a batch (N, n); w (n,), b () for one output, w (n, K), b (K,) for K.

    Fast, but terms that cancel lose digits; `affine_pair` keeps them.
    """
    return x @ w + b


def affine_by_row(X: Any, w: Any, b: Any) -> Any:
    """`affine` of a batch X (N, n), with the same bits for a row whatever the other rows are: (N,) or (N, K).

    A product of matrices adds in an order that depends on how many rows there are. `einsum` goes row by row, as long as
    a row fits into its buffer; longer ones are added panel by panel.
    """
    columns = np.ascontiguousarray(w.T.reshape(-1, len(w)))
    z = np.zeros((len(X), len(columns)), X.dtype)
    for first in range(0, X.shape[1], _PANEL):
        panel = slice(first, first + _PANEL)
        z += np.einsum("ij,kj->ik", X[:, panel], columns[:, panel])
    return z.reshape(len(X), *w.shape[1:]) + b


def affine_pair(x: Any, w: Any, b: Any) -> Pair[Any]:
    """`affine` as a pair (z, low) whose sum has twice the digits, in memory of N·n·K."""
    return _within_range(array_namespace(x, w), *affine_scaled(x, w, b))


def affine_scaled(x: Any, w: Any, b: Any) -> tuple[Pair[Any], Any]:
    """`affine` as a pair and an exponent, (z + low)·2^k: also beyond the doubles."""
    return _dot(x, w, b, -1) if w.ndim == 1 else _dot(x[..., None], w, b, -2)


def daffine_dx(x: Any, w: Any) -> Any:
    """∂z/∂x = wᵀ, K × n (K = 1 for one output); the same for every row."""
    return w.reshape(len(w), -1).T


def daffine_dw(x: Any, w: Any) -> Any:
    """∂z/∂w for one row or each of a batch, (…, K, n·K), the entries of w row by row; xᵀ, 1 × n, for one output.

    ∂z_k/∂w_ij = x_i where j = k, else 0.
    """
    outputs = 1 if w.ndim == 1 else w.shape[1]
    jacobian = x[..., None, :, None] * array_namespace(x).eye(outputs)[:, None, :]
    return jacobian.reshape(*x.shape[:-1], outputs, -1)


def daffine_db(w: Any) -> Any:
    """∂z/∂b = 1, or the identity I_K for K outputs."""
    return array_namespace(w).eye(1 if w.ndim == 1 else w.shape[1])


_NONE = -5000  # the exponent of a term that is 0


def _dot(u: Any, v: Any, b: Any, axis: int) -> tuple[Pair[Any], Any]:
    """Σ u_i v_i + b along an axis as (z + low)·2^k: exact products, and a sum of them to three times the digits.

    Mantissas and exponents are kept apart, so that no product over- or underflows on the way to a sum that does not.
    Source: the algorithm DotK of Ogita, Rump & Oishi 2005.
    """
    xp = array_namespace(u, v)
    (mu, ku), (mv, kv) = xp.frexp(u), xp.frexp(v)
    p, error = xp.two_product(mu, mv)
    mb, kb = xp.frexp(xp.broadcast_to(xp.expand_dims(b, axis) if xp.ndim(b) else b, xp.take(p, [0], axis).shape))
    terms = xp.concatenate([p, error, mb], axis)
    exponents = xp.where(terms == 0, _NONE, xp.concatenate([ku + kv, ku + kv, kb], axis))
    largest = exponents.max(axis=axis, keepdims=True)
    k = largest - xp.clip(largest, -500, 980)
    z, low = (xp.squeeze(part, axis) for part in xp.total(xp.ldexp(terms, exponents - k), axis, 2))
    finite = xp.isfinite(z)  # what is not finite has no mantissa
    plain = (u * v).sum(axis=axis) + b
    return (xp.where(finite, z, plain), xp.where(finite, low, 0.0)), xp.where(finite, xp.squeeze(k, axis), 0)


def _within_range(xp: Arrays[Any], z: Pair[Any], k: Any) -> Pair[Any]:
    high, low = pairs.ldexp(xp, z, k)
    return high, xp.where(xp.isfinite(high), low, 0.0)
