"""The functions of a network: sigmoid, relu and their like, and the terms of which the losses are sums."""

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from bpcli.calculus.rules.function_rows import Function, Rule, RuleNamespace, binary, fading, faint, unary, zero
from bpcli.formulas import activations, loss_formulas, losses
from bpcli.formulas.activations import Activation
from bpcli.formulas.choices import Kinks, Setting, smooth
from bpcli.formulas.losses import Loss


def _sigmoid_bce_term(xp: RuleNamespace[Any], y: Any, z: Any) -> Any:
    """The term from z; 0 also where an infinite z is sure of the label."""
    certain = ((z == math.inf) & (y == 1)) | ((z == -math.inf) & (y == 0))
    return xp.agreed(loss_formulas.sigmoid_bce_term(y, z), certain, 0.0)


def _dsigmoid_bce_dz(xp: RuleNamespace[Any], out: Any, y: Any, z: Any) -> Any:
    """σ(z) − y; the tangents σ(z)σ(−z) and −1 of duals don't cancel, so that the plain form serves."""
    return (1.0 - y) * xp.sigmoid(z) - y * xp.sigmoid(-z) if xp.dual else loss_formulas.dsigmoid_bce_term_dz(y, z)


def _numbers(settings: Mapping[str, Setting], given: tuple[Any, ...]) -> dict[str, Any]:
    """The settings of a call by name, with defaults for those not given."""
    return {name: setting.default for name, setting in settings.items()} | dict(zip(settings, given, strict=False))


def _written(formula: str, rule: Callable[..., Any], names: tuple[str, ...], settings: Mapping[str, Setting]) -> Rule:
    """A slope that is computed by `rule(*args)`, and written as a row's formula in `names` and the settings."""

    def slope(xp: RuleNamespace[Any], out: Any, *args: Any) -> Any:
        if not xp.symbolic:
            return rule(*args)
        given = {"a": out} | dict(zip(names, args, strict=False)) | _numbers(settings, args[len(names) :])
        return xp.written(formula, given)

    return slope


def _slope_of(rule: Callable[..., Any]) -> Rule:
    return lambda xp, out, *args: rule(*args)


def _at_kinks(kinks: Kinks, before: int) -> Rule:
    """An edge where argument number `before` is at one of the kinks, which depend on the other arguments."""

    def edge(xp: RuleNamespace[Any], *args: Any) -> Any:
        at: Any = False
        for kink in kinks(*args[:before], *args[before + 1 :]):
            at = at | (args[before] == kink.at)
        return at

    return edge


def _fading_like_a_bell(xp: RuleNamespace[Any], z: Any, *settings: Any) -> Any:
    """Where e^−z², which falls faster than the slopes of any common activation, is tiny."""
    return faint(xp, abs(z) > activations.FADES**0.5)


@cache
def activation_function(name: str, row: Activation) -> Function:
    """The function of the language that an activation is: of z, and of its settings where they are given."""
    signature = f"{name}(z)" + (f" or {name}(z, {', '.join(row.settings)})" if row.settings else "")
    kinks = row.kinks()
    return Function(
        name,
        (1, 1 + len(row.settings)),
        signature,
        lambda xp, *args: row.value(*args),
        (_written(row.derivative_formula, row.derivative, ("z",), row.settings), *map(_slope_of, _by(row))),
        exact=row.exact,
        homogeneous=row.homogeneous,
        selects=any(0.0 in (kink.left, kink.right) for kink in kinks),
        underflows=not row.range.holds(0.0),  # a 0 where none can be
        defaults=tuple(setting.default for setting in row.settings.values()),
        fades=_fading_like_a_bell if row.fades is None else fading(row.fades),
        edge=_at_kinks(row.kinks, 0) if kinks else None,
    )


def _by(row: Activation | Loss) -> list[Callable[..., Any]]:
    return [row.by_setting[name] for name in row.settings]


@cache
def loss_function(name: str, row: Loss) -> Function:
    """The function of the language that a loss is: of labels and predictions, and of its settings."""
    names = ", ".join(("y", "yhat", *row.settings))
    signature = f"{name}(y, yhat)" + (f" or {name}({names})" if row.settings else "")
    return Function(name, (2, 2 + len(row.settings)), signature, kind="macro")


@cache
def loss_term(name: str, row: Loss) -> Function:
    """The term of a loss, differentiated by labels, predictions and settings."""
    slope = _written(row.slope_formula, row.slope, ("y", "yhat"), row.settings)
    by_label = _slope_of(row.by_label)
    if row.of_difference:
        by_label = _written(f"-({row.slope_formula})", row.by_label, ("y", "yhat"), row.settings)
    return Function(
        f"{name}_term",
        (2, 2 + len(row.settings)),
        "",
        lambda xp, *args: row.term(*args),
        (by_label, slope, *map(_slope_of, _by(row))),
        edge=None if row.kinks is smooth else _at_kinks(row.kinks, 1),
        defaults=tuple(setting.default for setting in row.settings.values()),
    )


def _loss(name: str, dy: Rule) -> Function:
    """The term of a loss of the lecture, whose slope by the labels is a function of the table."""
    row = losses.LOSSES[name]
    term = loss_term(name, row)
    return Function(term.name, (2, 2), "", term.value, (dy, term.partial(1)))


