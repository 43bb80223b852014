"""The terms of which the losses are sums, each with ∂/∂ŷ directly below it: entry by entry, for every kind of number.

Source: the lecture's "Loss Functions and Jacobians". A label of 0 or 1 leaves a loss one term, also where the logarithm
of the other is infinite.
"""

from typing import Any

from bpcli.formulas.activations import sigmoid
from bpcli.numbers import pairs
from bpcli.numbers.namespaces import namespace


def sigmoid_bce_term(y: Any, z: Any) -> Any:
    """bce_term(y, σ(z)) from z: log(1 + e^−|z|) + |z|·|[z ≥ 0] − y|, of which no part cancels."""
    xp = namespace(y, z)
    return xp.log1p(xp.exp(-abs(z))) + abs(z) * abs(xp.where(z >= 0, 1.0, 0.0) - y)


def dsigmoid_bce_term_dz(y: Any, z: Any) -> Any:
    """σ(z) − y = (1 − y)σ(z) − y σ(−z): ∂/∂ŷ·∂ŷ/∂z, where the factor ŷ(1 − ŷ) cancels."""
    xp = namespace(y, z)
    a = sigmoid(z)
    plain = (1.0 - y) * a - y * sigmoid(-z)

    def careful() -> Any:
        # With e = e^−|z| it is [(1 − y) − y·e]/(1 + e) for z ≥ 0, and for z < 0 the negative of that with 1 − y for y.
        e = pairs.ldexp(xp, *xp.exp_pair(-abs(z)))
        not_y = xp.two_sum(1.0, -y)
        label, other = (pairs.where(xp, z >= 0, *both) for both in (((y, 0.0), not_y), (not_y, (y, 0.0))))
        difference = pairs.subtract(xp, other, pairs.multiply(xp, label, e))[0] / (1.0 + e[0])
        return xp.where(z >= 0, difference, -difference)

    return xp.careful(plain, abs(plain) < 0.5 * (1.0 - y) * a, careful)


def mse_term(y: Any, y_hat: Any) -> Any:
    """(y − ŷ)²."""
    return (y - y_hat) * (y - y_hat)


def dmse_term_dy_hat(y: Any, y_hat: Any) -> Any:
    """−2(y − ŷ)."""
    return -2.0 * (y - y_hat)


def cce_term(y: Any, y_hat: Any) -> Any:
    """−y log ŷ, with 0·log 0 = 0."""
    xp = namespace(y, y_hat)
    return -(y * xp.log(xp.where((y == 0) & (y_hat == 0), 1.0, y_hat)))


def dcce_term_dy_hat(y: Any, y_hat: Any) -> Any:
    """−y/ŷ, with 0/0 = 0."""
    xp = namespace(y, y_hat)
    return -xp.divide(y, xp.where((y == 0) & (y_hat == 0), 1.0, y_hat))


def bce_term(y: Any, y_hat: Any) -> Any:
    """−[y log ŷ + (1 − y) log(1 − ŷ)], with 0·log 0 = 0."""
    xp = namespace(y, y_hat)
    return cce_term(y, y_hat) - (1.0 - y) * xp.log1p(xp.where((y == 1) & (y_hat == 1), 0.0, -y_hat))


def dbce_term_dy_hat(y: Any, y_hat: Any) -> Any:
    """(ŷ − y)/(ŷ(1 − ŷ)), which is 1 at y = ŷ = 0 and −1 at y = ŷ = 1."""
    xp = namespace(y, y_hat)
    variance = y_hat * (1.0 - y_hat)
    certain = (y == y_hat) & (variance == 0)
    slope = xp.divide(y_hat - y, xp.where(certain, 1.0, variance))
    return xp.where(certain, xp.where(y_hat == 0, 1.0, -1.0), slope)
