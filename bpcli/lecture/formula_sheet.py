"""The derivatives of the lecture's functions as formulas, for `bpcli jacobian NAME` without inputs.

Entries are written as in an expression, with i, j and k counted from 0, N the number of samples, and the lecture's
names: a = g(z), p = softmax(logits), J a loss. A test evaluates each of them beside the Jacobian in numbers.
"""

from typing import NamedTuple


class Entry(NamedTuple):
    """One kind of entry of a Jacobian: `of` as ∂output/∂input, its formula, and for which entries it holds."""

    of: str
    formula: str
    where: str = ""


class Sheet(NamedTuple):
    """A function's entries, the Jacobians in LaTeX, and what its names stand for."""

    entries: tuple[Entry, ...]
    latex: tuple[str, ...]
    names: str = ""


SLOPES = {
    "sigmoid": ("a[i]*(1-a[i])", "a(1 - a)"),
    "tanh": ("(1+a[i])*(1-a[i])", "(1 + a)(1 - a)"),
    "relu": ("where(z[i]>=0, 1, 0)", r"[z \ge 0]"),
    "identity": ("1", "1"),
    "softplus": ("sigmoid(z[i])", r"\sigma(z)"),
}
"""∂a/∂z of what is applied entry by entry, as a formula and in LaTeX."""


def _entrywise(name: str) -> Sheet:
    formula, latex = SLOPES[name]
    return Sheet(
        (Entry("da[i]/dz[i]", formula), Entry("da[i]/dz[j]", "0", "i != j")),
        (rf"\frac{{\partial \vec{{a}}}}{{\partial \vec{{z}}}} = \operatorname{{diag}}\left({latex}\right)",),
        f"a = {name}(z)",
    )


def neuron_sheet(activation: str | None) -> Sheet:
    """The neuron's, with the slope of its activation; of any, where none is named."""
    formula, latex = ("da_dz", r"\frac{\partial a}{\partial z}") if activation is None else SLOPES[activation]
    slope = formula.replace("[i]", "")
    times = f"{slope}*" if slope != "1" else ""
    factor = "" if latex == "1" else latex + r" \, "
    return Sheet(
        (Entry("da/dx[j]", f"{times}w[j]"), Entry("da/dw[j]", f"{times}x[j]"), Entry("da/db", slope)),
        (
            rf"\frac{{\partial a}}{{\partial \vec{{x}}}} = {factor}\vec{{w}}^T",
            rf"\frac{{\partial a}}{{\partial \vec{{w}}}} = {factor}\vec{{x}}^T",
            rf"\frac{{\partial a}}{{\partial b}} = {latex}",
        ),
        "z = x·w + b, a = " + (f"{activation}(z)" if activation else "g(z); --activation NAME gives its slope"),
    )


SHEETS: dict[str, Sheet] = {
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
    **{name: _entrywise(name) for name in SLOPES},
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
    "mse": Sheet(
        (Entry("dJ/dyhat[i]", "-2/N*(y[i]-yhat[i])"),),
        (r"\frac{\partial J}{\partial \hat{y}} = -\frac{2}{N} (\vec{y} - \hat{y})^T",),
        "J = mse(y, yhat)",
    ),
    "bce": Sheet(
        (Entry("dJ/dyhat[i]", "(yhat[i]-y[i])/(N*yhat[i]*(1-yhat[i]))"),),
        (r"\frac{\partial J}{\partial \hat{y}_i} = \frac{1}{N} \frac{\hat{y}_i - y_i}{\hat{y}_i(1 - \hat{y}_i)}",),
        "J = bce(y, yhat)",
    ),
    "cce": Sheet(
        (Entry("dJ/dyhat[i,k]", "-y[i,k]/(N*yhat[i,k])"),),
        (r"\frac{\partial J}{\partial \hat{y}_{ik}} = -\frac{1}{N} \frac{y_{ik}}{\hat{y}_{ik}}",),
        "J = cce(y, yhat), a sample a row",
    ),
    "sigmoid_bce": Sheet(
        (Entry("dJ/dz[i]", "(a[i]-y[i])/N"),),
        (r"\frac{\partial J}{\partial \vec{z}} = \frac{1}{N} (\vec{a} - \vec{y})^T",),
        "a = sigmoid(z), J = bce(y, a)",
    ),
    "softmax_cce": Sheet(
        (Entry("dJ/dlogits[i,k]", "(p[i,k]-y[i,k])/N"),),
        (r"\frac{\partial J}{\partial \vec{l}} = \frac{1}{N} (\vec{p} - \vec{y})^T",),
        "p = softmax(logits), J = cce(y, p), a sample a row",
    ),
}
"""The formulas by name; those of the neuron depend on its activation: `neuron_sheet`."""


def sheet_of(name: str, activation: str | None = None) -> Sheet:
    """The formulas of a function of the lecture."""
    return neuron_sheet(activation) if name == "neuron" else SHEETS[name]
