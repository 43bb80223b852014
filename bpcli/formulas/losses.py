"""The losses over a mini-batch, J = (1/N) Σ J₀, each with ∂J/∂ŷ directly below it, and the fused forms from logits.

Source: the lecture's "Loss Functions and Jacobians". y, ŷ are (N,) for one output or (N, K), a sample a row, or a
number for a single sample; the Jacobians are returned in the shape of ŷ (as a row 1 × N or 1 × NK when flattened). The
fused forms are the products of the Jacobians they stand for, without the division by ŷ(1 − ŷ) that cancels.
"""

from collections.abc import Callable
from typing import Any

from bpcli.formulas.softmax import log_softmax_vjp, shifted
from bpcli.formulas.terms import bce_term, cce_term, dcce_term_dy_hat, dsigmoid_bce_term_dz, sigmoid_bce_term
from bpcli.numbers.namespaces import is_array, namespace


def _samples(y_hat: Any) -> int:
    return len(y_hat) if is_array(y_hat) else 1


def _sum(xp: Any, terms: Any) -> Any:
    """Σ terms; the error does not grow with their number."""
    return xp.total(terms.reshape(-1), 0)[0][0] if is_array(terms) else terms


def _mean_over_samples(xp: Any, terms: Callable[[float], Any], N: int) -> Any:
    """(1/N) Σ J₀ over the samples, from `terms(c)` = c·J₀: of a smaller J₀ where the sum left the doubles."""
    mean = _sum(xp, terms(1.0)) / N
    return mean if xp.isfinite(mean) else _sum(xp, terms(2.0**-64)) / N * 2.0**64


def _difference(y: Any, y_hat: Any) -> tuple[Any, float]:
    """(d, c) with d = c·(y − ŷ), c a half where the difference is beyond the doubles."""
    finite = namespace(y, y_hat).isfinite(y - y_hat)
    c = 1.0 if (finite.all() if is_array(finite) else finite) else 0.5
    return c * y - c * y_hat, c


def mse(y: Any, y_hat: Any) -> Any:
    """J = (1/N) Σ (y − ŷ)²; with K outputs the squares of a row are summed."""
    xp = namespace(y, y_hat)
    d, c = _difference(y, y_hat)
    # In units of the largest difference no square over- or underflows.
    k = xp.frexp(abs(d).max() if is_array(d) else abs(d))[1]
    d = xp.ldexp(d, -k)
    return xp.ldexp(_sum(xp, d * d) / _samples(y_hat) / (c * c), 2 * k)


def dmse_dy_hat(y: Any, y_hat: Any) -> Any:
    """∂J/∂ŷ = −(2/N)(y − ŷ)."""
    d, c = _difference(y, y_hat)
    return -d / (_samples(y_hat) * c / 2.0)


def bce(y: Any, y_hat: Any) -> Any:
    """J = −(1/N) Σ [y log ŷ + (1 − y) log(1 − ŷ)]."""
    xp = namespace(y, y_hat)
    return _mean_over_samples(xp, lambda c: c * bce_term(y, y_hat), _samples(y_hat))


def dbce_dy_hat(y: Any, y_hat: Any) -> Any:
    """∂J/∂ŷ = (1/N)(ŷ − y)/(ŷ(1 − ŷ)), which is 1/N at y = ŷ = 0 and −1/N at y = ŷ = 1."""
    xp = namespace(y, y_hat)
    N = _samples(y_hat)
    variance = y_hat * (1.0 - y_hat)
    certain = (y == y_hat) & (variance == 0)
    slope = xp.divide(y_hat - y, xp.where(certain, 1.0, N * variance))
    return xp.where(certain, xp.where(y_hat == 0, 1.0, -1.0) / N, slope)


def cce(y: Any, y_hat: Any) -> Any:
    """J = −(1/N) Σ_j Σ_k y_k log ŷ_k, for y, ŷ (N, K)."""
    xp = namespace(y, y_hat)
    return _mean_over_samples(xp, lambda c: c * cce_term(y, y_hat), _samples(y_hat))


def dcce_dy_hat(y: Any, y_hat: Any) -> Any:
    """∂J/∂ŷ_k = −(1/N) y_k/ŷ_k."""
    return dcce_term_dy_hat(y, _samples(y_hat) * y_hat)


def sigmoid_bce(z: Any, y: Any) -> Any:
    """J = bce(y, σ(z)) = (1/N) Σ [log(1 + e^−|z|) + |z|·|[z ≥ 0] − y|]."""
    return _mean_over_samples(namespace(z, y), lambda c: c * sigmoid_bce_term(y, z), _samples(z))


def dsigmoid_bce_dz(z: Any, y: Any) -> Any:
    """∂J/∂z = (1/N)(σ(z) − y) = (1/N)[(1 − y)σ(z) − y σ(−z)]: ∂J/∂ŷ·∂ŷ/∂z, where the factor ŷ(1 − ŷ) cancels."""
    return dsigmoid_bce_term_dz(y, z) / _samples(z)


def softmax_cce(logits: Any, y: Any) -> Any:
    """J = cce(y, softmax(l)) = (1/N) Σ_j Σ_k y_k (log S − (l_k − m)), for logits, y (N, K)."""
    xp = namespace(logits, y)
    _, m, d, rest, _ = shifted(logits)

    def terms(c: float) -> Any:
        scaled = xp.where(xp.isfinite(d), c * d, c * logits - c * m)
        return xp.where(y == 0, 0.0, y * (c * xp.log1p(rest) - scaled))

    return _mean_over_samples(xp, terms, len(logits))


def dsoftmax_cce_dlogits(logits: Any, y: Any) -> Any:
    """∂J/∂l = (1/N)(p Σ_k y_k − y), which is (1/N)(p − y): ∂J/∂ŷ·∂ŷ/∂l, where the factor p cancels.

    It is that of −Σ_k y_k log p_k.
    """
    return -log_softmax_vjp(y, logits) / len(logits)
