"""The losses: the term J₀(y, ŷ) of each with ∂J₀/∂ŷ directly below it, its mean J over a batch, and fused forms.

Source: the lecture's "Loss Functions and Jacobians". Terms work entry by entry, for every kind of number; a label of 0
or 1 leaves a loss one term, also where the logarithm of the other is infinite. Over a batch J = (1/N) Σ J₀: y, ŷ are
(N,) for one output or (N, K), a sample a row, or a number for a single sample; the Jacobians are returned in the shape
of ŷ (as a row 1 × N or 1 × NK when flattened). The fused forms are the products of the Jacobians they stand for,
without the division by ŷ(1 − ŷ) that cancels.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

from bpcli.formulas.activations import logit, sigmoid
from bpcli.formulas.choices import BETWEEN_0_AND_1, FROM_0_TO_1, REALS, Interval, Kinks, Setting, Task, smooth
from bpcli.formulas.softmax import log_softmax_vjp, shifted
from bpcli.numbers import pairs
from bpcli.numbers.namespaces import is_array, namespace


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
    return cce_term(y, yhat) - (1.0 - y) * xp.log1p(xp.where((y == 1) & (yhat == 1), 0.0, -yhat))


def dbce_term_dyhat(y: Any, yhat: Any) -> Any:
    """(ŷ − y)/(ŷ(1 − ŷ)), which is 1 at y = ŷ = 0 and −1 at y = ŷ = 1."""
    xp = namespace(y, yhat)
    variance = yhat * (1.0 - yhat)
    certain = (y == yhat) & (variance == 0)
    slope = xp.divide(yhat - y, xp.where(certain, 1.0, variance))
    return xp.where(certain, xp.where(yhat == 0, 1.0, -1.0), slope)


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


def _samples(yhat: Any) -> int:
    return len(yhat) if is_array(yhat) else 1


def _sum(xp: Any, terms: Any) -> Any:
    """Σ terms; the error does not grow with their number."""
    return xp.total(terms.reshape(-1), 0)[0][0] if is_array(terms) else terms


def _mean_over_samples(xp: Any, terms: Callable[[float], Any], N: int) -> Any:
    """(1/N) Σ J₀ over the samples, from `terms(c)` = c·J₀: of a smaller J₀ where the sum left the doubles."""
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
    return xp.ldexp(_sum(xp, d * d) / _samples(yhat) / (c * c), 2 * k)


def dmse_dyhat(y: Any, yhat: Any) -> Any:
    """∂J/∂ŷ = −(2/N)(y − ŷ)."""
    d, c = _difference(y, yhat)
    return -d / (_samples(yhat) * c / 2.0)


def bce(y: Any, yhat: Any) -> Any:
    """J = −(1/N) Σ [y log ŷ + (1 − y) log(1 − ŷ)]."""
    xp = namespace(y, yhat)
    return _mean_over_samples(xp, lambda c: c * bce_term(y, yhat), _samples(yhat))


def dbce_dyhat(y: Any, yhat: Any) -> Any:
    """∂J/∂ŷ = (1/N)(ŷ − y)/(ŷ(1 − ŷ)), which is 1/N at y = ŷ = 0 and −1/N at y = ŷ = 1."""
    xp = namespace(y, yhat)
    N = _samples(yhat)
    variance = yhat * (1.0 - yhat)
    certain = (y == yhat) & (variance == 0)
    slope = xp.divide(yhat - y, xp.where(certain, 1.0, N * variance))
    return xp.where(certain, xp.where(yhat == 0, 1.0, -1.0) / N, slope)


def cce(y: Any, yhat: Any) -> Any:
    """J = −(1/N) Σ_j Σ_k y_k log ŷ_k, for y, ŷ (N, K)."""
    xp = namespace(y, yhat)
    return _mean_over_samples(xp, lambda c: c * cce_term(y, yhat), _samples(yhat))


def dcce_dyhat(y: Any, yhat: Any) -> Any:
    """∂J/∂ŷ_k = −(1/N) y_k/ŷ_k."""
    return dcce_term_dyhat(y, _samples(yhat) * yhat)


def sigmoid_bce(y: Any, z: Any) -> Any:
    """J = bce(y, σ(z)) = (1/N) Σ [log(1 + e^−|z|) + |z|·|[z ≥ 0] − y|]."""
    return _mean_over_samples(namespace(y, z), lambda c: c * sigmoid_bce_term(y, z), _samples(z))


def dsigmoid_bce_dz(y: Any, z: Any) -> Any:
    """∂J/∂z = (1/N)(σ(z) − y) = (1/N)[(1 − y)σ(z) − y σ(−z)]: ∂J/∂ŷ·∂ŷ/∂z, where the factor ŷ(1 − ŷ) cancels."""
    return dsigmoid_bce_term_dz(y, z) / _samples(z)


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


def softmax_cce(y: Any, logits: Any) -> Any:
    """J = cce(y, softmax(l)) = (1/N) Σ_j Σ_k y_k (log S − (l_k − m)), for y, logits (N, K)."""
    return _mean_over_samples(namespace(y, logits), _softmax_cce_terms(y, logits), len(logits))


def dsoftmax_cce_dlogits(y: Any, logits: Any) -> Any:
    """∂J/∂l = (1/N)(p Σ_k y_k − y), which is (1/N)(p − y): ∂J/∂ŷ·∂ŷ/∂l, where the factor p cancels.

    It is that of −Σ_k y_k log p_k.
    """
    return -log_softmax_vjp(y, logits) / len(logits)


class Fused(NamedTuple):
    """A loss after an activation, or after softmax, as one formula of z: J₀(y, g(z)) and ∂J₀/∂z, both `(y, z)`.

    `slope_formula` says the latter in bpcli's language, of one entry, in y and a or p. `whole` are the mean over a
    batch and its slope, where they are more than those of the terms.
    """

    term: Callable[..., Any]
    slope: Callable[..., Any]
    formula: str
    slope_formula: str
    whole: tuple[Callable[..., Any], Callable[..., Any]] | None = None

    def J(self, y: Any, z: Any) -> Any:
        """(1/N) Σ J₀."""
        if self.whole is not None:
            return self.whole[0](y, z)
        return _mean_over_samples(namespace(y, z), lambda c: c * self.term(y, z), _samples(z))

    def dJ_dz(self, y: Any, z: Any) -> Any:
        """∂J/∂z, in the shape of z."""
        return self.slope(y, z) / _samples(z) if self.whole is None else self.whole[1](y, z)


@dataclass(frozen=True)
class Loss:
    """A row of `LOSSES`: all that is true of a loss J = (1/N) Σ J₀(y, ŷ).

    `term(y, yhat)`, `slope(y, yhat)` = ∂J₀/∂ŷ and `by_label(y, yhat)` = ∂J₀/∂y; `formula` and `slope_formula` say the
    first two in bpcli's language, of one entry. `domain`: where ŷ has to lie; `labels`: where y has to; `spans`: what
    an activation has to be able to reach, if that is asked. `best_constant(y, weights)` is the one ŷ for all rows that
    has the least J; weights may be None. Where the labels are classes, `encoding` are the numbers of the two,
    `probability` says that ŷ is that of the second, which is else predicted where ŷ ≥ 0; `by_shares(p)` is the least J
    of a constant from the classes' shares, where that has a formula of its own. `per_class` says that a sample may have
    an entry for each class, over which J₀ is summed. `fused`: the formulas after an activation, or after softmax, that
    are better than the product of the two, by its name. `of_difference`: J₀ depends on y − ŷ alone, so that 0 and ŷ − y
    stand for both.
    `J` and `dJ_dyhat` are the mean and its slope, where they are more than those of the terms. Settings are further
    arguments of each of these functions, as of an `Activation`.
    """

    name: str
    task: Task
    term: Callable[..., Any]
    slope: Callable[..., Any]
    by_label: Callable[..., Any]
    formula: str
    slope_formula: str
    best_constant: Callable[..., float]
    domain: Interval = REALS
    labels: Interval = REALS
    spans: Interval | None = None
    encoding: tuple[float, float] | None = None
    probability: bool = False
    per_class: bool = False
    of_difference: bool = False
    by_shares: Callable[..., float] | None = None
    fused: Mapping[str, Fused] = field(default_factory=dict)
    kinks: Kinks = smooth
    settings: Mapping[str, Setting] = field(default_factory=dict)
    by_setting: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    whole: tuple[Callable[..., Any], Callable[..., Any]] | None = None

    def J(self, y: Any, yhat: Any) -> Any:
        """(1/N) Σ J₀."""
        if self.whole is not None:
            return self.whole[0](y, yhat)
        return _mean_over_samples(namespace(y, yhat), lambda c: c * self.term(y, yhat), _samples(yhat))

    def dJ_dyhat(self, y: Any, yhat: Any) -> Any:
        """∂J/∂ŷ, in the shape of ŷ."""
        return self.slope(y, yhat) / _samples(yhat) if self.whole is None else self.whole[1](y, yhat)

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
        return replace(self, fused=fused, **bound)


def _mean(y: Any, weights: Any) -> float:
    """ȳ, weighted."""
    return float(namespace(y).average(y, weights=weights))


def _entropy(p: Any) -> float:
    """−Σ p log p."""
    xp = namespace(p)
    return float(-sum(share * xp.log(share) for share in p if share))


def _impurity(p: Any) -> float:
    """Σ p(1 − p), of one-hot classes (Breiman et al. 1984)."""
    return float(namespace(p).sum(p * (1 - p)))


LOSSES: dict[str, Loss] = {
    row.name: row
    for row in (
        Loss(
            "mse",
            Task.REGRESSION,
            mse_term,
            dmse_term_dyhat,
            lambda y, yhat: 2.0 * (y - yhat),
            "(y-yhat)**2",
            "-2*(y-yhat)",
            _mean,
            per_class=True,
            of_difference=True,
            by_shares=_impurity,
            whole=(mse, dmse_dyhat),
        ),
        Loss(
            "bce",
            Task.TWO_CLASSES,
            bce_term,
            dbce_term_dyhat,
            lambda y, yhat: -logit(yhat),
            "-(y*log(yhat)+(1-y)*log(1-yhat))",
            "(yhat-y)/(yhat*(1-yhat))",
            _mean,
            domain=FROM_0_TO_1,
            labels=FROM_0_TO_1,
            spans=BETWEEN_0_AND_1,
            encoding=(0.0, 1.0),
            probability=True,
            by_shares=_entropy,
            fused={
                "sigmoid": Fused(
                    sigmoid_bce_term,
                    dsigmoid_bce_term_dz,
                    "log(1+exp(-abs(z)))+abs(z)*abs(where(z>=0,1,0)-y)",
                    "a-y",
                    (sigmoid_bce, dsigmoid_bce_dz),
                )
            },
            whole=(bce, dbce_dyhat),
        ),
        Loss(
            "cce",
            Task.CLASSES,
            cce_term,
            dcce_term_dyhat,
            lambda y, yhat: -namespace(yhat).log(yhat),
            "-y*log(yhat)",
            "-y/yhat",
            _mean,
            domain=FROM_0_TO_1,
            labels=FROM_0_TO_1,
            spans=BETWEEN_0_AND_1,
            per_class=True,
            by_shares=_entropy,
            fused={
                "softmax": Fused(
                    softmax_cce_term,
                    dsoftmax_cce_term_dlogits,
                    "y*(logsumexp(logits)-logits)",
                    "p-y",
                    (softmax_cce, dsoftmax_cce_dlogits),
                )
            },
            whole=(cce, dcce_dyhat),
        ),
    )
}
"""What a model can be trained by; the config's choices, the command line's and the tests read this table."""
