"""The dot product and the affine function z = xᵀw + b, each with its Jacobians directly below it, in numerator layout.

Source: the lecture's "Dot Product and Jacobians" and "Affine Functions and Jacobians". On NumPy arrays.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def dot(u: Array, v: Array) -> Any:
    """z = uᵀv = Σ u_i v_i, for u, v (n,) or row by row for (N, n)."""
    return np.sum(u * v, axis=-1)


def ddot_du(u: Array, v: Array) -> Array:
    """∂z/∂u = vᵀ, 1 × n; (N, 1, n) for N rows."""
    return v[..., None, :]


def ddot_dv(u: Array, v: Array) -> Array:
    """∂z/∂v = uᵀ, 1 × n; (N, 1, n) for N rows."""
    return u[..., None, :]


def affine(x: Array, w: Array, b: Any) -> Any:
    """z = xᵀw + b, for one row x (n,) or a batch (N, n); w (n,), b () for one output, w (n, K), b (K,) for K."""
    return x @ w + b


def daffine_dx(x: Array, w: Array) -> Array:
    """∂z/∂x = wᵀ, K × n (K = 1 for one output); the same for every row."""
    return w.reshape(len(w), -1).T


def daffine_dw(x: Array, w: Array) -> Array:
    """∂z/∂w for one row or each of a batch, (…, K, n·K), the entries of w row by row; xᵀ, 1 × n, for one output.

    ∂z_k/∂w_ij = x_i where j = k, else 0.
    """
    outputs = 1 if w.ndim == 1 else w.shape[1]
    jacobian = x[..., None, :, None] * np.eye(outputs)[:, None, :]
    return jacobian.reshape(*x.shape[:-1], outputs, -1)


def daffine_db(w: Array) -> Array:
    """∂z/∂b = 1, or the identity I_K for K outputs."""
    return np.eye(1 if w.ndim == 1 else w.shape[1])
