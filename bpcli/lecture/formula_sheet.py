"""The derivatives of the lecture's functions as formulas, for `bpcli jacobian NAME` without inputs.

Entries are written as in an expression, with i, j and k counted from 0, N the number of samples, and the lecture's
names: a = g(z), p = softmax(logits), J a loss. Those of the activations and losses come from the formulas in
their rows; matrices, for which the language has no notation, are written here. A test compares each entry with the
Jacobian in numbers.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.render import to_text
from bpcli.calculus.language.tree import (
    Binary,
    Call,
    Compare,
    Expression,
    Name,
    Negative,
    Number,
    fold,
    replace_children,
)
from bpcli.calculus.rules.duals import PlainNamespace
from bpcli.calculus.rules.functions import FUNCTIONS
from bpcli.calculus.sweeps.program import Program
from bpcli.formulas.activations import ACTIVATIONS, Activation
from bpcli.formulas.choices import Setting, Task
from bpcli.formulas.losses import LOSSES, Loss
from bpcli.lecture.inputs import INPUTS, fused_names
from bpcli.lecture.writing import Formula, factor, is_linear, mean_slope, renamed, within, written
from bpcli.numbers.namespaces import FLOATS
from bpcli.text.notation import number


class Entry(NamedTuple):
    """Entries of a Jacobian: `of` is ∂output/∂input, with the formula, and the condition under which it holds."""

    of: str
    formula: str
    where: str = ""


class Sheet(NamedTuple):
    """A function's entries, the Jacobians in LaTeX, and what its names stand for."""

    entries: tuple[Entry, ...]
    latex: tuple[str, ...]
    names: str = ""

    def by(self, blocks: Sequence[str]) -> "Sheet":
        """The part for some of the blocks; each block has one line in LaTeX."""
        latex = tuple(line for block, line in zip(self.blocks, self.latex, strict=True) if block in blocks)
        return Sheet(tuple(entry for entry in self.entries if _block(entry) in blocks), latex, self.names)

    @property
    def blocks(self) -> list[str]:
        """The blocks that it is differentiated by."""
        return list(dict.fromkeys(_block(entry) for entry in self.entries))


def _block(entry: Entry) -> str:
    """`x` of `dz[k]/dx[j]`."""
    return entry.of.rpartition("/d")[2].partition("[")[0]


class Softmax(NamedTuple):
    """An entry of softmax, and the entries of its Jacobian on and off the diagonal."""

    value: Formula
    jacobian: Formula


_ENTRIES = {name: Formula(name, name) for name in ("p_i", "p_j")}
_DIAGONAL, _REST = written("p_i*(1-p_i)", _ENTRIES), written("-p_i*p_j", _ENTRIES)

SOFTMAX = Softmax(
    Formula("e^{l_i}/Σ_k e^{l_k}", r"\frac{e^{l_i}}{\sum_k e^{l_k}}"),
    Formula(
        f"{_DIAGONAL.text}, {_REST.text}",
        rf"\begin{{cases}} {_DIAGONAL.latex}, & i = j \\ {_REST.latex}, & i \ne j \end{{cases}}",
    ),
)

MATRICES = {
    "softmax": Sheet(
        (
            Entry("dp[i]/dlogits[i]", "p[i]*(1-p[i])"),
            Entry("dp[i]/dlogits[j]", "-p[i]*p[j]", "i != j"),
        ),
        (r"\frac{\partial \vec{p}}{\partial \vec{l}} = \operatorname{diag}(\vec{p}) - \vec{p}\,\vec{p}^T",),
        "p = softmax(logits)",
    ),
    "log_softmax": Sheet(
        (Entry("df[i]/dlogits[i]", "1-p[i]"), Entry("df[i]/dlogits[j]", "-p[j]", "i != j")),
        (r"\frac{\partial \log \vec{p}}{\partial \vec{l}} = I - \vec{1}\,\vec{p}^T",),
        "f = log_softmax(logits), p = softmax(logits)",
    ),
    "dot": Sheet(
        (Entry("df/du[j]", "v[j]"), Entry("df/dv[j]", "u[j]")),
        (
            r"\frac{\partial f}{\partial \vec{u}} = \vec{v}^T",
            r"\frac{\partial f}{\partial \vec{v}} = \vec{u}^T",
        ),
        "f = dot(u, v)",
    ),
    "affine": Sheet(
        (
            Entry("dz[k]/dx[j]", "w[j,k]"),
            Entry("dz[k]/dw[j,k]", "x[j]"),
            Entry("dz[k]/dw[j,m]", "0", "m != k"),
            Entry("dz[k]/db[k]", "1"),
            Entry("dz[k]/db[m]", "0", "m != k"),
        ),
        (
            r"\frac{\partial \vec{z}}{\partial \vec{x}} = W^T",
            r"\frac{\partial z}{\partial \vec{w}} = \vec{x}^T",
            r"\frac{\partial \vec{z}}{\partial \vec{b}} = I",
        ),
        "z = x·w + b; of a vector w there is one z, and no k",
    ),
}
"""The functions whose entries are not formulas of the same entry of their input."""


