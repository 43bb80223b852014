"""The table of losses: a row names the formulas of a loss and says what labels and predictions it takes."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from bpcli.formulas import loss_formulas as formulas
from bpcli.formulas.activations import Activation, dsigmoid_dz, logit
from bpcli.formulas.choices import (
    BETWEEN_0_AND_1,
    FROM_0_TO_1,
    NONE,
    NOT_NEGATIVE,
    POSITIVE,
    REALS,
    Interval,
    Kink,
    Kinks,
    Likelihood,
    Setting,
    Task,
    given_settings,
    smooth,
)
from bpcli.numbers.namespaces import array_namespace, namespace

SOFTMAX = "softmax"
"""The key of the fused form with softmax, which is no activation: it takes all logits at once."""


class Fused(NamedTuple):
    """A loss after an activation, or after softmax, as one formula of z, which is more exact than the product."""

    term: Callable[..., Any]  # (y, z): J₀(y, g(z))
    slope: Callable[..., Any]  # (y, z): ∂J₀/∂z
    formula: str  # J₀ of one entry in bpcli's language
    slope_formula: str  # ∂J₀/∂z of one entry, in y, z and the output: a, or p of softmax
    whole: tuple[Callable[..., Any], Callable[..., Any]] | None = None  # J and ∂J/∂z, if not the mean of the terms
    # (y, z, low, dJ_dz, (m, k)): ∂J/∂ŷ at ŷ = g(z + low), for ∂ŷ/∂z = m·2^k, with the digits that ŷ lacks
    by_output: Callable[..., Any] | None = None
    curvature: Callable[..., Any] | None = None  # ∂²J₀/∂z², where the chain of slopes loses digits
    convex: bool = False  # whether J₀ is convex in z, for every label

    def J(self, y: Any, z: Any) -> Any:
        """(1/N) Σ J₀."""
        if self.whole is not None:
            return self.whole[0](y, z)
        return formulas.mean_over_samples(namespace(y, z), lambda c: c * self.term(y, z), formulas.sample_count(z))

    def dJ_dz(self, y: Any, z: Any) -> Any:
        """∂J/∂z, in the shape of z."""
        return self.slope(y, z) / formulas.sample_count(z) if self.whole is None else self.whole[1](y, z)


class Loss(NamedTuple):
    """A row of `LOSSES`: all that is true of a loss J = (1/N) Σ J₀(y, ŷ).

    Settings, such as δ of huber, are further arguments of each of its functions.
    """

    name: str
    task: Task
    term: Callable[..., Any]  # (y, yhat): J₀ of one entry
    slope: Callable[..., Any]  # (y, yhat): ∂J₀/∂ŷ
    by_label: Callable[..., Any]  # (y, yhat): ∂J₀/∂y
    formula: str  # J₀ in bpcli's language
    slope_formula: str  # ∂J₀/∂ŷ in bpcli's language
    best_constant: Callable[..., float]  # (y, weights or None): the ŷ that, for all rows alike, has the least J
    domain: Interval = REALS  # where ŷ has to lie,
    takes: str = "is of the output"  # and why, as messages say it
    labels: Interval = REALS  # where y has to lie
    spans: Interval | None = None  # the values that the activation must be able to take
    of_z: bool = False  # whether the activation has to be the identity
    encoding: tuple[float, float] | None = None  # the labels of two classes as numbers
    probability: bool = False  # whether ŷ is the probability of the second class; else that is predicted where ŷ ≥ 0
    likelihood: Likelihood | None = None  # the distribution of y whose −log the term is, but for constants
    per_class: bool = False  # whether a sample may have an entry for each class, over which J₀ is summed
    convex: bool = False  # whether J₀ is convex in ŷ, for every label and setting
    of_difference: bool = False  # whether J₀ depends on y − ŷ alone, so that J₀(0, ŷ − y) is the same
    by_shares: Callable[..., float] | None = None  # (p): the least J of a constant ŷ, from the share of each class
    fused: Mapping[str, Fused] = NONE  # by the name of an activation, or `SOFTMAX`; see `fused_with`
    kinks: Kinks = smooth  # (y): where the pieces of J₀ meet
    settings: Mapping[str, Setting] = NONE  # with their defaults and bounds
    by_setting: Mapping[str, Callable[..., Any]] = NONE  # ∂J₀/∂(setting)
    whole: tuple[Callable[..., Any], Callable[..., Any]] | None = None  # J and ∂J/∂ŷ, if not the mean of the terms

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    def J(self, y: Any, yhat: Any) -> Any:
        """(1/N) Σ J₀."""
        if self.whole is not None:
            return self.whole[0](y, yhat)
        return formulas.mean_over_samples(
            namespace(y, yhat), lambda c: c * self.term(y, yhat), formulas.sample_count(yhat)
        )

    def dJ_dyhat(self, y: Any, yhat: Any) -> Any:
        """∂J/∂ŷ, in the shape of ŷ."""
        return self.slope(y, yhat) / formulas.sample_count(yhat) if self.whole is None else self.whole[1](y, yhat)

    def fused_with(self, activation: Activation | None) -> Fused | None:
        """The fused form with an activation, with softmax if that is None; None where there is none."""
        return self.fused.get(SOFTMAX if activation is None else activation.name)

    def is_convex(self, activation: Activation | None) -> bool:
        """Whether J₀ is known to be convex in z, with this activation, or with softmax if that is None."""
        form = self.fused_with(activation)
        if form is not None:
            return form.convex
        return self.convex and activation is not None and activation.is_identity

    def encode(self, y: Any) -> Any:
        """The numbers of class numbers 0 and 1 of two classes; others as they are."""
        if self.encoding is None:
            return y
        return namespace(y).where(y == 1, self.encoding[1], self.encoding[0])

    def with_settings(self, chosen: Mapping[str, float]) -> "Loss":
        """The same with other settings than the defaults."""
        if not chosen:
            return self
        functions = ("term", "slope", "by_label", "best_constant", "kinks")
        bound: dict[str, Any] = {f: partial(getattr(self, f), **chosen) for f in functions}
        fused = {
            name: form._replace(term=partial(form.term, **chosen), slope=partial(form.slope, **chosen))
            for name, form in self.fused.items()
        }
        return self._replace(fused=fused, settings=given_settings(self.settings, chosen), **bound)


def _mean(y: Any, weights: Any) -> float:
    """ȳ, weighted."""
    return float(array_namespace(y).average(y, weights=weights))


def _entropy(p: Any) -> float:
    """−Σ p log p."""
    xp = namespace(p)
    return float(-sum(share * xp.log(share) for share in p if share))


def _impurity(p: Any) -> float:
    """Σ p(1 − p), of one-hot classes (Breiman et al. 1984)."""
    return float(array_namespace(p).sum(p * (1 - p)))


def _huber_center(y: Any, weights: Any, delta: float = formulas.HUBER_DELTA) -> float:
    """The c with Σ ω·clip(y − c, −δ, δ) = 0: a line between two of the places y ± δ where the sum bends."""
    xp = array_namespace(y)
    bends = xp.sort(xp.concatenate([y - delta, y + delta]))

    def pull(c: Any) -> float:
        return float(xp.average(xp.clip(y - c, -delta, delta), weights=weights))

    low, high = 0, len(bends) - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if pull(bends[middle]) > 0 else (low, middle)
    left, right = pull(bends[low]), pull(bends[high])
    share = left / (left - right) if left > right else 0.5  # between equal pulls of 0 each c is best
    return float(bends[low] + share * (bends[high] - bends[low]))


def _huber_kinks(y: Any, delta: Any = formulas.HUBER_DELTA) -> tuple[Kink, ...]:
    return Kink(y - delta, -delta, -delta), Kink(y + delta, delta, delta)


def _hinge_kinks(y: Any) -> tuple[Kink, ...]:
    xp = namespace(y)
    return (Kink(xp.divide(1.0, y), xp.where(y > 0, -y, 0.0 * y), xp.where(y > 0, 0.0 * y, -y)),)


LOSSES: dict[str, Loss] = {
    row.name: row
    for row in (
        Loss(
            "mse",
            Task.REGRESSION,
            formulas.mse_term,
            formulas.dmse_term_dyhat,
            lambda y, yhat: 2.0 * (y - yhat),
            "(y-yhat)**2",
            "-2*(y-yhat)",
            _mean,
            per_class=True,
            convex=True,
            of_difference=True,
            likelihood=Likelihood.NORMAL,
            by_shares=_impurity,
            whole=(formulas.mse, formulas.dmse_dyhat),
        ),
        Loss(
            "bce",
            Task.TWO_CLASSES,
            formulas.bce_term,
            formulas.dbce_term_dyhat,
            lambda y, yhat: -logit(yhat),
            "-(y*log(yhat)+(1-y)*log(1-yhat))",
            "(yhat-y)/(yhat*(1-yhat))",
            _mean,
            domain=FROM_0_TO_1,
            takes="takes the logarithm of the output",
            labels=FROM_0_TO_1,
            spans=BETWEEN_0_AND_1,
            encoding=(0.0, 1.0),
            probability=True,
            by_shares=_entropy,
            likelihood=Likelihood.CLASSES,
            fused={
                "sigmoid": Fused(
                    formulas.sigmoid_bce_term,
                    formulas.dsigmoid_bce_term_dz,
                    "log(1+exp(-abs(z)))+abs(z)*abs(where(z>=0,1,0)-y)",
                    "a-y",
                    (formulas.sigmoid_bce, formulas.dsigmoid_bce_dz),
                    formulas.dbce_dyhat_of_z,
                    lambda y, z: dsigmoid_dz(z),
                    convex=True,
                )
            },
            whole=(formulas.bce, formulas.dbce_dyhat),
        ),
        Loss(
            "cce",
            Task.CLASSES,
            formulas.cce_term,
            formulas.dcce_term_dyhat,
            lambda y, yhat: -namespace(yhat).log(yhat),
            "-y*log(yhat)",
            "-y/yhat",
            _mean,
            domain=FROM_0_TO_1,
            takes="takes the logarithm of the output",
            labels=FROM_0_TO_1,
            spans=BETWEEN_0_AND_1,
            per_class=True,
            by_shares=_entropy,
            likelihood=Likelihood.CLASSES,
            fused={
                SOFTMAX: Fused(
                    formulas.softmax_cce_term,
                    formulas.dsoftmax_cce_term_dlogits,
                    "y*(logsumexp(logits)-logits)",
                    "p-y",
                    (formulas.softmax_cce, formulas.dsoftmax_cce_dlogits),
                    curvature=formulas.d2softmax_cce_term_dlogits2,
                    convex=True,
                )
            },
            whole=(formulas.cce, formulas.dcce_dyhat),
        ),
        Loss(
            "huber",
            Task.REGRESSION,
            formulas.huber_term,
            formulas.dhuber_term_dyhat,
            lambda y, yhat, delta=formulas.HUBER_DELTA: -formulas.dhuber_term_dyhat(y, yhat, delta),
            "where(abs(y-yhat)<=delta, (y-yhat)**2/2, delta*(abs(y-yhat)-delta/2))",
            "where(abs(y-yhat)<=delta, yhat-y, delta*sign(yhat-y))",
            _huber_center,
            convex=True,
            of_difference=True,
            kinks=_huber_kinks,
            settings={"delta": Setting(formulas.HUBER_DELTA, above=0.0)},
            by_setting={"delta": formulas.dhuber_term_ddelta},
        ),
        Loss(
            "hinge",
            Task.TWO_CLASSES,
            formulas.hinge_term,
            formulas.dhinge_term_dyhat,
            lambda y, yhat: formulas.dhinge_term_dyhat(yhat, y),  # it is symmetric
            "max(0, 1-y*yhat)",
            "where(y*yhat<1, -y, 0)",
            lambda y, weights: 1.0 if _mean(y, weights) >= 0 else -1.0,
            labels=Interval(-1.0, 1.0),
            spans=REALS,
            of_z=True,
            convex=True,
            encoding=(-1.0, 1.0),
            kinks=_hinge_kinks,
        ),
        Loss(
            "poisson",
            Task.REGRESSION,
            formulas.poisson_term,
            formulas.dpoisson_term_dyhat,
            lambda y, yhat: -namespace(yhat).log(yhat),
            "yhat-y*log(yhat)",
            "1-y/yhat",
            _mean,
            domain=POSITIVE,
            takes="takes the logarithm of the output",
            labels=NOT_NEGATIVE,
            spans=POSITIVE,
            fused={
                "exp": Fused(
                    formulas.exp_poisson_term, formulas.dexp_poisson_term_dz, "exp(z)-y*z", "a-y", convex=True
                ),
                "softplus": Fused(
                    formulas.softplus_poisson_term,
                    formulas.dsoftplus_poisson_term_dz,
                    "a-y*log(a)",
                    "(a-y)/a/(1+exp(-z))",
                    convex=True,
                ),
            },
        ),
    )
}
"""The losses of a model; the config's choices, the command line's and the tests read this table."""
