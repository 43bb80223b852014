"""The formulas of the losses: the term J₀(y, ŷ), ∂J₀/∂ŷ directly below it, the mean J over a batch, and fused forms.

Source: the lecture's "Loss Functions and Jacobians". Terms work entry by entry, for every kind of number; with a label
of 0 or 1 only one of two terms counts, even where the logarithm in the other is infinite. Over a batch J = (1/N) Σ J₀:
y, ŷ are (N,) for one output or (N, K), one sample in each row, or a number for a single sample; the Jacobians are
returned in the shape of ŷ (as a row 1 × N or 1 × NK when flattened). The fused forms equal the products of the
Jacobians, without the division by ŷ(1 − ŷ) that cancels.
"""

import math
from collections.abc import Callable
from typing import Any, cast

from bpcli.formulas.activation_pairs import log_pair, softplus_pair
from bpcli.formulas.activations import ACTIVATIONS, sigmoid, softplus
from bpcli.formulas.softmax import log_softmax_vjp, shifted, softmax
from bpcli.numbers import pairs
from bpcli.numbers.namespaces import is_array, namespace
from bpcli.numbers.primitives import Arrays, Doubles


def mse_term(y: Any, yhat: Any) -> Any:
    """(y − ŷ)²."""
    return (y - yhat) * (y - yhat)


def dmse_term_dyhat(y: Any, yhat: Any) -> Any:
    """−2(y − ŷ)."""
    return -2.0 * (y - yhat)


def cce_term(y: Any, yhat: Any) -> Any:
    """−y log ŷ, with 0·log 0 = 0."""
    xp = namespace(y, yhat)
    return -(y * xp.log(xp.where((y == 0) & (yhat == 0), 1.0, yhat)))


def dcce_term_dyhat(y: Any, yhat: Any) -> Any:
    """−y/ŷ, with 0/0 = 0."""
    xp = namespace(y, yhat)
    return -xp.divide(y, xp.where((y == 0) & (yhat == 0), 1.0, yhat))


def bce_term(y: Any, yhat: Any) -> Any:
    """−[y log ŷ + (1 − y) log(1 − ŷ)], with 0·log 0 = 0."""
    xp = namespace(y, yhat)
    first = cce_term(y, yhat)
    plain = first - (1.0 - y) * xp.log1p(xp.where((y == 1) & (yhat == 1), 0.0, -yhat))

    def in_pairs() -> Any:
        inside = xp.where((yhat > 0) & (yhat < 1), yhat, 0.5)
        of_one = pairs.multiply(xp, (y, 0.0 * y), log_pair(xp, (inside, 0.0 * inside)))
        of_zero = pairs.multiply(xp, xp.two_sum(1.0, -y), log_pair(xp, xp.two_sum(1.0, -inside)))
        return -pairs.add(xp, of_one, of_zero)[0]

    # Of labels between 0 and 1 both parts are at least 0; of others they cancel.
    return xp.refined(plain, (abs(plain) < 0.5 * abs(first)) & (yhat > 0) & (yhat < 1), in_pairs)


def dbce_term_dyhat(y: Any, yhat: Any) -> Any:
    """(ŷ − y)/(ŷ(1 − ŷ)) = (1 − y)/(1 − ŷ) − y/ŷ, which is 1 at y = ŷ = 0 and −1 at y = ŷ = 1."""
    xp = namespace(y, yhat)
    variance = yhat * (1.0 - yhat)
    certain = (y == yhat) & (variance == 0)
    zero = xp.divide(1.0 - y, xp.where(certain & (yhat == 1), 1.0, 1.0 - yhat))
    one = xp.divide(y, xp.where(certain & (yhat == 0), 1.0, yhat))
    # Where one part outweighs the other, their difference keeps the digits of the second derivative too.
    apart = (2.0 * zero < one) | (2.0 * one < zero)
    slope = xp.divide(yhat - y, xp.where(certain, 1.0, variance))
    return xp.where(certain, zero - one, xp.refined(slope, apart, lambda: zero - one))