def sheet_of(name: str, activation: str | None = None, settings: Mapping[str, float] | None = None) -> Sheet:
    """The formulas of a function of the lecture; a neuron's have the slope of `activation`, if it is named."""
    chosen = settings or {}
    if name in MATRICES:
        return MATRICES[name]
    if name in ACTIVATIONS:
        return activation_sheet(ACTIVATIONS[name].with_settings(chosen))
    if name in LOSSES:
        return loss_sheet(LOSSES[name].with_settings(chosen))
    if name in (fused := fused_names()):
        g, row = fused[name]
        return fused_sheet(g, row.with_settings(chosen))
    return neuron_sheet(ACTIVATIONS[activation].with_settings(chosen) if activation else None)


class OneFormula(NamedTuple):
    """A function of the lecture as a formula of numbers, the variables to differentiate by, and its settings."""

    text: str
    blocks: tuple[str, ...]
    settings: dict[str, float]


def one_formula(
    name: str, activation: str | None = None, settings: Mapping[str, float] | None = None
) -> OneFormula | None:
    """A loss is the term of one sample, a neuron has one input; None where there is no such formula, as for softmax.

    The rules of the language, run over it, give the slopes of the rows, at their kinks too.
    """
    fused = fused_names()
    g, loss = fused[name] if name in fused else (activation or name, LOSSES.get(name))
    rows = [row.with_settings(settings or {}) for row in (ACTIVATIONS.get(g), loss) if row is not None]
    if not rows or (name in fused and g not in ACTIVATIONS):
        return None
    text, *others = (_form_with_the_slopes(row) for row in rows)
    blocks: tuple[str, ...] = ("z",) if g in ACTIVATIONS else ("yhat",)
    if len(rows) > 1:
        text = re.sub(r"\byhat\b", f"({text})", others[0])
    if activation is not None:
        text, blocks = re.sub(r"\bz\b", "(x*w+b)", text), tuple(key for key in INPUTS[name] if key != "activation")
    given = {key: setting.default for row in rows for key, setting in row.settings.items()}
    return OneFormula(to_text(parse(text)), blocks, given)


def _form_with_the_slopes(row: Activation | Loss) -> str:
    """The formula of a row. Where the row takes a side at a tie, which max and min would share, cases replace these.

    Where that does not give the row's slopes at its kinks either, it is a call of the language's function.
    """
    defaults = {name: setting.default for name, setting in row.settings.items()}
    if isinstance(row, Activation):
        arguments: tuple[str, ...] = ("z",)
        ties = [({"z": float(kink.at)}, row.derivative(kink.at, **defaults)) for kink in row.kinks(**defaults)]
    else:
        arguments, ys = ("y", "yhat"), row.encoding or (1.0,)
        places = [(y, float(kink.at)) for y in ys for kink in row.kinks(y, **defaults)]
        ties = [({"y": y, "yhat": yhat}, row.slope(y, yhat, **defaults)) for y, yhat in places]
    for tie in ("", ">=", ">"):

        def anew(node: Expression, operands: list[Expression], tie: str = tie) -> Expression:
            return _as_cases(replace_children(node, operands), tie)

        tree = fold(parse(row.formula), anew)
        if all(_slope(tree, at | defaults, arguments[-1]) == slope for at, slope in ties):
            return to_text(tree)
    return f"{row.name}({', '.join([*arguments, *row.settings])})"


def _as_cases(node: Expression, tie: str) -> Expression:
    """where(b ≥ a, b, a) for max(a, b), with the comparison that `tie` says; without one the node as it is."""
    match node:
        case Call(function, (a, b)) if tie and (neutral := FUNCTIONS[function].neutral) is not None:
            return Call("where", (Compare(tie, b, a) if neutral < 0 else Compare(tie, a, b), b, a))
    return node


def _slope(tree: Expression, at: Mapping[str, float], by: str) -> float:
    """The derivative at a point by the rules alone, which take no side."""
    program = Program([tree], [to_text(tree)], dict.fromkeys(at, ()))
    (output,) = program.outputs
    xp = PlainNamespace(FLOATS)
    return float(program.reverse(xp, program.forward(xp, at), {output: 1.0}, program.active([by])).get(by, 0.0))


