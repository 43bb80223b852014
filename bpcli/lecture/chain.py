"""The whole chain of Jacobians of a neuron or a softmax layer: each forward value, each local Jacobian, their products.

Source: the lecture's "Affine Functions and Jacobians" (the chain ∂J/∂w = ∂J/∂a·∂a/∂z·∂z/∂w) and "Gradients for
Mini-batch" (the factor 1/N). The values come from `bpcli.formulas`. Where ŷ is saturated, its lost digits are
recovered from z and from the rounding error of z, so that ∂J/∂a·∂a/∂z = ∂J/∂z holds for the numbers too.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.calculus.language.parser import parse
from bpcli.calculus.one_sided.kinks import Kink
from bpcli.formulas.activations import Activation
from bpcli.formulas.affine import affine_pair, daffine_db, daffine_dw, daffine_dx, dot
from bpcli.formulas.layers import less_label
from bpcli.formulas.loss_formulas import dsoftmax_cce_term_dlogits
from bpcli.formulas.losses import Fused, Loss
from bpcli.formulas.softmax import dsoftmax_dlogits, softmax, softmax_vjp
from bpcli.formulas.updates import descend
from bpcli.lecture.formula_sheet import SOFTMAX
from bpcli.lecture.named_functions import neuron_slope
from bpcli.lecture.writing import Formula, application, is_linear, mean, mean_slope, share, signed, symbol, written
from bpcli.numbers import pairs
from bpcli.numbers.namespaces import array_namespace
from bpcli.text.notation import cell

Array = NDArray[Any]


class Quantity(NamedTuple):
    """One value or Jacobian of the chain."""

    name: str
    symbol: Formula
    formula: Formula
    value: Array  # a matrix, or with `samples` one for each sample: (N, rows, columns)
    samples: bool
    turned: Formula  # the formula in denominator layout

    @property
    def matrix(self) -> tuple[int, int]:
        """Rows and columns of the matrix, or of one sample's matrix."""
        rows, columns = self.value.shape[-2:]
        return rows, columns

    @property
    def shape(self) -> str:
        """The shape as text: `1×2`, or `3 × (1×2)` for the matrices of three samples."""
        text = "×".join(map(str, self.matrix))
        return f"{len(self.value)} × ({text})" if self.samples else text

    @property
    def is_jacobian(self) -> bool:
        """Whether it is a derivative, which has a layout."""
        return self.name.startswith("d")

    def in_denominator_layout(self) -> "Quantity":
        """The same in denominator layout: a Jacobian is transposed, and the formula is the other one."""
        value = np.swapaxes(self.value, -1, -2) if self.is_jacobian else self.value
        return self._replace(value=value, formula=self.turned, turned=self.formula)


class Chain(NamedTuple):
    """A chain of Jacobians, forward and back."""

    kind: str
    quantities: Mapping[str, Quantity]  # by name, in order
    given: Mapping[str, Array]  # the inputs by name; x and y of a single sample are columns
    losses: Callable[[], Quantity] | None  # J₀ of several samples, which only a drawing asks for
    mean: Quantity | None  # ∂J/∂J₀ of several samples
    collapse: tuple[Formula, Formula] | None  # the fused formula of ∂J/∂z in both layouts, if there is one
    kinks: tuple[tuple[str, Kink], ...] = ()  # at which a neuron's z or a lies, each with its place in words
    features: tuple[str, ...] = ()  # their names, if they have any
    classes: tuple[str, ...] = ()  # those of the outputs
    in_columns: bool = False  # in denominator layout, where a gradient is a column

    def group(self, *names: str) -> list[Quantity]:
        """The quantities of these names that the chain has."""
        return [self.quantities[name] for name in names if name in self.quantities]

    @property
    def not_finite(self) -> Quantity | None:
        """The first quantity that has an entry which is not finite."""
        return next((q for q in self.quantities.values() if not np.isfinite(q.value).all()), None)

    def in_denominator_layout(self) -> "Chain":
        """Each Jacobian transposed, and the factors of products in reverse order."""
        turned = {name: quantity.in_denominator_layout() for name, quantity in self.quantities.items()}
        mean = self.mean and self.mean.in_denominator_layout()
        collapse = self.collapse and self.collapse[::-1]
        return self._replace(quantities=turned, mean=mean, collapse=collapse, in_columns=not self.in_columns)


# Names


_VECTORS = ("x", "w", "l", "p", "y")


