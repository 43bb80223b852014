"""Activation functions a = g(z), each with ∂a/∂z directly below it: entry by entry, on floats and on arrays.

Source: the lecture's "Activation Functions and Jacobians". The lecture writes ∂a/∂z in terms of a; here 1 − a is
computed from z as what it is (σ(−z) for the sigmoid), since a has rounded to 1 long before the derivative is 0.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from bpcli.formulas import activation_pairs as pairs
from bpcli.formulas.choices import (
    BETWEEN_0_AND_1,
    NONE,
    NOT_NEGATIVE,
    POSITIVE,
    REALS,
    Interval,
    Kink,
    Kinks,
    Setting,
    given_settings,
    smooth,
)
from bpcli.numbers.namespaces import namespace
from bpcli.numbers.pairs import Pair

FADES = 330.0 * math.log(2.0)
"""z at which e^−z is 2⁻³³⁰: a product with less may leave the range of doubles."""


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
    # On duals a branch: |z| has the slope 0 at 0, and σ has not.
    e = xp.exp(xp.where(z >= 0, -z, z) if xp.dual else -abs(z))
    return xp.where(z >= 0, 1.0, e) / (1.0 + e)


def dsigmoid_dz(z: Any) -> Any:
    """∂a/∂z = a(1 − a) = σ(z)σ(−z) = e/(1 + e)² with e = e^−|z|."""
    xp = namespace(z)
    slope = _bell(xp.exp(-abs(z)))
    if not xp.dual:
        return slope
    t = xp.tanh(0.5 * z)  # about 0 the slope is flat: (1 − t²)/4 has a tangent that does not cancel
    return xp.where(abs(z) < 1.0, 0.25 - 0.25 * (t * t), slope)


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

    def far_out() -> Any:  # 1 + e is 1, and (2h)², h = e^−|z|, has the digits that e loses where it is subnormal
        h = xp.exp(-abs(z))
        return (h + h) * (h + h)

    slope = xp.refined(4.0 * _bell(xp.exp(-2.0 * abs(z))), abs(z) >= 20.0, far_out)
    if not xp.dual:
        return slope
    a = xp.tanh(z)  # as for the sigmoid
    return xp.where(abs(z) < 0.5, 1.0 - a * a, slope)


def relu(z: Any) -> Any:
    """max(0, z)."""
    return namespace(z).maximum(z, 0.0)


def drelu_dz(z: Any) -> Any:
    """∂a/∂z = 1 for z ≥ 0 (at 0 too, as in the lecture), 0 for z < 0."""
    xp = namespace(z)
    return xp.where(z >= 0, 1.0, xp.where(z < 0, 0.0, z))


def leaky_relu(z: Any, slope: Any = pairs.LEAKY_SLOPE) -> Any:
    """z for z ≥ 0, slope·z for z < 0 (Maas, Hannun & Ng 2013)."""
    return namespace(z, slope).where(z >= 0, z, slope * z)


def dleaky_relu_dz(z: Any, slope: Any = pairs.LEAKY_SLOPE) -> Any:
    """∂a/∂z = 1 for z ≥ 0 (at 0 too, as for relu), slope for z < 0."""
    xp = namespace(z, slope)
    return xp.where(z >= 0, 1.0, xp.where(z < 0, slope, z))


def dleaky_relu_dslope(z: Any, slope: Any = pairs.LEAKY_SLOPE) -> Any:
    """∂a/∂slope = min(z, 0)."""
    return namespace(z, slope).where(z >= 0, 0.0, z)


def elu(z: Any, alpha: Any = pairs.ELU_ALPHA) -> Any:
    """z for z ≥ 0, alpha·(e^z − 1) for z < 0 (Clevert, Unterthiner & Hochreiter 2016)."""
    xp = namespace(z, alpha)
    return xp.where(z >= 0, z, alpha * xp.expm1(z))


def delu_dz(z: Any, alpha: Any = pairs.ELU_ALPHA) -> Any:
    """∂a/∂z = 1 for z ≥ 0 (at 0 too, whatever alpha), alpha·e^z for z < 0."""
    xp = namespace(z, alpha)
    return xp.where(z >= 0, 1.0, alpha * xp.exp(z))


def delu_dalpha(z: Any, alpha: Any = pairs.ELU_ALPHA) -> Any:
    """∂a/∂alpha = e^z − 1 for z < 0, else 0."""
    xp = namespace(z, alpha)
    return xp.where(z >= 0, 0.0, xp.expm1(z))


def exp(z: Any) -> Any:
    """e^z."""
    return namespace(z).exp(z)


def dexp_dz(z: Any) -> Any:
    """∂a/∂z = a = e^z."""
    return namespace(z).exp(z)


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
    """1/(p(1 − p)); about ½ p(1 − p) is flat, and ¼ − (p − ½)² has a tangent that does not cancel."""
    xp = namespace(p)
    product = xp.refined(p * (1.0 - p), abs(p - 0.5) < 0.2, lambda: 0.25 - (p - 0.5) * (p - 0.5))
    return xp.divide(1.0, product)


def _elu_range(alpha: float = pairs.ELU_ALPHA) -> Interval:
    return Interval(-alpha, open_low=True)


class Activation(NamedTuple):
    """A row of `ACTIVATIONS`: all that is true of an activation a = g(z).

    Settings, such as alpha of elu, are further arguments of each of its functions.
    """

    name: str
    value: Callable[..., Any]  # (z): a
    derivative: Callable[..., Any]  # (z): ∂a/∂z
    formula: str  # a in bpcli's language
    derivative_formula: str  # ∂a/∂z in bpcli's language, in z and a
    range: Interval = REALS  # where a lies;
    range_of: Callable[..., Interval] | None = None  # (): the same, if settings change it
    kinks: Kinks = smooth  # (): where the pieces of g meet
    exact: bool = False  # whether g does not round
    homogeneous: bool = False  # whether g(h·z) = h·g(z) for h > 0
    fades: float | None = None  # |z| at which ∂a/∂z or its slope is 2⁻³³⁰, where it falls like e^−|z|; ∞ if it does not
    settings: Mapping[str, Setting] = NONE  # with their defaults and bounds
    by_setting: Mapping[str, Callable[..., Any]] = NONE  # ∂a/∂(setting)
    # Forms with more digits than a double; without them `slope`, `pair` and `one_minus` use value and derivative:
    slope_form: Callable[..., tuple[Any, Any]] | None = None  # (z, low): (m, k) with ∂a/∂z = m·2^k at z + low
    pair_form: Callable[..., Pair[Any]] | None = None  # (z, low): a as a pair, so that a − y keeps its digits
    complement: Callable[..., Any] | None = None  # (z): 1 − a, for an a that has rounded to 1

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    @property
    def is_identity(self) -> bool:
        """Whether a is z."""
        return self.formula == "z"

    def slope(self, z: Any, low: Any) -> tuple[Any, Any]:
        """(m, k) with ∂a/∂z = m·2^k at z + low."""
        if self.slope_form is not None:
            return self.slope_form(z, low)
        xp, slope = namespace(z), self.derivative(z)
        for kink in self.kinks():  # z + low is beside it
            slope = xp.where((z == kink.at) & (low != 0), xp.where(low < 0, kink.left, kink.right), slope)
        return slope, 0

    def pair(self, z: Any, low: Any) -> Pair[Any]:
        """a at z + low, as a pair."""
        if self.pair_form is not None:
            return self.pair_form(z, low)
        return namespace(z).two_sum(self.value(z), low * self.slope(z, low)[0])

    def one_minus(self, z: Any) -> Any:
        """1 − a."""
        return 1.0 - self.value(z) if self.complement is None else self.complement(z)

    def with_settings(self, chosen: Mapping[str, float]) -> "Activation":
        """The same with other settings than the defaults."""
        if not chosen:
            return self
        functions = ("value", "derivative", "kinks", "slope_form", "pair_form", "complement")
        bound: dict[str, Any] = {f: partial(g, **chosen) for f in functions if (g := getattr(self, f))}
        if self.range_of is not None:
            bound["range"] = self.range_of(**chosen)
        return self._replace(settings=given_settings(self.settings, chosen), **bound)


ACTIVATIONS: dict[str, Activation] = {
    row.name: row
    for row in (
        Activation("identity", identity, didentity_dz, "z", "1", fades=math.inf, pair_form=lambda z, low: (z, low)),
        Activation(
            "sigmoid",
            sigmoid,
            dsigmoid_dz,
            "1/(1+exp(-z))",
            "a*(1-a)",
            range=BETWEEN_0_AND_1,
            fades=FADES,
            slope_form=pairs.sigmoid_slope,
            pair_form=pairs.sigmoid_pair,
            complement=lambda z: sigmoid(-z),
        ),
        Activation(
            "tanh",
            tanh,
            dtanh_dz,
            "tanh(z)",
            "(1+a)*(1-a)",
            range=Interval(-1.0, 1.0, open_low=True, open_high=True),
            fades=0.5 * FADES,
            slope_form=pairs.tanh_slope,
            pair_form=pairs.tanh_pair,
        ),
        Activation(
            "relu",
            relu,
            drelu_dz,
            "max(0,z)",
            "where(z>=0, 1, 0)",
            range=NOT_NEGATIVE,
            kinks=lambda: (Kink(0.0, 0.0, 1.0),),
            exact=True,
            homogeneous=True,
            fades=math.inf,
            pair_form=pairs.relu_pair,
        ),
        Activation(
            "leaky_relu",
            leaky_relu,
            dleaky_relu_dz,
            "where(z>=0, z, slope*z)",
            "where(z>=0, 1, slope)",
            kinks=lambda slope=pairs.LEAKY_SLOPE: (Kink(0.0, slope, 1.0),),
            settings={"slope": Setting(pairs.LEAKY_SLOPE, above=0.0)},
            by_setting={"slope": dleaky_relu_dslope},
            fades=math.inf,
            pair_form=pairs.leaky_relu_pair,
        ),
        Activation(
            "elu",
            elu,
            delu_dz,
            "where(z>=0, z, alpha*(exp(z)-1))",
            "where(z>=0, 1, alpha*exp(z))",
            range=_elu_range(),
            range_of=_elu_range,
            kinks=lambda alpha=pairs.ELU_ALPHA: (Kink(0.0, alpha, 1.0),),
            settings={"alpha": Setting(pairs.ELU_ALPHA, above=0.0)},
            by_setting={"alpha": delu_dalpha},
            fades=FADES,
            slope_form=pairs.elu_slope,
            pair_form=pairs.elu_pair,
        ),
        Activation(
            "softplus",
            softplus,
            dsoftplus_dz,
            "log(1+exp(z))",
            "sigmoid(z)",
            range=POSITIVE,
            fades=FADES,
            slope_form=pairs.softplus_slope,
            pair_form=pairs.softplus_pair,
        ),
        Activation(
            "exp",
            exp,
            dexp_dz,
            "exp(z)",
            "a",
            range=POSITIVE,
            fades=math.inf,
            slope_form=pairs.exp_slope,
            pair_form=pairs.exp_pair,
        ),
    )
}
"""The activations of a neuron; the config's choices, the command line's and the tests read this table."""
