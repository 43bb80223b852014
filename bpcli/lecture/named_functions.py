"""The lecture's functions by name, for `bpcli jacobian NAME`: their checks, values, Jacobians, and products with them.

`NAMED` has a row for each function, and `INPUTS` lists its inputs.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from bpcli.calculus.one_sided.kink_notes import Kink as SidesOfKink
from bpcli.calculus.rules.shapes import entry_names
from bpcli.errors import InputError, UsageError, meant
from bpcli.formulas import softmax as soft
from bpcli.formulas.activations import ACTIVATIONS, Activation
from bpcli.formulas.affine import affine_pair, affine_scaled, daffine_db, daffine_dw, daffine_dx, ddot_du, ddot_dv, dot
from bpcli.formulas.choices import KINKS, Kink, Task
from bpcli.formulas.losses import LOSSES, Loss
from bpcli.lecture.input_checks import (
    Inputs,
    as_rows,
    check_affine,
    check_dot,
    check_neuron,
    check_one_hot,
    check_pairs,
    check_settings,
    vector_of,
    with_settings,
)
from bpcli.lecture.inputs import Derived, fused_names
from bpcli.numbers import pairs
from bpcli.numbers.namespaces import array_namespace
from bpcli.text.notation import byte_size, number

_TOLD_APART = 2.0**-60  # of the largest term: a z that is farther from a kink in doubles is not at it
MAX_BYTES = 2 << 30
"""The largest Jacobian; the products never form one."""


class Corner(NamedTuple):
    """An entry of a Jacobian at a kink of a function, such as relu."""

    output: int
    block: str
    entry: int
    used: float  # the slope of the function by convention, and those on both sides
    left: float
    right: float
    entry_of: Callable[[float, Inputs], Any]  # (slope, inputs): the entry for a slope, in the numbers of the inputs
    rises: bool  # whether the argument of the function rises with this input
    place: str  # where the kink is, in words

    def slopes(self, inputs: Inputs) -> tuple[Any, Any, Any]:
        """The entry of the Jacobian by convention, and that to the left and to the right of the input."""
        sides = (self.left, self.right) if self.rises else (self.right, self.left)
        used, left, right = (self.entry_of(slope, inputs) + 0.0 for slope in (self.used, *sides))  # −0 is 0
        return used, left, right

    def kink(self, inputs: Inputs, choice: str = "lecture") -> SidesOfKink:
        """The slopes on both sides, and the one that is used."""
        title = entry_names(self.block, np.shape(inputs[self.block]))[self.entry]
        used, left, right = map(float, self.slopes(inputs))
        return SidesOfKink(f"d/d{title}", 0, left, right, (used, left, right)[KINKS.index(choice)], False)


def smooth(inputs: Inputs) -> list[Corner]:
    """The kinks of a function that has none."""
    return []


class Named(NamedTuple):
    """A function of the lecture; all but `check` take the arrays that `check` returns, or the same in balls."""

    blocks: tuple[str, ...]  # the inputs that it is differentiated by
    check: Callable[[Inputs], dict[str, Any]]  # the inputs as arrays, or an InputError
    value: Callable[[Inputs], Any]  # an array or a number
    jacobian: Callable[[Inputs], dict[str, Any]]  # for each block a matrix, outputs × entries
    vjp: Callable[[Inputs, Any], dict[str, Any]]  # v·J in the shape of each block, without forming J
    jvp: Callable[[Inputs, Any], Any]  # J·v in the shape of the value, without forming J
    rows_of: str | None = None  # the vector input for which a matrix gives one function for each row
    corners: Callable[[Inputs], list[Corner]] = smooth  # the entries that are at a kink


def _refuse_large(rows: int, columns: int) -> None:
    if rows * columns * 8 > MAX_BYTES:
        raise InputError(
            f"the Jacobian would have {rows} × {columns} entries, {byte_size(rows * columns * 8)}",
            "vjp V gives V·J and jvp V gives J·V without forming it",
            names=("vjp", "jvp"),
        )


def each_set(row: Named, inputs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The inputs, or one set of inputs for each row where the input `rows_of` is a matrix."""
    if row.rows_of is None or np.ndim(inputs[row.rows_of]) != 2:
        return [dict(inputs)]
    matrix = np.asarray(inputs[row.rows_of])
    if matrix.shape[1] == 1:  # a column, such as a file with one number on each line
        return [{**inputs, row.rows_of: matrix[:, 0]}]
    return [{**inputs, row.rows_of: one} for one in matrix]


