"""The functions of a network: sigmoid, relu and their like, and the terms of which the losses are sums."""

import math
from typing import Any

from bpcli.calculus.rules.function_rows import Function, Rule, RuleSpace, at_zero, unary, written_as
from bpcli.formulas import activations, losses


def _dsigmoid_bce_dz(xp: RuleSpace[Any], out: Any, y: Any, z: Any) -> Any:
    """σ(z) − y; the tangents σ(z)σ(−z) and −1 of duals don't cancel, so that the plain form serves."""
    return (1.0 - y) * xp.sigmoid(z) - y * xp.sigmoid(-z) if xp.dual else losses.dsigmoid_bce_term_dz(y, z)


def _loss(name: str, term: Rule, dy: Rule, dy_hat: Rule, written: Rule | None = None) -> Function:
    """The term of a loss, differentiated by labels and predictions."""
    slope = written_as(written, lambda xp, out, y, p: dy_hat(y, p)) if written else lambda xp, out, y, p: dy_hat(y, p)
    return Function(name, (2, 2), "", lambda xp, y, p: term(y, p), (dy, slope))


ACTIVATION_ROWS: list[Function] = [
    unary(
        "sigmoid",
        written_as(lambda xp, a, z: a * (1.0 - a), lambda xp, y, z: activations.dsigmoid_dz(z)),
        value=lambda xp, z: activations.sigmoid(z),
    ),
    unary(
        "logit",
        lambda xp, y, p: xp.agreed(activations.dlogit_dp(p), (p < 0) | (p > 1), math.nan),
        0.0,
        1.0,
        lambda xp, p: activations.logit(p),
    ),
    Function(
        "relu",
        (1, 1),
        "relu(z)",
        lambda xp, z: activations.relu(z),
        (written_as(lambda xp, a, z: xp.where(z >= 0.0, 1.0, 0.0), lambda xp, y, z: activations.drelu_dz(z)),),
        selects=True,
        edge=at_zero,
    ),
    unary("softplus", lambda xp, y, z: xp.sigmoid(z), value=lambda xp, z: activations.softplus(z)),
]
"""Rows of what activates a neuron."""

LOSS_TERMS: list[Function] = [
    _loss("mse_term", losses.mse_term, lambda xp, o, y, p: 2.0 * (y - p), losses.dmse_term_dyhat),
    _loss(
        "bce_term",
        losses.bce_term,
        lambda xp, o, y, p: -xp.logit(p),
        losses.dbce_term_dyhat,
        lambda xp, o, y, p: xp.divide(p - y, p * (1.0 - p)),
    ),
    _loss(
        "cce_term",
        losses.cce_term,
        lambda xp, o, y, p: -xp.log(p),
        losses.dcce_term_dyhat,
        lambda xp, o, y, p: -xp.divide(y, p),
    ),
    Function(
        "log_cce_term",
        (2, 2),
        "",
        lambda xp, y, log_p: xp.where(y == 0, 0.0, -y * log_p),
        (lambda xp, o, y, log_p: -log_p, lambda xp, o, y, log_p: -y),
    ),
    Function(
        "sigmoid_bce_term",
        (2, 2),
        "",
        lambda xp, y, z: losses.sigmoid_bce_term(y, z),
        (
            lambda xp, o, y, z: -z,
            _dsigmoid_bce_dz,
        ),
    ),
    Function(
        "sech_squared",  # the slope of tanh
        (1, 1),
        "1-tanh(x)**2",
        lambda xp, x: activations.dtanh_dz(x),
        (lambda xp, out, x: -2.0 * out * xp.tanh(x),),
    ),
]
"""Rows of the terms of losses, and of the slopes that stable forms compute."""
