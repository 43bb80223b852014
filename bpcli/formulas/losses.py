"""The losses: the term J₀(y, ŷ) of each with ∂J₀/∂ŷ directly below it, its mean J over a batch, and fused forms.

Source: the lecture's "Loss Functions and Jacobians". Terms work entry by entry, for every kind of number; a label of 0
or 1 leaves a loss one term, also where the logarithm of the other is infinite. Over a batch J = (1/N) Σ J₀: y, ŷ are
(N,) for one output or (N, K), a sample a row, or a number for a single sample; the Jacobians are returned in the shape
of ŷ (as a row 1 × N or 1 × NK when flattened). The fused forms are the products of the Jacobians they stand for,
without the division by ŷ(1 − ŷ) that cancels.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, cast

from bpcli.formulas.activations import ACTIVATIONS, log_pair, logit, sigmoid, softplus, softplus_pair
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
    Setting,
    Task,
    given_settings,
    smooth,
)
from bpcli.formulas.softmax import log_softmax_vjp, shifted
from bpcli.numbers import pairs
from bpcli.numbers.namespaces import array_namespace, is_array, namespace
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
    return cce_term(y, yhat) - (1.0 - y) * xp.log1p(xp.where((y == 1) & (yhat == 1), 0.0, -yhat))


def dbce_term_dyhat(y: Any, yhat: Any) -> Any:
    """(ŷ − y)/(ŷ(1 − ŷ)), which is 1 at y = ŷ = 0 and −1 at y = ŷ = 1."""
    xp = namespace(y, yhat)
    variance = yhat * (1.0 - yhat)
    certain = (y == yhat) & (variance == 0)
    slope = xp.divide(yhat - y, xp.where(certain, 1.0, variance))
    return xp.where(certain, xp.where(yhat == 0, 1.0, -1.0), slope)


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
    return xp.refined(slope, abs(yhat - y) == math.inf, lambda: 1.0 - xp.divide(y, yhat))


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
    """bce_term(y, σ(z)) from z: log(1 + e^−|z|) + |z|·|[z ≥ 0] − y|, of which no part cancels."""
    xp = namespace(y, z)
    return xp.log1p(xp.exp(-abs(z))) + abs(z) * abs(xp.where(z >= 0, 1.0, 0.0) - y)


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


def _samples(yhat: Any) -> int:
    return len(yhat) if is_array(yhat) else 1


def _sum(xp: Doubles[Any], terms: Any) -> Any:
    """Σ terms; the error does not grow with their number."""
    return cast(Arrays[Any], xp).total(terms.reshape(-1), 0)[0][0] if is_array(terms) else terms


def _mean_over_samples(xp: Doubles[Any], terms: Callable[[float], Any], N: int) -> Any:
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


def dbce_dyhat_of_z(y: Any, z: Any, low: Any, dJ_dz: Any, slope: tuple[Any, Any]) -> Any:
    """∂J/∂ŷ of bce at ŷ = σ(z + low), from ∂J/∂z and ∂ŷ/∂z = m·2^k."""
    xp = namespace(y, z)
    # It is −1/ŷ at y = 1 and 1/(1 − ŷ) at y = 0: a ŷ far out on the side of its label is exact so, where ∂J/∂z is
    # below every double; on the other side ∂J/∂z has digits that a subnormal ŷ has not.
    certain = xp.where(z >= 0, y == 1, y == 0)
    sign = xp.where(z >= 0, 1.0, -1.0)
    at_label = sign * dcce_term_dyhat(1.0, ACTIVATIONS["sigmoid"].pair(abs(z), sign * low)[0]) / _samples(z)
    return xp.where(certain, at_label, xp.ldexp(dJ_dz / slope[0], -slope[1]))


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
    batch and its slope, where they are more than those of the terms. `by_output(y, z, low, dJ_dz, (m, k))` is ∂J/∂ŷ
    at ŷ = g(z + low) with ∂ŷ/∂z = m·2^k, to the digits that ŷ has rounded away.
    """

    term: Callable[..., Any]
    slope: Callable[..., Any]
    formula: str
    slope_formula: str
    whole: tuple[Callable[..., Any], Callable[..., Any]] | None = None
    by_output: Callable[..., Any] | None = None

    def J(self, y: Any, z: Any) -> Any:
        """(1/N) Σ J₀."""
        if self.whole is not None:
            return self.whole[0](y, z)
        return _mean_over_samples(namespace(y, z), lambda c: c * self.term(y, z), _samples(z))

    def dJ_dz(self, y: Any, z: Any) -> Any:
        """∂J/∂z, in the shape of z."""
        return self.slope(y, z) / _samples(z) if self.whole is None else self.whole[1](y, z)