# Functions of logits, and of z entry by entry


def _of_logits(value: Any, jacobian: Any, vjp: Any, jvp: Any) -> Named:
    def dense(inputs: Inputs) -> dict[str, Any]:
        K = len(inputs["logits"])
        _refuse_large(K, K)
        return {"logits": jacobian(inputs["logits"])}

    return Named(
        ("logits",),
        lambda i: {"logits": vector_of(i, "logits")},
        lambda i: value(i["logits"]),
        dense,
        lambda i, v: {"logits": vjp(v, i["logits"])},
        lambda i, v: jvp(i["logits"], v),
        "logits",
    )


def _activation(row: Activation) -> Named:
    """A function of z entry by entry: its Jacobian is diagonal."""

    def at(inputs: Inputs) -> Activation:
        return with_settings(row, inputs)

    def dense(inputs: Inputs) -> dict[str, Any]:
        z = inputs["z"]
        _refuse_large(len(z), len(z))
        return {"z": array_namespace(z).diag(at(inputs).derivative(z))}

    def corners(inputs: Inputs) -> list[Corner]:
        z, g = inputs["z"], at(inputs)
        return [
            Corner(k, "z", k, float(g.derivative(z[k])), kink.left, kink.right, lambda s, i: s, True, _place(row, kink))
            for kink in _kinks(g)
            for k in np.flatnonzero(z == kink.at).tolist()
        ]

    return Named(
        ("z",),
        lambda i: {"z": vector_of(i, "z"), **check_settings(row, i)},
        lambda i: at(i).value(i["z"]),
        dense,
        lambda i, v: {"z": v * at(i).derivative(i["z"])},
        lambda i, v: at(i).derivative(i["z"]) * v,
        corners=corners,
    )


def _kinks(row: Activation) -> list[Kink]:
    """The places where the slope jumps."""
    return [kink for kink in row.kinks() if kink.left != kink.right]


def _place(row: Activation, kink: Kink) -> str:
    return f"{row.name}(z) at z = {number(kink.at)}"


# dot, affine, neuron


_DOT = Named(
    ("u", "v"),
    check_dot,
    lambda i: dot(i["u"], i["v"]),
    lambda i: {"u": ddot_du(i["u"], i["v"]), "v": ddot_dv(i["u"], i["v"])},
    lambda i, g: {"u": g[0] * i["v"], "v": g[0] * i["u"]},
    lambda i, t: dot(array_namespace(t).concatenate([i["v"], i["u"]]), t),
)


def _affine_jacobian(inputs: Inputs) -> dict[str, Any]:
    x, w = inputs["x"], inputs["w"]
    _refuse_large(w.shape[1] if w.ndim == 2 else 1, w.size)
    return {"x": daffine_dx(x, w), "w": daffine_dw(x, w), "b": daffine_db(w)}


def _affine_vjp(inputs: Inputs, g: Any) -> dict[str, Any]:
    x, w = inputs["x"], inputs["w"]
    if w.ndim == 1:
        return {"x": g[0] * w, "w": g[0] * x, "b": g}
    return {"x": dot(w, g), "w": x[:, None] * g, "b": g}


def _affine_jvp(inputs: Inputs, t: Any) -> tuple[Any, Any]:
    """dz = (dx)ᵀw + xᵀ(dw) + db for t = (dx, dw, db), one sum, as m·2^k."""
    x, w = inputs["x"], inputs["w"]
    concatenate = array_namespace(t).concatenate
    dx, dw, db = t[: x.size], t[x.size : x.size + w.size].reshape(w.shape), t[x.size + w.size :]
    z, k = affine_scaled(concatenate([dx, x]), concatenate([w, dw]), db.reshape(w.shape[1:]))
    return z[0], k


