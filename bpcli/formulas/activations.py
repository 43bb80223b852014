"""Activation functions a = g(z), each with ∂a/∂z directly below it: entry by entry, on floats and on arrays.

Source: the lecture's "Activation Functions and Jacobians". The lecture writes ∂a/∂z in terms of a; here 1 − a is
computed from z as what it is (σ(−z) for the sigmoid), since a has rounded to 1 long before the derivative is 0.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from bpcli.namespaces import namespace


def identity(z: Any) -> Any:
    """a = z."""
    return z


def didentity_dz(z: Any) -> Any:
    """∂a/∂z = 1."""
    xp = namespace(z)
    return xp.where(z == z, 1.0, z)


def sigmoid(z: Any) -> Any:
    """σ(z) = 1/(1 + e^−z), from e^−|z|, which never overflows."""
    xp = namespace(z)
    e = xp.exp(-abs(z))
    return xp.where(z >= 0, 1.0, e) / (1.0 + e)


def dsigmoid_dz(z: Any) -> Any:
    """∂a/∂z = a(1 − a) = σ(z)σ(−z) = e/(1 + e)² with e = e^−|z|."""
    xp = namespace(z)
    return _bell(xp.exp(-abs(z)))


def _bell(e: Any) -> Any:
    """e/(1 + e)² for 0 ≤ e ≤ 1, without the rounding error of 1 + e, which would count twice."""
    s = 1.0 + e
    slope = e / (s * s)
    return slope - slope * (2.0 * (e - (s - 1.0)) / s)


def tanh(z: Any) -> Any:
    """Tanh z."""
    return namespace(z).tanh(z)


def dtanh_dz(z: Any) -> Any:
    """∂a/∂z = (1 + a)(1 − a) = 4e/(1 + e)² with e = e^−2|z|."""
    xp = namespace(z)
    h = xp.exp(-abs(z))
    e = xp.exp(-2.0 * abs(z))
    # Far out 1 + e is 1, and (2h)² has the digits that e loses where it is subnormal.
    return xp.where(abs(z) < 20.0, 4.0 * _bell(e), (h + h) * (h + h))


def relu(z: Any) -> Any:
    """max(0, z)."""
    return namespace(z).maximum(z, 0.0)


def drelu_dz(z: Any) -> Any:
    """∂a/∂z = 1 for z ≥ 0 (at 0 too, as in the lecture), 0 for z < 0."""
    xp = namespace(z)
    return xp.where(z >= 0, 1.0, xp.where(z < 0, 0.0, z))


def softplus(z: Any) -> Any:
    """log(1 + e^z) = max(z, 0) + log(1 + e^−|z|)."""
    xp = namespace(z)
    return xp.maximum(z, 0.0) + xp.log1p(xp.exp(-abs(z)))


def dsoftplus_dz(z: Any) -> Any:
    """∂a/∂z = σ(z)."""
    return sigmoid(z)


def logit(p: Any) -> Any:
    """log(p/(1 − p)), the inverse of σ."""
    xp = namespace(p)
    # About ½ the two logarithms cancel; there it is ±log(1 + |2p − 1|/min(p, 1 − p)), and both parts are exact.
    odds = xp.log1p(xp.divide(abs(2.0 * p - 1.0), xp.where(p < 0.5, p, 1.0 - p)))
    near = xp.where(p < 0.5, -odds, odds)
    return xp.where(abs(p - 0.5) <= 0.25, near, xp.log(p) - xp.log1p(-p))


def dlogit_dp(p: Any) -> Any:
    """1/(p(1 − p))."""
    return namespace(p).divide(1.0, p * (1.0 - p))


class Activation(NamedTuple):
    """A row of `ACTIVATIONS`: the function, its derivative, and the lecture's words for both."""

    value: Callable[[Any], Any]
    derivative: Callable[[Any], Any]
    formula: str
    derivative_formula: str


ACTIVATIONS: dict[str, Activation] = {
    "identity": Activation(identity, didentity_dz, "z", "1"),
    "sigmoid": Activation(sigmoid, dsigmoid_dz, "1/(1 + e^−z)", "a(1 − a)"),
    "tanh": Activation(tanh, dtanh_dz, "tanh z", "(1 + a)(1 − a)"),
    "relu": Activation(relu, drelu_dz, "max(0, z)", "1 if z ≥ 0, else 0"),
}
"""What a neuron can be activated by; the config's choices, the command line's and the tests read this table."""
