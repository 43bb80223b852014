"""The chain of Jacobians of a neuron: z = xᵀw + b, a = g(z), J(y, a).

Source: the lecture's "Affine Functions and Jacobians" (the chain ∂J/∂w = ∂J/∂a·∂a/∂z·∂z/∂w) and "Gradients for
Mini-batch" (the factor 1/N). Where a is saturated, its lost digits are recovered from z and from the rounding error of
z, so that ∂J/∂a·∂a/∂z = ∂J/∂z holds for the numbers too.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.calculus.language.parser import parse
from bpcli.calculus.one_sided.kink_notes import Kink
from bpcli.formulas.activations import Activation
from bpcli.formulas.affine import affine_pair, daffine_dx, dot
from bpcli.formulas.layers import less_label
from bpcli.formulas.losses import Fused, Loss
from bpcli.lecture.chain import Chain, ChainBuilder, given_inputs, loss_in_words, named, transposed
from bpcli.lecture.named_functions import neuron_slope
from bpcli.lecture.writing import Formula, application, mean_slope, written
from bpcli.numbers import pairs
from bpcli.numbers.namespaces import array_namespace
from bpcli.text.notation import cell

Array = NDArray[Any]


class _Neuron(NamedTuple):
    """A neuron's labels and outputs: z and a as pairs of doubles, and ∂a/∂z as (m, k) for m·2^k."""

    y: Array
    activation: Activation
    loss: Loss
    z: Array
    low: Array  # what rounding has taken from z
    a: pairs.Pair[Any]
    slope: tuple[Any, Any]

    def only(self, rows: slice) -> "_Neuron":
        """The same of some samples."""
        a, low, m, k = (np.broadcast_to(part, self.y.shape)[rows] for part in (*self.a, *self.slope))
        return self._replace(y=self.y[rows], z=self.z[rows], low=self.low[rows], a=(a, low), slope=(m, k))


def neuron_chain(
    x: Array, w: Array, b: float, y: Array, activation: Activation, loss: Loss, learning_rate: float | None = None
) -> Chain:
    """The chain of a = g(xᵀw + b) and J(a, y): x (N, n), w (n,), y (N,).

    Names: z a J dJ_da da_dz dJ_dz dz_dw dz_dx dz_db dJ_dw dJ_db dJ_dx, and with a learning rate w_new b_new.
    """
    chain, bias = ChainBuilder(len(x)), np.float64(b)
    z, low = affine_pair(x, w, bias)
    neuron = _Neuron(y, activation, loss, z, low, activation.pair(z, low), neuron_slope(x, w, bias, activation))
    dJ_dz = _neuron_forward(chain, neuron)
    dJ_dw, dJ_db = _neuron_back(chain, x, w, dJ_dz)
    if learning_rate is not None:
        chain.update("w", w[:, None], dJ_dw[:, None], learning_rate)
        chain.update("b", np.array([[b]]), np.array([[dJ_db]]), learning_rate)
    given = given_inputs(x, w[:, None], np.array([[b]]), y[:, None], loss, activation)
    fused = loss.fused.get(activation.name)
    collapse = fused and mean_slope(fused.slope_formula, {}, len(x))
    losses = chain.losses(
        loss_in_words(loss, "a", 1, classes=False), lambda i: _loss_of_neuron(neuron.only(slice(i, i + 1)))[0]
    )
    made = chain.chain("neuron", given, losses, collapse and (collapse, collapse))
    return made._replace(kinks=tuple(_kinks(neuron)))


def _kinks(neuron: _Neuron) -> Iterator[tuple[str, Kink]]:
    """The kinks of the activation at which z of a row lies, and those of the loss at which a lies."""
    activation, loss, (a, rest) = neuron.activation, neuron.loss, neuron.a
    for kink in activation.kinks():
        if ((neuron.z == kink.at) & (neuron.low == 0)).any():
            place = f"{activation.name}(z) at z = {cell(kink.at)}"
            yield place, Kink("∂a/∂z", 0, kink.left, kink.right, float(activation.derivative(kink.at)), False)
    for label, output in zip(neuron.y[rest == 0].tolist(), a[rest == 0].tolist(), strict=True):
        for kink in loss.kinks(label):
            if output == kink.at:
                used = float(loss.slope(label, output))
                place = f"{loss.name}(y, a) at y = {cell(label)}, a = {cell(output)}"
                yield place, Kink("∂J₀/∂a", 0, kink.left, kink.right, used, False)


