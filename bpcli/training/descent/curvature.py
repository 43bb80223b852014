"""The second derivative of a loss term by z, computed by running the formulas of its tables on dual numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.formulas.activations import Activation
from bpcli.formulas.losses import Loss
from bpcli.formulas.softmax import softmax
from bpcli.numbers.namespaces import arrays

Array = NDArray[Any]
Curvature = Callable[[Array, Array], Array]

_LEAST = 1e-150  # the least probability, so that the square of its reciprocal does not overflow


def curvature_of(activation: Activation | None, loss: Loss) -> Curvature:
    """∂²J₀/∂z² as a function of (y, z): (N,) for one output; (N, K, K) after softmax, where y are class numbers.

    It is ∂²J₀/∂ŷ²·(∂a/∂z)² + ∂J₀/∂ŷ·∂²a/∂z², or the formula of the fused form if there is one.
    """
    fused = loss.fused_with(activation)
    if fused is not None and fused.curvature is not None:
        return fused.curvature
    if activation is None:
        return lambda y, z: _after_softmax(loss, y, z)

    def chain(y: Array, z: Array) -> Array:
        a, slope = activation.value(z), activation.derivative(z)
        of_loss = _derivative(lambda yhat: loss.slope(y, yhat), a)
        return np.asarray(of_loss * slope**2 + loss.slope(y, a) * _derivative(activation.derivative, z))

    return chain


def _after_softmax(loss: Loss, y: Array, z: Array) -> Array:
    """∂²J₀/∂z_i∂z_j = Σ_k (r_k + q_k)(δ_ki − p_i)(δ_kj − p_j) − (Σ_k q_k)(δ_ij p_i − p_i p_j), (N, K, K).

    p = softmax(z), r = p²·∂²J₀/∂p², q = p·∂J₀/∂p.
    """
    one_hot, p = np.eye(z.shape[1])[y], np.maximum(softmax(z), _LEAST)
    q = p * loss.slope(one_hot, p)
    t = p * p * _derivative(lambda yhat: loss.slope(one_hot, yhat), p) + q
    total, outer = t.sum(axis=1)[:, None, None], p[:, :, None] * p[:, None, :]
    identity = np.eye(z.shape[1])
    first = identity * t[:, None, :] - t[:, :, None] * p[:, None, :] - p[:, :, None] * t[:, None, :] + total * outer
    return np.asarray(first - q.sum(axis=1)[:, None, None] * (identity * p[:, None, :] - outer))


def _derivative(function: Callable[[Any], Any], x: Array) -> Array:
    """The derivative at x of a function that acts on each entry by itself."""
    from bpcli.calculus.rules.duals import Dual, Duals, PlainNamespace

    result = function(Dual(x, np.ones_like(x), Duals(PlainNamespace(arrays()))))
    return np.broadcast_to(result.t, x.shape) if isinstance(result, Dual) else np.zeros_like(x)
