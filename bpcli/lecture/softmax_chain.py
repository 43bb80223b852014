"""The chain of Jacobians of a softmax layer: l = xᵀw + b, p = softmax(l), J(y, p).

Source: the lecture's "Softmax and Jacobians" and "Gradients for Mini-batch" (the factor 1/N).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.calculus.language.parser import parse
from bpcli.formulas.affine import affine_pair, daffine_db, daffine_dw, daffine_dx
from bpcli.formulas.loss_formulas import dsoftmax_cce_term_dlogits
from bpcli.formulas.losses import Loss
from bpcli.formulas.softmax import dsoftmax_dlogits, softmax, softmax_vjp
from bpcli.lecture.chain import Chain, ChainBuilder, given_inputs, loss_in_words, named, transposed
from bpcli.lecture.formula_sheet import SOFTMAX
from bpcli.lecture.writing import Formula, is_linear, mean_slope, share, signed, written
from bpcli.numbers import pairs
from bpcli.numbers.namespaces import array_namespace

Array = NDArray[Any]


def softmax_chain(x: Array, w: Array, b: Array, y: Array, loss: Loss, learning_rate: float | None = None) -> Chain:
    """The chain of p = softmax(xᵀw + b) and J(p, y): x (N, n), w (n, K), b (K,), y (N, K), rows that add up to 1.

    Names: l p J dJ_dp dp_dl dJ_dl dl_dw dl_dx dl_db dJ_dw dJ_db dJ_dx, and with a learning rate w_new b_new; ∂J/∂w is
    1 × n·K, by the entries of w row by row.
    """
    chain = ChainBuilder(len(x))
    dJ_dl = _softmax_forward(chain, x, w, b, y, loss)
    dJ_dw, dJ_db = _softmax_back(chain, x, w, dJ_dl)
    if learning_rate is not None:
        chain.update("w", w, dJ_dw, learning_rate)
        chain.update("b", b[:, None], dJ_db[:, None], learning_rate)
    fused, collapse = loss.fused.get("softmax"), None
    if fused:
        names = {name: named(name) for name in ("p", "y")}
        error = mean_slope(fused.slope_formula, names, len(x))
        error = error if error.text.endswith(")") else Formula(f"({error.text})", f"({error.latex})")
        collapse = (transposed(error), error)
    logits, p = (chain.quantities[name].value for name in ("l", "p"))
    losses = chain.losses(
        loss_in_words(loss, "p", 1, classes=True),
        lambda i: _loss_of_softmax(logits[i : i + 1], p[i : i + 1], y[i : i + 1], loss)[0],
    )
    return chain.chain("softmax", given_inputs(x, w, b[:, None], y, loss, None), losses, collapse)


def _softmax_forward(chain: ChainBuilder, x: Array, w: Array, b: Array, y: Array, loss: Loss) -> Array:
    """The logits l, p, J, and the Jacobians at them: ∂J/∂p, ∂p/∂l, and their product ∂J/∂l, which is returned."""
    single, N = chain.single, chain.N
    logits = affine_pair(x, w, b)[0]
    p = softmax(logits)
    J, dJ_dp, dJ_dl = _loss_of_softmax(logits, p, y, loss)

    affine = Formula("xᵀ·w + b", r"(\vec{x}^T \cdot w + b)^T") if single else Formula("X·w + b", r"X \cdot w + b")
    chain.value("l", affine, logits.T if single else logits)
    chain.value("p", SOFTMAX.value, p.T if single else p)
    chain.value("J", loss_in_words(loss, "p", N, classes=True), [[J]])
    chain.jacobian("J", "p", _slope_by_class(loss, N), dJ_dp[:, None, :], samples=True)
    chain.jacobian("p", "l", SOFTMAX.jacobian, dsoftmax_dlogits(logits), samples=True)
    chain.product("J", "p", "l", dJ_dl[:, None, :], samples=True)
    return dJ_dl


def _softmax_back(chain: ChainBuilder, x: Array, w: Array, dJ_dl: Array) -> tuple[Array, Array]:
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