def _activation(name: str) -> Function:
    return activation_function(name, activations.ACTIVATIONS[name])


def _minus_sigmoid(xp: RuleNamespace[Any], y: Any, z: Any) -> Any:
    """y − σ(z), and (y − 1) + σ(−z) where a σ(z) near 1 would cancel with a y near 1."""
    plain = y - xp.sigmoid(z)
    return xp.refined(plain, (abs(plain) < _CANCELLED) & (z > 0), lambda: (y - 1.0) + xp.sigmoid(-z))


def _minus_tanh(xp: RuleNamespace[Any], y: Any, z: Any) -> Any:
    """y − tanh(z), and (y − 1) + 2σ(−2z) or (y + 1) − 2σ(2z) where a tanh near ±1 would cancel with y."""
    plain = y - xp.tanh(z)

    def refined() -> Any:
        return xp.where(z > 0, (y - 1.0) + 2.0 * xp.sigmoid(-2.0 * z), (y + 1.0) - 2.0 * xp.sigmoid(2.0 * z))

    return xp.refined(plain, (abs(plain) < _CANCELLED) & (abs(z) > 1), refined)


def _minus_part(xp: RuleNamespace[Any], y: Any, p: Any, rest: Any) -> Any:
    """y − p, and (y − 1) + rest with rest = 1 − p where a p near 1 would cancel with a y near 1."""
    return xp.refined(y - p, p > 0.5, lambda: (y - 1.0) + rest)


def _log_other(xp: RuleNamespace[Any], p: Any, rest: Any) -> Any:
    """log(1 − p), from rest = 1 − p where p is near 1."""
    return xp.where(p > 0.5, xp.log(rest), xp.log1p(-p))


def _log_cosh(xp: RuleNamespace[Any], x: Any) -> Any:
    """log cosh x = log(1 + 2 sinh²(x/2)), and far out |x| + log(1 + e^−2|x|) − log 2."""
    size = abs(x)
    near = xp.where(size < 1.0, xp.sinh(0.5 * x), 0.0)
    return xp.where(size < 1.0, xp.log1p(2.0 * (near * near)), size + (xp.log1p(xp.exp(-2.0 * size)) - xp.log(2.0)))


_CANCELLED = 2.0**-10  # a difference of numbers near 1 that is smaller has lost ten bits or more

ACTIVATION_ROWS: list[Function] = [
    _activation("sigmoid"),
    unary(
        "logit",
        lambda xp, y, p: xp.agreed(activations.dlogit_dp(p), (p < 0) | (p > 1), math.nan),
        0.0,
        1.0,
        lambda xp, p: activations.logit(p),
        root=0.5,
    ),
    _activation("relu"),
    _activation("softplus"),
]
"""Rows of the lecture's activations that have a place in the table, and of logit."""

LOSS_TERMS: list[Function] = [
    _loss("mse", lambda xp, o, y, p: 2.0 * (y - p)),
    _loss("bce", lambda xp, o, y, p: -xp.logit(p)),
    _loss("cce", lambda xp, o, y, p: -xp.log(p)),
    binary(
        "log_cce_term",
        "",
        lambda xp, y, log_p: xp.where(y == 0, 0.0, -y * log_p),
        (lambda xp, o, y, log_p: -log_p, lambda xp, o, y, log_p: -y),
    ),
    binary(
        "sigmoid_bce_term",
        "",
        _sigmoid_bce_term,
        (lambda xp, o, y, z: -z, _dsigmoid_bce_dz),
        never_zero=True,
        fades=fading(activations.FADES, 1),
    ),
    unary(  # the slope of tanh
        "sech_squared",
        lambda xp, out, x: -2.0 * out * xp.tanh(x),
        value=lambda xp, x: activations.dtanh_dz(x),
        signature="1-tanh(x)**2",
        never_zero=True,
    ),
    unary(
        "log_cosh",
        lambda xp, out, x: xp.tanh(x),
        value=_log_cosh,
        signature="log(cosh(x))",
        fades=fading(0.5 * activations.FADES),
    ),
    Function("log_other", (2, 2), "", _log_other, (lambda xp, o, p, rest: -xp.divide(1.0, rest), zero)),
    Function(
        "other_product",  # 1 − p·q, with 1 − p and 1 − q
        (4, 4),
        "",
        lambda xp, p, q, other_p, other_q: other_p + p * other_q,
        (lambda xp, o, p, q, *others: -q, lambda xp, o, p, *others: -p, zero, zero),
    ),
    Function("minus_part", (3, 3), "", _minus_part, (lambda xp, *args: 1.0, lambda xp, *args: -1.0, zero)),
    binary(
        "minus_sigmoid",
        "y-sigmoid(z)",
        _minus_sigmoid,
        (lambda xp, o, y, z: 1.0, lambda xp, o, y, z: -activations.dsigmoid_dz(z)),
        never_zero=True,
        fades=fading(activations.FADES, 1),
    ),
    binary(
        "minus_tanh",
        "y-tanh(z)",
        _minus_tanh,
        (lambda xp, o, y, z: 1.0, lambda xp, o, y, z: -activations.dtanh_dz(z)),
        never_zero=True,
        fades=fading(0.5 * activations.FADES, 1),
    ),
]
"""Rows of the terms of losses, and of the slopes that stable forms compute."""
