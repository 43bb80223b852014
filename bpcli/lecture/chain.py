"""The whole chain of Jacobians of a neuron or a softmax layer: each forward value, each local Jacobian, their products.

Source: the lecture's "Affine Functions and Jacobians" (the chain ∂J/∂w = ∂J/∂a·∂a/∂z·∂z/∂w) and "Gradients for
Mini-batch" (the factor 1/N). The values come from the formulas of this package; what a saturated ŷ has lost is taken
from the logit and from what z lost when it was rounded, so that ∂J/∂a·∂a/∂z = ∂J/∂z holds for the numbers too.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.errors import UsageError
from bpcli.formulas import losses
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.affine import affine_pair, daffine_db, daffine_dw, daffine_dx, dot
from bpcli.formulas.layers import pairs as fitting_pairs
from bpcli.formulas.layers import refusal
from bpcli.formulas.losses import dcce_term_dyhat
from bpcli.formulas.softmax import dsoftmax_dlogits, softmax, softmax_vjp
from bpcli.formulas.updates import descend
from bpcli.lecture.named_functions import neuron_slope
from bpcli.numbers import pairs
from bpcli.numbers.namespaces import array_namespace

Array = NDArray[Any]


class Formula(NamedTuple):
    """A formula in text and in LaTeX."""

    text: str
    latex: str


class Quantity(NamedTuple):
    """One step of the chain: `value` is a matrix, or with `samples` a matrix a sample along the first axis."""

    name: str
    symbol: Formula
    formula: Formula
    value: Array
    samples: bool

    @property
    def matrix(self) -> tuple[int, int]:
        """Rows and columns of the matrix, of each sample's if there are several."""
        rows, columns = self.value.shape[-2:]
        return rows, columns

    @property
    def shape(self) -> str:
        """The shape as it is written: `1×2`, or `3 × (1×2)` for a matrix a sample."""
        text = "×".join(map(str, self.matrix))
        return f"{len(self.value)} × ({text})" if self.samples else text

    def transposed(self) -> "Quantity":
        """In denominator layout."""
        return self._replace(value=np.swapaxes(self.value, -1, -2))


class Chain(NamedTuple):
    """The quantities by name in order, what a product collapses to, if it does, and of a mini-batch ∂J/∂J₀."""

    kind: str
    quantities: Mapping[str, Quantity]
    collapse: Formula | None
    mean: Quantity | None

    def group(self, *names: str) -> list[Quantity]:
        """Those of the names that there are."""
        return [self.quantities[name] for name in names if name in self.quantities]


_ACTIVATION_WORDS = {
    "identity": ("z", "1"),
    "sigmoid": ("σ(z)", "a(1 − a)"),
    "tanh": ("tanh z", "(1 + a)(1 − a)"),
    "relu": ("max(0, z)", "1 if z ≥ 0, else 0"),
}
_ACTIVATION_LATEX = {
    "identity": ("z", "1"),
    "sigmoid": (r"\sigma(z)", "a(1 - a)"),
    "tanh": (r"\tanh z", "(1 + a)(1 - a)"),
    "relu": (r"\max(0, z)", r"\begin{cases} 1, & z \ge 0 \\ 0, & z < 0 \end{cases}"),
}
_LOSSES = {
    # ŷ is a of a neuron, and p of a softmax layer.
    "mse": (
        Formula("(1/N) Σ (y − {a})²", r"\frac{1}{N} \sum_i (y^{(i)} - {a}^{(i)})^2"),
        Formula("−(2/N)(y − {a})", r"-\frac{2}{N}(y - {a})"),
    ),
    "bce": (
        Formula(
            "−(1/N) Σ [y log {a} + (1 − y) log(1 − {a})]",
            r"-\frac{1}{N} \sum_i [y^{(i)} \log {a}^{(i)} + (1 - y^{(i)}) \log(1 - {a}^{(i)})]",
        ),
        Formula("(1/N)({a} − y)/({a}(1 − {a}))", r"\frac{1}{N} \frac{{a} - y}{{a}(1 - {a})}"),
    ),
    "cce": (
        Formula("−(1/N) Σ Σ y_k log {a}_k", r"-\frac{1}{N} \sum_i \sum_k y_k^{(i)} \log {a}_k^{(i)}"),
        Formula("−(1/N) y/{a}", r"-\frac{1}{N} \left(\frac{y_1}{{a}_1} \cdots \frac{y_K}{{a}_K}\right)"),
    ),
}