HUBER_DELTA = 1.0


def huber_term(y: Any, yhat: Any, delta: Any = HUBER_DELTA) -> Any:
    """½(y − ŷ)² where |y − ŷ| ≤ δ, else δ(|y − ŷ| − ½δ) (Huber 1964)."""
    xp = namespace(y, yhat, delta)
    size = abs(y - yhat)
    line = xp.refined(
        delta * (size - 0.5 * delta),
        size == math.inf,  # y − ŷ, but not δ|y − ŷ|, may be beyond the doubles
        lambda: 2.0 * (delta * (abs(0.5 * y - 0.5 * yhat) - 0.25 * delta)),
    )
    return xp.where(size <= delta, 0.5 * size * size, line)


def dhuber_term_dyhat(y: Any, yhat: Any, delta: Any = HUBER_DELTA) -> Any:
    """ŷ − y where |y − ŷ| ≤ δ, else δ·sign(ŷ − y)."""
    xp = namespace(y, yhat, delta)
    error = yhat - y
    return xp.where(abs(error) <= delta, error, xp.where(error < 0, -delta, xp.where(error > 0, delta, error)))


def dhuber_term_ddelta(y: Any, yhat: Any, delta: Any = HUBER_DELTA) -> Any:
    """|y − ŷ| − δ where that is above 0, else 0."""
    size = abs(y - yhat)
    return namespace(y, yhat, delta).where(size <= delta, 0.0, size - delta)


def hinge_term(y: Any, yhat: Any) -> Any:
    """max(0, 1 − y·ŷ) for labels −1 and 1 (Cortes & Vapnik 1995)."""
    return namespace(y, yhat).maximum(0.0, _margin_missed(y, yhat))


def dhinge_term_dyhat(y: Any, yhat: Any) -> Any:
    """−y where y·ŷ < 1, else 0 (at 1 too)."""
    return namespace(y, yhat).where(_margin_missed(y, yhat) > 0, -y, 0.0 * y)


def _margin_missed(y: Any, yhat: Any) -> Any:
    """1 − y·ŷ; where that cancels, with the rounding error of the product."""
    xp = namespace(y, yhat)
    missed = 1.0 - y * yhat
    if xp.dual:
        return missed

    def with_error() -> Any:
        (m, j), (n, k) = xp.frexp(y), xp.frexp(yhat)
        product, error = xp.two_product(m, n)
        return (1.0 - xp.ldexp(product, j + k)) - xp.ldexp(error, j + k)

    return xp.refined(missed, abs(missed) < 0.5, with_error)


def poisson_term(y: Any, yhat: Any) -> Any:
    """ŷ − y·log ŷ, with 0·log 0 = 0: −log of the Poisson probability of y, but for log y!, which no ŷ changes.

    Source: McCullagh & Nelder, Generalized Linear Models (1989), 6.2.
    """
    xp = namespace(y, yhat)
    x = xp.where((y == 0) & (yhat == 0), 1.0, yhat)
    log = xp.log(x)
    plain = yhat - y * log

    def in_pairs() -> Any:
        weighted = pairs.multiply(xp, (y, 0.0 * y), log_pair(xp, (x, 0.0 * x)))
        return pairs.subtract(xp, (yhat, 0.0 * yhat), weighted)[0]

    return xp.refined(plain, (abs(plain) < 0.5 * abs(yhat)) & (yhat > 0), in_pairs)


def dpoisson_term_dyhat(y: Any, yhat: Any) -> Any:
    """1 − y/ŷ = (ŷ − y)/ŷ, which is 1 at y = ŷ = 0."""
    xp = namespace(y, yhat)
    both = (y == 0) & (yhat == 0)
    slope = xp.divide(xp.where(both, 1.0, yhat - y), xp.where(both, 1.0, yhat))
    # Far from y, where ŷ − y may overflow, this form keeps the digits of the second derivative y/ŷ² too.
    far = (abs(yhat) > 2.0 * abs(y)) | (abs(yhat - y) == math.inf)
    return xp.refined(slope, far, lambda: 1.0 - xp.divide(y, yhat))