_AFFINE = Named(
    ("x", "w", "b"),
    check_affine,
    lambda i: affine_pair(i["x"], i["w"], i["b"])[0],
    _affine_jacobian,
    _affine_vjp,
    lambda i, t: array_namespace(t).ldexp(*_affine_jvp(i, t)),
    "x",
)


def _activation_of(inputs: Inputs) -> Activation:
    return with_settings(ACTIVATIONS[inputs["activation"]], inputs)


def _neuron(inputs: Inputs) -> Any:
    """a = g(z + low) = g(z) + low·g'(z), with the pair z + low = xᵀw + b."""
    z, low = affine_pair(inputs["x"], inputs["w"], inputs["b"])
    xp, row = array_namespace(z), _activation_of(inputs)
    a, change = row.value(z), low * row.derivative(z)
    return a + xp.where(xp.isfinite(change), change, 0.0 * low)  # 0·∞ where a is beyond the doubles


def neuron_slope(x: Any, w: Any, b: Any, activation: Activation) -> tuple[Any, Any]:
    """∂a/∂z at z = xᵀw + b as (m, k) for m·2^k."""
    xp = array_namespace(x)
    z, k = affine_scaled(x, w, b)
    # Of a z that underflows the sign must stay, for the side of a kink.
    return activation.slope(*pairs.ldexp(xp, z, xp.maximum(k, -400)))


def _times_slope(inputs: Inputs, *products: tuple[tuple[Any, Any], ...]) -> list[Any]:
    """(∂a/∂z)·Π m·2^k for each product of (m, k): a slope too small for a double may meet a large factor."""
    xp = array_namespace(inputs["x"])
    slope = neuron_slope(inputs["x"], inputs["w"], inputs["b"], _activation_of(inputs))
    results = []
    for factors in products:
        m, k = slope
        for m_factor, k_factor in factors:
            m, k = m * m_factor, k + k_factor
        results.append(xp.ldexp(m, k))
    return results


def _neuron_vjp(inputs: Inputs, v: Any) -> dict[str, Any]:
    g, x, w = (array_namespace(v).frexp(factor) for factor in (v, inputs["x"], inputs["w"]))
    return dict(zip(("x", "w", "b"), _times_slope(inputs, (g, w), (g, x), (g,)), strict=True))


def _corners_of_neuron(inputs: Inputs) -> list[Corner]:
    """The entries that z depends on, if z is at a kink of the activation."""
    row = _activation_of(inputs)
    found = []
    for kink in _kinks(row):
        if not _is_at(kink.at, inputs["x"], inputs["w"], inputs["b"]):
            continue
        used = float(row.derivative(kink.at))
        for block, factors in (("x", "w"), ("w", "x"), ("b", "")):
            slopes = inputs[factors] if factors else np.ones(1)
            for k in np.flatnonzero(slopes).tolist():
                entry_of = partial(_times_entry, factors, k)
                rises = bool(slopes[k] > 0)
                found.append(Corner(0, block, k, used, kink.left, kink.right, entry_of, rises, _place(row, kink)))
    return found


def _is_at(at: float, x: Any, w: Any, b: Any) -> bool:
    """Whether z = xᵀw + b is exactly `at`, by exact sums where doubles can't decide."""
    z, low = affine_pair(x, w, b)
    far = abs((z - at) + low) > _TOLD_APART * max(abs(at), abs(float(b)), float(abs(x * w).max(initial=0.0)))
    if far or not np.isfinite([*x, *w, b]).all():
        return False
    products = (Fraction(one) * Fraction(two) for one, two in zip(x.tolist(), w.tolist(), strict=True))
    return sum(products, Fraction(float(b))) == at