def activation_sheet(row: Activation) -> Sheet:
    """A diagonal matrix: ∂a_i/∂z_i is the slope of the activation."""
    formula = re.sub(r"\b([az])\b", r"\1[i]", row.derivative_formula)
    slope = within(row.derivative_formula).latex
    return Sheet(
        (Entry("da[i]/dz[i]", formula), Entry("da[i]/dz[j]", "0", "i != j")),
        (rf"\frac{{\partial \vec{{a}}}}{{\partial \vec{{z}}}} = \operatorname{{diag}}\left({slope}\right)",),
        f"a = {row.name}(z)" + _settings(row.settings),
    )


def neuron_sheet(row: Activation | None) -> Sheet:
    """A neuron: ∂a/∂z of its activation times ∂z/∂x, ∂z/∂w, ∂z/∂b."""
    slope, latex = ("da_dz", r"\frac{\partial a}{\partial z}")
    if row is not None:
        slope, latex = row.derivative_formula, factor(row.derivative_formula).latex
    tree = parse(slope)
    atom = isinstance(tree, Call | Name) or (isinstance(tree, Binary) and tree.op in "*/")
    times = "" if slope == "1" else f"{slope}*" if atom else f"({slope})*"
    before = "" if latex == "1" else latex + r" \, "
    return Sheet(
        (Entry("da/dx[j]", f"{times}w[j]"), Entry("da/dw[j]", f"{times}x[j]"), Entry("da/db", slope)),
        (
            rf"\frac{{\partial a}}{{\partial \vec{{x}}}} = {before}\vec{{w}}^T",
            rf"\frac{{\partial a}}{{\partial \vec{{w}}}} = {before}\vec{{x}}^T",
            rf"\frac{{\partial a}}{{\partial b}} = {latex}",
        ),
        "z = x·w + b, a = " + (f"{row.name}(z){_settings(row.settings)}" if row else "g(z)"),
    )


def loss_sheet(row: Loss) -> Sheet:
    """∂J/∂ŷ of a mini-batch: 1/N of the slope of each entry."""
    rows = row.task is Task.CLASSES
    names = f"J = {row.name}(y, yhat)" + ", one sample in each row" * rows + _settings(row.settings)
    return Sheet(*_gradient(row.slope_formula, "yhat", rows), names)


def fused_sheet(g: str, row: Loss) -> Sheet:
    """∂J/∂z of a loss after an activation, or after softmax by the logits."""
    rows = g not in ACTIVATIONS
    output, by = ("p", "logits") if rows else ("a", "z")
    names = (
        f"{output} = {g}({by}), J = {row.name}(y, {output})"
        + ", one sample in each row" * rows
        + _settings(row.settings)
    )
    return Sheet(*_gradient(row.fused[g].slope_formula, by, rows), names)


_LETTERS = {"y": "y", "yhat": r"\hat{y}", "a": "a", "p": "p", "z": "z", "logits": "l"}


def _gradient(formula: str, by: str, rows: bool) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    """1/N of a slope; entries have the index of the sample, and of the class where a sample is a row."""
    tree, index, below = parse(formula), "[i,k]" if rows else "[i]", "_{ik}" if rows else "_i"
    text = to_text(renamed(_over_samples(tree), {name: name + index for name in _LETTERS}))
    if is_linear(tree):
        shown = {name: letter if "{" in letter else rf"\vec{{{letter}}}" for name, letter in _LETTERS.items()}
    else:
        shown = {name: letter + below for name, letter in _LETTERS.items()}
    slope = mean_slope(formula, {name: Formula(name, letter) for name, letter in shown.items()}, 2).latex
    latex = slope.replace("}(", "} (", 1) + "^T" if is_linear(tree) else slope
    return (Entry(f"dJ/d{by}{index}", text),), (rf"\frac{{\partial J}}{{\partial {shown[by]}}} = {latex}",)


def _over_samples(tree: Expression) -> Expression:
    """1/N of a formula, with N in its leading number (2/N) or in its denominator."""
    samples = Name("N")
    match tree:
        case Binary("*", left, right) if isinstance(left, Number) or (
            isinstance(left, Negative) and isinstance(left.operand, Number)
        ):
            return Binary("*", Binary("/", left, samples), right)
        case Binary("/", left, right):
            return Binary("/", left, _times(samples, right))
    return Binary("/", tree, samples)


def _times(factor_: Expression, tree: Expression) -> Expression:
    """A product with one more factor, in front."""
    match tree:
        case Binary("*", left, right):
            return Binary("*", _times(factor_, left), right)
    return Binary("*", factor_, tree)


def _settings(settings: Mapping[str, Setting]) -> str:
    return "".join(f", {name} = {number(setting.default)}" for name, setting in settings.items())