def exp_poisson_term(y: Any, z: Any) -> Any:
    """poisson_term(y, e^z) = e^z − y·z."""
    xp = namespace(y, z)
    plain = xp.exp(z) - y * z

    def in_pairs() -> Any:
        return pairs.subtract(xp, pairs.ldexp(xp, *xp.exp_pair(z)), xp.two_product(y, z))[0]

    return xp.refined(plain, abs(plain) < 0.5 * abs(y * z), in_pairs)


def dexp_poisson_term_dz(y: Any, z: Any) -> Any:
    """e^z − y."""
    xp = namespace(y, z)
    plain = xp.exp(z) - y
    return xp.refined(
        plain,
        abs(plain) < 0.5 * abs(y),
        lambda: pairs.subtract(xp, pairs.ldexp(xp, *xp.exp_pair(z)), (y, 0.0 * y))[0],
    )


def softplus_poisson_term(y: Any, z: Any) -> Any:
    """poisson_term(y, s), s = log(1 + e^z): for z < 0, log s = z + log(s/e^z), which no underflow of s spoils."""
    xp = namespace(y, z)
    s = softplus(z)
    e = xp.exp(xp.minimum(z, 0.0))
    share = xp.where(z < -40.0, 1.0, xp.log1p(e) / xp.where(e == 0, 1.0, e))
    plain = s - y * xp.where(z < 0, z + xp.log(share), xp.log(s))

    def in_pairs() -> Any:
        a = softplus_pair(z, 0.0 * z)
        return pairs.subtract(xp, a, pairs.multiply(xp, (y, 0.0 * y), log_pair(xp, a)))[0]

    return xp.refined(plain, (abs(plain) < 0.5 * s) & (s > 0), in_pairs)


def dsoftplus_poisson_term_dz(y: Any, z: Any) -> Any:
    """(s − y)·σ(z)/s, s = log(1 + e^z); far below 0 σ(z)/s is 1."""
    xp = namespace(y, z)
    s = softplus(z)
    error = s - y
    error = xp.refined(
        error,
        abs(error) < 0.5 * abs(y),
        lambda: pairs.subtract(xp, softplus_pair(z, 0.0 * z), (y, 0.0 * y))[0],
    )
    return error * xp.where(z < -40.0, 1.0, sigmoid(z) / xp.where(s == 0, 1.0, s))


def sigmoid_bce_term(y: Any, z: Any) -> Any:
    """bce_term(y, σ(z)) from z: log(1 + e^−|z|) + |z|·(1 − y where z ≥ 0, else y), of which no part cancels."""
    xp = namespace(y, z)
    share = xp.where(z >= 0, 1.0 - y, y)
    return xp.log1p(xp.exp(-abs(z))) + xp.where(share == 0, 0.0, abs(z)) * share  # 0 of an infinite z is 0


def dsigmoid_bce_term_dz(y: Any, z: Any) -> Any:
    """σ(z) − y = (1 − y)σ(z) − y σ(−z): ∂/∂ŷ·∂ŷ/∂z, where the factor ŷ(1 − ŷ) cancels."""
    xp = namespace(y, z)
    a = sigmoid(z)
    plain = (1.0 - y) * a - y * sigmoid(-z)

    def refined() -> Any:
        # With e = e^−|z| it is [(1 − y) − y·e]/(1 + e) for z ≥ 0, and for z < 0 the negative of that with 1 − y for y.
        e = pairs.ldexp(xp, *xp.exp_pair(-abs(z)))
        not_y = xp.two_sum(1.0, -y)
        label, other = (pairs.where(xp, z >= 0, *both) for both in (((y, 0.0), not_y), (not_y, (y, 0.0))))
        difference = pairs.subtract(xp, other, pairs.multiply(xp, label, e))[0] / (1.0 + e[0])
        return xp.where(z >= 0, difference, -difference)

    return xp.refined(plain, abs(plain) < 0.5 * (1.0 - y) * a, refined)