def _named(name: str) -> Formula:
    return Formula(name, rf"\vec{{{name}}}" if name in _VECTORS else name)


def _ratio(output: str, by: str) -> Formula:
    return Formula(f"∂{output}/∂{by}", rf"\frac{{\partial {_named(output).latex}}}{{\partial {_named(by).latex}}}")


def _transposed(formula: Formula) -> Formula:
    return Formula(f"{formula.text}ᵀ", f"{formula.latex}^T")


class _Builder:
    """Collects the quantities of N samples; those of a single sample have no axis of samples."""

    def __init__(self, N: int) -> None:
        self.N = N
        self.single = N == 1
        self.quantities: dict[str, Quantity] = {}

    def value(self, name: str, formula: Formula, value: Any) -> None:
        """A value of the forward pass."""
        self._add(name, _named(name), formula, value, False, formula)

    def jacobian(
        self, of: str, by: str, formula: Formula, value: Any, turned: Formula | None = None, samples: bool = False
    ) -> None:
        """∂of/∂by, a matrix, or one for each sample."""
        self._add(f"d{of}_d{by}", _ratio(of, by), formula, value, samples, turned or formula)

    def product(self, of: str, through: str, by: str, value: Any, samples: bool = False) -> None:
        """∂of/∂by = ∂of/∂through · ∂through/∂by."""
        first, second = _ratio(of, through), _ratio(through, by)
        both = (first, second), (second, first)
        formula, turned = (Formula(f"{a.text} · {b.text}", rf"{a.latex} \cdot {b.latex}") for a, b in both)
        self.jacobian(of, by, formula, value, turned, samples)

    def update(self, name: str, old: Array, slope: Array, learning_rate: float) -> None:
        """W := w − α(∂J/∂w)ᵀ, in the shape of w."""
        ratio, new = _ratio("J", name), _named(name)
        turned = Formula(f"{name} − α({ratio.text})", rf"{new.latex} - \alpha \left({ratio.latex}\right)")
        self._add(f"{name}_new", new, _transposed(turned), descend(old, slope, learning_rate), False, turned)

    def _add(self, name: str, shown: Formula, formula: Formula, value: Any, samples: bool, turned: Formula) -> None:
        value = np.asarray(value, float)
        if samples and self.single:
            value, samples = value[0], False
        self.quantities[name] = Quantity(name, shown, formula, value, samples, turned)

    def losses(self, formula: Formula, of_row: Callable[[int], Any]) -> Callable[[], Quantity] | None:
        """J₀ (N, 1) by a function of the row's number, worked out when it is asked for; None for a single sample."""
        if self.single:
            return None
        shown, rows = Formula("J₀", r"\vec{J}_0"), range(self.N)
        return lambda: Quantity("J0", shown, formula, np.array([[of_row(i)] for i in rows], float), False, formula)

    def mean(self) -> Quantity | None:
        """∂J/∂J₀ = (1/N … 1/N) of J = (1/N) Σ J₀; None for a single sample."""
        if self.single:
            return None
        shown = Formula("∂J/∂J₀", r"\frac{\partial J}{\partial \vec{J}_0}")
        formula = Formula("(1/N … 1/N)", r"\begin{pmatrix} \frac{1}{N} & \cdots & \frac{1}{N} \end{pmatrix}")
        return Quantity("dJ_dJ0", shown, formula, np.full((1, self.N), 1.0 / self.N), False, formula)

    def chain(
        self,
        kind: str,
        given: Mapping[str, Array],
        losses: Callable[[], Quantity] | None,
        collapse: tuple[Formula, Formula] | None,
    ) -> Chain:
        """What was collected."""
        return Chain(kind, self.quantities, given, losses, self.mean(), collapse)


def _given(x: Array, w: Array, b: Array, y: Array, loss: Loss, activation: Activation | None) -> dict[str, Array]:
    """The inputs by name, x and y of a single sample as columns, and the settings of the activation and the loss."""
    single = len(x) == 1
    settings = {**(activation.settings if activation else {}), **loss.settings}
    numbers = {symbol(name).text: np.full((1, 1), setting.default) for name, setting in settings.items()}
    first = {"x": x.T} if single else {"X": x}
    return {**first, "w": w, "b": b, "y": y.T if single else y, **numbers}