def _neuron_forward(chain: ChainBuilder, neuron: _Neuron) -> Array:
    """z, a, J, and the Jacobians at them: ∂J/∂a, ∂a/∂z, and their product ∂J/∂z, which is returned."""
    N, activation, loss = chain.N, neuron.activation, neuron.loss
    J, dJ_da, dJ_dz = _loss_of_neuron(neuron)

    affine = Formula("xᵀ·w + b", r"\vec{x}^T \cdot \vec{w} + b")
    chain.value("z", affine if chain.single else Formula("X·w + b", r"X \cdot \vec{w} + b"), neuron.z[:, None])
    chain.value("a", application(activation.name, activation.formula), neuron.a[0][:, None])
    chain.value("J", loss_in_words(loss, "a", N, classes=False), [[J]])
    chain.jacobian("J", "a", mean_slope(loss.slope_formula, {"yhat": Formula("a", "a")}, N), dJ_da[None])
    da_dz = array_namespace(neuron.z).ldexp(*neuron.slope)[:, None, None]
    chain.jacobian("a", "z", written(activation.derivative_formula), da_dz, samples=True)
    chain.product("J", "a", "z", dJ_dz[None])
    return dJ_dz


def _neuron_back(chain: ChainBuilder, x: Array, w: Array, dJ_dz: Array) -> tuple[Array, Any]:
    """∂z/∂w, ∂z/∂x and ∂z/∂b, and ∂J/∂z times each; those by w and b are returned."""
    inputs = Formula("xᵀ", r"\vec{x}^T"), named("x")
    if not chain.single:
        inputs = Formula("X", "X"), Formula("Xᵀ", "X^T")
    chain.jacobian("z", "w", inputs[0], x, inputs[1])
    chain.jacobian("z", "x", transposed(named("w")), [daffine_dx(row, w) for row in x], named("w"), samples=True)
    chain.jacobian("z", "b", Formula("1", "1"), np.ones((len(x), 1)))
    dJ_dw, dJ_db = dot(x.T, dJ_dz), dot(np.ones(len(x)), dJ_dz)
    chain.product("J", "z", "w", dJ_dw[None])
    chain.product("J", "z", "b", [[dJ_db]])
    chain.product("J", "z", "x", dJ_dz[:, None, None] * w, samples=True)
    return dJ_dw, dJ_db


def _loss_of_neuron(neuron: _Neuron) -> tuple[Any, Array, Array]:
    """J, ∂J/∂a and ∂J/∂z at z + low."""
    y, a, loss, (m, k) = neuron.y, neuron.a, neuron.loss, neuron.slope
    if fused := loss.fused.get(neuron.activation.name):
        return _fused_loss(fused, neuron)
    if loss.of_difference:
        # The loss depends on a − y alone: for y = 0 and a − y it is the same, without the rounding error of a.
        y, a = 0.0 * y, (less_label(a, y), 0.0 * y)
    dJ_da = loss.dJ_dyhat(y, a[0])
    return _at_pair(loss.J(y, a[0]), dJ_da, a[1]), dJ_da, array_namespace(a[0]).ldexp(dJ_da * m, k)


def _at_pair(J: Any, slope: Array, low: Array) -> Any:
    """J at x + low, from J and its slope at x."""
    shifted = J + (slope * low).sum()
    return shifted if np.isfinite(shifted) else J


_ERROR = parse("a-y")  # ∂J₀/∂z of every loss after its canonical activation


def _fused_loss(fused: Fused, neuron: _Neuron) -> tuple[Any, Array, Array]:
    """The same for a fused form: J is taken at z + low, and so is its slope where that is a − y."""
    y, z, low, slope = neuron.y, neuron.z, neuron.low, neuron.slope
    is_error = parse(fused.slope_formula) == _ERROR
    dJ_dz = less_label(neuron.a, y) / len(y) if is_error else _slope_at(fused, y, z, low)
    J = _at_pair(fused.J(y, z), dJ_dz, low)
    if fused.by_output is not None:
        return J, fused.by_output(y, z, low, dJ_dz, slope), dJ_dz
    # (∂J/∂z)/(∂a/∂z) has digits that a has lost to rounding; where it underflows, the slope at a is exact.
    xp = array_namespace(z)
    m, k = xp.frexp(dJ_dz)
    quotient = xp.ldexp(m / slope[0], k - slope[1])
    return J, np.where(_has_digits(dJ_dz), quotient, neuron.loss.dJ_dyhat(y, neuron.a[0])), dJ_dz


def _slope_at(fused: Fused, y: Array, z: Array, low: Array) -> Array:
    """∂J/∂z at z + low; its change is tiny, so that a difference quotient is exact enough."""
    h = 1e-4
    change = low * ((fused.dJ_dz(y, z + h) - fused.dJ_dz(y, z - h)) / (2.0 * h))
    return np.asarray(fused.dJ_dz(y, z) + np.where(np.isfinite(change), change, 0.0))


def _has_digits(x: Array) -> Array:
    """Whether numbers, and 1/N of them, are neither subnormal nor infinite."""
    return np.asarray(np.isfinite(x) & (abs(x) > 2.0**-1000))