def _times_entry(factors: str, k: int, slope: float, inputs: Inputs) -> Any:
    return slope * inputs[factors][k] if factors else slope


_NEURON = Named(
    ("x", "w", "b"),
    check_neuron,
    _neuron,
    lambda i: {name: block[None, :] for name, block in _neuron_vjp(i, array_namespace(i["x"]).ones(1)).items()},
    _neuron_vjp,
    lambda i, t: _times_slope(i, (_affine_jvp(i, t),))[0],
    "x",
    _corners_of_neuron,
)


# Losses


def _loss(row: Loss, g: str | None = None) -> Named:
    """A loss of ŷ; with g the loss of z after an activation, or of logits after softmax.

    Its Jacobian is a gradient, 1 × all entries.
    """
    block = "yhat" if g is None else "z" if g in ACTIVATIONS else "logits"
    by_rows = row.task is Task.CLASSES

    def functions(inputs: Inputs) -> tuple[Callable[..., Any], Callable[..., Any]]:
        bound = with_settings(row, inputs)
        return (bound.J, bound.dJ_dyhat) if g is None else (bound.fused[g].J, bound.fused[g].dJ_dz)

    def arguments(inputs: Inputs) -> tuple[Any, Any]:
        y, other = inputs["y"], inputs[block]
        return (as_rows(y), as_rows(other)) if by_rows else (y, other)

    def shaped(inputs: Inputs) -> Any:
        return functions(inputs)[1](*arguments(inputs)).reshape(inputs[block].shape)

    check = check_one_hot if by_rows else check_pairs
    return Named(
        (block,),
        lambda i: {**check(row, block, i), **check_settings(row, i)},
        lambda i: functions(i)[0](*arguments(i)),
        lambda i: {block: shaped(i).reshape(1, -1)},
        lambda i, v: {block: v[0] * shaped(i)},
        lambda i, t: dot(shaped(i).reshape(-1), t),
        corners=partial(_corners_of_loss, row) if g is None else smooth,
    )


def _corners_of_loss(row: Loss, inputs: Inputs) -> list[Corner]:
    """The entries of ŷ at a kink of the loss's term."""
    y, yhat = inputs["y"], inputs["yhat"]
    bound = with_settings(row, inputs)
    N = len(yhat)
    found = []
    for kink in bound.kinks(y):
        at, left, right = (np.broadcast_to(np.asarray(part, float), yhat.shape).ravel() for part in kink)
        for k in np.flatnonzero((yhat.ravel() == at) & (left != right)).tolist():
            used = float(bound.slope(y.ravel()[k], yhat.ravel()[k]))
            place = f"{row.name}(y, yhat) at y = {number(y.ravel()[k])}, yhat = {number(at[k])}"
            sides = float(left[k]), float(right[k])
            found.append(Corner(0, "yhat", k, used, *sides, lambda slope, i: slope / N, True, place))
    return found


def _named() -> dict[str, Named]:
    return {
        "softmax": _of_logits(soft.softmax, soft.dsoftmax_dlogits, soft.softmax_vjp, soft.softmax_jvp),
        "log_softmax": _of_logits(
            soft.log_softmax, soft.dlog_softmax_dlogits, soft.log_softmax_vjp, soft.log_softmax_jvp
        ),
        **{name: _activation(row) for name, row in ACTIVATIONS.items()},
        "dot": _DOT,
        "affine": _AFFINE,
        "neuron": _NEURON,
        **{name: _loss(row) for name, row in LOSSES.items()},
        **{name: _loss(row, g) for name, (g, row) in fused_names().items()},
    }


NAMED: Mapping[str, Named] = Derived(_named)
"""Every name that `jacobian` knows."""


def named_function(name: str) -> Named:
    """The row of a name; UsageError if there is none."""
    if not isinstance(name, str) or name not in NAMED:
        hint = meant(name, NAMED, f"they are {', '.join(NAMED)}")
        raise UsageError(f"there is no function of the lecture called {name}", hint)
    return NAMED[name]