# A neuron


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
    chain, bias = _Builder(len(x)), np.float64(b)
    z, low = affine_pair(x, w, bias)
    neuron = _Neuron(y, activation, loss, z, low, activation.pair(z, low), neuron_slope(x, w, bias, activation))
    dJ_dz = _neuron_forward(chain, neuron)
    dJ_dw, dJ_db = _neuron_back(chain, x, w, dJ_dz)
    if learning_rate is not None:
        chain.update("w", w[:, None], dJ_dw[:, None], learning_rate)
        chain.update("b", np.array([[b]]), np.array([[dJ_db]]), learning_rate)
    given = _given(x, w[:, None], np.array([[b]]), y[:, None], loss, activation)
    fused = loss.fused.get(activation.name)
    collapse = fused and mean_slope(fused.slope_formula, {}, len(x))
    losses = chain.losses(
        _loss_in_words(loss, "a", 1, classes=False), lambda i: _loss_of_neuron(neuron.only(slice(i, i + 1)))[0]
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


def _neuron_forward(chain: _Builder, neuron: _Neuron) -> Array:
    """z, a, J, and the Jacobians at them: ∂J/∂a, ∂a/∂z, and their product ∂J/∂z, which is returned."""
    N, activation, loss = chain.N, neuron.activation, neuron.loss
    J, dJ_da, dJ_dz = _loss_of_neuron(neuron)

    affine = Formula("xᵀ·w + b", r"\vec{x}^T \cdot \vec{w} + b")
    chain.value("z", affine if chain.single else Formula("X·w + b", r"X \cdot \vec{w} + b"), neuron.z[:, None])
    chain.value("a", application(activation.name, activation.formula), neuron.a[0][:, None])
    chain.value("J", _loss_in_words(loss, "a", N, classes=False), [[J]])
    chain.jacobian("J", "a", mean_slope(loss.slope_formula, {"yhat": Formula("a", "a")}, N), dJ_da[None])
    da_dz = array_namespace(neuron.z).ldexp(*neuron.slope)[:, None, None]
    chain.jacobian("a", "z", written(activation.derivative_formula), da_dz, samples=True)
    chain.product("J", "a", "z", dJ_dz[None])
    return dJ_dz


def _neuron_back(chain: _Builder, x: Array, w: Array, dJ_dz: Array) -> tuple[Array, Any]:
    """∂z/∂w, ∂z/∂x and ∂z/∂b, and ∂J/∂z times each; those by w and b are returned."""
    inputs = Formula("xᵀ", r"\vec{x}^T"), _named("x")
    if not chain.single:
        inputs = Formula("X", "X"), Formula("Xᵀ", "X^T")
    chain.jacobian("z", "w", inputs[0], x, inputs[1])
    chain.jacobian("z", "x", _transposed(_named("w")), [daffine_dx(row, w) for row in x], _named("w"), samples=True)
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


def _loss_in_words(loss: Loss, yhat: str, N: int, classes: bool) -> Formula:
    """J as a formula of the outputs, a or p."""
    by = [r"\sum_i"] * (N > 1) + [r"\sum_k"] * classes
    index, sample = "_k" if classes else "", "^{(i)}" if N > 1 else ""
    names = {n: Formula(f"{m}{index}", f"{m}{index}{sample}") for n, m in (("y", "y"), ("yhat", yhat))}
    return mean(loss.formula, names, N, Formula(" ".join(["Σ"] * len(by)), " ".join(by)))


# A softmax layer


def softmax_chain(x: Array, w: Array, b: Array, y: Array, loss: Loss, learning_rate: float | None = None) -> Chain:
    """The chain of p = softmax(xᵀw + b) and J(p, y): x (N, n), w (n, K), b (K,), y (N, K), rows that add up to 1.

    Names: l p J dJ_dp dp_dl dJ_dl dl_dw dl_dx dl_db dJ_dw dJ_db dJ_dx, and with a learning rate w_new b_new; ∂J/∂w is
    1 × n·K, by the entries of w row by row.
    """
    chain = _Builder(len(x))
    dJ_dl = _softmax_forward(chain, x, w, b, y, loss)
    dJ_dw, dJ_db = _softmax_back(chain, x, w, dJ_dl)
    if learning_rate is not None:
        chain.update("w", w, dJ_dw, learning_rate)
        chain.update("b", b[:, None], dJ_db[:, None], learning_rate)
    fused, collapse = loss.fused.get("softmax"), None
    if fused:
        names = {name: _named(name) for name in ("p", "y")}
        error = mean_slope(fused.slope_formula, names, len(x))
        error = error if error.text.endswith(")") else Formula(f"({error.text})", f"({error.latex})")
        collapse = (_transposed(error), error)
    logits, p = (chain.quantities[name].value for name in ("l", "p"))
    losses = chain.losses(
        _loss_in_words(loss, "p", 1, classes=True),
        lambda i: _loss_of_softmax(logits[i : i + 1], p[i : i + 1], y[i : i + 1], loss)[0],
    )
    return chain.chain("softmax", _given(x, w, b[:, None], y, loss, None), losses, collapse)


def _softmax_forward(chain: _Builder, x: Array, w: Array, b: Array, y: Array, loss: Loss) -> Array:
    """The logits l, p, J, and the Jacobians at them: ∂J/∂p, ∂p/∂l, and their product ∂J/∂l, which is returned."""
    single, N = chain.single, chain.N
    logits = affine_pair(x, w, b)[0]
    p = softmax(logits)
    J, dJ_dp, dJ_dl = _loss_of_softmax(logits, p, y, loss)

    affine = Formula("xᵀ·w + b", r"(\vec{x}^T \cdot w + b)^T") if single else Formula("X·w + b", r"X \cdot w + b")
    chain.value("l", affine, logits.T if single else logits)
    chain.value("p", SOFTMAX.value, p.T if single else p)
    chain.value("J", _loss_in_words(loss, "p", N, classes=True), [[J]])
    chain.jacobian("J", "p", _slope_by_class(loss, N), dJ_dp[:, None, :], samples=True)
    chain.jacobian("p", "l", SOFTMAX.jacobian, dsoftmax_dlogits(logits), samples=True)
    chain.product("J", "p", "l", dJ_dl[:, None, :], samples=True)
    return dJ_dl


def _softmax_back(chain: _Builder, x: Array, w: Array, dJ_dl: Array) -> tuple[Array, Array]:
    """∂l/∂w, ∂l/∂x and ∂l/∂b, and ∂J/∂l times each; those by w and b are returned in their shapes."""
    dl_dw = Formula("x_i where the column is of output k", r"x_i \text{ in the columns of output } k")
    chain.jacobian("l", "w", dl_dw, daffine_dw(x, w), samples=True)
    each = [daffine_dx(row, w) for row in x]
    chain.jacobian("l", "x", Formula("wᵀ", "w^T"), each, Formula("w", "w"), samples=True)
    chain.jacobian("l", "b", Formula("I", "I"), [daffine_db(w)] * len(x), samples=True)
    dJ_dw, dJ_db = x.T @ dJ_dl, dJ_dl.sum(axis=0)
    chain.product("J", "l", "w", dJ_dw.reshape(1, -1))
    chain.product("J", "l", "b", dJ_db[None])
    chain.product("J", "l", "x", (dJ_dl @ w.T)[:, None, :], samples=True)
    return dJ_dw, dJ_db


def _loss_of_softmax(logits: Array, p: Array, y: Array, loss: Loss) -> tuple[Any, Array, Array]:
    """J, ∂J/∂p and ∂J/∂l."""
    if fused := loss.fused.get("softmax"):
        return fused.J(y, logits), loss.dJ_dyhat(y, p), fused.dJ_dz(y, logits)
    yhat = p
    if (
        loss.of_difference
    ):  # with y = 0 and p − y, which is exact also where p is rounded to 1 or a row adds up to 1 only nearly
        xp = array_namespace(y)
        one = np.ones((len(y), 1))
        rest = pairs.subtract(xp, (one, 0.0 * one), xp.total(y, -1))[0]
        y, yhat = 0.0 * y, dsoftmax_cce_term_dlogits(y, logits) + p * rest
    dJ_dp = loss.dJ_dyhat(y, yhat)
    return loss.J(y, yhat), dJ_dp, softmax_vjp(dJ_dp, logits)


def _slope_by_class(loss: Loss, N: int) -> Formula:
    """∂J/∂p in the vectors y and p; in LaTeX as a row of entries, where it is no formula of vectors."""
    whole = mean_slope(loss.slope_formula, {"yhat": Formula("p", "p")}, N)
    tree = parse(loss.slope_formula)
    if is_linear(tree):
        return whole
    negative, c, rest = signed(tree)
    first, last = (
        written(rest, {"y": Formula("y", f"y_{k}"), "yhat": Formula("p", f"p_{k}")}).latex for k in ("1", "K")
    )
    before = share(c, N).latex
    entries = rf"\left({first} \cdots {last}\right)"
    return Formula(whole.text, "-" * negative + (f"{before} {entries}" if before else entries))