def _named(formula: Formula, a: str, N: int) -> Formula:
    """A loss's formula with ŷ as it is called, and without the mean over a single sample."""
    text, latex = (part.replace("{a}", a) for part in formula)
    if N > 1:
        return Formula(text, latex)
    for part in ("(1/N) Σ ", "(1/N) ", "(1/N)"):
        text = text.replace(part, "")
    text = text.replace("2/N", "2").replace("−(2)", "−2")
    latex = latex.replace(r"\frac{1}{N} \sum_i ", "").replace(r"\frac{1}{N} ", "").replace(r"\frac{2}{N}", "2")
    return Formula(text, latex.replace("^{(i)}", ""))


def _ratio(output: str, by: str) -> Formula:
    return Formula(f"∂{output}/∂{by}", rf"\frac{{\partial {_vector(output)}}}{{\partial {_vector(by)}}}")


def _vector(name: str) -> str:
    return rf"\vec{{{name}}}" if name in ("x", "w", "l", "p") else name


def _product(*pairs: tuple[str, str]) -> Formula:
    factors = [_ratio(*pair) for pair in pairs]
    return Formula(" · ".join(f.text for f in factors), r" \cdot ".join(f.latex for f in factors))


def _mean(N: int) -> Quantity | None:
    """∂J/∂J₀ = (1/N … 1/N) of J = (1/N) Σ J₀, which a single sample does not have."""
    if N == 1:
        return None
    symbol = Formula("∂J/∂J₀", r"\frac{\partial J}{\partial \vec{J}_0}")
    formula = Formula("(1/N … 1/N)", r"\begin{pmatrix} \frac{1}{N} & \cdots & \frac{1}{N} \end{pmatrix}")
    return Quantity("dJ_dJ0", symbol, formula, np.full((1, N), 1.0 / N), samples=False)


class _Builder:
    """Collects quantities; a single sample has no axis of samples."""

    def __init__(self, single: bool) -> None:
        self.single = single
        self.quantities: dict[str, Quantity] = {}

    def add(self, name: str, symbol: Formula, formula: Formula, value: Any, samples: bool = False) -> None:
        """A matrix, or a matrix a sample."""
        value = np.asarray(value, float)
        if samples and self.single:
            value, samples = value[0], False
        self.quantities[name] = Quantity(name, symbol, formula, value, samples)