def sample_count(yhat: Any) -> int:
    """N, the number of rows."""
    return len(yhat) if is_array(yhat) else 1


def _sum(xp: Doubles[Any], terms: Any) -> Any:
    """Σ terms, with an error that does not grow with their number."""
    return cast(Arrays[Any], xp).total(terms.reshape(-1), 0)[0][0] if is_array(terms) else terms


def mean_over_samples(xp: Doubles[Any], terms: Callable[[float], Any], N: int) -> Any:
    """(1/N) Σ J₀ over the samples, from `terms(c)` = c·J₀: with a small c where the sum overflows."""
    mean = _sum(xp, terms(1.0)) / N
    return mean if xp.isfinite(mean) else _sum(xp, terms(2.0**-64)) / N * 2.0**64


def _difference(y: Any, yhat: Any) -> tuple[Any, float]:
    """(d, c) with d = c·(y − ŷ), c a half where the difference is beyond the doubles."""
    finite = namespace(y, yhat).isfinite(y - yhat)
    c = 1.0 if (finite.all() if is_array(finite) else finite) else 0.5
    return c * y - c * yhat, c


def mse(y: Any, yhat: Any) -> Any:
    """J = (1/N) Σ (y − ŷ)²; with K outputs the squares of a row are summed."""
    xp = namespace(y, yhat)
    d, c = _difference(y, yhat)
    # In units of the largest difference no square over- or underflows.
    k = xp.frexp(abs(d).max() if is_array(d) else abs(d))[1]
    d = xp.ldexp(d, -k)
    return xp.ldexp(_sum(xp, d * d) / sample_count(yhat) / (c * c), 2 * k)


def dmse_dyhat(y: Any, yhat: Any) -> Any:
    """∂J/∂ŷ = −(2/N)(y − ŷ)."""
    d, c = _difference(y, yhat)
    return -d / (sample_count(yhat) * c / 2.0)


def bce(y: Any, yhat: Any) -> Any:
    """J = −(1/N) Σ [y log ŷ + (1 − y) log(1 − ŷ)]."""
    xp = namespace(y, yhat)
    return mean_over_samples(xp, lambda c: c * bce_term(y, yhat), sample_count(yhat))


def dbce_dyhat(y: Any, yhat: Any) -> Any:
    """∂J/∂ŷ = (1/N)(ŷ − y)/(ŷ(1 − ŷ)), which is 1/N at y = ŷ = 0 and −1/N at y = ŷ = 1."""
    xp = namespace(y, yhat)
    N = sample_count(yhat)
    variance = yhat * (1.0 - yhat)
    certain = (y == yhat) & (variance == 0)
    slope = xp.divide(yhat - y, xp.where(certain, 1.0, N * variance))
    return xp.where(certain, xp.where(yhat == 0, 1.0, -1.0) / N, slope)


def cce(y: Any, yhat: Any) -> Any:
    """J = −(1/N) Σ_j Σ_k y_k log ŷ_k, for y, ŷ (N, K)."""
    xp = namespace(y, yhat)
    return mean_over_samples(xp, lambda c: c * cce_term(y, yhat), sample_count(yhat))


def dcce_dyhat(y: Any, yhat: Any) -> Any:
    """∂J/∂ŷ_k = −(1/N) y_k/ŷ_k."""
    return dcce_term_dyhat(y, sample_count(yhat) * yhat)


def sigmoid_bce(y: Any, z: Any) -> Any:
    """J = bce(y, σ(z)) = (1/N) Σ [log(1 + e^−|z|) + |z|·(1 − y where z ≥ 0, else y)]."""
    return mean_over_samples(namespace(y, z), lambda c: c * sigmoid_bce_term(y, z), sample_count(z))


