"""The losses over a mini-batch, J = (1/N) Σ J₀, each with ∂J/∂ŷ directly below it, and the fused forms from logits.

Source: the lecture's "Loss Functions and Jacobians". On NumPy arrays: y, ŷ (N,) for one output or (N, K), a sample a
row; the Jacobians are returned in the shape of ŷ (as a row 1 × N or 1 × NK when flattened). The fused forms are the
products of the Jacobians they stand for, without the division by ŷ(1 − ŷ) that cancels.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.formulas.activations import sigmoid
from bpcli.formulas.softmax import _complement, _shift, total
from bpcli.formulas.terms import (
    bce_term,
    cce_term,
    dbce_term_dy_hat,
    dcce_term_dy_hat,
    dmse_term_dy_hat,
    dsigmoid_bce_term_dz,
    mse_term,
    sigmoid_bce_term,
)

Array = NDArray[Any]


def _mean_over_samples(terms: Array) -> Any:
    """(1/N) Σ over the rows of the sums over each row."""
    return np.sum(terms / len(terms))


def mse(y: Array, y_hat: Array) -> Any:
    """J = (1/N) Σ (y − ŷ)²; with K outputs the squares of a row are summed."""
    return _mean_over_samples(mse_term(y, y_hat))


def dmse_dy_hat(y: Array, y_hat: Array) -> Array:
    """∂J/∂ŷ = −(2/N)(y − ŷ)."""
    return np.asarray(dmse_term_dy_hat(y, y_hat) / len(y_hat))


def bce(y: Array, y_hat: Array) -> Any:
    """J = −(1/N) Σ [y log ŷ + (1 − y) log(1 − ŷ)]."""
    return _mean_over_samples(bce_term(y, y_hat))


def dbce_dy_hat(y: Array, y_hat: Array) -> Array:
    """∂J/∂ŷ = (1/N)(ŷ − y)/(ŷ(1 − ŷ))."""
    return np.asarray(dbce_term_dy_hat(y, y_hat) / len(y_hat))


def cce(y: Array, y_hat: Array) -> Any:
    """J = −(1/N) Σ_j Σ_k y_k log ŷ_k, for y, ŷ (N, K)."""
    return _mean_over_samples(cce_term(y, y_hat))


def dcce_dy_hat(y: Array, y_hat: Array) -> Array:
    """∂J/∂ŷ_k = −(1/N) y_k/ŷ_k."""
    return np.asarray(dcce_term_dy_hat(y, y_hat) / len(y_hat))


def sigmoid_bce(z: Array, y: Array) -> Any:
    """J = bce(y, σ(z)) = (1/N) Σ [log(1 + e^−|z|) + |z|·|[z ≥ 0] − y|]."""
    return _mean_over_samples(sigmoid_bce_term(y, z))


def dsigmoid_bce_dz(z: Array, y: Array) -> Array:
    """∂J/∂z = (1/N)(σ(z) − y) = (1/N)[(1 − y)σ(z) − y σ(−z)]: ∂J/∂ŷ·∂ŷ/∂z, where the factor ŷ(1 − ŷ) cancels."""
    return np.asarray(dsigmoid_bce_term_dz(y, sigmoid(z), sigmoid(-z)) / len(z))


def softmax_cce(logits: Array, y: Array) -> Any:
    """J = cce(y, softmax(l)) = (1/N) Σ_j Σ_k y_k (log S − (l_k − m)), for logits, y (N, K)."""
    shifted = _shift(logits, -1)
    return _mean_over_samples(np.where(y == 0, 0.0, y * (np.log1p(shifted.rest) - shifted.d)))


def dsoftmax_cce_dlogits(logits: Array, y: Array) -> Array:
    """∂J/∂l = (1/N)(p Σ_k y_k − y), which is (1/N)(p − y): ∂J/∂ŷ·∂ŷ/∂l, where the factor p cancels.

    Computed as p_k Σ_{i≠k} y_i − y_k(1 − p_k), so that the true class is minus the sum of the others.
    """
    shifted = _shift(logits, -1)
    p = shifted.e / shifted.S
    others = total(y, -1) - y
    return np.asarray(p * others - y * _complement(p, shifted, -1)) / len(logits)