def neuron_chain(x: Array, w: Array, b: float, y: Array, activation: str, loss: str, lr: float | None = None) -> Chain:
    """The chain of a = g(xᵀw + b) and J(a, y): x (N, n), w (n,), y (N,).

    Names: z a J dJ_da da_dz dJ_dz dz_dw dz_dx dz_db dJ_dw dJ_db dJ_dx, and with `lr` w_new b_new. Raises UsageError for
    a pair of activation and loss that has no formula here.
    """
    if refusal("neuron", activation, loss):
        pairs = ", ".join(f"{a} with {name}" for _, a, name in fitting_pairs() if a is not None)
        raise UsageError(
            f"--activation {activation} with --loss {loss}: there is no such neuron", f"the pairs are {pairs}"
        )
    N = len(x)
    chain = _Builder(N == 1)
    z, low = affine_pair(x, w, np.float64(b))
    row = ACTIVATIONS[activation]
    m, k = neuron_slope(x, w, np.float64(b), activation)
    xp = array_namespace(x)
    slope = xp.ldexp(m, k)
    a = row.pair(z, low)
    error = _less_label(a, y)
    if loss == "bce":
        J, dJ_da, dJ_dz = _bce(z, low, y, error, (m, k))
    else:
        # The loss knows only the difference: that of 0 and a − y, which has the digits that a itself rounds away.
        J, dJ_da = losses.mse(0.0 * y, error), losses.dmse_dyhat(0.0 * y, error)
        dJ_dz = xp.ldexp(dJ_da * m, k)
    g, dg = _ACTIVATION_LATEX[activation]
    words, slope_words = _ACTIVATION_WORDS[activation]
    value_of_J, slope_of_J = (_named(f, "a", N) for f in _LOSSES[loss])
    of = {"z": "z", "a": "a", "J": "J"}
    chain.add("z", Formula(of["z"], "z"), Formula("xᵀ·w + b", r"\vec{x}^T \cdot \vec{w} + b"), z[:, None])
    chain.add("a", Formula("a", "a"), Formula(words, g), a[0][:, None])
    chain.add("J", Formula("J", "J"), value_of_J, [[J]])
    chain.add("dJ_da", _ratio("J", "a"), slope_of_J, dJ_da[None])
    chain.add("da_dz", _ratio("a", "z"), Formula(slope_words, dg), slope[:, None, None], samples=True)
    chain.add("dJ_dz", _ratio("J", "z"), _product(("J", "a"), ("a", "z")), dJ_dz[None])
    chain.add("dz_dw", _ratio("z", "w"), Formula("xᵀ", r"\vec{x}^T"), x)
    chain.add(
        "dz_dx", _ratio("z", "x"), Formula("wᵀ", r"\vec{w}^T"), np.array([daffine_dx(r, w) for r in x]), samples=True
    )
    chain.add("dz_db", _ratio("z", "b"), Formula("1", "1"), np.ones((N, 1)))
    dJ_dw, dJ_db = dot(x.T, dJ_dz), dot(np.ones(N), dJ_dz)
    chain.add("dJ_dw", _ratio("J", "w"), _product(("J", "z"), ("z", "w")), dJ_dw[None])
    chain.add("dJ_db", _ratio("J", "b"), _product(("J", "z"), ("z", "b")), [[dJ_db]])
    chain.add("dJ_dx", _ratio("J", "x"), _product(("J", "z"), ("z", "x")), dJ_dz[:, None, None] * w, samples=True)
    _add_update(chain, w[:, None], np.array([[b]]), dJ_dw[:, None], np.array([[dJ_db]]), lr)
    collapse = None
    if loss == "bce":
        collapse = Formula("(1/N)(a − y)" if N > 1 else "a − y", r"\frac{1}{N}(a - y)" if N > 1 else "a - y")
    return Chain("neuron", chain.quantities, collapse, _mean(N))


def _less_label(a: pairs.Pair[Any], y: Array) -> Array:
    """a − y from a as a pair."""
    error = pairs.subtract(array_namespace(y), a, (y, 0.0 * y))[0]
    return np.asarray(np.where(np.isfinite(error), error, a[0] - y))  # ∞ − ∞ in a pair beyond the doubles


def _bce(z: Array, low: Array, y: Array, error: Array, slope: tuple[Any, Any]) -> tuple[Any, Array, Array]:
    """J, ∂J/∂a and ∂J/∂z of σ with BCE at z + low, from a − y and ∂a/∂z = m·2^k."""
    dJ_dz = error / len(y)
    J = losses.sigmoid_bce(y, z) + (dJ_dz * low).sum()
    # (a − y)/(a(1 − a)) is −1/a at y = 1 and 1/(1 − a) at y = 0: a far out on the side of its label is exact so,
    # where the slope is below every double; on the other side the slope has digits that a subnormal a has not.
    certain = np.where(z >= 0, y == 1, y == 0)
    sign = np.where(z >= 0, 1.0, -1.0)
    at_label = sign * dcce_term_dyhat(1.0, ACTIVATIONS["sigmoid"].pair(abs(z), sign * low)[0]) / len(y)
    return J, np.where(certain, at_label, array_namespace(z).ldexp(dJ_dz / slope[0], -slope[1])), dJ_dz