def dsigmoid_bce_dz(y: Any, z: Any) -> Any:
    """∂J/∂z = (1/N)(σ(z) − y) = (1/N)[(1 − y)σ(z) − y σ(−z)]: ∂J/∂ŷ·∂ŷ/∂z, where the factor ŷ(1 − ŷ) cancels."""
    return dsigmoid_bce_term_dz(y, z) / sample_count(z)


def dbce_dyhat_of_z(y: Any, z: Any, low: Any, dJ_dz: Any, slope: tuple[Any, Any]) -> Any:
    """∂J/∂ŷ of bce at ŷ = σ(z + low), from ∂J/∂z and ∂ŷ/∂z = m·2^k."""
    xp = namespace(y, z)
    # It is −1/ŷ at y = 1 and 1/(1 − ŷ) at y = 0, and (1 − y/ŷ)/(1 − ŷ) else: exact so far out on the side of the label,
    # where ∂J/∂z is below every double or subnormal; on the other side ∂J/∂z has digits that a subnormal ŷ has not.
    sign = xp.where(z >= 0, 1.0, -1.0)
    at_label = sign * dcce_term_dyhat(1.0, ACTIVATIONS["sigmoid"].pair(abs(z), sign * low)[0]) / sample_count(z)
    away = xp.where(z >= 0, 1.0 - y, y)  # of the label from that side
    share = xp.where(away == 0, 0.0, xp.ldexp(away, -slope[1]) / xp.where(away == 0, 1.0, slope[0]))
    far = (away == 0) | ((abs(dJ_dz) < 2.0**-1022) & (abs(1.0 - share) > 0.5))
    return xp.where(far, at_label * (1.0 - share), xp.ldexp(dJ_dz / slope[0], -slope[1]))


def _softmax_cce_terms(y: Any, logits: Any) -> Callable[[float], Any]:
    """c·y_k (log S − (l_k − m)) as a function of c."""
    xp = namespace(y, logits)
    _, m, d, rest, _ = shifted(logits)

    def terms(c: float) -> Any:
        scaled = xp.where(xp.isfinite(d), c * d, c * logits - c * m)
        return xp.where(y == 0, 0.0, y * (c * xp.log1p(rest) - scaled))

    return terms


def softmax_cce_term(y: Any, logits: Any) -> Any:
    """−y_k log p_k of each entry, from logits (N, K): y_k (log S − (l_k − m))."""
    return _softmax_cce_terms(y, logits)(1.0)


def dsoftmax_cce_term_dlogits(y: Any, logits: Any) -> Any:
    """p Σ_k y_k − y, which is p − y, for logits (N, K)."""
    return -log_softmax_vjp(y, logits)


def d2softmax_cce_term_dlogits2(_: Any, logits: Any) -> Any:
    """∂²J₀/∂l² = diag(p) − p pᵀ (N, K, K) of labels that add up to 1; 1 − p is the sum of the other classes."""
    p = softmax(logits)
    hessian = -p[:, :, None] * p[:, None, :]
    k = range(p.shape[1])
    hessian[:, k, k] = 0.0
    hessian[:, k, k] = -hessian.sum(axis=1)
    return hessian


def softmax_cce(y: Any, logits: Any) -> Any:
    """J = cce(y, softmax(l)) = (1/N) Σ_j Σ_k y_k (log S − (l_k − m)), for y, logits (N, K)."""
    return mean_over_samples(namespace(y, logits), _softmax_cce_terms(y, logits), len(logits))


def dsoftmax_cce_dlogits(y: Any, logits: Any) -> Any:
    """∂J/∂l = (1/N)(p Σ_k y_k − y), which is (1/N)(p − y): ∂J/∂ŷ·∂ŷ/∂l, where the factor p cancels.

    It is that of −Σ_k y_k log p_k.
    """
    return -log_softmax_vjp(y, logits) / len(logits)
