"""The formulas of a training step in place: z of a batch goes in, the loss comes out, and z has become its gradient.

Each class stands for a loss after an activation and holds the buffers of one batch, so that a call creates no arrays.
They compute the product of the Jacobians in `losses`, `activations` and `softmax`; a test compares the two.
The true class's p − 1 is minus the sum of the others, and 1 − σ is σ(−z): a model that has converged far still learns.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.formulas.activations import Activation
from bpcli.formulas.choices import Choice
from bpcli.formulas.layers import activation_of, loss_of, of_z
from bpcli.formulas.losses import Loss
from bpcli.formulas.softmax import softmax, softmax_vjp

Array = NDArray[Any]


class _Buffers:
    """Work arrays for batches of up to `size` rows; `of(m)` gives views of their first m rows, made once for each m."""

    def __init__(self, *arrays: Array) -> None:
        self._arrays = arrays
        self._views: dict[int, tuple[Array, ...]] = {}

    def of(self, m: int) -> tuple[Array, ...]:
        views = self._views.get(m)
        if views is None:
            views = self._views[m] = tuple(array[:m] for array in self._arrays)
        return views


class _Sums(NamedTuple):
    """The sums over the rows of a batch: of each pair of rows, of all entries, and along each row (z, ones, out).

    The last is a product with ones, which costs half of what a reduction does.
    """

    dot: Callable[[Array, Array], Any] = np.dot
    total: Callable[[Array], Any] = np.add.reduce
    of_rows: Callable[[Array, Array, Array], Any] = np.dot


def _sums_of_each(models: int) -> _Sums:
    """The sums of several models, whose batches are one below the other; each has the very bits that it has alone."""

    def dot(u: Array, v: Array) -> Any:
        return np.matmul(u.reshape(models, 1, -1), v.reshape(models, -1, 1)).reshape(models)

    def total(terms: Array) -> Any:
        return np.add.reduce(terms.reshape(models, -1), axis=1)

    def of_rows(z: Array, ones: Array, out: Array) -> None:
        np.matmul(z.reshape(models, -1, len(ones)), ones, out.reshape(models, -1))

    return _Sums(dot, total, of_rows)


class Step(ABC):
    """`step(z, y)`: the sum ΣJ₀ of a batch's loss terms; overwrites z with ∂ΣJ₀/∂z, which is N·∂J/∂z of their mean J.

    With `weights` ω (N,), a weight a row, it is ΣωJ₀ and ∂ΣωJ₀/∂z. A step of several `models` is called by `of_each`,
    with a batch for each model, all of one size, one below the other.
    """

    buffers = 0
    """The number of arrays (N,) that it works in, besides `_scratch`."""

    def __init__(self, size: int, outputs: tuple[int, ...], dtype: Any, models: int = 1) -> None:
        size *= models
        self._sums = _Sums() if models == 1 else _sums_of_each(models)
        self._scratch = _Buffers(np.empty(size, dtype))
        self._buffers = _Buffers(*np.empty((self.buffers, size), dtype))

    def __call__(self, z: Array, y: Array, weights: Array | None = None) -> float:
        """The loss; z becomes its gradient."""
        loss = self._run(z, y, weights)
        if weights is not None:
            np.multiply(z.T, weights, z.T)  # a row of z for each weight
        return float(loss)

    def of_each(self, z: Array, y: Array, weights: Array | None = None) -> Array:
        """The losses of the models, (models,); z becomes their gradients."""
        losses = self._run(z, y, weights)
        if weights is not None:
            np.multiply(z.T, weights, z.T)
        return np.asarray(losses)

    @abstractmethod
    def _run(self, z: Array, y: Array, weights: Array | None) -> Any:
        """The loss, weighted; z becomes the gradient without weights."""

    def _squares(self, error: Array, weights: Array | None) -> Any:
        """Σ error², weighted."""
        if weights is None:
            return self._sums.dot(error, error)
        (scratch,) = self._scratch.of(len(error))
        np.multiply(error, weights, scratch)
        return self._sums.dot(scratch, error)


class IdentityMse(Step):
    """J = (1/N) Σ (z − y)²: ∂J/∂z = (2/N)(z − y)."""

    def _run(self, z: Array, y: Array, weights: Array | None) -> Any:
        np.subtract(z, y, z)
        loss = self._squares(z, weights)
        np.add(z, z, z)
        return loss


class ReluMse(Step):
    """J = (1/N) Σ (a − y)², a = max(0, z): ∂J/∂z = (2/N)(a − y)·[z ≥ 0]."""

    buffers = 1

    def _run(self, z: Array, y: Array, weights: Array | None) -> Any:
        (slope,) = self._buffers.of(len(z))
        np.greater_equal(z, 0.0, slope)
        np.maximum(z, 0.0, out=z)
        np.subtract(z, y, z)
        loss = self._squares(z, weights)
        np.add(slope, slope, slope)
        np.multiply(z, slope, z)
        return loss


class SigmoidMse(Step):
    """J = (1/N) Σ (a − y)², a = σ(z): ∂J/∂z = (2/N)(a − y)·a(1 − a)."""

    buffers = 3

    def _run(self, z: Array, y: Array, weights: Array | None) -> Any:
        side, q, t = self._buffers.of(len(z))
        _sigmoid_error(z, y, side, q, t)
        loss = self._squares(z, weights)
        # a(1 − a) = q(1 − q), with q = σ(−|z|)
        np.subtract(1.0, q, t)
        np.multiply(q, t, t)
        np.multiply(z, t, z)
        np.add(z, z, z)
        return loss


class SigmoidBce(Step):
    """J = bce(y, σ(z)): ∂J/∂z = (1/N)(σ(z) − y); J₀ = log(1 + e^−|z|) + |z|·|[z ≥ 0] − y|."""

    buffers = 4

    def _run(self, z: Array, y: Array, weights: Array | None) -> Any:
        side, q, e, magnitude = self._buffers.of(len(z))
        np.abs(z, magnitude)
        _sigmoid_error(z, y, side, q, e)
        np.log1p(e, e)
        np.abs(side, side)
        if weights is None:
            return self._sums.total(e) + self._sums.dot(magnitude, side)
        np.multiply(magnitude, side, magnitude)
        return self._sums.dot(e, weights) + self._sums.dot(magnitude, weights)


def _sigmoid_error(z: Array, y: Array, side: Array, q: Array, e: Array) -> None:
    """Z becomes σ(z) − y, `side` [z ≥ 0] − y, `q` σ(−|z|), `e` e^−|z|.

    σ(z) is 1 − q or q: added to 1 − y or −y without rounding it first, so that 1 − σ(z) is q and not 0.
    """
    np.greater_equal(z, 0.0, side)
    np.abs(z, e)
    np.negative(e, e)
    np.exp(e, e)
    np.add(e, 1.0, q)
    np.divide(e, q, q)
    np.multiply(side, -2.0, z)
    np.add(z, 1.0, z)
    np.multiply(z, q, z)  # ∓q
    np.subtract(side, y, side)
    np.add(z, side, z)


class TanhMse(Step):
    """J = (1/N) Σ (a − y)², a = tanh z: ∂J/∂z = (2/N)(a − y)·(1 + a)(1 − a)."""

    buffers = 4

    def __init__(self, size: int, outputs: tuple[int, ...], dtype: Any, models: int = 1) -> None:
        super().__init__(size, outputs, dtype, models)
        size *= models
        self._far = _Buffers(np.empty(size, bool))

    def _run(self, z: Array, y: Array, weights: Array | None) -> Any:
        a, e, t, error = self._buffers.of(len(z))
        (far,) = self._far.of(len(z))
        np.abs(z, a)
        np.greater(a, 1.0, far)
        np.multiply(a, -2.0, e)
        np.exp(e, e)
        np.add(e, 1.0, t)
        np.divide(e, t, e)  # q = σ(−2|z|): |a| = 1 − 2q
        np.tanh(z, a)
        np.subtract(a, y, error)
        # Far out a − y is (±1 − y) ∓ 2q, so that 1 − a is 2q and not 0.
        np.sign(a, t)
        np.multiply(t, e, a)
        np.multiply(a, -2.0, a)
        np.subtract(t, y, t)
        np.add(t, a, a)
        np.copyto(error, a, where=far)
        loss = self._squares(error, weights)
        # (1 + a)(1 − a) = 4q(1 − q)
        np.subtract(1.0, e, t)
        np.multiply(e, t, t)
        np.multiply(t, 8.0, t)
        np.multiply(error, t, z)
        return loss


class SoftmaxCce(Step):
    """J = cce(y, softmax(l)) for class numbers y, −log p of the true classes: ∂J/∂l = (1/N)(p − y)."""

    def __init__(self, size: int, outputs: tuple[int, ...], dtype: Any, models: int = 1) -> None:
        super().__init__(size, outputs, dtype, models)
        size *= models
        self._rows = _Buffers(np.arange(size) * outputs[0], np.empty(size, np.intp))
        self._columns = _Buffers(*np.empty((5, size, 1), dtype))
        # The same memory as vectors, for what reads and writes single entries, and for sums over a row.
        self._ones = np.ones(outputs[0], dtype)
        self._vectors = _Buffers(*(column[:, 0] for column in self._columns.of(size)))

    def _run(self, z: Array, y: Array, weights: Array | None) -> Any:
        m = len(z)
        starts, index = self._rows.of(m)
        shift, e_true, others, S, q = self._columns.of(m)
        shift_, e_true_, others_, _, q_ = self._vectors.of(m)
        np.add(y, starts, index)
        np.maximum.reduce(z, axis=1, keepdims=True, out=shift)
        np.subtract(z, shift, z)
        z.take(index, None, shift_, "clip")  # now l_true − max
        np.exp(z, z)
        z.take(index, None, e_true_, "clip")
        z.put(index, 0.0, "clip")
        self._sums.of_rows(z, self._ones, others_)
        np.add(others, e_true, S)
        np.divide(z, S, z)
        np.divide(others, S, q)
        np.negative(q, q)
        z.put(index, q_, "clip")  # p_true − 1
        # −log p_true = log(1 + (S − 1)) − (l_true − max), where S − 1 is exact if the true class is the largest, and
        # large enough to lose nothing if it is not.
        np.subtract(e_true, 1.0, q)
        np.add(others, q, others)
        np.log1p(others, others)
        np.subtract(others, shift, others)
        return self._sums.total(others_) if weights is None else self._sums.dot(others_, weights)

    def p_minus_y_to_p(self, r: Array, p: Array) -> None:
        """P from r = p − y, of the batch that was called last."""
        _, index = self._rows.of(len(r))
        _, e_true, _, S, q = self._columns.of(len(r))
        np.copyto(p, r)
        np.divide(e_true, S, q)
        p.put(index, q, "clip")


class SoftmaxMse(Step):
    """J = (1/N) Σ_j Σ_k (p_k − y_k)² for class numbers y: ∂J/∂l = (2/N) p ⊙ (r − r·p) with r = p − y."""

    def __init__(self, size: int, outputs: tuple[int, ...], dtype: Any, models: int = 1) -> None:
        super().__init__(size, outputs, dtype, models)
        size *= models
        self._softmax = SoftmaxCce(size // models, outputs, dtype, models)
        self._matrices = _Buffers(np.empty((size, *outputs), dtype), np.empty((size, *outputs), dtype))
        self._columns = _Buffers(np.empty((size, 1), dtype), np.empty((size, 1), dtype))
        self._rows = _Buffers(np.arange(size) * outputs[0], np.empty(size, np.intp))

    def _run(self, z: Array, y: Array, weights: Array | None) -> Any:
        p, product = self._matrices.of(len(z))
        column, at_top = self._columns.of(len(z))
        starts, top = self._rows.of(len(z))
        np.argmax(z, 1, top)
        np.add(top, starts, top)
        self._softmax._run(z, y, None)  # z is r = p − y
        self._softmax.p_minus_y_to_p(z, p)
        np.multiply(z, z, product)
        if weights is None:
            loss = self._sums.total(product.reshape(-1))
        else:
            np.add.reduce(product, axis=1, out=at_top[:, 0])
            loss = self._sums.dot(at_top[:, 0], weights)
        # r measured from its entry at the largest class: the sum then has no term of that class, and nothing cancels.
        z.take(top, None, at_top[:, 0], "clip")
        np.subtract(z, at_top, z)
        np.multiply(p, z, product)
        np.add.reduce(product, axis=1, keepdims=True, out=column)
        np.subtract(z, column, z)
        np.multiply(z, p, z)
        np.add(z, z, z)
        return loss


class General(Step):
    """Any loss after any activation: J₀(y, g(z)) and ∂J₀/∂ŷ·∂a/∂z by the formulas of the rows, in float64."""

    def __init__(
        self, activation: Activation, loss: Loss, size: int, outputs: tuple[int, ...], dtype: Any, models: int = 1
    ) -> None:
        super().__init__(size, outputs, dtype, models)
        self._term, self._slope = of_z(activation, loss)

    def _run(self, z: Array, y: Array, weights: Array | None) -> Any:
        y, wide = y.astype(np.float64), z.astype(np.float64)
        terms = self._term(y, wide)
        z[...] = self._slope(y, wide)
        return self._sums.total(terms) if weights is None else self._sums.dot(terms, weights)


class GeneralSoftmax(Step):
    """Any loss of classes after softmax, for class numbers y: J₀ is summed over the classes; ∂J₀/∂l = ∂J₀/∂p·∂p/∂l."""

    def __init__(self, loss: Loss, size: int, outputs: tuple[int, ...], dtype: Any, models: int = 1) -> None:
        super().__init__(size, outputs, dtype, models)
        self._loss, self._labels = loss, np.eye(outputs[0])

    def _run(self, z: Array, y: Array, weights: Array | None) -> Any:
        one_hot, logits = self._labels[y], z.astype(np.float64)
        p = softmax(logits)
        terms = self._loss.term(one_hot, p).sum(axis=1)
        z[...] = softmax_vjp(self._loss.slope(one_hot, p), logits)
        return self._sums.total(terms) if weights is None else self._sums.dot(terms, weights)


IN_PLACE: dict[tuple[str, str | None, str], type[Step]] = {
    ("neuron", "identity", "mse"): IdentityMse,
    ("neuron", "sigmoid", "mse"): SigmoidMse,
    ("neuron", "tanh", "mse"): TanhMse,
    ("neuron", "relu", "mse"): ReluMse,
    ("neuron", "sigmoid", "bce"): SigmoidBce,
    ("softmax", None, "cce"): SoftmaxCce,
    ("softmax", None, "mse"): SoftmaxMse,
}
"""The steps that make no arrays, by layer, activation and loss without settings; all others are general ones."""


def make_step(
    layer: str,
    activation: Choice | None,
    loss: Choice,
    size: int,
    outputs: tuple[int, ...],
    dtype: Any,
    models: int = 1,
) -> Step:
    """The step of a model, or of several, for batches of up to `size` rows; `outputs` is (), or (K,) for K classes."""
    g, of = activation_of(activation), loss_of(loss)
    in_place = IN_PLACE.get((layer, None if g is None else g.name, of.name))
    if in_place is not None and not (g and g.settings) and not of.settings:
        return in_place(size, outputs, dtype, models)
    if g is None:
        return GeneralSoftmax(of, size, outputs, dtype, models)
    return General(g, of, size, outputs, dtype, models)
