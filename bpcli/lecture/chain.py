"""A chain of Jacobians as a record: each forward value, each local Jacobian and their products, with their formulas.

`neuron_chain` and `softmax_chain` fill one; both lay out what they add in the lecture's symbols by `ChainBuilder`.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.calculus.one_sided.kink_notes import Kink
from bpcli.formulas.activations import Activation
from bpcli.formulas.losses import Loss
from bpcli.formulas.updates import descend
from bpcli.lecture.writing import Formula, mean, symbol

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


def named(name: str) -> Formula:
    """The name of a quantity as the lecture writes it: in LaTeX a vector has an arrow."""
    return Formula(name, rf"\vec{{{name}}}" if name in _VECTORS else name)


def ratio(output: str, by: str) -> Formula:
    """∂output/∂by."""
    return Formula(f"∂{output}/∂{by}", rf"\frac{{\partial {named(output).latex}}}{{\partial {named(by).latex}}}")


def transposed(formula: Formula) -> Formula:
    """The formula with ᵀ behind it."""
    return Formula(f"{formula.text}ᵀ", f"{formula.latex}^T")


class ChainBuilder:
    """Collects the quantities of N samples; those of a single sample have no axis of samples."""

    def __init__(self, N: int) -> None:
        self.N = N
        self.single = N == 1
        self.quantities: dict[str, Quantity] = {}

    def value(self, name: str, formula: Formula, value: Any) -> None:
        """A value of the forward pass."""
        self._add(name, named(name), formula, value, False, formula)

    def jacobian(
        self, of: str, by: str, formula: Formula, value: Any, turned: Formula | None = None, samples: bool = False
    ) -> None:
        """∂of/∂by, a matrix, or one for each sample."""
        self._add(f"d{of}_d{by}", ratio(of, by), formula, value, samples, turned or formula)

    def product(self, of: str, through: str, by: str, value: Any, samples: bool = False) -> None:
        """∂of/∂by = ∂of/∂through · ∂through/∂by."""
        first, second = ratio(of, through), ratio(through, by)
        both = (first, second), (second, first)
        formula, turned = (Formula(f"{a.text} · {b.text}", rf"{a.latex} \cdot {b.latex}") for a, b in both)
        self.jacobian(of, by, formula, value, turned, samples)

    def update(self, name: str, old: Array, slope: Array, learning_rate: float) -> None:
        """W := w − α(∂J/∂w)ᵀ, in the shape of w."""
        slope_shown, new = ratio("J", name), named(name)
        turned = Formula(f"{name} − α({slope_shown.text})", rf"{new.latex} - \alpha \left({slope_shown.latex}\right)")
        self._add(f"{name}_new", new, transposed(turned), descend(old, slope, learning_rate), False, turned)

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
        """The chain of the quantities so far."""
        return Chain(kind, self.quantities, given, losses, self.mean(), collapse)


def given_inputs(x: Array, w: Array, b: Array, y: Array, loss: Loss, activation: Activation | None) -> dict[str, Array]:
    """The inputs by name, x and y of a single sample as columns, and the settings of the activation and the loss."""
    single = len(x) == 1
    settings = {**(activation.settings if activation else {}), **loss.settings}
    numbers = {symbol(name).text: np.full((1, 1), setting.default) for name, setting in settings.items()}
    first = {"x": x.T} if single else {"X": x}
    return {**first, "w": w, "b": b, "y": y.T if single else y, **numbers}


def loss_in_words(loss: Loss, yhat: str, N: int, classes: bool) -> Formula:
    """J as a formula of the outputs, a or p."""
    by = [r"\sum_i"] * (N > 1) + [r"\sum_k"] * classes
    index, sample = "_k" if classes else "", "^{(i)}" if N > 1 else ""
    names = {n: Formula(f"{m}{index}", f"{m}{index}{sample}") for n, m in (("y", "y"), ("yhat", yhat))}
    return mean(loss.formula, names, N, Formula(" ".join(["Σ"] * len(by)), " ".join(by)))