class Loss(NamedTuple):
    """A row of `LOSSES`: all that is true of a loss J = (1/N) Σ J₀(y, ŷ).

    `term(y, yhat)`, `slope(y, yhat)` = ∂J₀/∂ŷ and `by_label(y, yhat)` = ∂J₀/∂y; `formula` and `slope_formula` say the
    first two in bpcli's language, of one entry. `domain` is where ŷ has to lie, and `takes` says why; `labels`: where y
    has to; `spans`: what an activation has to be able to reach, if that is asked; `of_z`: that it has to be z itself.
    `best_constant(y, weights)` is the one ŷ for all rows that has the least J; weights may be None. Where the
    labels are classes, `encoding` are the numbers of the two, `probability` says that ŷ is that of the second,
    which is else predicted where ŷ ≥ 0; `by_shares(p)` is the least J of a constant from the classes' shares, where
    that has a formula of its own. `per_class` says that a sample may have an entry for each class, over which J₀ is
    summed. `fused`: the formulas after an activation, or after softmax, that are better than the product of the
    two, by its name. `of_difference`: J₀ depends on y − ŷ alone, so that 0 and ŷ − y stand for both. `J` and
    `dJ_dyhat` are the mean and its slope, where they are more than those of the terms. Settings are further
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
    takes: str = "is of the output"
    labels: Interval = REALS
    spans: Interval | None = None
    of_z: bool = False
    encoding: tuple[float, float] | None = None
    probability: bool = False
    per_class: bool = False
    of_difference: bool = False
    by_shares: Callable[..., float] | None = None
    fused: Mapping[str, Fused] = NONE
    kinks: Kinks = smooth
    settings: Mapping[str, Setting] = NONE
    by_setting: Mapping[str, Callable[..., Any]] = NONE
    whole: tuple[Callable[..., Any], Callable[..., Any]] | None = None

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
        return _mean_over_samples(namespace(y, yhat), lambda c: c * self.term(y, yhat), _samples(yhat))

    def dJ_dyhat(self, y: Any, yhat: Any) -> Any:
        """∂J/∂ŷ, in the shape of ŷ."""
        return self.slope(y, yhat) / _samples(yhat) if self.whole is None else self.whole[1](y, yhat)

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


def _huber_center(y: Any, weights: Any, delta: float = HUBER_DELTA) -> float:
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


def _huber_kinks(y: Any, delta: Any = HUBER_DELTA) -> tuple[Kink, ...]:
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
            takes="takes the logarithm of the output",
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
                    dbce_dyhat_of_z,
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
            takes="takes the logarithm of the output",
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
        Loss(
            "huber",
            Task.REGRESSION,
            huber_term,
            dhuber_term_dyhat,
            lambda y, yhat, delta=HUBER_DELTA: -dhuber_term_dyhat(y, yhat, delta),
            "where(abs(y-yhat)<=delta, (y-yhat)**2/2, delta*(abs(y-yhat)-delta/2))",
            "where(abs(y-yhat)<=delta, yhat-y, delta*sign(yhat-y))",
            _huber_center,
            of_difference=True,
            kinks=_huber_kinks,
            settings={"delta": Setting(HUBER_DELTA, above=0.0)},
            by_setting={"delta": dhuber_term_ddelta},
        ),
        Loss(
            "hinge",
            Task.TWO_CLASSES,
            hinge_term,
            dhinge_term_dyhat,
            lambda y, yhat: dhinge_term_dyhat(yhat, y),  # it is symmetric
            "max(0, 1-y*yhat)",
            "where(y*yhat<1, -y, 0)",
            lambda y, weights: 1.0 if _mean(y, weights) >= 0 else -1.0,
            labels=Interval(-1.0, 1.0),
            spans=REALS,
            of_z=True,
            encoding=(-1.0, 1.0),
            kinks=_hinge_kinks,
        ),
        Loss(
            "poisson",
            Task.REGRESSION,
            poisson_term,
            dpoisson_term_dyhat,
            lambda y, yhat: -namespace(yhat).log(yhat),
            "yhat-y*log(yhat)",
            "1-y/yhat",
            _mean,
            domain=POSITIVE,
            takes="takes the logarithm of the output",
            labels=NOT_NEGATIVE,
            spans=POSITIVE,
            fused={
                "exp": Fused(exp_poisson_term, dexp_poisson_term_dz, "exp(z)-y*z", "a-y"),
                "softplus": Fused(
                    softplus_poisson_term,
                    dsoftplus_poisson_term_dz,
                    "a-y*log(a)",
                    "(a-y)/a/(1+exp(-z))",
                ),
            },
        ),
    )
}
"""What a model can be trained by; the config's choices, the command line's and the tests read this table."""