def softmax_chain(x: Array, w: Array, b: Array, y: Array, loss: str, lr: float | None = None) -> Chain:
    """The chain of p = softmax(xᵀw + b) and J(p, y): x (N, n), w (n, K), b (K,), y (N, K), rows that add up to 1.

    Names: l p J dJ_dp dp_dl dJ_dl dl_dw dl_dx dl_db dJ_dw dJ_db dJ_dx, and with `lr` w_new b_new; ∂J/∂w is 1 × n·K, by
    the entries of w row by row.
    """
    if refusal("softmax", None, loss):
        raise UsageError(f"softmax with --loss {loss}: there is no such layer", "--loss cce or --loss mse")
    N = len(x)
    chain = _Builder(N == 1)
    logits = affine_pair(x, w, b)[0]
    p = softmax(logits)
    error = losses.dsoftmax_cce_dlogits(y, logits)  # (p − y)/N, also where p has rounded to 1
    if loss == "cce":
        J, dJ_dp, dJ_dl = losses.softmax_cce(y, logits), losses.dcce_dyhat(y, p), error
    else:
        # Of rows that add up to 1 only nearly, the fused form is pΣy − y.
        error = error + p * pairs.subtract(array_namespace(y), pairs.ONE, array_namespace(y).total(y, -1))[0] / N
        J, dJ_dp = (N * error * error).sum(), 2.0 * error
        dJ_dl = softmax_vjp(dJ_dp, logits)
    value_of_J, slope_of_J = (_named(f, "p", N) for f in _LOSSES[loss])
    p_i = Formula("e^{l_i}/Σ_k e^{l_k}", r"\frac{e^{l_i}}{\sum_k e^{l_k}}")
    dp = Formula("p_i(1 − p_i), −p_i p_j", r"\begin{cases} p_i(1 - p_i), & i = j \\ -p_i p_j, & i \ne j \end{cases}")
    vectors = not chain.single
    layer = logits if vectors else logits.T
    chain.add("l", Formula("l", r"\vec{l}"), Formula("xᵀ·w + b", r"(\vec{x}^T \cdot w + b)^T"), layer)
    chain.add("p", Formula("p", r"\vec{p}"), p_i, p if vectors else p.T)
    chain.add("J", Formula("J", "J"), value_of_J, [[J]])
    chain.add("dJ_dp", _ratio("J", "p"), slope_of_J, dJ_dp[:, None, :], samples=True)
    chain.add("dp_dl", _ratio("p", "l"), dp, dsoftmax_dlogits(logits), samples=True)
    chain.add("dJ_dl", _ratio("J", "l"), _product(("J", "p"), ("p", "l")), dJ_dl[:, None, :], samples=True)
    dl_dw = Formula("x_i where the column is of output k", r"x_i \text{ in the columns of output } k")
    chain.add("dl_dw", _ratio("l", "w"), dl_dw, daffine_dw(x, w), samples=True)
    each = np.array([daffine_dx(row, w) for row in x])
    chain.add("dl_dx", _ratio("l", "x"), Formula("wᵀ", "w^T"), each, samples=True)
    identity = np.array([daffine_db(w)] * N)
    chain.add("dl_db", _ratio("l", "b"), Formula("I", "I"), identity, samples=True)
    dJ_dw, dJ_db = x.T @ dJ_dl, dJ_dl.sum(axis=0)
    chain.add("dJ_dw", _ratio("J", "w"), _product(("J", "l"), ("l", "w")), dJ_dw.reshape(1, -1))
    chain.add("dJ_db", _ratio("J", "b"), _product(("J", "l"), ("l", "b")), dJ_db[None])
    chain.add("dJ_dx", _ratio("J", "x"), _product(("J", "l"), ("l", "x")), (dJ_dl @ w.T)[:, None, :], samples=True)
    _add_update(chain, w, b[:, None], dJ_dw, dJ_db[:, None], lr)
    collapse = None
    if loss == "cce":
        collapse = Formula(
            "(1/N)(p − y)ᵀ" if N > 1 else "(p − y)ᵀ",
            r"\frac{1}{N}(\vec{p} - \vec{y})^T" if N > 1 else r"(\vec{p} - \vec{y})^T",
        )
    return Chain("softmax", chain.quantities, collapse, _mean(N))


def _add_update(chain: _Builder, w: Array, b: Array, dJ_dw: Array, dJ_db: Array, lr: float | None) -> None:
    """W := w − α(∂J/∂w)ᵀ and b := b − α(∂J/∂b)ᵀ, in the shapes of w and b."""
    if lr is None:
        return
    for name, old, slope in (("w", w, dJ_dw), ("b", b, dJ_db)):
        ratio = _ratio("J", name)
        formula = Formula(f"{name} − α({ratio.text})ᵀ", rf"{_vector(name)} - \alpha \left({ratio.latex}\right)^T")
        chain.add(f"{name}_new", Formula(name, _vector(name)), formula, descend(old, slope, lr))
